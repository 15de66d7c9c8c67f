-- Forget what was taken of an order's seen sessions and has been acted on since, only while the order's lease is ours; what a list call has
-- shown again meanwhile stays.
-- Returns: session_id.
DELETE FROM tournament_fees.sightings AS s
USING tournament_fees.order_leases AS l
WHERE
    s.order_id = :order_id
    AND s.seen_at < clock_timestamp() - INTERVAL '1 day'
    AND l.order_id = s.order_id
    AND l.token = :token
    AND l.expires_at > clock_timestamp()
RETURNING s.session_id;
