-- Take players' names and payment links off what was asked of Stripe; sessions, amounts and states stay. What was asked since then stays
-- whole: it may have to be asked again.
-- Takes: order_ids, before.
-- Returns: id.
UPDATE tournament_fees.checkout_attempts
SET request = CASE WHEN request IS NOT NULL THEN cast('{}' AS jsonb) END, url = NULL
WHERE
    order_id = any(cast(:order_ids AS bigint[]))
    AND requested_at < :before
    AND (url IS NOT NULL OR request <> cast('{}' AS jsonb))
RETURNING id;
