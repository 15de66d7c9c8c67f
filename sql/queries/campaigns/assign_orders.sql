-- Give each order that the run is about, and that no message of the campaign carries yet, to its family's unsent message.
-- Takes: order_ids, an array of the orders that may join, or NULL for all.
-- Returns nothing.
INSERT INTO tournament_fees.message_orders (campaign_id, order_id, message_id, player_id)
SELECT DISTINCT ON (s.order_id)
    :campaign_id,
    s.order_id,
    m.id,
    s.player_id
FROM snapshot AS s
INNER JOIN tournament_fees.messages AS m
    ON
        m.campaign_id = :campaign_id
        AND (m.mailbox, m.family) = (s.mailbox, s.family)
        AND m.status IN ('queued', 'skipped')
        AND NOT m.maybe_delivered
WHERE
    s.order_id IS NOT NULL
    AND s.chosen
    AND (cast(:order_ids AS bigint[]) IS NULL OR s.order_id = any(cast(:order_ids AS bigint[])))
ORDER BY s.order_id ASC, m.part DESC
ON CONFLICT (campaign_id, order_id) DO NOTHING;
