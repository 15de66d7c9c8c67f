-- Queue again what a lost worker had claimed: nothing of it was on the wire.
-- Returns: id.
UPDATE tournament_fees.messages
SET status = 'queued', lease_token = NULL, lease_expires_at = NULL, changed_at = :now
WHERE campaign_id = :campaign_id AND status = 'claimed' AND lease_expires_at < clock_timestamp()
RETURNING id;
