-- The messages of a tournament that wait for a person: uncertain ones, failed ones one of whose orders is owed and unmailed since, and
-- those that no approval covers, last.
-- Returns: message_id, parent_id, kind, status, reason (may be NULL), address (mask it; may be NULL), detail (mask it).
SELECT
    m.id AS message_id,
    m.parent_id,
    m.kind,
    m.status,
    m.reason,
    m.address,
    coalesce(m.last_error, '') AS detail
FROM tournament_fees.messages AS m
INNER JOIN tournament_fees.campaigns AS c ON m.campaign_id = c.id
WHERE
    c.tournament_id = :tournament_id
    AND (
        m.status = 'uncertain'
        OR (
            m.status = 'failed'
            AND EXISTS (
                SELECT FROM tournament_fees.message_orders AS mo
                INNER JOIN orders ON mo.order_id = orders.id AND orders.status = 'pending'
                WHERE
                    mo.message_id = m.id
                    AND NOT EXISTS (
                        SELECT FROM tournament_fees.message_orders AS later
                        INNER JOIN tournament_fees.messages AS lm ON later.message_id = lm.id
                        WHERE later.order_id = mo.order_id AND lm.id > m.id AND lm.status IN ('sent', 'uncertain')
                    )
            )
        )
        OR (
            m.status = 'queued'
            AND m.reason = 'awaiting_approval'
            AND EXISTS (
                SELECT FROM tournament_fees.message_orders AS mo
                INNER JOIN orders ON mo.order_id = orders.id AND cast(orders.status AS text) = 'pending'
                WHERE mo.message_id = m.id
            )
        )
    )
ORDER BY m.status = 'queued', m.status, m.id;
