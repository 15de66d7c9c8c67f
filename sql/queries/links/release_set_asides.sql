-- Let the pipeline judge orders again that a person has dealt with; who and when is kept.
-- Returns: order_id, session_id, reason.
UPDATE tournament_fees.set_asides
SET cleared_at = :now, cleared_by = :released_by, note = cast(:note AS text)
WHERE order_id = any(cast(:order_ids AS bigint[])) AND cleared_at IS NULL
RETURNING order_id, session_id, reason;
