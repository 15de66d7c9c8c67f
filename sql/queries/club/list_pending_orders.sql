-- Those of these orders that somebody may owe, as an approval compares them.
-- Returns: order_id, amount (NaN where there is none), currency (in small letters).
SELECT
    o.id AS order_id,
    coalesce(cast(o.amount AS numeric), 'NaN') AS amount,
    lower(trim(coalesce(cast(o.currency AS text), ''))) AS currency
FROM orders AS o
WHERE o.id = any(cast(:order_ids AS bigint[])) AND cast(o.status AS text) = 'pending'
ORDER BY o.id;
