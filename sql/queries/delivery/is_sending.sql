-- Whether this very attempt at a message has entered `sending` under our token.
-- Returns: id, or no row.
SELECT id
FROM tournament_fees.messages
WHERE id = :message_id AND status = 'sending' AND lease_token = :token AND attempts = :attempt;
