-- Restores from a backup since then.
-- Returns: id.
SELECT id FROM tournament_fees.restores
WHERE held_at > :since;
