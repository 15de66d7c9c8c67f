-- Take entries off the suppression list: those of these ids, or the one of a mailbox; the other is NULL.
-- Returns: id of those that were on it.
UPDATE tournament_fees.suppressions
SET lifted_at = :now, lifted_by = :by_whom
WHERE
    lifted_at IS NULL
    AND (id = any(cast(:ids AS bigint[])) OR mailbox = cast(:mailbox AS text))
RETURNING id;
