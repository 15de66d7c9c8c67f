-- One tournament.
-- Returns: id, name, event_date, payment_deadline, time_zone (the last three may be NULL).
-- A club with other tables changes this statement together with tournaments.sql.
SELECT
    id,
    name,
    event_date,
    payment_deadline,
    time_zone
FROM tournaments
WHERE id = :tournament_id;
