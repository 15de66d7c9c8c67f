-- What of a campaign a person should look at, the oldest first.
-- Returns: message_id, parent_id, address (mask it), status, reason, detail, order_id (NULL where it is about the message); address,
-- reason and detail may be NULL; in_all (how many there are).
SELECT
    m.id AS message_id,
    m.parent_id,
    m.address,
    m.status,
    coalesce(CASE WHEN b.status IS NOT NULL THEN 'came_back' END, m.reason) AS reason,
    coalesce(sa.detail, mo.detail, m.last_error, concat_ws(' ', b.status, b.diagnostic)) AS detail,
    mo.order_id,
    count(*) OVER () AS in_all
FROM tournament_fees.messages AS m
LEFT JOIN (
    tournament_fees.message_orders AS mo
    LEFT JOIN tournament_fees.set_asides AS sa ON mo.order_id = sa.order_id AND sa.cleared_at IS NULL
) ON m.id = mo.message_id AND (sa.id IS NOT NULL OR mo.link = 'under review')
LEFT JOIN LATERAL (
    SELECT
        back.status,
        back.diagnostic
    FROM tournament_fees.bounces AS back
    WHERE back.message_id = m.id AND back.finding IN ('suppressed', 'returned')
    ORDER BY back.taken_in_at DESC
    LIMIT 1
) AS b ON m.status = 'sent'
WHERE
    m.campaign_id = :campaign_id
    AND (
        m.status IN ('failed', 'uncertain')
        OR m.reason IN ('no_address', 'invalid_address', 'no_order')
        OR mo.order_id IS NOT NULL
        OR b.status IS NOT NULL
    )
ORDER BY m.id, mo.order_id
LIMIT :most;
