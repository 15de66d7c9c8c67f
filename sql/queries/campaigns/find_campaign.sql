-- A campaign by its natural key.
-- Returns: id, or no row.
SELECT id
FROM tournament_fees.campaigns
WHERE tournament_id = :tournament_id AND kind = :kind AND sequence = :sequence;
