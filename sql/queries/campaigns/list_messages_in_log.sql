-- The messages that are not sent as far as the ledger knows, and were by the mail server's log; of one campaign or (NULL) of all.
-- One that carries no order in the restored ledger waits: the order that it went out with may be entered again, and must find it unsent to
-- join it, or it would get another message and go out twice.
-- Returns: id, campaign_id.
SELECT
    m.id,
    m.campaign_id
FROM tournament_fees.messages AS m
INNER JOIN tournament_fees.mail_log AS ml ON m.message_id = ml.message_id
WHERE
    (cast(:campaign_id AS bigint) IS NULL OR m.campaign_id = :campaign_id)
    AND m.status IN ('uncertain', 'queued', 'skipped', 'failed')
    AND EXISTS (
        SELECT FROM tournament_fees.message_orders AS mo
        WHERE mo.message_id = m.id
    )
ORDER BY m.id
FOR UPDATE OF m;
