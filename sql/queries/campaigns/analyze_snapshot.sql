-- Tell PostgreSQL how many recipients there are, and how many of them share a mailbox: nobody else does for a temporary table.
-- Returns nothing.
ANALYZE snapshot;
