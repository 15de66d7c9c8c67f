-- The kind of link that a campaign was last opened with, where it has mailed somebody; its row stays locked until the transaction ends.
-- Takes: the campaign's natural key.
-- Returns: link_kind (NULL: nobody had a choice then), or no row.
SELECT c.parameters ->> 'link_kind' AS link_kind
FROM tournament_fees.campaigns AS c
WHERE
    c.tournament_id = :tournament_id
    AND c.kind = :kind
    AND c.sequence = :sequence
    AND EXISTS (
        SELECT FROM tournament_fees.messages AS m
        WHERE m.campaign_id = c.id AND m.status IN ('sending', 'sent', 'uncertain', 'resent')
    )
FOR UPDATE OF c;
