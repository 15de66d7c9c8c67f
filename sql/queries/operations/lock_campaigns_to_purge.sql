-- All campaigns, locked until the transaction ends.
-- Returns: id, tournament_id, kind, sequence, state, purged (before), uncertain (how many of its messages), changed_at (of it or of its
-- latest message).
SELECT
    c.id,
    c.tournament_id,
    c.kind,
    c.sequence,
    c.state,
    c.purged_at IS NOT NULL AS purged,
    (
        SELECT count(*) FROM tournament_fees.messages AS m
        WHERE m.campaign_id = c.id AND m.status = 'uncertain'
    ) AS uncertain,
    greatest(c.changed_at, (
        SELECT max(m.changed_at) FROM tournament_fees.messages AS m
        WHERE m.campaign_id = c.id
    )) AS changed_at
FROM tournament_fees.campaigns AS c
ORDER BY c.id
FOR UPDATE;
