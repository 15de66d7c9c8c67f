-- Keep that a person is asked to approve so many messages.
-- Returns: id.
INSERT INTO tournament_fees.approvals (campaign_id, run_id, messages, proposed_at)
VALUES (:campaign_id, :run_id, :messages, :now)
RETURNING id;
