-- Add rows to the snapshot, one array a column. Returns nothing.
INSERT INTO snapshot
SELECT
    order_id,
    order_status,
    player_id,
    parent_id,
    mailbox,
    family,
    address,
    problem,
    chosen
FROM unnest(
    cast(:order_id AS bigint[]),
    cast(:order_status AS text[]),
    cast(:player_id AS bigint[]),
    cast(:parent_id AS bigint[]),
    cast(:mailbox AS text[]),
    cast(:family AS text[]),
    cast(:address AS text[]),
    cast(:problem AS text[]),
    cast(:chosen AS boolean[])
) AS row (order_id, order_status, player_id, parent_id, mailbox, family, address, problem, chosen);
