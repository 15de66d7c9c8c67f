-- Open the campaign of this natural key, or find it; its row stays locked until the transaction ends, so two runs take turns. What was last
-- chosen about it is kept.
-- Returns: id, state.
INSERT INTO tournament_fees.campaigns (tournament_id, kind, sequence, parameters, created_at, changed_at)
VALUES (:tournament_id, :kind, :sequence, cast(:parameters AS jsonb), :now, :now)
ON CONFLICT (tournament_id, kind, sequence) DO UPDATE
    SET parameters = excluded.parameters, changed_at = excluded.changed_at
RETURNING id, state;
