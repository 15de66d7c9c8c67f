-- What many workers share about Stripe: the rate of calls, and what list calls have shown of its sessions.

CREATE TABLE tournament_fees.paces (
    name text PRIMARY KEY, -- a kind of call, such as writes to Stripe
    next_at timestamptz NOT NULL -- on PostgreSQL's own clock: the first turn that nobody has yet
);

CREATE TABLE tournament_fees.sightings ( -- what a list call showed and nobody has acted on yet; each is used once
    order_id bigint NOT NULL,
    session_id text NOT NULL,
    seen_at timestamptz NOT NULL, -- on PostgreSQL's own clock, before Stripe was asked
    session jsonb NOT NULL, -- what of it the decision needs
    PRIMARY KEY (order_id, session_id)
);

CREATE TABLE tournament_fees.sweeps (
    account text PRIMARY KEY, -- Stripe's mode: live or test
    swept_at timestamptz NOT NULL -- every completed session created a day before is known
);

CREATE TABLE tournament_fees.refreshed_links ( -- what each run of the refresh did, or would do
    run_id uuid NOT NULL,
    order_id bigint NOT NULL,
    outcome text NOT NULL,
    detail text,
    looked_at timestamptz NOT NULL,
    PRIMARY KEY (run_id, order_id)
);

ALTER TABLE tournament_fees.checkout_attempts
ADD COLUMN created timestamptz, -- by Stripe's clock
ADD COLUMN rival_closed_at timestamptz; -- it was beside another session of its order, and was closed for that

ALTER TABLE tournament_fees.set_asides
ADD COLUMN note text; -- what the person who released it had to say
CREATE INDEX set_asides_order ON tournament_fees.set_asides (order_id);
