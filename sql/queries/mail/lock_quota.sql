-- Let one worker at a time look at the limits and use them, until its transaction ends.
-- Returns: one row.
SELECT pg_advisory_xact_lock(hashtextextended('tournament_fees.quota', 0));
