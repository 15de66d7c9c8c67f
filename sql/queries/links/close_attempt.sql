-- Write down that an attempt made no session: Stripe refused it, has none of it, or has not said; only under our lease on its order.
-- Returns: id, or no row where the lease is lost or the answer has come.
UPDATE tournament_fees.checkout_attempts AS a
SET state = :state, changed_at = :now
FROM tournament_fees.order_leases AS l
WHERE
    a.id = :attempt_id
    AND a.state IN ('requested', 'unknown')
    AND l.order_id = a.order_id
    AND l.token = :token
    AND l.expires_at > clock_timestamp()
RETURNING a.id;
