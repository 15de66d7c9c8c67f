-- Write down that an attempt made no session: Stripe refused it, has none of it, or has not said.
-- Returns: id.
UPDATE tournament_fees.checkout_attempts
SET state = :state, changed_at = :now
WHERE id = :attempt_id AND state IN ('requested', 'unknown')
RETURNING id;
