-- The payments through Stripe of these orders, and whether a person still has to look at them.
-- Takes: order_ids.
-- Returns: order_id, amount (in the currency's smallest unit), currency, finding, payment_intent_id (may be NULL), recorded_at, open.
SELECT
    p.order_id,
    p.amount,
    p.currency,
    p.finding,
    p.payment_intent_id,
    p.recorded_at,
    (
        p.finding <> 'settled'
        AND EXISTS (
            SELECT FROM tournament_fees.set_asides AS sa
            WHERE sa.order_id = p.order_id AND sa.cleared_at IS NULL
        )
    ) AS open
FROM tournament_fees.payments AS p
WHERE p.order_id = any(cast(:order_ids AS bigint[]))
ORDER BY p.recorded_at, p.order_id;
