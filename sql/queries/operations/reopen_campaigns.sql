-- Let campaigns that are done go on, since a person sends some of their messages again.
-- Returns: id.
UPDATE tournament_fees.campaigns
SET state = 'sending', changed_at = :now
WHERE id = any(cast(:campaign_ids AS bigint[])) AND state = 'done'
RETURNING id;
