-- Which messages of a campaign are owed now.
-- Returns one row: free, and awaiting (an approval), arrays of ids in their order.
SELECT
    coalesce(array_agg(id ORDER BY id) FILTER (WHERE reason IS DISTINCT FROM 'awaiting_approval'), '{}') AS free,
    coalesce(array_agg(id ORDER BY id) FILTER (WHERE reason = 'awaiting_approval'), '{}') AS awaiting
FROM tournament_fees.messages
WHERE campaign_id = :campaign_id AND status = 'queued' AND next_attempt_at <= :now;
