-- Forget what people wrote beside what they decided about these campaigns; who decided what, and when, stays.
-- Returns: id.
WITH actions AS (
    UPDATE tournament_fees.operator_actions
    SET note = NULL
    WHERE campaign_id = any(cast(:campaign_ids AS bigint[])) AND note IS NOT NULL
    RETURNING id
),

approvals AS (
    UPDATE tournament_fees.approvals
    SET note = NULL
    WHERE campaign_id = any(cast(:campaign_ids AS bigint[])) AND note IS NOT NULL
    RETURNING id
)

SELECT id FROM actions
UNION ALL
SELECT id FROM approvals;
