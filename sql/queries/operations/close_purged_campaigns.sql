-- Close campaigns for good whose people's data goes: they could not be mailed any more. What a person wrote into them goes, too.
-- Returns: id.
UPDATE tournament_fees.campaigns
SET state = 'stopped', purged_at = :now, changed_at = :now, parameters = parameters - 'note'
WHERE id = any(cast(:campaign_ids AS bigint[])) AND purged_at IS NULL
RETURNING id;
