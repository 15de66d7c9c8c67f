-- What of a campaign waits for a later time, and from when to when it may go.
-- Returns: reason (may be NULL), messages, first_due, last_due.
SELECT
    reason,
    count(*) AS messages,
    min(next_attempt_at) AS first_due,
    max(next_attempt_at) AS last_due
FROM tournament_fees.messages
WHERE campaign_id = :campaign_id AND status = 'queued' AND next_attempt_at > :now
GROUP BY reason
ORDER BY reason;
