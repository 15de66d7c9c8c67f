-- Make an order that a committed player lacks, at the product's price.
-- Returns: id.
INSERT INTO orders (player_id, product_id, status, amount, currency)
VALUES (:player_id, :product_id, 'pending', :amount, :currency)
RETURNING id;
