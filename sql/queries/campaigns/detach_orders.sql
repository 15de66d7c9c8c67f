-- Take orders off unsent messages to a mailbox that is theirs no more (an address was corrected), and off sent ones that carried no link
-- for them (it was under review, or a slow payment has failed since): they get a message of their own. Off unsent ones come those too that
-- the run is not about, so that no retry mails them either. A message that may have been delivered keeps its orders: it is sent again as a
-- whole or not at all.
-- Takes: from_sent, whether those are meant, too, that sent ones carried no link for.
-- Returns: order_id.
DELETE FROM tournament_fees.message_orders AS mo
USING tournament_fees.messages AS m, snapshot AS s
WHERE
    mo.campaign_id = :campaign_id
    AND s.order_id = mo.order_id
    AND m.id = mo.message_id
    AND (
        (
            m.status IN ('queued', 'skipped')
            AND NOT m.maybe_delivered
            AND (NOT s.chosen OR (m.mailbox, m.family) IS DISTINCT FROM (s.mailbox, s.family))
        )
        OR (:from_sent AND s.chosen AND m.status = 'sent' AND mo.session_id IS NULL AND s.order_status = 'pending')
    )
RETURNING mo.order_id;
