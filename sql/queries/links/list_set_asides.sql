-- The orders that wait for a person.
-- Takes: order_ids, an array to have only these, or NULL for all.
-- Returns: order_id, reason, detail, set_aside_at.
SELECT
    order_id,
    reason,
    detail,
    set_aside_at
FROM tournament_fees.set_asides
WHERE cleared_at IS NULL AND (cast(:order_ids AS bigint[]) IS NULL OR order_id = any(cast(:order_ids AS bigint[])))
ORDER BY set_aside_at, order_id
LIMIT :most;
