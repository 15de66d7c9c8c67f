-- Write down a payment that Stripe took, once.
-- Returns: session_id, or no row where it was known.
INSERT INTO tournament_fees.payments (session_id, order_id, payment_intent_id, amount, currency, finding, recorded_at)
VALUES (:session_id, :order_id, cast(:payment_intent_id AS text), :amount, :currency, :finding, :now)
ON CONFLICT (session_id) DO NOTHING
RETURNING session_id;
