-- Orders of which a list call has shown more than they say: another session, a payment, or one that is open though the order is settled.
-- Those whose message of the campaign is still to be sent are left out: its links are checked then.
-- Returns: order_id.
SELECT DISTINCT s.order_id
FROM tournament_fees.sightings AS s
INNER JOIN orders AS o ON s.order_id = o.id
WHERE
    (
        s.session_id IS DISTINCT FROM o.stripe_checkout_session_id
        OR o.status <> 'pending'
        OR s.session ->> 'status' = 'complete'
    )
    AND NOT EXISTS (
        SELECT FROM tournament_fees.message_orders AS mo
        INNER JOIN tournament_fees.messages AS m ON mo.message_id = m.id
        WHERE mo.campaign_id = :campaign_id AND mo.order_id = s.order_id AND m.status IN ('queued', 'claimed')
    )
ORDER BY s.order_id;
