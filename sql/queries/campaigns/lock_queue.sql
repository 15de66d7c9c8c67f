-- Keep batches from claiming a campaign's unsent messages while the queue is brought up to date.
-- Returns: locked (how many they are).
SELECT count(*) AS locked
FROM (
    SELECT id
    FROM tournament_fees.messages
    WHERE campaign_id = :campaign_id AND status IN ('queued', 'skipped')
    ORDER BY id
    FOR UPDATE
) AS unsent;
