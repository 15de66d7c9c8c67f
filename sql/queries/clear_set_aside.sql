-- Take an order out of the set-aside ones, since its cause has gone.
-- Returns: id.
UPDATE tournament_fees.set_asides
SET cleared_at = :now, cleared_by = 'pipeline'
WHERE order_id = :order_id AND cleared_at IS NULL
RETURNING id;
