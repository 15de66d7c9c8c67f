-- Skip a claimed message, fail it, or queue it for later, for a reason that is not the mail server's. One that may have been delivered
-- before does not fail: it stays uncertain.
-- Returns: id, status.
UPDATE tournament_fees.messages
SET
    status = CASE WHEN maybe_delivered AND :status = 'failed' THEN 'uncertain' ELSE :status END,
    reason = CASE WHEN maybe_delivered AND :status = 'failed' THEN 'no_reply' ELSE :reason END,
    last_error = :error,
    next_attempt_at = coalesce(cast(:next_attempt_at AS timestamptz), next_attempt_at),
    lease_token = NULL,
    lease_expires_at = NULL,
    changed_at = :now
WHERE id = :message_id AND status = 'claimed' AND lease_token = :token
RETURNING id, status;
