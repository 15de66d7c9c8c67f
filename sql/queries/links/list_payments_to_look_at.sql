-- Payments that the treasurer has to look at, as long as their order waits for a person.
-- Takes: order_ids, an array to have only those of these, or NULL for all; most.
-- Returns: order_id, amount (in the currency's smallest unit), currency, finding, payment_intent_id (may be NULL), recorded_at.
SELECT
    p.order_id,
    p.amount,
    p.currency,
    p.finding,
    p.payment_intent_id,
    p.recorded_at
FROM tournament_fees.payments AS p
WHERE
    p.finding <> 'settled'
    AND (cast(:order_ids AS bigint[]) IS NULL OR p.order_id = any(cast(:order_ids AS bigint[])))
    AND EXISTS (
        SELECT FROM tournament_fees.set_asides AS sa
        WHERE sa.order_id = p.order_id AND sa.cleared_at IS NULL
    )
ORDER BY p.recorded_at, p.order_id
LIMIT :most;
