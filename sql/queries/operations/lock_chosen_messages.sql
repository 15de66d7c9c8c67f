-- The messages that a person means, locked: those of these statuses, campaign states and tournament (NULL: any), or those of these ids
-- (NULL: all), whatever they are. Their campaigns are locked, too: one that is stopped meanwhile would keep what is queued again.
-- Returns: id, status, campaign_id, campaign_state, tournament_id, fits (whether it is of these statuses, campaign states and tournament).
SELECT
    m.id,
    m.status,
    m.campaign_id,
    c.state AS campaign_state,
    c.tournament_id,
    (
        m.status = any(cast(:statuses AS text[]))
        AND c.state = any(cast(:campaign_states AS text[]))
        AND c.tournament_id = coalesce(cast(:tournament_id AS bigint), c.tournament_id)
    ) AS fits
FROM tournament_fees.messages AS m
INNER JOIN tournament_fees.campaigns AS c ON m.campaign_id = c.id
WHERE
    CASE
        WHEN cast(:message_ids AS bigint[]) IS NOT NULL THEN m.id = any(cast(:message_ids AS bigint[]))
        ELSE
            m.status = any(cast(:statuses AS text[]))
            AND c.state = any(cast(:campaign_states AS text[]))
            AND c.tournament_id = coalesce(cast(:tournament_id AS bigint), c.tournament_id)
    END
ORDER BY m.id
FOR UPDATE OF m, c;
