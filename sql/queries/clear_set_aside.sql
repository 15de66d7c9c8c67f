-- Take an order out of the set-aside ones, since its cause has gone. Money that has to go back to somebody stays until a person says so.
-- Returns: id.
UPDATE tournament_fees.set_asides
SET cleared_at = :now, cleared_by = 'pipeline'
WHERE
    order_id = :order_id
    AND cleared_at IS NULL
    AND reason NOT IN ('paid_twice', 'two_slow_payments', 'paid_cancelled', 'paid_refunded', 'paid_waived')
RETURNING id;
