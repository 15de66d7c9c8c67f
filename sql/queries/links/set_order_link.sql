-- Store an order's link, only if the order is still as it was judged, since the club's own system writes there too, and our lease alive.
-- Returns: id, or no row: then the order is judged again.
UPDATE orders AS o
SET stripe_checkout_session_id = :new_session_id, stripe_checkout_url = :new_url
FROM tournament_fees.order_leases AS l
WHERE
    o.id = :order_id
    AND o.status = 'pending'
    AND nullif(trim(o.stripe_checkout_session_id), '') IS NOT DISTINCT FROM cast(:session_id AS text)
    AND o.amount IS NOT DISTINCT FROM cast(:amount AS numeric)
    AND o.currency IS NOT DISTINCT FROM cast(:currency AS text)
    AND l.order_id = o.id
    AND l.token = :token
    AND l.expires_at > clock_timestamp()
RETURNING o.id;
