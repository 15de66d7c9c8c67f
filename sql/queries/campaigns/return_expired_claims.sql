-- Queue again what a lost worker had claimed: nothing of it was on the wire.
-- Takes: campaign_id, or NULL for all campaigns.
-- Returns: id.
UPDATE tournament_fees.messages
SET status = 'queued', lease_token = NULL, lease_expires_at = NULL, changed_at = :now
WHERE
    (cast(:campaign_id AS bigint) IS NULL OR campaign_id = :campaign_id)
    AND status = 'claimed'
    AND lease_expires_at < clock_timestamp()
RETURNING id;
