-- For the club's owner to run where orders has no stripe_checkout_url.
ALTER TABLE orders ADD COLUMN stripe_checkout_url text;
