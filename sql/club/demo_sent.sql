-- How many messages the demo has sent so far.
-- Returns: messages.
SELECT count(*) AS messages
FROM tournament_fees.messages
WHERE status = 'sent';
