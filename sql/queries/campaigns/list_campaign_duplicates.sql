-- Orders of a campaign beside whose session another one of the club's own system could be paid; it was closed since the campaign was
-- opened.
-- Returns: order_id.
SELECT DISTINCT mo.order_id
FROM tournament_fees.message_orders AS mo
INNER JOIN tournament_fees.campaigns AS c ON mo.campaign_id = c.id
INNER JOIN tournament_fees.checkout_attempts AS a ON mo.order_id = a.order_id AND c.created_at <= a.rival_closed_at
WHERE mo.campaign_id = :campaign_id
ORDER BY mo.order_id
LIMIT :most;
