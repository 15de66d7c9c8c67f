-- Write down that a session is about to be asked for, only if the order is still as it was judged and its lease is still ours.
-- Returns: id, or no row: then the order is judged again.
INSERT INTO tournament_fees.checkout_attempts
(order_id, origin, idempotency_key, request, replaces, requested_at, state, amount, currency, changed_at)
SELECT
    o.id,
    'pipeline',
    :idempotency_key,
    cast(:request AS jsonb),
    nullif(trim(o.stripe_checkout_session_id), ''),
    :now,
    'requested',
    o.amount,
    lower(o.currency),
    :now
FROM orders AS o
INNER JOIN tournament_fees.order_leases AS l
    ON o.id = l.order_id AND l.token = :token AND l.expires_at > clock_timestamp()
WHERE
    o.id = :order_id
    AND o.status = 'pending'
    AND nullif(trim(o.stripe_checkout_session_id), '') IS NOT DISTINCT FROM cast(:session_id AS text)
    AND o.amount = :amount
    AND o.currency = :currency
RETURNING id;
