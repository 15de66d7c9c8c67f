-- What reminders look up: a mailbox's messages, whatever they were about, and the campaigns of a tournament.

CREATE INDEX messages_mailbox ON tournament_fees.messages (mailbox);
