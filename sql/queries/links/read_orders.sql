-- Orders as they stand now; whatever types and gaps the club's columns have, an amount that is none is NaN and a missing text is empty,
-- while what Stripe knows it by is NULL where the club stores an empty text, and without the blanks of a padded column.
-- Returns: id, status, amount, currency, session_id, url, payment_method, payment_intent_id, has_product, has_twin (another uncancelled
-- order of the same player for the same product exists), shares_session (another order has the same session id), released (an array:
-- sessions that a person has dealt with, for reasons that leave nothing to pay through them), settled (an array: sessions through which
-- it was paid already, whatever became of that), paid_before (the session of a payment on record that no person has dealt with, or NULL),
-- waits_for_person (it is set aside), read_at (on PostgreSQL's own clock).
SELECT
    o.id,
    coalesce(cast(o.status AS text), '') AS status,
    coalesce(cast(o.amount AS numeric), 'NaN') AS amount,
    coalesce(trim(cast(o.currency AS text)), '') AS currency,
    nullif(trim(o.stripe_checkout_session_id), '') AS session_id,
    o.stripe_checkout_url AS url,
    nullif(lower(trim(cast(o.payment_method AS text))), '') AS payment_method,
    nullif(trim(o.stripe_payment_intent_id), '') AS payment_intent_id,
    o.product_id IS NOT NULL AS has_product,
    exists(
        SELECT FROM orders AS twin
        WHERE
            twin.player_id = o.player_id
            AND twin.product_id = o.product_id
            AND twin.id <> o.id
            AND twin.status IN ('pending', 'paid', 'waived')
    ) AS has_twin,
    exists(
        SELECT FROM orders AS other
        WHERE
            other.stripe_checkout_session_id = o.stripe_checkout_session_id
            AND trim(o.stripe_checkout_session_id) <> ''
            AND other.id <> o.id
    ) AS shares_session,
    array(
        SELECT sa.session_id
        FROM tournament_fees.set_asides AS sa
        WHERE
            sa.order_id = o.id
            AND sa.session_id IS NOT NULL
            AND sa.cleared_by <> 'pipeline'
            AND (sa.reason LIKE 'paid\_%' OR sa.reason IN ('unknown_session', 'no_payment_required'))
    ) AS released,
    array(
        SELECT p.session_id FROM tournament_fees.payments AS p
        WHERE p.order_id = o.id AND p.finding = 'settled'
    ) AS settled,
    (
        SELECT max(p.session_id) FROM tournament_fees.payments AS p
        WHERE
            p.order_id = o.id
            AND NOT EXISTS (
                SELECT FROM tournament_fees.set_asides AS sa
                WHERE sa.order_id = o.id AND sa.session_id = p.session_id AND sa.cleared_by <> 'pipeline'
            )
    ) AS paid_before,
    exists(
        SELECT FROM tournament_fees.set_asides AS sa
        WHERE sa.order_id = o.id AND sa.cleared_at IS NULL
    ) AS waits_for_person,
    clock_timestamp() AS read_at
FROM orders AS o
WHERE o.id = any(cast(:order_ids AS bigint[]));
