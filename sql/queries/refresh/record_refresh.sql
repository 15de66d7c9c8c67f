-- Remember what a run of the refresh did about orders, or would do. Takes arrays of one length: order_ids, outcomes, details.
-- Returns: order_id.
INSERT INTO tournament_fees.refreshed_links AS r (run_id, order_id, outcome, detail, looked_at)
SELECT
    :run_id,
    looked.order_id,
    looked.outcome,
    looked.detail,
    :now
FROM unnest(cast(:order_ids AS bigint[]), cast(:outcomes AS text[]), cast(:details AS text[])) AS looked (order_id, outcome, detail)
ON CONFLICT (run_id, order_id) DO UPDATE
    SET outcome = excluded.outcome, detail = excluded.detail, looked_at = excluded.looked_at
RETURNING order_id;
