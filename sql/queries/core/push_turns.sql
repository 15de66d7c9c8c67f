-- Let nobody have a turn of a rate for the next `seconds`.
-- Returns: name.
INSERT INTO tournament_fees.paces AS p (name, next_at)
VALUES (:name, clock_timestamp() + make_interval(secs => :seconds))
ON CONFLICT (name) DO UPDATE
    SET next_at = greatest(p.next_at, clock_timestamp() + make_interval(secs => :seconds))
RETURNING p.name;
