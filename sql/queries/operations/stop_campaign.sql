-- Stop a campaign for good.
-- Returns: id, or no row where it was stopped already.
UPDATE tournament_fees.campaigns
SET state = 'stopped', changed_at = :now
WHERE id = :campaign_id AND state <> 'stopped'
RETURNING id;
