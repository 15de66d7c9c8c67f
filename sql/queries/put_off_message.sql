-- Skip a claimed message, or queue it for later, for a reason that is not the mail server's.
-- Returns: id.
UPDATE tournament_fees.messages
SET
    status = :status,
    reason = :reason,
    last_error = :error,
    next_attempt_at = coalesce(cast(:next_attempt_at AS timestamptz), next_attempt_at),
    lease_token = NULL,
    lease_expires_at = NULL,
    changed_at = :now
WHERE id = :message_id AND status = 'claimed' AND lease_token = :token
RETURNING id;
