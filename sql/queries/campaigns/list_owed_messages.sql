-- The messages of a campaign that are owed now, and what they are about.
-- Takes: message_ids, an array to have only these, or NULL for all.
-- Returns: id, kind, parent_id, mailbox, address, awaits_approval, shares_mailbox (another family has a message of the campaign to it),
-- order_ids (an array).
SELECT
    m.id,
    m.kind,
    m.parent_id,
    m.mailbox,
    m.address,
    coalesce(m.reason = 'awaiting_approval', FALSE) AS awaits_approval,
    exists(
        SELECT FROM tournament_fees.messages AS other
        WHERE other.campaign_id = m.campaign_id AND other.mailbox = m.mailbox AND other.family <> m.family
    ) AS shares_mailbox,
    array(
        SELECT mo.order_id FROM tournament_fees.message_orders AS mo
        WHERE mo.message_id = m.id
        ORDER BY mo.order_id
    ) AS order_ids
FROM tournament_fees.messages AS m
WHERE
    m.campaign_id = :campaign_id AND m.status = 'queued' AND m.next_attempt_at <= :now
    AND (cast(:message_ids AS bigint[]) IS NULL OR m.id = any(cast(:message_ids AS bigint[])))
ORDER BY m.id;
