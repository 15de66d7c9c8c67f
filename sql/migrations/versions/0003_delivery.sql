-- What delivery needs so that people can mend it: who decided what, whom not to mail, what came back, and what counts against the limits.

ALTER TABLE tournament_fees.messages
ADD COLUMN attempts_before integer NOT NULL DEFAULT 0, -- when a person last sent it on its way: the most attempts count from there
ADD COLUMN content_digest text, -- SHA-256 of the bytes that last went out
ADD COLUMN dated_at timestamptz, -- the Date of those bytes: with it they can be made again
-- sent again though uncertain: under its Message-ID only the same bytes may go out
ADD COLUMN maybe_delivered boolean NOT NULL DEFAULT FALSE,
ADD COLUMN resend_of bigint REFERENCES tournament_fees.messages (id); -- the uncertain message in whose place this one goes out
CREATE UNIQUE INDEX messages_resend_of ON tournament_fees.messages (resend_of);
CREATE INDEX messages_over_quota ON tournament_fees.messages (next_attempt_at) WHERE status = 'queued' AND reason = 'quota';

ALTER TABLE tournament_fees.delivery_attempts
ADD COLUMN counted_at timestamptz; -- business time, of 'sending' only: when it counts against the limits an hour and a day
CREATE INDEX delivery_attempts_counted ON tournament_fees.delivery_attempts (counted_at) WHERE outcome = 'sending';

CREATE TABLE tournament_fees.operator_actions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    action text NOT NULL CHECK (action IN ('mark_sent', 'resend', 'retry', 'stop')),
    campaign_id bigint NOT NULL REFERENCES tournament_fees.campaigns (id),
    message_id bigint REFERENCES tournament_fees.messages (id), -- NULL: the whole campaign
    by_whom text NOT NULL CHECK (by_whom <> ''),
    note text,
    decided_at timestamptz NOT NULL
);
CREATE INDEX operator_actions_message ON tournament_fees.operator_actions (message_id);

CREATE TABLE tournament_fees.suppressions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    mailbox text NOT NULL, -- folded, as in messages
    address text NOT NULL,
    reason text NOT NULL,
    source text NOT NULL CHECK (source IN ('hand', 'csv', 'reply', 'bounce')),
    since timestamptz NOT NULL,
    by_whom text NOT NULL CHECK (by_whom <> ''), -- a person's name, or 'pipeline'
    lifted_at timestamptz,
    lifted_by text,
    CHECK ((lifted_at IS NULL) = (lifted_by IS NULL))
);
CREATE UNIQUE INDEX suppressions_one_active ON tournament_fees.suppressions (mailbox) WHERE lifted_at IS NULL;

CREATE TABLE tournament_fees.bounces (
    report_digest text NOT NULL, -- SHA-256 of the report: each is taken in once
    recipient_number integer NOT NULL, -- a report can tell of several
    message_id bigint REFERENCES tournament_fees.messages (id), -- NULL: no message of ours
    action text NOT NULL,
    status text NOT NULL, -- RFC 3463
    diagnostic text,
    finding text NOT NULL CHECK (finding IN ('suppressed', 'returned', 'noted', 'not ours', 'another recipient')),
    taken_in_at timestamptz NOT NULL,
    PRIMARY KEY (report_digest, recipient_number)
);
CREATE INDEX bounces_message ON tournament_fees.bounces (message_id);

CREATE TRIGGER operator_actions_append_only BEFORE UPDATE OR DELETE ON tournament_fees.operator_actions
FOR EACH ROW EXECUTE FUNCTION tournament_fees.refuse_change();
CREATE TRIGGER bounces_append_only BEFORE UPDATE OR DELETE ON tournament_fees.bounces
FOR EACH ROW EXECUTE FUNCTION tournament_fees.refuse_change();
CREATE TRIGGER suppressions_kept BEFORE DELETE ON tournament_fees.suppressions
FOR EACH ROW EXECUTE FUNCTION tournament_fees.refuse_change();
