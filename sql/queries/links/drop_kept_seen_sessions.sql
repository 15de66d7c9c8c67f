-- Forget what list calls have shown of orders that are as they should be, only while their leases are ours; what a later call has shown
-- stays, or is just about to show: that is what a row is locked for.
-- Takes arrays of one length: order_ids, seen_ats (when what was looked at was seen).
-- Returns: session_id.
WITH used AS (
    SELECT
        s.order_id,
        s.session_id
    FROM tournament_fees.sightings AS s
    INNER JOIN
        unnest(cast(:order_ids AS bigint[]), cast(:seen_ats AS timestamptz[])) AS looked (order_id, seen_at)
        ON s.order_id = looked.order_id
    INNER JOIN tournament_fees.order_leases AS l ON looked.order_id = l.order_id
    WHERE
        s.seen_at <= looked.seen_at
        AND l.token = :token
        AND l.expires_at > clock_timestamp()
    FOR UPDATE OF s SKIP LOCKED
)

DELETE FROM tournament_fees.sightings AS s
USING used
WHERE s.order_id = used.order_id AND s.session_id = used.session_id
RETURNING s.session_id;
