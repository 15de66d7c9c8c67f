-- Keep a lease on an order for another while, if it is still ours.
-- Returns: order_id, or no row: then somebody else may be at work on the order.
UPDATE tournament_fees.order_leases
SET expires_at = clock_timestamp() + make_interval(secs => :lease_seconds)
WHERE order_id = :order_id AND token = :token AND expires_at > clock_timestamp()
RETURNING order_id;
