-- Record a definite reply that came after the message was called uncertain: it says what became of it after all. Of one that may have been
-- delivered before, only a good one does: nobody knows of the first time yet.
-- Returns: id, status, or no row where a person or another worker has settled it.
WITH settled AS (
    UPDATE tournament_fees.messages
    SET
        status = CASE WHEN maybe_delivered AND :status <> 'sent' THEN status ELSE :status END,
        reason = CASE WHEN maybe_delivered AND :status <> 'sent' THEN reason ELSE cast(:reason AS text) END,
        last_error = :error,
        changed_at = :now
    WHERE id = :message_id AND status = 'uncertain' AND attempts = :attempt
    RETURNING id, status
),

told AS (
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
)

SELECT
    id,
    status
FROM settled;
