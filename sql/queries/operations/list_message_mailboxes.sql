-- The mailboxes that messages are to.
-- Returns: id, mailbox, address (may be NULL).
SELECT
    id,
    mailbox,
    address
FROM tournament_fees.messages
WHERE id = any(cast(:message_ids AS bigint[]))
ORDER BY id;
