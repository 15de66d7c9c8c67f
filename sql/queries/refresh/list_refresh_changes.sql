-- What a run of the refresh did, or would do, order by order; what it left as it was is not listed.
-- Returns: order_id, outcome, detail (may be NULL).
SELECT
    order_id,
    outcome,
    detail
FROM tournament_fees.refreshed_links
WHERE run_id = :run_id AND outcome <> all(cast(:usual AS text[]))
ORDER BY outcome, order_id
LIMIT :most;
