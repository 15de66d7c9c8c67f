-- Those of these claimed messages that are still ours.
-- Takes: message_ids, an array; digests, a JSON object of each kind's template digest.
-- Returns: id, kind, mailbox, address, message_id, attempts, attempts_before, maybe_delivered, content_digest and dated_at (NULL before it
-- was first on the wire), suppressed, approved (each order of it that somebody may owe is covered as it stands), order_ids (an array).
SELECT
    m.id,
    m.kind,
    m.mailbox,
    m.address,
    m.message_id,
    m.attempts,
    m.attempts_before,
    m.maybe_delivered,
    m.content_digest,
    m.dated_at,
    exists(
        SELECT FROM tournament_fees.suppressions AS su
        WHERE su.mailbox = m.mailbox AND su.lifted_at IS NULL
    ) AS suppressed,
    NOT EXISTS (
        SELECT FROM tournament_fees.message_orders AS mo
        INNER JOIN orders AS o ON mo.order_id = o.id
        WHERE
            mo.message_id = m.id
            AND cast(o.status AS text) = 'pending'
            AND NOT tournament_fees.is_approved(
                m.campaign_id,
                m.mailbox,
                o.id,
                cast(o.amount AS numeric),
                cast(o.currency AS text),
                cast(:digests AS jsonb) ->> m.kind
            )
    ) AS approved,
    array(
        SELECT mo.order_id FROM tournament_fees.message_orders AS mo
        WHERE mo.message_id = m.id
        ORDER BY mo.order_id
    ) AS order_ids
FROM tournament_fees.messages AS m
WHERE m.id = any(cast(:message_ids AS bigint[])) AND m.status = 'claimed' AND m.lease_token = :token;
