-- The messages of a campaign that are owed now.
-- Returns: id.
SELECT id
FROM tournament_fees.messages
WHERE campaign_id = :campaign_id AND status = 'queued' AND next_attempt_at <= :now
ORDER BY id;
