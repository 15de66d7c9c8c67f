-- The orders of a tournament, also those whose player has withdrawn since, and its committed players without any (one row each).
-- Returns: order_id (NULL where there is none), player_id, player_name, team, parent_id, parent_name, email, committed, status, amount (in
-- the smallest unit of the currency), currency, payment_method, paid_at, due_date. May be NULL: email, payment_method, paid_at, due_date,
-- and where there is no order what else is of it.
-- A club with other tables changes this statement together with list_committed_players.sql.
WITH placed AS (
    SELECT DISTINCT ON (orders.id)
        orders.id AS order_id,
        orders.player_id,
        teams.name AS team,
        coalesce(player_teams.commitment = 'committed', FALSE) AS committed
    FROM tournament_products
    INNER JOIN teams ON tournament_products.team_id = teams.id
    INNER JOIN orders ON tournament_products.product_id = orders.product_id
    LEFT JOIN player_teams ON teams.id = player_teams.team_id AND orders.player_id = player_teams.player_id
    WHERE tournament_products.tournament_id = :tournament_id
    ORDER BY orders.id ASC, coalesce(player_teams.commitment = 'committed', FALSE) DESC, teams.id ASC
),

everybody AS (
    SELECT
        order_id,
        player_id,
        team,
        committed
    FROM placed
    UNION ALL
    SELECT
        NULL,
        player_teams.player_id,
        teams.name,
        TRUE
    FROM tournament_products
    INNER JOIN teams ON tournament_products.team_id = teams.id
    INNER JOIN player_teams ON teams.id = player_teams.team_id AND player_teams.commitment = 'committed'
    WHERE
        tournament_products.tournament_id = :tournament_id
        AND NOT EXISTS (
            SELECT FROM orders
            WHERE
                orders.player_id = player_teams.player_id
                AND orders.product_id = tournament_products.product_id
        )
)

SELECT
    everybody.order_id,
    everybody.player_id,
    concat_ws(' ', players.first_name, players.last_name) AS player_name,
    coalesce(everybody.team, '') AS team,
    parents.id AS parent_id,
    concat_ws(' ', parents.first_name, parents.last_name) AS parent_name,
    parents.email,
    everybody.committed,
    coalesce(cast(orders.status AS text), '') AS status,
    cast(orders.amount AS numeric) AS amount,
    trim(cast(orders.currency AS text)) AS currency,
    cast(orders.payment_method AS text) AS payment_method,
    CASE WHEN isfinite(orders.paid_at) THEN orders.paid_at END AS paid_at,
    CASE WHEN isfinite(orders.due_date) THEN orders.due_date END AS due_date
FROM everybody
INNER JOIN players ON everybody.player_id = players.id
INNER JOIN parents ON players.parent_id = parents.id
LEFT JOIN orders ON everybody.order_id = orders.id
ORDER BY team, player_name, everybody.order_id;
