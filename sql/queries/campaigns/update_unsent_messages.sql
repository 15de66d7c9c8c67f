-- Bring unsent messages to the state that the snapshot calls for: skipped with a reason, or queued again where a cause was mended.
-- Takes: statuses, an array of 'queued' and, where skipped ones may come back, 'skipped'.
-- Returns nothing.
WITH judged AS (
    SELECT
        m.id,
        s.address,
        s.parent_id,
        CASE
            WHEN
                s.parent_id IS NULL
                AND NOT EXISTS (
                    SELECT FROM tournament_fees.message_orders AS mo
                    WHERE mo.message_id = m.id
                ) THEN 'moved'
            WHEN NOT EXISTS (
                SELECT FROM tournament_fees.message_orders AS mo
                WHERE mo.message_id = m.id
            ) THEN CASE WHEN s.left_out AND NOT s.lacks_order THEN 'excluded' ELSE 'no_order' END
            WHEN s.problem IS NOT NULL THEN s.problem
            WHEN EXISTS (
                SELECT FROM tournament_fees.suppressions AS su
                WHERE su.mailbox = m.mailbox AND su.lifted_at IS NULL
            ) THEN 'suppressed'
            WHEN
                m.status = 'skipped'
                AND m.reason <> 'excluded'
                AND NOT EXISTS (
                    SELECT FROM tournament_fees.message_orders AS mo
                    INNER JOIN snapshot AS own ON mo.order_id = own.order_id
                    WHERE mo.message_id = m.id AND own.order_status = 'pending'
                ) THEN m.reason
        END AS reason
    FROM tournament_fees.messages AS m
    LEFT JOIN LATERAL (
        SELECT
            min(snapshot.parent_id) AS parent_id,
            (array_agg(snapshot.address ORDER BY snapshot.parent_id))[1] AS address,
            min(snapshot.problem) AS problem,
            bool_or(NOT snapshot.chosen) AS left_out,
            bool_or(snapshot.chosen AND snapshot.order_id IS NULL) AS lacks_order
        FROM snapshot
        WHERE (snapshot.mailbox, snapshot.family) = (m.mailbox, m.family)
    ) AS s ON TRUE
    WHERE m.campaign_id = :campaign_id AND m.status = any(cast(:statuses AS text[]))
)

UPDATE tournament_fees.messages AS m
SET
    address = coalesce(j.address, m.address),
    parent_id = coalesce(j.parent_id, m.parent_id),
    status = CASE WHEN j.reason IS NULL THEN 'queued' ELSE 'skipped' END,
    reason = CASE WHEN j.reason IS NULL AND m.status = 'queued' THEN m.reason ELSE j.reason END,
    next_attempt_at = CASE WHEN j.reason IS NULL AND m.status = 'skipped' THEN cast(:now AS timestamptz) ELSE m.next_attempt_at END,
    changed_at = :now
FROM judged AS j
WHERE
    m.id = j.id
    AND (
        m.status IS DISTINCT FROM CASE WHEN j.reason IS NULL THEN 'queued' ELSE 'skipped' END
        OR (m.status = 'skipped' AND m.reason IS DISTINCT FROM j.reason)
        OR m.address IS DISTINCT FROM coalesce(j.address, m.address)
    );
