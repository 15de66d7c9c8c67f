-- Let a campaign of which nothing has been sent yet wait for an approval.
-- Returns: id, or no row where it is being sent, or was stopped.
UPDATE tournament_fees.campaigns
SET state = 'awaiting_approval', changed_at = :now
WHERE id = :campaign_id AND state = 'draft'
RETURNING id;
