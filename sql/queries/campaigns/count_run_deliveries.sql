-- What one flow run's delivery attempts came to.
-- Returns: outcome, attempts.
SELECT
    a.outcome,
    count(*) AS attempts
FROM tournament_fees.delivery_attempts AS a
INNER JOIN tournament_fees.messages AS m ON a.message_id = m.id
WHERE m.campaign_id = :campaign_id AND a.run_id = :run_id AND a.outcome <> 'sending'
GROUP BY a.outcome
ORDER BY a.outcome;
