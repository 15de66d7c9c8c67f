-- Lease orders' links: whoever holds the token may work on them; an expired lease is taken over with a new token.
-- Takes: order_ids, an array.
-- Returns: order_id of those that are leased now; of the others somebody else holds the lease.
INSERT INTO tournament_fees.order_leases (order_id, token, expires_at)
SELECT
    wanted.order_id,
    :token,
    clock_timestamp() + make_interval(secs => :lease_seconds)
FROM unnest(cast(:order_ids AS bigint[])) AS wanted (order_id)
ORDER BY wanted.order_id
ON CONFLICT (order_id) DO UPDATE
    SET token = excluded.token, expires_at = excluded.expires_at
    WHERE order_leases.expires_at < clock_timestamp()
RETURNING order_id;
