-- Take a name for this session, after waiting for whoever holds it; a session that ends, also by a crash, lets go of it.
-- Returns: one row.
SELECT pg_advisory_lock(hashtextextended(:turn, 0));
