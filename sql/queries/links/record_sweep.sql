-- Note that an account's completed sessions were swept.
-- Returns: account.
INSERT INTO tournament_fees.sweeps AS s (account, swept_at)
VALUES (:account, :now)
ON CONFLICT (account) DO UPDATE SET swept_at = greatest(s.swept_at, excluded.swept_at)
RETURNING account;
