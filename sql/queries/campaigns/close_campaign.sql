-- Call a campaign done when none of its messages is owed any more; one of skips only is done without ever having been sent.
-- Returns: id, or no row where something is still owed.
UPDATE tournament_fees.campaigns AS c
SET state = 'done', changed_at = :now
WHERE
    c.id = :campaign_id
    AND c.state IN ('draft', 'awaiting_approval', 'sending')
    AND NOT EXISTS (
        SELECT FROM tournament_fees.messages AS m
        WHERE m.campaign_id = c.id AND m.status IN ('queued', 'claimed', 'sending')
    )
RETURNING c.id;
