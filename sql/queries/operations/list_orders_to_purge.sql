-- The orders of these campaigns and tournaments, but for those that another campaign or tournament is about, too, of which the data stays.
-- Takes: campaign_ids, tournament_ids.
-- Returns: order_id.
-- A club with other tables changes this statement together with list_tournament_orders.sql.
WITH every AS (
    SELECT
        mo.order_id,
        coalesce(c.purged_at IS NOT NULL OR c.id = any(cast(:campaign_ids AS bigint[])), FALSE) AS goes
    FROM tournament_fees.message_orders AS mo
    INNER JOIN tournament_fees.campaigns AS c ON mo.campaign_id = c.id
    UNION ALL
    SELECT
        orders.id,
        tournament_products.tournament_id = any(cast(:tournament_ids AS bigint[])) AS goes
    FROM orders
    INNER JOIN tournament_products ON orders.product_id = tournament_products.product_id
)

SELECT order_id
FROM every
GROUP BY order_id
HAVING bool_and(goes)
ORDER BY order_id;
