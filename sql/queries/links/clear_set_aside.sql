-- Take an order out of the set-aside ones, since its cause has gone. Money that has to go back to somebody stays until a person says so;
-- a payment that has paid the order after all does not.
-- Returns: id.
UPDATE tournament_fees.set_asides AS sa
SET cleared_at = :now, cleared_by = 'pipeline'
WHERE
    sa.order_id = :order_id
    AND sa.cleared_at IS NULL
    AND (
        (sa.reason NOT LIKE 'paid\_%' AND sa.reason <> 'two_slow_payments')
        OR (
            sa.reason IN ('paid_other_amount', 'paid_before')
            AND EXISTS (
                SELECT FROM orders AS o
                WHERE o.id = sa.order_id AND o.status = 'paid' AND o.stripe_checkout_session_id = sa.session_id
            )
        )
    )
RETURNING sa.id;
