-- Whom is not mailed, the newest first.
-- Returns: id, address (mask it), reason (mask it), source, since, by_whom.
SELECT
    id,
    address,
    reason,
    source,
    since,
    by_whom
FROM tournament_fees.suppressions
WHERE lifted_at IS NULL
ORDER BY id DESC;
