-- Queue again what a restore held and the mail server never took: as it was in the backup, under its Message-ID. What of it is of a
-- campaign that was stopped since is cancelled.
-- Returns: id.
WITH campaign AS (
    SELECT
        c.id,
        c.state
    FROM tournament_fees.campaigns AS c
    WHERE
        c.id IN (
            SELECT m.campaign_id FROM tournament_fees.messages AS m
            WHERE m.id = any(cast(:message_ids AS bigint[]))
        )
    ORDER BY c.id
    FOR SHARE
)

UPDATE tournament_fees.messages AS m
SET
    status = CASE WHEN c.state = 'stopped' THEN 'cancelled' ELSE 'queued' END,
    reason = CASE WHEN c.state = 'stopped' THEN 'campaign_stopped' END,
    last_error = NULL,
    changed_at = :now
FROM campaign AS c
WHERE
    m.campaign_id = c.id
    AND m.id = any(cast(:message_ids AS bigint[]))
    AND m.status = 'uncertain'
    AND m.reason = 'restored'
RETURNING m.id;
