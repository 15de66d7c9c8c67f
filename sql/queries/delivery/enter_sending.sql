-- Enter `sending`: after the server's 354, before the first byte of the body, never twice. Only with our lease alive, the campaign not
-- stopped, the mailbox not suppressed, no restore from a backup unsettled and the message not in the mail server's log, each order that the
-- message carries as it was rendered and checked less than 120 seconds ago, its link not closed since, nobody at work on that, who may just
-- be closing it or about to write down that it is paid, where an approval is required each order covered by one, and, where the message
-- may have been delivered already, with the very same bytes.
-- The mailbox is held until this is committed: a reminder to it at the same moment waits, and then sees this message.
-- Takes, among others: digests, a JSON object of each kind's template digest.
-- Returns: id, attempts, or no row where anything has changed: then the message is looked at again.
WITH mailbox AS MATERIALIZED (
    SELECT pg_advisory_xact_lock(hashtextextended(concat('tournament-fees mailbox ', addressed.mailbox), 0))
    FROM tournament_fees.messages AS addressed
    WHERE addressed.id = :message_id
),

entered AS (
    UPDATE tournament_fees.messages AS m
    SET
        status = 'sending',
        attempts = m.attempts + 1,
        lease_expires_at = clock_timestamp() + make_interval(secs => :lease_seconds),
        links_die_at = :links_die_at,
        content_digest = :content_digest,
        dated_at = :dated_at,
        reason = NULL,
        changed_at = :now
    WHERE
        m.id = :message_id
        AND (SELECT count(*) FROM mailbox) = 1
        AND m.status = 'claimed'
        AND m.lease_token = :token
        AND m.lease_expires_at > clock_timestamp()
        AND (NOT m.maybe_delivered OR m.content_digest = :content_digest)
        AND EXISTS (
            SELECT FROM tournament_fees.campaigns AS c
            WHERE c.id = m.campaign_id AND c.state = 'sending'
        )
        AND NOT EXISTS (
            SELECT FROM tournament_fees.suppressions AS su
            WHERE su.mailbox = m.mailbox AND su.lifted_at IS NULL
        )
        AND NOT EXISTS (
            SELECT FROM tournament_fees.restores AS r
            WHERE r.settled_at IS NULL
        )
        AND NOT EXISTS (
            SELECT FROM tournament_fees.mail_log AS ml
            WHERE ml.message_id = m.message_id
        )
        AND NOT EXISTS (
            SELECT FROM tournament_fees.order_leases AS l
            WHERE l.order_id = any(cast(:order_ids AS bigint[])) AND l.expires_at > clock_timestamp()
        )
        AND NOT EXISTS (
            SELECT FROM tournament_fees.message_orders AS asked
            WHERE
                asked.message_id = m.id
                AND asked.order_id = any(cast(:order_ids AS bigint[]))
                AND NOT tournament_fees.is_approved(
                    m.campaign_id, m.mailbox, asked.order_id, asked.amount, asked.currency, cast(:digests AS jsonb) ->> m.kind
                )
        )
        AND cardinality(cast(:order_ids AS bigint[])) = (
            SELECT count(*)
            FROM tournament_fees.message_orders AS mo
            INNER JOIN orders AS o ON mo.order_id = o.id
            WHERE
                mo.message_id = m.id
                AND mo.order_id = any(cast(:order_ids AS bigint[]))
                AND mo.checked_at BETWEEN clock_timestamp() - make_interval(secs => 120) AND clock_timestamp()
                AND o.status = 'pending'
                AND o.stripe_checkout_session_id = mo.session_id
                AND NOT EXISTS (
                    SELECT FROM tournament_fees.checkout_attempts AS closed
                    WHERE closed.session_id = mo.session_id AND closed.state = 'expired'
                )
                AND o.amount = mo.amount
                AND lower(o.currency) = mo.currency
        )
    RETURNING m.id, m.attempts
)

INSERT INTO tournament_fees.delivery_attempts (message_id, attempt, outcome, phase, run_id, counted_at)
SELECT
    id,
    attempts,
    'sending',
    'body',
    :run_id,
    :now
FROM entered
RETURNING message_id AS id, attempt AS attempts;
