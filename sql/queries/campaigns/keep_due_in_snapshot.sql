-- Leave in the snapshot only what to remind of: unpaid orders that were mailed, of families one of whose orders is due. Due is what
-- was last mailed long enough ago or, where that is asked for, whose mailed link has died. Left out are orders that a campaign is about to
-- mail anyway, mailboxes that were mailed within the gap, and families that have had the most reminders for it. Of families that
-- share a mailbox, the one that was not mailed for the longest time has its turn.
-- Takes: tournament_id, now, after_days, dead_links, gap_hours, most.
-- Returns: orders (how many were left out).
WITH mailed AS (
    SELECT DISTINCT ON (mo.order_id)
        mo.order_id,
        a.at,
        (
            mo.link_expires_at <= :now
            OR EXISTS (
                SELECT FROM tournament_fees.checkout_attempts AS ca
                WHERE ca.session_id = mo.session_id AND ca.state = 'expired'
            )
        ) AS dead
    FROM tournament_fees.message_orders AS mo
    INNER JOIN tournament_fees.campaigns AS c ON mo.campaign_id = c.id AND c.tournament_id = :tournament_id
    INNER JOIN tournament_fees.messages AS m ON mo.message_id = m.id AND m.status IN ('sent', 'uncertain')
    INNER JOIN LATERAL (
        SELECT max(coalesce(da.counted_at, da.at)) AS at
        FROM tournament_fees.delivery_attempts AS da
        WHERE da.message_id = m.id AND da.outcome = 'sending'
    ) AS a ON a.at IS NOT NULL
    WHERE mo.session_id IS NOT NULL
    ORDER BY mo.order_id ASC, a.at DESC
),

families AS (
    SELECT
        s.mailbox,
        s.family,
        row_number() OVER (PARTITION BY s.mailbox ORDER BY min(mailed.at), s.family) AS place
    FROM snapshot AS s
    INNER JOIN mailed ON s.order_id = mailed.order_id
    WHERE
        s.order_status = 'pending'
        AND (
            mailed.at <= cast(:now AS timestamptz) - make_interval(days => :after_days)
            OR (:dead_links AND mailed.dead)
        )
        AND NOT EXISTS (
            SELECT FROM tournament_fees.messages AS m
            INNER JOIN tournament_fees.delivery_attempts AS da ON m.id = da.message_id AND da.outcome = 'sending'
            WHERE
                m.mailbox = s.mailbox
                AND m.status IN ('sending', 'sent', 'uncertain', 'resent')
                AND coalesce(da.counted_at, da.at) > cast(:now AS timestamptz) - make_interval(secs => 3600 * :gap_hours)
        )
        AND (
            SELECT count(*)
            FROM tournament_fees.messages AS m
            INNER JOIN tournament_fees.campaigns AS c ON m.campaign_id = c.id
            WHERE
                (m.mailbox, m.family) = (s.mailbox, s.family)
                AND m.status IN ('sending', 'sent', 'uncertain', 'resent')
                AND (c.tournament_id, c.kind) = (:tournament_id, 'reminder')
        ) < :most
    GROUP BY s.mailbox, s.family
),

left_out AS (
    DELETE FROM snapshot AS s
    WHERE
        s.order_status IS DISTINCT FROM 'pending'
        OR s.order_id NOT IN (SELECT mailed.order_id FROM mailed)
        OR NOT EXISTS (
            SELECT FROM families
            WHERE (families.mailbox, families.family) = (s.mailbox, s.family) AND families.place = 1
        )
        OR EXISTS (
            SELECT FROM tournament_fees.message_orders AS mo
            INNER JOIN tournament_fees.messages AS m ON mo.message_id = m.id AND m.status IN ('queued', 'claimed', 'sending')
            INNER JOIN tournament_fees.campaigns AS c ON m.campaign_id = c.id AND c.state = 'sending'
            WHERE mo.order_id = s.order_id
        )
    RETURNING s.order_id
)

SELECT count(*) AS orders
FROM left_out;
