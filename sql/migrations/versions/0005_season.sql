-- What a season needs that goes by itself: a mailbox's messages, whatever they were about, and what people have been told of.

CREATE INDEX messages_mailbox ON tournament_fees.messages (mailbox);

CREATE TABLE tournament_fees.announcements (
    key text PRIMARY KEY, -- names one thing that happened, such as an order set aside for a reason
    announced_at timestamptz NOT NULL
);
