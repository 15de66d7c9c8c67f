-- How many rows the snapshot has.
-- Returns: one row with size.
SELECT count(*) AS size FROM snapshot;
