-- Write down what Stripe answered to an attempt: the session that it made.
-- Returns: id.
UPDATE tournament_fees.checkout_attempts
SET
    state = 'open',
    session_id = :session_id,
    url = :url,
    expires_at = :expires_at,
    created = :created,
    changed_at = :now
WHERE id = :attempt_id AND state IN ('requested', 'unknown')
RETURNING id;
