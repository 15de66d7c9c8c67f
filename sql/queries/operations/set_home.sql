-- Let the ledger be at home where it is now.
-- Returns: place, or no row where it was already.
INSERT INTO tournament_fees.homes (place, since) VALUES (tournament_fees.here(), :now)
ON CONFLICT (place) DO NOTHING
RETURNING place;
