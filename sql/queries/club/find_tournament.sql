-- One tournament; a date without end is none.
-- Returns: id, name, event_date, payment_deadline, time_zone (the last three may be NULL).
-- A club with other tables changes this statement together with list_tournaments.sql.
SELECT
    id,
    name,
    CASE WHEN isfinite(event_date) THEN event_date END AS event_date,
    CASE WHEN isfinite(payment_deadline) THEN payment_deadline END AS payment_deadline,
    time_zone
FROM tournaments
WHERE id = :tournament_id;
