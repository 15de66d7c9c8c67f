-- Keep what an approval is about, one array a column.
-- Returns: order_id.
INSERT INTO tournament_fees.approved_orders (approval_id, order_id, mailbox, amount, currency, template_digest)
SELECT
    :approval_id,
    given.order_id,
    given.mailbox,
    given.amount,
    given.currency,
    given.template_digest
FROM
    unnest(
        cast(:order_ids AS bigint[]),
        cast(:mailboxes AS text[]),
        cast(:amounts AS numeric[]),
        cast(:currencies AS text[]),
        cast(:digests AS text[])
    ) AS given (order_id, mailbox, amount, currency, template_digest)
RETURNING order_id;
