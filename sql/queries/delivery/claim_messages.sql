-- Take up messages of a batch under a lease, each at most once among all workers; also those that a lost worker had claimed, since
-- nothing of them was on the wire.
-- Returns: id.
UPDATE tournament_fees.messages
SET
    status = 'claimed',
    lease_token = :token,
    lease_expires_at = clock_timestamp() + make_interval(secs => :lease_seconds),
    changed_at = :now
WHERE
    id IN (
        SELECT m.id
        FROM tournament_fees.messages AS m
        INNER JOIN tournament_fees.campaigns AS c ON m.campaign_id = c.id AND c.state = 'sending'
        WHERE
            m.id = any(cast(:ids AS bigint[]))
            AND m.next_attempt_at <= :now
            AND (m.status = 'queued' OR (m.status = 'claimed' AND m.lease_expires_at < clock_timestamp()))
        ORDER BY m.id
        FOR UPDATE OF m SKIP LOCKED
    )
RETURNING id;
