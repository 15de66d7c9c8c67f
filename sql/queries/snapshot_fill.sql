-- Add rows to the snapshot, one array a column. Returns nothing.
INSERT INTO snapshot
SELECT * FROM unnest(
    CAST(:order_id AS bigint []),
    CAST(:order_status AS text []),
    CAST(:player_id AS bigint []),
    CAST(:parent_id AS bigint []),
    CAST(:mailbox AS text []),
    CAST(:family AS text []),
    CAST(:address AS text []),
    CAST(:problem AS text [])
);
