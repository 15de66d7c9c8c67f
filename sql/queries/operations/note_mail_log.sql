-- Keep the Message-IDs that the mail server's log has.
-- Returns: message_id of those that are new.
INSERT INTO tournament_fees.mail_log (message_id, noted_at)
SELECT
    given.message_id,
    :now
FROM unnest(cast(:message_ids AS text[])) AS given (message_id)
ON CONFLICT (message_id) DO NOTHING
RETURNING message_id;
