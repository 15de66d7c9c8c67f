-- For the club's owner to run where orders has tens of thousands of rows: the pipeline looks orders up by their session.
CREATE INDEX orders_session ON orders (stripe_checkout_session_id);
