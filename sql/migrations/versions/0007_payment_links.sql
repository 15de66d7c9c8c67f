-- A payment link stands in the ledger as a session does; the sessions that it makes for whoever opens it are taken in with what was
-- completed through them.
ALTER TABLE tournament_fees.checkout_attempts
DROP CONSTRAINT checkout_attempts_origin_check,
ADD CONSTRAINT checkout_attempts_origin_check CHECK (origin IN ('pipeline', 'club', 'payer'));
