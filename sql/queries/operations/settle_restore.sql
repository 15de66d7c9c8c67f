-- Let messages be sent again: what went out between the backup and the restore is known as well as it can be.
-- Returns: id, or no row where nothing was to settle.
UPDATE tournament_fees.restores
SET settled_at = :now, settled_by = :by_whom
WHERE settled_at IS NULL
RETURNING id;
