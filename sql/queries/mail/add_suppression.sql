-- Put a mailbox on the suppression list, once.
-- Returns: id, or no row where it stands there already.
INSERT INTO tournament_fees.suppressions (mailbox, address, reason, source, since, by_whom)
VALUES (:mailbox, :address, :reason, :origin, :since, :by_whom)
ON CONFLICT (mailbox) WHERE lifted_at IS NULL DO NOTHING
RETURNING id;
