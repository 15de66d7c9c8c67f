-- The newest campaign of each tournament that has one.
-- Returns: tournament_id, state.
SELECT DISTINCT ON (tournament_id)
    tournament_id,
    state
FROM tournament_fees.campaigns
ORDER BY tournament_id ASC, id DESC;
