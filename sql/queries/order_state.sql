-- An order as it stands now; whatever types and gaps the club's columns have, an amount that is none is NaN and a missing text is empty.
-- Returns: id, status, amount, currency, session_id, url, payment_method, payment_intent_id, has_twin (another uncancelled order of the
-- same player for the same product exists).
SELECT
    o.id,
    coalesce(cast(o.status AS text), '') AS status,
    coalesce(cast(o.amount AS numeric), 'NaN') AS amount,
    coalesce(trim(cast(o.currency AS text)), '') AS currency,
    o.stripe_checkout_session_id AS session_id,
    o.stripe_checkout_url AS url,
    o.payment_method,
    o.stripe_payment_intent_id AS payment_intent_id,
    exists(
        SELECT FROM orders AS twin
        WHERE
            twin.player_id = o.player_id
            AND twin.product_id = o.product_id
            AND twin.id <> o.id
            AND twin.status IN ('pending', 'paid', 'waived')
    ) AS has_twin
FROM orders AS o
WHERE o.id = :order_id;
