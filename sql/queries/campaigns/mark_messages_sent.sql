-- Call messages sent that are not: a person has found that they were, or the mail server's log says so. One of which the ledger has
-- forgotten that it went out gets the attempt that it lacks, at the latest time that it can have been; its links, which nobody knows any
-- more, are dead a day after that.
-- Takes: message_ids, reason, now.
-- Returns: id.
WITH chosen AS (
    SELECT
        m.id,
        m.attempts,
        (m.status <> 'uncertain' OR m.reason = 'restored') AS unheard_of,
        coalesce((SELECT max(r.held_at) FROM tournament_fees.restores AS r), :now) AS at
    FROM tournament_fees.messages AS m
    WHERE m.id = any(cast(:message_ids AS bigint[])) AND m.status IN ('uncertain', 'queued', 'skipped', 'failed')
    FOR UPDATE OF m
),

marked AS (
    UPDATE tournament_fees.messages AS m
    SET
        status = 'sent',
        reason = :reason,
        attempts = m.attempts + CASE WHEN c.unheard_of THEN 1 ELSE 0 END,
        changed_at = :now
    FROM chosen AS c
    WHERE m.id = c.id
    RETURNING m.id
),

told AS (
    INSERT INTO tournament_fees.delivery_attempts (message_id, attempt, outcome, phase, counted_at)
    SELECT
        c.id,
        c.attempts + 1,
        o.outcome,
        o.phase,
        o.counted_at
    FROM chosen AS c
    CROSS JOIN LATERAL (VALUES (1, 'sending', 'body', c.at), (2, 'sent', 'after the dot', NULL)) AS o (place, outcome, phase, counted_at)
    WHERE c.unheard_of
    ORDER BY c.id, o.place
),

carried AS (
    UPDATE tournament_fees.message_orders AS mo
    SET
        session_id = coalesce(mo.session_id, 'forgotten by a restore'),
        link_expires_at = c.at + interval '1 day'
    FROM chosen AS c
    WHERE mo.message_id = c.id AND c.unheard_of
)

SELECT id FROM marked;
