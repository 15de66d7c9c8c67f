-- The pipeline's own tables: the truth about what was asked of Stripe and what was mailed to whom.

CREATE TABLE tournament_fees.campaigns (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tournament_id bigint NOT NULL,
    kind text NOT NULL,
    sequence text NOT NULL, -- a person's choice ('1', '2', …) or, where scheduled, the due date; never max + 1
    state text NOT NULL DEFAULT 'draft' CHECK (state IN ('draft', 'awaiting_approval', 'sending', 'stopped', 'done')),
    parameters jsonb NOT NULL DEFAULT '{}',
    approval jsonb, -- who approved what and when
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    UNIQUE (tournament_id, kind, sequence)
);

CREATE TABLE tournament_fees.messages (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    campaign_id bigint NOT NULL REFERENCES tournament_fees.campaigns (id),
    kind text NOT NULL,
    mailbox text NOT NULL, -- the address folded to what one mailbox is; 'parent:<id>' where there is no usable address
    family text NOT NULL, -- families that share a mailbox under different surnames are not merged by themselves
    part integer NOT NULL DEFAULT 1, -- 2 and up: a supplement, or another family
    parent_id bigint NOT NULL,
    address text, -- as stored by the club: mail goes here
    message_id text NOT NULL UNIQUE, -- RFC 5322, fixed at queueing
    status text NOT NULL DEFAULT 'queued'
    CHECK (status IN ('queued', 'claimed', 'sending', 'sent', 'failed', 'skipped', 'uncertain', 'cancelled', 'resent')),
    reason text, -- why skipped, failed or uncertain, or why it waits
    attempts integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL,
    lease_token uuid,
    lease_expires_at timestamptz, -- on PostgreSQL's own clock
    last_error text,
    links_die_at timestamptz, -- when the first of the links that it carried dies
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    UNIQUE (campaign_id, mailbox, part),
    CHECK ((lease_token IS NULL) = (lease_expires_at IS NULL)),
    CHECK (status NOT IN ('claimed', 'sending') OR lease_token IS NOT NULL),
    CHECK (status <> 'skipped' OR reason IS NOT NULL)
);
CREATE INDEX messages_owed ON tournament_fees.messages (campaign_id, id) WHERE status IN ('queued', 'claimed', 'sending');

CREATE TABLE tournament_fees.message_orders (
    campaign_id bigint NOT NULL REFERENCES tournament_fees.campaigns (id),
    order_id bigint NOT NULL,
    message_id bigint NOT NULL REFERENCES tournament_fees.messages (id),
    player_id bigint NOT NULL,
    link text, -- how its link was found or made: kept, backfilled, made, renewed, paid, processing, …
    detail text, -- what a person should know about it
    session_id text, -- what the message carries: the guard of `sending` compares these with the order
    amount numeric,
    currency text,
    link_expires_at timestamptz,
    checked_at timestamptz, -- on PostgreSQL's own clock
    PRIMARY KEY (campaign_id, order_id)
);
CREATE INDEX message_orders_message ON tournament_fees.message_orders (message_id);

CREATE TABLE tournament_fees.delivery_attempts (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_id bigint NOT NULL REFERENCES tournament_fees.messages (id),
    attempt integer NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('sending', 'sent', 'deferred', 'failed', 'uncertain', 'withdrawn')),
    phase text, -- how far the SMTP conversation came
    smtp_code integer,
    smtp_reply text,
    run_id uuid, -- of the flow run that tried
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX delivery_attempts_message ON tournament_fees.delivery_attempts (message_id);

CREATE TABLE tournament_fees.checkout_attempts (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id bigint NOT NULL,
    origin text NOT NULL CHECK (origin IN ('pipeline', 'club')),
    idempotency_key uuid UNIQUE, -- NULL: the club's own system made it
    request jsonb, -- the frozen parameters: a retry replays just these
    replaces text, -- the session that the order had when this one was asked for
    requested_at timestamptz NOT NULL,
    state text NOT NULL
    CHECK (state IN ('requested', 'unknown', 'open', 'processing', 'complete', 'expired', 'refused', 'absent')),
    session_id text UNIQUE,
    url text,
    amount bigint,
    currency text,
    expires_at timestamptz,
    payment_status text,
    payment_intent_id text,
    changed_at timestamptz NOT NULL,
    CHECK ((origin = 'pipeline') = (idempotency_key IS NOT NULL AND request IS NOT NULL)),
    CHECK (state IN ('requested', 'unknown', 'refused', 'absent') OR session_id IS NOT NULL)
);
CREATE UNIQUE INDEX checkout_attempts_one_live ON tournament_fees.checkout_attempts (order_id)
WHERE state IN ('requested', 'unknown', 'open', 'processing');
CREATE INDEX checkout_attempts_order ON tournament_fees.checkout_attempts (order_id);

CREATE TABLE tournament_fees.order_leases (
    order_id bigint PRIMARY KEY,
    token uuid NOT NULL,
    expires_at timestamptz NOT NULL -- on PostgreSQL's own clock
);

CREATE TABLE tournament_fees.payments (
    session_id text PRIMARY KEY,
    order_id bigint NOT NULL,
    payment_intent_id text,
    amount bigint NOT NULL,
    currency text NOT NULL,
    finding text NOT NULL, -- 'settled', or what the treasurer should look at
    recorded_at timestamptz NOT NULL
);
CREATE INDEX payments_order ON tournament_fees.payments (order_id);

CREATE TABLE tournament_fees.set_asides (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id bigint NOT NULL,
    session_id text,
    reason text NOT NULL,
    detail text NOT NULL,
    set_aside_at timestamptz NOT NULL,
    cleared_at timestamptz,
    cleared_by text -- a person's name, or 'pipeline' where the cause went away
);
CREATE UNIQUE INDEX set_asides_one_open ON tournament_fees.set_asides (order_id) WHERE cleared_at IS NULL;

-- Nothing that was tried may be forgotten.
CREATE FUNCTION tournament_fees.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END $$;
CREATE TRIGGER delivery_attempts_append_only BEFORE UPDATE OR DELETE ON tournament_fees.delivery_attempts
FOR EACH ROW EXECUTE FUNCTION tournament_fees.refuse_change();
CREATE TRIGGER checkout_attempts_kept BEFORE DELETE ON tournament_fees.checkout_attempts
FOR EACH ROW EXECUTE FUNCTION tournament_fees.refuse_change();
