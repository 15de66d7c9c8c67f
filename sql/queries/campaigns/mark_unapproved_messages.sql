-- Mark those of a campaign's unsent messages that wait for an approval, since an order of theirs is not covered as it stands now, and take
-- the mark off those that are covered.
-- Takes: digests, a JSON object of each kind's template digest.
-- Returns nothing.
WITH judged AS (
    SELECT
        m.id,
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
        ) AS approved
    FROM tournament_fees.messages AS m
    WHERE m.campaign_id = :campaign_id AND m.status = 'queued'
)

UPDATE tournament_fees.messages AS m
SET reason = CASE WHEN j.approved THEN NULL ELSE 'awaiting_approval' END, changed_at = :now
FROM judged AS j
WHERE
    m.id = j.id
    AND m.status = 'queued'
    AND j.approved = (m.reason IS NOT DISTINCT FROM 'awaiting_approval');
