-- Keep what a batch has claimed for another while, where a good part of the lease is over.
-- Takes: message_ids, an array; fresh_seconds: a lease that has so much left stays as it is.
-- Returns: id of those that were extended.
UPDATE tournament_fees.messages
SET lease_expires_at = clock_timestamp() + make_interval(secs => :lease_seconds)
WHERE
    id = any(cast(:message_ids AS bigint[]))
    AND lease_token = :token
    AND status = 'claimed'
    AND lease_expires_at < clock_timestamp() + make_interval(secs => :fresh_seconds)
RETURNING id;
