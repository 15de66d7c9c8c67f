-- Give orders' leases back.
-- Takes: order_ids, an array.
-- Returns: order_id.
DELETE FROM tournament_fees.order_leases
WHERE order_id = any(cast(:order_ids AS bigint[])) AND token = :token
RETURNING order_id;
