-- Every tournament that the club knows.
-- Returns: id, name, event_date, payment_deadline, time_zone (the last three may be NULL).
-- A club with other tables changes this statement and committed_players.sql.
SELECT
    id,
    name,
    event_date,
    payment_deadline,
    time_zone
FROM tournaments
ORDER BY event_date DESC NULLS LAST, id ASC;
