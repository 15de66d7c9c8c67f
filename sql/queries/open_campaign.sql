-- Open the campaign of this natural key, or find it; its row stays locked until the transaction ends, so two runs take turns. What was last
-- chosen about it is kept; that it requires an approval stays so.
-- Returns: id, state.
INSERT INTO tournament_fees.campaigns (tournament_id, kind, sequence, parameters, requires_approval, created_at, changed_at)
VALUES (:tournament_id, :kind, :sequence, cast(:parameters AS jsonb), :requires_approval, :now, :now)
ON CONFLICT (tournament_id, kind, sequence) DO UPDATE
    SET
        parameters = excluded.parameters,
        requires_approval = campaigns.requires_approval OR excluded.requires_approval,
        changed_at = excluded.changed_at
RETURNING id, state;
