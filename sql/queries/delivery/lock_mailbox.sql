-- Hold a message's mailbox until the transaction ends: of two messages to it at one moment, the second sees the first.
-- Returns: one row.
SELECT pg_advisory_xact_lock(hashtextextended(concat('tournament-fees mailbox ', m.mailbox), 0))
FROM tournament_fees.messages AS m
WHERE m.id = :message_id;
