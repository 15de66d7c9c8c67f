-- Cancel what a stopped campaign has not sent; what is on the wire at this moment comes to its own end. What may have been delivered
-- before, and waited to be sent again, is uncertain again.
-- Returns: id.
UPDATE tournament_fees.messages
SET
    status = CASE WHEN maybe_delivered THEN 'uncertain' ELSE 'cancelled' END,
    reason = CASE WHEN maybe_delivered THEN 'no_reply' ELSE 'campaign_stopped' END,
    lease_token = NULL,
    lease_expires_at = NULL,
    changed_at = :now
WHERE campaign_id = :campaign_id AND status IN ('queued', 'claimed')
RETURNING id;
