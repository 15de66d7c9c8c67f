-- The message of ours that one of these Message-IDs (RFC 5322) names.
-- Returns: id, mailbox, address; or no row.
SELECT
    id,
    mailbox,
    address
FROM tournament_fees.messages
WHERE message_id = any(cast(:message_ids AS text[]))
ORDER BY id
LIMIT 1;
