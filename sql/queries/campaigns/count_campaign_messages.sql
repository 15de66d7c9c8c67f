-- How a campaign's messages stand.
-- Returns: status, reason (may be NULL), messages.
SELECT
    status,
    reason,
    count(*) AS messages
FROM tournament_fees.messages
WHERE campaign_id = :campaign_id
GROUP BY status, reason
ORDER BY status, reason;
