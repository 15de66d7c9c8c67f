-- Whether a team of this name plays in a tournament (a NULL tournament_id: in any).
-- Returns: one row with id for each such team.
SELECT DISTINCT teams.id
FROM teams
INNER JOIN tournament_products ON teams.id = tournament_products.team_id
WHERE
    lower(teams.name) = lower(:team)
    AND (cast(:tournament_id AS bigint) IS NULL OR tournament_products.tournament_id = :tournament_id);
