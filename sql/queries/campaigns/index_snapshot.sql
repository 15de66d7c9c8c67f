-- Let a message find its family in the snapshot without reading all of it: for a hundred thousand of each that takes a quarter of an hour.
-- Only mailboxes are known to be short enough for an index; few families share one.
-- Returns nothing.
CREATE INDEX ON snapshot (mailbox);
