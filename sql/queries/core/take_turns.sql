-- Give a worker the next turns of a rate that all workers share: `span` seconds of it, from where the last ones end.
-- Returns: wait_seconds from now to the first turn; no row where that is further away than `patience` seconds.
INSERT INTO tournament_fees.paces AS p (name, next_at)
VALUES (:name, clock_timestamp() + make_interval(secs => :span))
ON CONFLICT (name) DO UPDATE
    SET next_at = greatest(p.next_at, clock_timestamp()) + make_interval(secs => :span)
    WHERE p.next_at <= clock_timestamp() + make_interval(secs => :patience)
RETURNING extract(EPOCH FROM p.next_at - clock_timestamp()) - cast(:span AS double precision) AS wait_seconds;
