-- Queue messages again that a person sends on their way: with all attempts before them, and those that may have been delivered marked so.
-- Returns: id.
UPDATE tournament_fees.messages
SET
    status = 'queued',
    reason = CASE WHEN status = 'uncertain' THEN 'resend' ELSE 'retry' END,
    maybe_delivered = maybe_delivered OR status = 'uncertain',
    attempts_before = attempts,
    next_attempt_at = :now,
    changed_at = :now
WHERE id = any(cast(:message_ids AS bigint[])) AND status IN ('failed', 'uncertain')
RETURNING id;
