-- Write down that an attempt's request is about to be sent again, only under our lease on its order: from now on it may be on its way.
-- Returns: id, or no row: then the order is looked at again.
UPDATE tournament_fees.checkout_attempts AS a
SET changed_at = :now
FROM tournament_fees.order_leases AS l
WHERE
    a.id = :attempt_id
    AND a.state = 'requested'
    AND l.order_id = a.order_id
    AND l.token = :token
    AND l.expires_at > clock_timestamp()
RETURNING a.id;
