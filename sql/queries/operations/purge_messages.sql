-- Take who it went to off messages; what became of them stays.
-- Returns: id.
UPDATE tournament_fees.messages
SET mailbox = concat('purged:', id), family = '', address = NULL, last_error = NULL, content_digest = NULL
WHERE campaign_id = any(cast(:campaign_ids AS bigint[])) AND mailbox <> concat('purged:', id)
RETURNING id;
