-- Note sessions that a list call has shown, each for the orders that it may be of: the one that stores it, the one that the ledger has it
-- for, and the one that its metadata or reference names. One whose end is known and that changes nothing any more is left out; a
-- payment link that was closed and is listed is on again, also where the club has deleted its order. In the order of their keys: who notes
-- the same at the same moment waits, and does not meet us from the other end.
-- Takes arrays of one length: session_ids, order_ids (NULL where none is named), sessions (JSON).
-- Returns: order_id, session_id, known (as take_seen_sessions.sql).
WITH listed AS (
    SELECT
        session_id,
        order_id,
        session
    FROM unnest(
        cast(:session_ids AS text[]), cast(:order_ids AS bigint[]), cast(:sessions AS text[])) AS
    listed (session_id, order_id, session)
),

own AS (
    SELECT
        orders.id AS order_id,
        listed.session_id
    FROM listed
    INNER JOIN orders ON listed.session_id = orders.stripe_checkout_session_id
    UNION
    SELECT
        attempts.order_id,
        listed.session_id
    FROM listed
    INNER JOIN tournament_fees.checkout_attempts AS attempts ON listed.session_id = attempts.session_id
),

matched AS (
    SELECT
        own.order_id,
        own.session_id
    FROM own
    UNION
    SELECT
        listed.order_id,
        listed.session_id
    FROM listed
    WHERE listed.order_id IS NOT NULL
),

noted AS (
    INSERT INTO tournament_fees.sightings AS s (order_id, session_id, seen_at, session)
    SELECT
        matched.order_id,
        listed.session_id,
        :seen_at,
        cast(listed.session AS jsonb)
    FROM matched
    INNER JOIN listed ON matched.session_id = listed.session_id
    LEFT JOIN orders ON matched.order_id = orders.id
    LEFT JOIN own ON matched.order_id = own.order_id AND matched.session_id = own.session_id
    WHERE
        CASE
            WHEN orders.id IS NULL THEN own.order_id IS NOT NULL AND listed.session_id LIKE 'plink\_%'
            ELSE
                orders.status = 'pending'
                OR NOT EXISTS (
                    SELECT FROM tournament_fees.checkout_attempts AS a
                    WHERE
                        a.session_id = listed.session_id
                        AND a.session_id NOT LIKE 'plink\_%'
                        AND (a.state = 'expired' OR (a.state = 'complete' AND a.payment_status <> 'unpaid'))
                )
        END
    ORDER BY matched.order_id ASC, listed.session_id ASC
    ON CONFLICT (order_id, session_id) DO UPDATE
        SET seen_at = excluded.seen_at, session = excluded.session
        WHERE s.seen_at < excluded.seen_at OR s.seen_at > clock_timestamp() -- before PostgreSQL's clock was set back
    RETURNING s.order_id, s.session_id
)

SELECT
    noted.order_id,
    noted.session_id,
    own.order_id IS NOT NULL AS known
FROM noted
LEFT JOIN own ON noted.order_id = own.order_id AND noted.session_id = own.session_id;
