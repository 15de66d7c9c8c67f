-- Take the mailboxes off what was approved; which order at which price stays.
-- Returns: order_id.
UPDATE tournament_fees.approved_orders AS ao
SET mailbox = 'purged'
FROM tournament_fees.approvals AS a
WHERE ao.approval_id = a.id AND a.campaign_id = any(cast(:campaign_ids AS bigint[])) AND ao.mailbox <> 'purged'
RETURNING ao.order_id;
