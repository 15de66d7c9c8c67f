-- How the links of a campaign's orders stand, as last looked at.
-- Returns: link (NULL where not looked at yet), orders.
SELECT
    link,
    count(*) AS orders
FROM tournament_fees.message_orders
WHERE campaign_id = :campaign_id
GROUP BY link
ORDER BY link;
