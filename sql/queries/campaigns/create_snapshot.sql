-- The tournament's recipients as the club's tables have them now; lives as long as the transaction. Returns nothing.
CREATE TEMPORARY TABLE snapshot (
    order_id bigint,
    order_status text,
    player_id bigint NOT NULL,
    parent_id bigint NOT NULL,
    mailbox text NOT NULL,
    family text NOT NULL,
    address text,
    problem text,
    chosen boolean NOT NULL -- whether the run is about it
) ON COMMIT DROP;
