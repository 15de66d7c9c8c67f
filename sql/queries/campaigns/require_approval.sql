-- Let a campaign send only what a person has approved, from now on and for good.
-- Returns: id.
UPDATE tournament_fees.campaigns
SET requires_approval = TRUE
WHERE id = :campaign_id
RETURNING id;
