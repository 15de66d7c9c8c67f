-- When the last whole sweep of an account's completed sessions began.
-- Returns: swept_at, or no row before the first.
SELECT swept_at
FROM tournament_fees.sweeps
WHERE account = :account;
