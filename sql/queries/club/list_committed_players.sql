-- The committed players of a tournament, a row for each of their orders (one row with a NULL order where there is none).
-- Takes: tournament_id; order_ids, an array to have only these, or NULL for all.
-- Returns: player_id, player_name, team, brand, parent_id, parent_name, parent_surname, email, language, order_id, order_status (pending,
-- paid, waived, cancelled or refunded), amount (in the smallest unit of the currency), currency, due_date, product.
-- Ordered by parent_id, player_id, order_id. May be NULL: brand, email, language, due_date, product, amount, currency; where there is no
-- order, also what else is of it.
-- A club with other tables changes this statement.
SELECT
    players.id AS player_id,
    concat_ws(' ', players.first_name, players.last_name) AS player_name,
    coalesce(teams.name, '') AS team,
    teams.brand,
    parents.id AS parent_id,
    concat_ws(' ', parents.first_name, parents.last_name) AS parent_name,
    coalesce(parents.last_name, '') AS parent_surname,
    parents.email,
    parents.language,
    orders.id AS order_id,
    cast(orders.status AS text) AS order_status,
    cast(orders.amount AS numeric) AS amount,
    trim(cast(orders.currency AS text)) AS currency,
    CASE WHEN isfinite(orders.due_date) THEN orders.due_date END AS due_date,
    products.name AS product
FROM tournament_products
INNER JOIN teams ON tournament_products.team_id = teams.id
INNER JOIN player_teams ON teams.id = player_teams.team_id AND player_teams.commitment = 'committed'
INNER JOIN players ON player_teams.player_id = players.id
INNER JOIN parents ON players.parent_id = parents.id
INNER JOIN products ON tournament_products.product_id = products.id
LEFT JOIN orders ON players.id = orders.player_id AND tournament_products.product_id = orders.product_id
WHERE
    tournament_products.tournament_id = :tournament_id
    AND (cast(:order_ids AS bigint[]) IS NULL OR orders.id = any(cast(:order_ids AS bigint[])))
ORDER BY parents.id, players.id, orders.id;
