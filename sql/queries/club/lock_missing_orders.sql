-- Let one transaction after the other look for missing orders and make them.
-- Returns: one row.
SELECT pg_advisory_xact_lock(hashtextextended('tournament-fees missing orders', 0));
