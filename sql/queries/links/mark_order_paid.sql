-- Mark an order paid through Stripe, only if it is still as it was judged.
-- Returns: id, or no row: then the order is judged again.
UPDATE orders
SET
    status = 'paid',
    payment_method = 'stripe',
    paid_at = :paid_at,
    stripe_checkout_session_id = :new_session_id,
    stripe_payment_intent_id = cast(:payment_intent_id AS text)
WHERE
    id = :order_id
    AND status = 'pending'
    AND nullif(trim(stripe_checkout_session_id), '') IS NOT DISTINCT FROM cast(:session_id AS text)
    AND amount IS NOT DISTINCT FROM cast(:amount AS numeric)
    AND currency IS NOT DISTINCT FROM cast(:currency AS text)
RETURNING id;
