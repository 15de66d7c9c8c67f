-- Whether the ledger knows that a session has come to its end: Stripe never takes that back, so it need not be asked again.
-- Returns: one row with session_id and state, or none.
SELECT
    session_id,
    state
FROM tournament_fees.checkout_attempts
WHERE session_id = :session_id AND (state = 'expired' OR (state = 'complete' AND payment_status <> 'unpaid'));
