-- Call uncertain messages sent, since a person has found that they were.
-- Returns: id.
UPDATE tournament_fees.messages
SET status = 'sent', reason = 'confirmed_by_hand', changed_at = :now
WHERE id = any(cast(:message_ids AS bigint[])) AND status = 'uncertain'
RETURNING id;
