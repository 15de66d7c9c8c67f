-- Whether the ledger was restored from a backup, and what went out since is not settled.
-- Returns: one row with open (it is being dealt with), moved (it is at a place that it does not know as its home).
SELECT
    count(r.id) > 0 AS open,
    count(h.place) > 0 AND count(h.place) FILTER (WHERE h.place = tournament_fees.here()) = 0 AS moved
FROM tournament_fees.homes AS h
FULL JOIN tournament_fees.restores AS r ON FALSE
WHERE r.settled_at IS NULL;
