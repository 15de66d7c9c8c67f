-- How many orders a run of the refresh left in which state.
-- Returns: outcome, orders.
SELECT
    outcome,
    count(*) AS orders
FROM tournament_fees.refreshed_links
WHERE run_id = :run_id
GROUP BY outcome
ORDER BY outcome;
