-- Whether an attempt was given up, or refused: no session of it was known.
-- Returns: one row with id, or none.
SELECT id
FROM tournament_fees.checkout_attempts
WHERE id = :attempt_id AND state IN ('absent', 'refused');
