-- Whether a session is what an attempt has made, as another worker has written down.
-- Returns: one row with id, or none.
SELECT id
FROM tournament_fees.checkout_attempts
WHERE id = :attempt_id AND session_id = :session_id;
