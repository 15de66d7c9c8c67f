-- The campaigns that are being sent and have messages that are due, of one tournament or (NULL) of all.
-- Returns: id, kind, tournament_id, parameters.
SELECT
    c.id,
    c.kind,
    c.tournament_id,
    c.parameters
FROM tournament_fees.campaigns AS c
WHERE
    c.state = 'sending'
    AND c.tournament_id = coalesce(cast(:tournament_id AS bigint), c.tournament_id)
    AND EXISTS (
        SELECT FROM tournament_fees.messages AS m
        WHERE
            m.campaign_id = c.id
            AND m.status = 'queued'
            AND m.next_attempt_at <= :now
            AND m.reason IS DISTINCT FROM 'awaiting_approval'
    )
ORDER BY c.id;
