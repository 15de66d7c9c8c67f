-- The last days to pay for these orders: of each tournament for which the player is committed with a team that has the order's product
-- there, the payment deadline, or else the event's day.
-- Takes: order_ids, an array.
-- Returns: order_id, last_day (NULL: the tournament has none), time_zone (NULL: the club's).
-- A club with other tables changes this statement together with list_committed_players.sql.
SELECT
    orders.id AS order_id,
    coalesce(
        CASE WHEN isfinite(tournaments.payment_deadline) THEN tournaments.payment_deadline END,
        CASE WHEN isfinite(tournaments.event_date) THEN tournaments.event_date END
    ) AS last_day,
    tournaments.time_zone
FROM orders
INNER JOIN tournament_products ON orders.product_id = tournament_products.product_id
INNER JOIN tournaments ON tournament_products.tournament_id = tournaments.id
INNER JOIN player_teams
    ON
        tournament_products.team_id = player_teams.team_id
        AND orders.player_id = player_teams.player_id
        AND player_teams.commitment = 'committed'
WHERE orders.id = any(cast(:order_ids AS bigint[]))
ORDER BY orders.id, tournaments.id;
