-- Sessions of the club's own system that were closed, since they could be paid beside their order's own.
-- Takes: since; order_ids, an array to have only these, or NULL for all.
-- Returns: order_id, rival_closed_at.
SELECT
    order_id,
    rival_closed_at
FROM tournament_fees.checkout_attempts
WHERE
    rival_closed_at >= :since
    AND (cast(:order_ids AS bigint[]) IS NULL OR order_id = any(cast(:order_ids AS bigint[])))
ORDER BY rival_closed_at, order_id
LIMIT :most;
