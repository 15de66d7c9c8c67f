-- What list calls have shown of an order's sessions, left where it is.
-- Returns: as take_sightings.sql.
SELECT
    session,
    seen_at,
    seen_at > clock_timestamp() - make_interval(secs => :most_seconds) AS fresh
FROM tournament_fees.sightings
WHERE order_id = :order_id;
