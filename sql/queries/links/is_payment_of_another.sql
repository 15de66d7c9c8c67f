-- Whether what was paid through a session is on record as the payment of another order.
-- Returns: order_id, or no row.
SELECT order_id
FROM tournament_fees.payments
WHERE session_id = :session_id AND order_id <> :order_id;
