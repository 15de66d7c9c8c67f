-- Take what list calls have shown of an order's sessions. What is done next makes it out of date, so that each is relied on once;
-- its session is known of until drop_taken_seen_sessions.sql, so that a payment is not lost with whoever took it.
-- Returns: session (JSON), seen_at, fresh (seen in the last `most_seconds`, on PostgreSQL's own clock; what was seen in its future was seen
-- before that was set back, nobody knows when), known (its id
-- stands in the order or stood there, or the ledger has it for the order).
UPDATE tournament_fees.sightings AS s
SET seen_at = least(s.seen_at, clock_timestamp() - INTERVAL '25 hours')
FROM tournament_fees.sightings AS before
WHERE s.order_id = :order_id AND before.order_id = s.order_id AND before.session_id = s.session_id
RETURNING
    s.session,
    before.seen_at,
    before.seen_at BETWEEN clock_timestamp() - make_interval(secs => :most_seconds) AND clock_timestamp() AS fresh,
    (
        EXISTS (
            SELECT FROM tournament_fees.checkout_attempts AS a
            WHERE a.session_id = s.session_id AND a.order_id = s.order_id
        )
        OR EXISTS (
            SELECT FROM orders AS o
            WHERE o.id = s.order_id AND nullif(trim(o.stripe_checkout_session_id), '') = s.session_id
        )
    ) AS known;
