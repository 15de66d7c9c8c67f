-- The messages that a restore holds.
-- Returns: id, campaign_id.
SELECT
    id,
    campaign_id
FROM tournament_fees.messages
WHERE status = 'uncertain' AND reason = 'restored'
ORDER BY id
FOR UPDATE;
