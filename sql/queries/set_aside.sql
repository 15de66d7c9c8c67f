-- Set an order aside for a person, once.
-- Returns: id.
INSERT INTO tournament_fees.set_asides (order_id, session_id, reason, detail, set_aside_at)
VALUES (:order_id, cast(:session_id AS text), :reason, :detail, :now)
ON CONFLICT (order_id) WHERE cleared_at IS NULL DO UPDATE
    SET session_id = excluded.session_id, reason = excluded.reason, detail = excluded.detail
RETURNING id;
