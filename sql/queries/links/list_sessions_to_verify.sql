-- The sessions of these orders that Stripe has to be asked about: neither known to have come to their end, nor just seen in a list.
-- Returns: session_id, created (by Stripe's clock, or nearly; NULL where the ledger does not know), order_ids (an array).
SELECT
    wanted.session_id,
    max(coalesce(a.created, CASE WHEN a.origin = 'club' THEN a.requested_at END)) AS created,
    array_agg(wanted.order_id) AS order_ids
FROM (
    SELECT
        orders.id AS order_id,
        nullif(trim(orders.stripe_checkout_session_id), '') AS session_id
    FROM orders
    WHERE orders.id = any(cast(:order_ids AS bigint[]))
    UNION
    SELECT
        live.order_id,
        live.session_id
    FROM tournament_fees.checkout_attempts AS live
    WHERE live.order_id = any(cast(:order_ids AS bigint[])) AND live.state IN ('open', 'processing')
) AS wanted
LEFT JOIN tournament_fees.checkout_attempts AS a ON wanted.session_id = a.session_id
WHERE
    wanted.session_id IS NOT NULL
    AND a.state IS DISTINCT FROM 'expired'
    AND NOT (a.session_id IS NOT NULL AND a.state = 'complete' AND a.payment_status <> 'unpaid')
    AND NOT EXISTS (
        SELECT FROM tournament_fees.sightings AS s
        WHERE
            s.order_id = wanted.order_id
            AND s.session_id = wanted.session_id
            AND s.seen_at BETWEEN clock_timestamp() - make_interval(secs => :most_seconds) AND clock_timestamp()
    )
GROUP BY wanted.session_id
ORDER BY wanted.session_id;
