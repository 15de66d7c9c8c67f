-- The orders of these messages.
-- Returns: message_id, order_id, by message.
SELECT
    message_id,
    order_id
FROM tournament_fees.message_orders
WHERE message_id = any(cast(:message_ids AS bigint[]))
ORDER BY message_id, order_id;
