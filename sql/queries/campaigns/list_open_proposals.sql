-- What a flow run has asked people to approve, and nobody has decided yet.
-- Returns: id, the oldest first.
SELECT id
FROM tournament_fees.approvals
WHERE run_id = :run_id AND campaign_id = :campaign_id AND state = 'proposed'
ORDER BY id;
