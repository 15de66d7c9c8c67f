-- Forget what was seen so long ago and never acted on that a season has passed.
-- Returns nothing.
DELETE FROM tournament_fees.sightings
WHERE seen_at < clock_timestamp() - INTERVAL '90 days';
