-- Forget what was said about the links in messages.
-- Returns: order_id.
UPDATE tournament_fees.message_orders
SET detail = NULL
WHERE campaign_id = any(cast(:campaign_ids AS bigint[])) AND detail IS NOT NULL
RETURNING order_id;
