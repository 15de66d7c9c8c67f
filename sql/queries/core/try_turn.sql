-- Take a name for this session, if nobody holds it.
-- Returns: taken.
SELECT pg_try_advisory_lock(hashtextextended(:turn, 0)) AS taken;
