-- Write down what Stripe answered to an attempt: the session that it made. Where another worker has given the attempt up meanwhile,
-- only that the session has been closed.
-- Returns: id, or no row where it was given up, or answered to another worker.
UPDATE tournament_fees.checkout_attempts
SET
    state = :state,
    session_id = :session_id,
    url = cast(:url AS text),
    expires_at = cast(:expires_at AS timestamptz),
    created = :created,
    changed_at = :now
WHERE
    id = :attempt_id
    AND (state IN ('requested', 'unknown') OR (state IN ('absent', 'refused') AND :state = 'expired'))
RETURNING id;
