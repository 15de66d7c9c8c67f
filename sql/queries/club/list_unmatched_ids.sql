-- Which of these ids name nothing that a refresh could look at.
-- Takes: now, tournament_id (or NULL), player_ids and order_ids (arrays).
-- Returns: kind (player or order), id.
WITH upcoming AS (
    SELECT
        tournament_products.product_id,
        tournament_products.team_id
    FROM tournament_products
    INNER JOIN tournaments ON tournament_products.tournament_id = tournaments.id
    WHERE
        (tournaments.event_date IS NULL OR tournaments.event_date >= cast(cast(:now AS timestamptz) AS date) - 1)
        AND (cast(:tournament_id AS bigint) IS NULL OR tournaments.id = :tournament_id)
)

SELECT
    'player' AS kind,
    wanted.id
FROM unnest(cast(:player_ids AS bigint[])) AS wanted (id)
WHERE
    NOT EXISTS (
        SELECT FROM player_teams
        WHERE player_teams.player_id = wanted.id AND player_teams.team_id IN (SELECT upcoming.team_id FROM upcoming)
    )
    AND NOT EXISTS (
        SELECT FROM orders
        WHERE orders.player_id = wanted.id AND orders.product_id IN (SELECT upcoming.product_id FROM upcoming)
    )
UNION ALL
SELECT
    'order' AS kind,
    wanted.id
FROM unnest(cast(:order_ids AS bigint[])) AS wanted (id)
WHERE
    NOT EXISTS (
        SELECT FROM orders
        WHERE
            orders.id = wanted.id
            AND (orders.product_id IS NULL OR orders.product_id IN (SELECT upcoming.product_id FROM upcoming))
    )
ORDER BY kind, id;
