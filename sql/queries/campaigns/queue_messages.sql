-- Make a message for each family whose orders have none to join: the first, or a supplement where the earlier one has left the queue.
-- Somebody without any order, or with none that the run is about, gets one too, so that every recipient ends in a state with a reason.
-- Its Message-ID is made of the mailbox, the family, and how many messages the family has: its part depends on who comes first, and a
-- ledger that was restored may queue families that share a mailbox in another order.
-- Takes: order_ids, an array of the orders that may get one, or NULL for everybody.
-- Returns nothing.
WITH unassigned AS (
    SELECT
        s.mailbox,
        s.family,
        min(s.parent_id) AS parent_id,
        bool_or(s.order_id IS NOT NULL AND s.chosen) AS has_order
    FROM snapshot AS s
    WHERE
        (cast(:order_ids AS bigint[]) IS NULL OR s.order_id = any(cast(:order_ids AS bigint[])))
        AND NOT EXISTS (
            SELECT FROM tournament_fees.message_orders AS mo
            WHERE mo.campaign_id = :campaign_id AND mo.order_id = s.order_id
        )
    GROUP BY s.mailbox, s.family
),

lonely AS (
    SELECT u.*
    FROM unassigned AS u
    WHERE NOT EXISTS (
        SELECT FROM tournament_fees.messages AS m
        WHERE
            m.campaign_id = :campaign_id
            AND (m.mailbox, m.family) = (u.mailbox, u.family)
            AND ((m.status IN ('queued', 'skipped') AND NOT m.maybe_delivered) OR NOT u.has_order)
    )
),

placed AS (
    SELECT
        l.*,
        coalesce((
            SELECT max(m.part) FROM tournament_fees.messages AS m
            WHERE m.campaign_id = :campaign_id AND m.mailbox = l.mailbox
        ), 0) + row_number() OVER (PARTITION BY l.mailbox ORDER BY l.parent_id) AS part,
        1 + (
            SELECT count(*) FROM tournament_fees.messages AS m
            WHERE m.campaign_id = :campaign_id AND (m.mailbox, m.family) = (l.mailbox, l.family)
        ) AS of_family
    FROM lonely AS l
)

INSERT INTO tournament_fees.messages
(campaign_id, kind, mailbox, family, part, parent_id, message_id, status, next_attempt_at, created_at, changed_at)
SELECT
    :campaign_id,
    :kind,
    p.mailbox,
    p.family,
    p.part,
    p.parent_id,
    tournament_fees.message_id_of(:campaign_id, concat_ws(chr(10), p.mailbox, p.family), p.of_family, :domain),
    'queued',
    :now,
    :now,
    :now
FROM placed AS p
ORDER BY p.parent_id, p.family;
