-- What of a campaign a person should look at, the oldest first.
-- Returns: message_id, address (mask it), status, reason, detail, order_id (NULL where it is about the message); address, reason and
-- detail may be NULL.
SELECT
    m.id AS message_id,
    m.address,
    m.status,
    m.reason,
    coalesce(mo.detail, m.last_error) AS detail,
    mo.order_id
FROM tournament_fees.messages AS m
LEFT JOIN tournament_fees.message_orders AS mo
    ON m.id = mo.message_id AND mo.link IN ('set aside', 'under review')
WHERE
    m.campaign_id = :campaign_id
    AND (
        m.status IN ('failed', 'uncertain')
        OR m.reason IN ('no_address', 'invalid_address', 'no_order')
        OR mo.order_id IS NOT NULL
    )
ORDER BY m.id, mo.order_id
LIMIT :most;
