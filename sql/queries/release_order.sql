-- Give an order's lease back.
-- Returns: order_id.
DELETE FROM tournament_fees.order_leases
WHERE order_id = :order_id AND token = :token
RETURNING order_id;
