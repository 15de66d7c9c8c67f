-- The campaigns of a tournament, the newest first.
-- Returns: id, kind, sequence, state.
SELECT
    id,
    kind,
    sequence,
    state
FROM tournament_fees.campaigns
WHERE tournament_id = :tournament_id
ORDER BY id DESC;
