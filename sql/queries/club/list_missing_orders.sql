-- The orders that committed players of tournaments to come lack: they have none for the product, not even a cancelled one.
-- Takes: now; tournament_id, team (a name) and player_ids (an array) to have only these, each NULL for all.
-- Returns: player_id, product_id, amount, currency (the product's of now).
SELECT DISTINCT
    player_teams.player_id,
    products.id AS product_id,
    products.amount,
    products.currency
FROM tournament_products
INNER JOIN tournaments ON tournament_products.tournament_id = tournaments.id
INNER JOIN teams ON tournament_products.team_id = teams.id
INNER JOIN player_teams ON teams.id = player_teams.team_id AND player_teams.commitment = 'committed'
INNER JOIN products ON tournament_products.product_id = products.id
WHERE
    (tournaments.event_date IS NULL OR tournaments.event_date >= cast(cast(:now AS timestamptz) AS date) - 1)
    AND (cast(:tournament_id AS bigint) IS NULL OR tournaments.id = :tournament_id)
    AND (cast(:team AS text) IS NULL OR lower(teams.name) = lower(:team))
    AND (cast(:player_ids AS bigint[]) IS NULL OR player_teams.player_id = any(cast(:player_ids AS bigint[])))
    AND NOT EXISTS (
        SELECT FROM orders
        WHERE orders.player_id = player_teams.player_id AND orders.product_id = products.id
    )
ORDER BY player_teams.player_id, products.id;
