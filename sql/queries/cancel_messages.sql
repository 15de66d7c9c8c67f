-- Cancel what a stopped campaign has not sent; what is on the wire at this moment comes to its own end.
-- Returns: id.
UPDATE tournament_fees.messages
SET status = 'cancelled', reason = 'campaign_stopped', lease_token = NULL, lease_expires_at = NULL, changed_at = :now
WHERE campaign_id = :campaign_id AND status IN ('queued', 'claimed')
RETURNING id;
