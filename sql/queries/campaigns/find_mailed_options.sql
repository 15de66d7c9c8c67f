-- What was chosen for the campaign that has mailed a tournament's parents last, reminders aside: they go on with what they remind of.
-- Returns: parameters, or no row where there is no such campaign.
SELECT c.parameters
FROM tournament_fees.campaigns AS c
LEFT JOIN LATERAL (
    SELECT max(m.changed_at) AS at
    FROM tournament_fees.messages AS m
    WHERE m.campaign_id = c.id AND m.status IN ('sending', 'sent', 'uncertain', 'resent')
) AS mailed ON TRUE
WHERE c.tournament_id = :tournament_id AND c.kind <> 'reminder'
ORDER BY mailed.at DESC NULLS LAST, c.id DESC
LIMIT 1;
