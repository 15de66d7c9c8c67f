-- Of each of these orders the one attempt through which somebody may still pay, or that may have made such a session; and beside it every
-- other session of it through which a slow payment may be under way (state complete).
-- Returns: id, order_id, idempotency_key, request, replaces, amount, currency, requested_at, asked_at (when its request was last sent),
-- state, session_id; by order, the live one first.
SELECT
    id,
    order_id,
    idempotency_key,
    request,
    replaces,
    amount,
    currency,
    requested_at,
    changed_at AS asked_at,
    state,
    session_id
FROM tournament_fees.checkout_attempts
WHERE
    order_id = any(cast(:order_ids AS bigint[]))
    AND (
        state IN ('requested', 'unknown', 'open', 'processing')
        OR (state = 'complete' AND payment_status = 'unpaid')
    )
ORDER BY order_id, state = 'complete', id;
