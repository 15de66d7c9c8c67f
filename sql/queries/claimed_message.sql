-- A claimed message, if it is still ours.
-- Returns: id, kind, mailbox, address, message_id, attempts, attempts_before, maybe_delivered, content_digest and dated_at (NULL before it
-- was first on the wire), suppressed, order_ids (an array).
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
    array(
        SELECT mo.order_id FROM tournament_fees.message_orders AS mo
        WHERE mo.message_id = m.id
        ORDER BY mo.order_id
    ) AS order_ids
FROM tournament_fees.messages AS m
WHERE m.id = :message_id AND m.status = 'claimed' AND m.lease_token = :token;
