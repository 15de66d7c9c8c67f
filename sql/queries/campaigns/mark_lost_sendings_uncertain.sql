-- Call uncertain what a lost worker had in hand on the wire; a person decides.
-- Takes: campaign_id, or NULL for all campaigns.
-- Returns: id.
WITH lost AS (
    UPDATE tournament_fees.messages
    SET
        status = 'uncertain',
        reason = 'worker_lost',
        last_error = 'The process that was sending it ended before it could record the mail server''s reply',
        lease_token = NULL,
        lease_expires_at = NULL,
        changed_at = :now
    WHERE
        (cast(:campaign_id AS bigint) IS NULL OR campaign_id = :campaign_id)
        AND status = 'sending'
        AND lease_expires_at < clock_timestamp()
    RETURNING id, attempts
)

INSERT INTO tournament_fees.delivery_attempts (message_id, attempt, outcome, phase)
SELECT
    id,
    attempts,
    'uncertain',
    'body'
FROM lost
RETURNING message_id AS id;
