-- A claimed message, if it is still ours.
-- Returns: id, kind, address, message_id, attempts, order_ids (an array).
SELECT
    m.id,
    m.kind,
    m.address,
    m.message_id,
    m.attempts,
    array(
        SELECT mo.order_id FROM tournament_fees.message_orders AS mo
        WHERE mo.message_id = m.id
        ORDER BY mo.order_id
    ) AS order_ids
FROM tournament_fees.messages AS m
WHERE m.id = :message_id AND m.status = 'claimed' AND m.lease_token = :token;
