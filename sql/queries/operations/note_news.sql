-- Note what was announced.
-- Returns: key of what nobody else had noted.
INSERT INTO tournament_fees.announcements (key, announced_at)
SELECT
    given.key,
    :now
FROM unnest(cast(:keys AS text[])) AS given (key)
ON CONFLICT (key) DO NOTHING
RETURNING key;
