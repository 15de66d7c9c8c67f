-- Take what list calls have shown of an order's sessions; each sighting is used once, by whoever holds the order.
-- Returns: session (JSON), seen_at, fresh (seen in the last `most_seconds`, on PostgreSQL's own clock).
DELETE FROM tournament_fees.sightings
WHERE order_id = :order_id
RETURNING
    session,
    seen_at,
    seen_at > clock_timestamp() - make_interval(secs => :most_seconds) AS fresh;
