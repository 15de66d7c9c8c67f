-- The one attempt of an order through which somebody may still pay, or that may have made such a session.
-- Returns: id, order_id, idempotency_key, request, replaces, amount, currency, requested_at, state, session_id; or no row.
SELECT
    id,
    order_id,
    idempotency_key,
    request,
    replaces,
    amount,
    currency,
    requested_at,
    state,
    session_id
FROM tournament_fees.checkout_attempts
WHERE order_id = :order_id AND state IN ('requested', 'unknown', 'open', 'processing');
