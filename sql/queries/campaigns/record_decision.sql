-- Keep what a person has decided about a proposal, once.
-- Takes: state, approved or rejected.
-- Returns: id, messages, or no row where it was decided before.
UPDATE tournament_fees.approvals
SET state = :state, by_whom = :by_whom, note = :note, decided_at = :now
WHERE id = :approval_id AND state = 'proposed'
RETURNING id, messages;
