-- Keep what a batch has claimed for another while.
-- Returns: id of those that are still ours.
UPDATE tournament_fees.messages
SET lease_expires_at = clock_timestamp() + make_interval(secs => :lease_seconds)
WHERE lease_token = :token AND status = 'claimed'
RETURNING id;
