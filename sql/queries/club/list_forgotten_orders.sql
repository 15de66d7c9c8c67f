-- Those of these orders that the club's table does not have.
-- Returns: order_id.
-- A club with other tables changes this statement.
SELECT given.order_id
FROM unnest(cast(:order_ids AS bigint[])) AS given (order_id)
WHERE
    NOT EXISTS (
        SELECT FROM orders
        WHERE orders.id = given.order_id
    )
ORDER BY given.order_id;
