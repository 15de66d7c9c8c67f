-- Give back what a batch has claimed and not sent.
-- Returns: id.
UPDATE tournament_fees.messages
SET status = 'queued', lease_token = NULL, lease_expires_at = NULL, changed_at = :now
WHERE id = any(cast(:message_ids AS bigint[])) AND lease_token = :token AND status = 'claimed'
RETURNING id;
