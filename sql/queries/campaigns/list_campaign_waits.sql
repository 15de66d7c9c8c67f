-- What of a campaign waits for a later time, and from when to when it may go. What a worker has leased goes on from the lease's end where
-- that worker was lost; its reason is then 'leased'.
-- Returns: reason (may be NULL), messages, first_due, last_due.
SELECT
    w.reason,
    count(*) AS messages,
    min(w.due) AS first_due,
    max(w.due) AS last_due
FROM (
    SELECT
        reason,
        next_attempt_at AS due
    FROM tournament_fees.messages
    WHERE campaign_id = :campaign_id AND status = 'queued' AND next_attempt_at > :now
    UNION ALL
    SELECT
        'leased' AS reason,
        lease_expires_at AS due
    FROM tournament_fees.messages
    WHERE campaign_id = :campaign_id AND status IN ('claimed', 'sending') AND lease_expires_at > clock_timestamp()
) AS w
GROUP BY w.reason
ORDER BY w.reason;
