-- Remember how orders' links stood when they were checked, and what the messages that carry them say. Runs in the campaign's ledger.
-- Takes campaign_id, and arrays of one length: order_ids, links, details, session_ids, amounts, currencies, links_expire_at, checked_at.
-- Returns: order_id.
UPDATE tournament_fees.message_orders AS mo
SET
    link = looked.link,
    detail = looked.detail,
    session_id = looked.session_id,
    amount = looked.amount,
    currency = looked.currency,
    link_expires_at = looked.link_expires_at,
    checked_at = coalesce(looked.checked_at, clock_timestamp())
FROM
    unnest(
        cast(:order_ids AS bigint[]),
        cast(:links AS text[]),
        cast(:details AS text[]),
        cast(:session_ids AS text[]),
        cast(:amounts AS numeric[]),
        cast(:currencies AS text[]),
        cast(:links_expire_at AS timestamptz[]),
        cast(:checked_at AS timestamptz[])
    ) AS looked (order_id, link, detail, session_id, amount, currency, link_expires_at, checked_at)
WHERE mo.campaign_id = :campaign_id AND mo.order_id = looked.order_id
RETURNING mo.order_id;
