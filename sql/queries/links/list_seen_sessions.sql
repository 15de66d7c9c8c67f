-- What list calls have shown of these orders' sessions, left where it is.
-- Returns: order_id, and what take_seen_sessions.sql returns.
SELECT
    s.order_id,
    s.session,
    s.seen_at,
    s.seen_at BETWEEN clock_timestamp() - make_interval(secs => :most_seconds) AND clock_timestamp() AS fresh,
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
WHERE s.order_id = any(cast(:order_ids AS bigint[]))
ORDER BY s.order_id, s.session_id;
