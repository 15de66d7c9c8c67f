-- What a reminder's limits are compared with: when its mailbox was last mailed by us, whatever about, and how many reminders its family has
-- had for the tournament. What may have been delivered counts; what the mail server refused does not, nor the one in whose place this one
-- goes.
-- Takes: message_id.
-- Returns: one row with tournament_id, mailed_at (business time, or NULL), reminders.
SELECT
    c.tournament_id,
    (
        SELECT max(coalesce(a.counted_at, a.at))
        FROM tournament_fees.messages AS other
        INNER JOIN tournament_fees.delivery_attempts AS a ON other.id = a.message_id AND a.outcome = 'sending'
        WHERE
            other.mailbox = m.mailbox
            AND other.id <> m.id
            AND other.id IS DISTINCT FROM m.resend_of
            AND other.status IN ('sending', 'sent', 'uncertain', 'resent')
    ) AS mailed_at,
    (
        SELECT count(*)
        FROM tournament_fees.messages AS other
        INNER JOIN tournament_fees.campaigns AS oc ON other.campaign_id = oc.id
        WHERE
            (other.mailbox, other.family) = (m.mailbox, m.family)
            AND other.id <> m.id
            AND other.id IS DISTINCT FROM m.resend_of
            AND other.status IN ('sending', 'sent', 'uncertain', 'resent')
            AND (oc.tournament_id, oc.kind) = (c.tournament_id, 'reminder')
    ) AS reminders
FROM tournament_fees.messages AS m
INNER JOIN tournament_fees.campaigns AS c ON m.campaign_id = c.id
WHERE m.id = :message_id;
