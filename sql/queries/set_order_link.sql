-- Store an order's link, only if the order is still as it was judged: the club's own system writes there too.
-- Returns: id, or no row: then the order is judged again.
UPDATE orders
SET stripe_checkout_session_id = :new_session_id, stripe_checkout_url = :new_url
WHERE
    id = :order_id
    AND status = 'pending'
    AND stripe_checkout_session_id IS NOT DISTINCT FROM cast(:session_id AS text)
    AND amount IS NOT DISTINCT FROM cast(:amount AS numeric)
    AND currency IS NOT DISTINCT FROM cast(:currency AS text)
RETURNING id;
