-- What list calls have shown of an order's sessions, left where it is.
-- Returns: as take_sightings.sql.
SELECT
    s.session,
    s.seen_at,
    s.seen_at > clock_timestamp() - make_interval(secs => :most_seconds) AS fresh,
    (
        EXISTS (
            SELECT FROM tournament_fees.checkout_attempts AS a
            WHERE a.session_id = s.session_id AND a.order_id = s.order_id
        )
        OR EXISTS (
            SELECT FROM orders AS o
            WHERE o.id = s.order_id AND nullif(trim(o.stripe_checkout_session_id), '') = s.session_id
        )
    ) AS known
FROM tournament_fees.sightings AS s
WHERE s.order_id = :order_id;
