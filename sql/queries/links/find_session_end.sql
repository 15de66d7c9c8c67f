-- How a session has come to its end, as far as the ledger knows: Stripe never takes that back, so it need not be asked again.
-- Returns: one row with session_id and state ('expired' or 'complete'), or none.
SELECT
    session_id,
    state
FROM tournament_fees.checkout_attempts
WHERE session_id = :session_id AND (state = 'expired' OR (state = 'complete' AND payment_status <> 'unpaid'));
