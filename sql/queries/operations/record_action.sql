-- Keep who decided what about these messages, or about a campaign as a whole where message_ids holds one NULL.
-- Returns: id.
INSERT INTO tournament_fees.operator_actions (action, campaign_id, message_id, by_whom, note, decided_at)
SELECT
    :action,
    :campaign_id,
    given.message_id,
    :by_whom,
    cast(:note AS text),
    :now
FROM unnest(cast(:message_ids AS bigint[])) AS given (message_id)
RETURNING id;
