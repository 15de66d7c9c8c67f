-- Record what became of a message that we hold, and the attempt beside it. What would be queued again is cancelled where the campaign has
-- been stopped meanwhile; the lock on the campaign keeps that true while somebody is stopping it. One that may have been delivered before
-- stays uncertain where it now fails or is cancelled: nobody knows of the first time yet.
-- Returns: id, status, or no row where the message is not ours any more.
WITH campaign AS (
    SELECT c.state
    FROM tournament_fees.campaigns AS c
    WHERE
        :status = 'queued'
        AND c.id = (
            SELECT m.campaign_id FROM tournament_fees.messages AS m
            WHERE m.id = :message_id
        )
    FOR SHARE
),

settled AS (
    UPDATE tournament_fees.messages
    SET
        status = CASE
            WHEN maybe_delivered AND (:status = 'failed' OR 'stopped' IN (SELECT state FROM campaign)) THEN 'uncertain'
            WHEN 'stopped' IN (SELECT state FROM campaign) THEN 'cancelled'
            ELSE :status
        END,
        reason = CASE
            WHEN maybe_delivered AND (:status = 'failed' OR 'stopped' IN (SELECT state FROM campaign)) THEN 'no_reply'
            WHEN 'stopped' IN (SELECT state FROM campaign) THEN 'campaign_stopped'
            ELSE cast(:reason AS text)
        END,
        last_error = :error,
        attempts = :attempt,
        next_attempt_at = coalesce(cast(:next_attempt_at AS timestamptz), next_attempt_at),
        lease_token = NULL,
        lease_expires_at = NULL,
        changed_at = :now
    WHERE id = :message_id AND lease_token = :token AND status IN ('claimed', 'sending')
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
