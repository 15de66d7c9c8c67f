-- Take the addresses off entries of the suppression list that were lifted before that day; who is on the list stays.
-- Returns: id.
UPDATE tournament_fees.suppressions
SET mailbox = concat('purged:', id), address = 'purged', reason = 'purged'
WHERE lifted_at < :before AND address <> 'purged'
RETURNING id;
