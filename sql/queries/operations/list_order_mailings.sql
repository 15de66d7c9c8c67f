-- When orders were last mailed with a link, whatever the campaign, and how that link stands.
-- Takes: order_ids, now.
-- Returns: order_id, mailed_at (business time), uncertain (it may not have come), link_live, processing (a slow payment is under way),
-- mailings.
WITH mailed AS (
    SELECT
        mo.order_id,
        m.status = 'uncertain' AS uncertain,
        mo.session_id,
        mo.link_expires_at,
        a.at,
        count(*) OVER (PARTITION BY mo.order_id) AS mailings,
        row_number() OVER (PARTITION BY mo.order_id ORDER BY a.at DESC) AS latest
    FROM tournament_fees.message_orders AS mo
    INNER JOIN tournament_fees.messages AS m ON mo.message_id = m.id AND m.status IN ('sent', 'uncertain')
    INNER JOIN LATERAL (
        SELECT max(coalesce(da.counted_at, da.at)) AS at
        FROM tournament_fees.delivery_attempts AS da
        WHERE da.message_id = m.id AND da.outcome = 'sending'
    ) AS a ON a.at IS NOT NULL
    WHERE mo.order_id = any(cast(:order_ids AS bigint[])) AND mo.session_id IS NOT NULL
)

SELECT
    wanted.order_id,
    mailed.at AS mailed_at,
    coalesce(mailed.uncertain, FALSE) AS uncertain,
    (
        mailed.session_id IS NOT NULL
        AND coalesce(mailed.link_expires_at > :now, mailed.session_id LIKE 'plink\_%')
        AND coalesce(known.state, 'open') = 'open'
    ) AS link_live,
    exists(
        SELECT FROM tournament_fees.checkout_attempts AS ca
        WHERE ca.order_id = wanted.order_id AND ca.state = 'processing'
    ) AS processing,
    coalesce(mailed.mailings, 0) AS mailings
FROM unnest(cast(:order_ids AS bigint[])) AS wanted (order_id)
LEFT JOIN mailed ON wanted.order_id = mailed.order_id AND mailed.latest = 1
LEFT JOIN tournament_fees.checkout_attempts AS known ON mailed.session_id = known.session_id
ORDER BY wanted.order_id;
