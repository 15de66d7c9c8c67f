-- The messages that are not sent as far as the ledger knows, and were by the mail server's log; of one campaign or (NULL) of all.
-- Returns: id, campaign_id.
SELECT
    m.id,
    m.campaign_id
FROM tournament_fees.messages AS m
INNER JOIN tournament_fees.mail_log AS ml ON m.message_id = ml.message_id
WHERE
    (cast(:campaign_id AS bigint) IS NULL OR m.campaign_id = :campaign_id)
    AND m.status IN ('uncertain', 'queued', 'skipped', 'failed')
ORDER BY m.id
FOR UPDATE OF m;
