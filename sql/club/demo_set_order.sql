-- What the club's own system would have stored of an order's session. Returns nothing.
UPDATE orders
SET
    stripe_checkout_session_id = :session_id,
    stripe_checkout_url = :url,
    status = :status,
    payment_method = :payment_method,
    paid_at = CASE WHEN :status = 'paid' THEN now() - INTERVAL '2 days' END
WHERE id = :order_id;
