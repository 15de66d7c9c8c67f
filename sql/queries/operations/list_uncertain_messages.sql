-- The uncertain messages of a tournament (NULL: of all), or those of these ids (NULL: all), each with what is known of its last attempt.
-- Returns: id, tournament_id, kind, sequence, campaign_state, message_id (RFC 5322), address (mask it), sent_at (when its body went out),
-- phase, smtp_code, reply (mask it), run_id; the last five may be NULL.
SELECT
    m.id,
    c.tournament_id,
    m.kind,
    c.sequence,
    c.state AS campaign_state,
    m.message_id,
    m.address,
    sending.at AS sent_at,
    told.phase,
    told.smtp_code,
    coalesce(told.smtp_reply, m.last_error) AS reply,
    sending.run_id
FROM tournament_fees.messages AS m
INNER JOIN tournament_fees.campaigns AS c ON m.campaign_id = c.id
LEFT JOIN LATERAL (
    SELECT
        a.at,
        a.run_id
    FROM tournament_fees.delivery_attempts AS a
    WHERE a.message_id = m.id AND a.outcome = 'sending'
    ORDER BY a.id DESC
    LIMIT 1
) AS sending ON TRUE
LEFT JOIN LATERAL (
    SELECT
        a.phase,
        a.smtp_code,
        a.smtp_reply
    FROM tournament_fees.delivery_attempts AS a
    WHERE a.message_id = m.id AND a.outcome = 'uncertain'
    ORDER BY a.id DESC
    LIMIT 1
) AS told ON TRUE
WHERE
    m.status = 'uncertain'
    AND c.tournament_id = coalesce(cast(:tournament_id AS bigint), c.tournament_id)
    AND (cast(:message_ids AS bigint[]) IS NULL OR m.id = any(cast(:message_ids AS bigint[])))
ORDER BY m.id;
