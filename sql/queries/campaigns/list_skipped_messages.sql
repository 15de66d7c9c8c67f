-- Who of a campaign is skipped as it stands, and why.
-- Returns: parent_id, address (mask it; may be NULL), reason.
SELECT
    parent_id,
    address,
    reason
FROM tournament_fees.messages
WHERE campaign_id = :campaign_id AND status = 'skipped'
ORDER BY id;
