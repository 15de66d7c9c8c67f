-- Forget what lists have shown and runs have said of these orders, and what people wrote when they released them.
-- Returns: order_id.
WITH seen AS (
    DELETE FROM tournament_fees.sightings
    WHERE order_id = any(cast(:order_ids AS bigint[]))
    RETURNING order_id
),

refreshed AS (
    UPDATE tournament_fees.refreshed_links
    SET detail = NULL
    WHERE order_id = any(cast(:order_ids AS bigint[])) AND detail IS NOT NULL
    RETURNING order_id
),

released AS (
    UPDATE tournament_fees.set_asides
    SET note = NULL
    WHERE order_id = any(cast(:order_ids AS bigint[])) AND note IS NOT NULL
    RETURNING order_id
)

SELECT order_id FROM seen
UNION ALL
SELECT order_id FROM refreshed
UNION ALL
SELECT order_id FROM released;
