-- The demo club's orders, by player.
-- Returns: player, order_id, amount, currency.
SELECT
    concat_ws(' ', players.first_name, players.last_name) AS player,
    orders.id AS order_id,
    orders.amount,
    orders.currency
FROM orders
INNER JOIN players ON orders.player_id = players.id
ORDER BY orders.id;
