-- Forget in which words mail servers answered: they repeat addresses.
-- Returns: id.
UPDATE tournament_fees.delivery_attempts AS a
SET smtp_reply = NULL
FROM tournament_fees.messages AS m
WHERE a.message_id = m.id AND m.campaign_id = any(cast(:campaign_ids AS bigint[])) AND a.smtp_reply IS NOT NULL
RETURNING a.id;
