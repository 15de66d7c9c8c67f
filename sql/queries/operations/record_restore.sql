-- Write down that the ledger was restored; of two at once, the earlier backup counts.
-- Returns: backup_at, of the backup that counts.
INSERT INTO tournament_fees.restores AS r (backup_at, held_at, by_whom)
VALUES (:backup_at, :now, :by_whom)
ON CONFLICT ((settled_at IS NULL)) WHERE settled_at IS NULL DO UPDATE
    SET backup_at = least(r.backup_at, excluded.backup_at), held_at = excluded.held_at, by_whom = excluded.by_whom
RETURNING backup_at;
