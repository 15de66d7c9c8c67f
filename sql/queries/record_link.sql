-- Remember how an order's link stood when it was checked, and what a message that carries it says. Runs in the campaign's ledger.
-- Returns: order_id.
UPDATE tournament_fees.message_orders
SET
    link = :link,
    detail = :detail,
    session_id = :session_id,
    amount = :amount,
    currency = :currency,
    link_expires_at = :link_expires_at,
    checked_at = coalesce(cast(:checked_at AS timestamptz), clock_timestamp())
WHERE campaign_id = :campaign_id AND order_id = :order_id
RETURNING order_id;
