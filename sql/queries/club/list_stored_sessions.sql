-- The sessions that orders were last given, to see whether Stripe knows them.
-- Returns: session_id.
SELECT stripe_checkout_session_id AS session_id
FROM orders
WHERE stripe_checkout_session_id IS NOT NULL
ORDER BY id DESC
LIMIT :most;
