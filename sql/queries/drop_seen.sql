-- Forget what list calls have shown of orders that are as they should be, only while their leases are ours; what a later call has shown
-- stays.
-- Takes arrays of one length: order_ids, seen_ats (when what was looked at was seen).
-- Returns: session_id.
DELETE FROM tournament_fees.sightings AS s
USING
    unnest(cast(:order_ids AS bigint[]), cast(:seen_ats AS timestamptz[])) AS looked (order_id, seen_at),
    tournament_fees.order_leases AS l
WHERE
    s.order_id = looked.order_id
    AND s.seen_at <= looked.seen_at
    AND l.order_id = looked.order_id
    AND l.token = :token
    AND l.expires_at > clock_timestamp()
RETURNING s.session_id;
