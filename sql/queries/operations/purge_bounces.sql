-- Forget in which words mail came back: of these campaigns, and of what was none of ours and is older than that.
-- Takes: campaign_ids, before.
-- Returns: report_digest.
UPDATE tournament_fees.bounces AS b
SET diagnostic = NULL
WHERE
    b.diagnostic IS NOT NULL
    AND (
        (b.message_id IS NULL AND b.taken_in_at < :before)
        OR b.message_id IN (
            SELECT m.id FROM tournament_fees.messages AS m
            WHERE m.campaign_id = any(cast(:campaign_ids AS bigint[]))
        )
    )
RETURNING b.report_digest;
