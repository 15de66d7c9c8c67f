-- Lease an order's link: whoever holds the token may work on it; an expired lease is taken over with a new token.
-- Returns: order_id, or no row where somebody else holds it.
INSERT INTO tournament_fees.order_leases (order_id, token, expires_at)
VALUES (:order_id, :token, clock_timestamp() + make_interval(secs => :lease_seconds))
ON CONFLICT (order_id) DO UPDATE
    SET token = excluded.token, expires_at = excluded.expires_at
    WHERE order_leases.expires_at < clock_timestamp()
RETURNING order_id;
