-- Call uncertain, after a restore, what could have gone out since the backup: a person, or the mail server's log, says what became of it.
-- The campaigns are being sent, as far as anybody can know; but one that had not begun is begun by a run alone, which looks at how many
-- messages it has and whether they can be written.
-- Takes: now, detail.
-- Returns: id, campaign_id.
WITH campaign AS (
    UPDATE tournament_fees.campaigns
    SET state = CASE WHEN state = 'draft' THEN 'draft' ELSE 'sending' END, changed_at = :now
    WHERE state IN ('draft', 'awaiting_approval', 'sending') AND purged_at IS NULL
    RETURNING id
),

chosen AS (
    SELECT
        m.id,
        m.status
    FROM tournament_fees.messages AS m
    INNER JOIN campaign AS c ON m.campaign_id = c.id
    WHERE
        m.status = 'sending'
        OR (
            m.status IN ('queued', 'claimed')
            AND EXISTS (
                SELECT FROM tournament_fees.message_orders AS mo
                WHERE mo.message_id = m.id
            )
        )
    FOR UPDATE OF m
),

held AS (
    UPDATE tournament_fees.messages AS m
    SET
        status = 'uncertain',
        reason = CASE WHEN c.status = 'sending' THEN 'worker_lost' ELSE 'restored' END,
        last_error = :detail,
        lease_token = NULL,
        lease_expires_at = NULL,
        changed_at = :now
    FROM chosen AS c
    WHERE m.id = c.id
    RETURNING m.id, m.campaign_id, m.attempts, c.status
),

told AS (
    INSERT INTO tournament_fees.delivery_attempts (message_id, attempt, outcome, phase)
    SELECT
        h.id,
        h.attempts,
        'uncertain',
        'body'
    FROM held AS h
    WHERE h.status = 'sending'
)

SELECT
    h.id,
    h.campaign_id
FROM held AS h
ORDER BY h.id;
