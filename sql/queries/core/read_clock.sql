-- PostgreSQL's own clock.
-- Returns: at.
SELECT clock_timestamp() AS at;
