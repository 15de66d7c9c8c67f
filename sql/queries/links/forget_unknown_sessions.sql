-- Count sessions that Stripe does not know, and that a person has dealt with, among those that can be paid no more: they would stand in the
-- way of another.
-- Takes: session_ids, an array.
-- Returns: id.
UPDATE tournament_fees.checkout_attempts
SET state = 'expired', changed_at = :now
WHERE session_id = any(cast(:session_ids AS text[])) AND state IN ('open', 'processing')
RETURNING id;
