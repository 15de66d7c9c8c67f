-- For the club's owner to run where orders.stripe_checkout_url is a VARCHAR: real URLs of 541 characters exist, and storing one in a
-- VARCHAR(500) fails after Stripe has made the session. Changes the catalogue only; the table is not rewritten.
ALTER TABLE orders ALTER COLUMN stripe_checkout_url TYPE text;
