-- Record what became of a message that we hold, and the attempt beside it.
-- Returns: id, or no row where the message is not ours any more.
WITH settled AS (
    UPDATE tournament_fees.messages
    SET
        status = :status,
        reason = :reason,
        last_error = :error,
        attempts = :attempt,
        next_attempt_at = coalesce(cast(:next_attempt_at AS timestamptz), next_attempt_at),
        lease_token = NULL,
        lease_expires_at = NULL,
        changed_at = :now
    WHERE id = :message_id AND lease_token = :token AND status IN ('claimed', 'sending')
    RETURNING id
)

INSERT INTO tournament_fees.delivery_attempts (message_id, attempt, outcome, phase, smtp_code, smtp_reply, run_id)
SELECT
    id,
    :attempt,
    :outcome,
    :phase,
    cast(:smtp_code AS integer),
    cast(:smtp_reply AS text),
    cast(:run_id AS uuid)
FROM settled
RETURNING message_id AS id;
