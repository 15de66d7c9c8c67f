-- Move a campaign on, unless it was stopped, which is for good.
-- Returns: id, or no row where it was stopped.
UPDATE tournament_fees.campaigns
SET state = :state, changed_at = :now
WHERE id = :campaign_id AND state <> 'stopped'
RETURNING id;
