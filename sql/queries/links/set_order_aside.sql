-- Set an order aside for a person, once. What is said of money gives way only to what is said of money.
-- Returns: id, or no row where a payment is what it was set aside for.
INSERT INTO tournament_fees.set_asides AS sa (order_id, session_id, reason, detail, set_aside_at)
VALUES (:order_id, cast(:session_id AS text), :reason, :detail, :now)
ON CONFLICT (order_id) WHERE cleared_at IS NULL DO UPDATE
    SET session_id = excluded.session_id, reason = excluded.reason, detail = excluded.detail
    WHERE
    (sa.reason NOT LIKE 'paid\_%' AND sa.reason <> 'two_slow_payments')
    OR excluded.reason LIKE 'paid\_%'
    OR excluded.reason = 'two_slow_payments'
RETURNING sa.id;
