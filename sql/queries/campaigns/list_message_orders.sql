-- The orders of these messages.
-- Returns: message_id, kind (of the message), order_id, by message.
SELECT
    mo.message_id,
    m.kind,
    mo.order_id
FROM tournament_fees.message_orders AS mo
INNER JOIN tournament_fees.messages AS m ON mo.message_id = m.id
WHERE mo.message_id = any(cast(:message_ids AS bigint[]))
ORDER BY mo.message_id, mo.order_id;
