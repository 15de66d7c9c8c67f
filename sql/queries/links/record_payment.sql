-- Write down a payment that Stripe took, once; one that was for a person to look at can settle its order later.
-- Takes: settles, whether it has just paid its order.
-- Returns: session_id, or no row where it was known.
INSERT INTO tournament_fees.payments AS p (session_id, order_id, payment_intent_id, amount, currency, finding, recorded_at)
VALUES (:session_id, :order_id, cast(:payment_intent_id AS text), :amount, :currency, :finding, :now)
ON CONFLICT (session_id) DO UPDATE
    SET finding = excluded.finding
    WHERE :settles AND p.finding <> 'settled'
RETURNING p.session_id;
