-- Let this session wait and idle for as long as it takes, whatever limits the database's or the user's settings have.
-- Returns: one row.
SELECT
    set_config('statement_timeout', '0', FALSE),
    set_config('lock_timeout', '0', FALSE),
    set_config('idle_session_timeout', '0', FALSE);
