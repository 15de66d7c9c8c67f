-- Hold a campaign that is being sent until the transaction ends, so that nobody else changes its queue.
-- Returns: id, or no row where it is not being sent any more.
SELECT id
FROM tournament_fees.campaigns
WHERE id = :campaign_id AND state = 'sending'
FOR NO KEY UPDATE;
