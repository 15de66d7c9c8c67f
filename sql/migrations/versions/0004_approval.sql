-- What people approve before it is sent: which order may be asked of which mailbox, at which price and in which words, and who said so.

ALTER TABLE tournament_fees.campaigns
DROP COLUMN approval, -- never written
ADD COLUMN requires_approval boolean NOT NULL DEFAULT FALSE; -- once TRUE it stays so

CREATE TABLE tournament_fees.approvals (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    campaign_id bigint NOT NULL REFERENCES tournament_fees.campaigns (id),
    run_id uuid NOT NULL, -- of the flow run that asked
    state text NOT NULL DEFAULT 'proposed' CHECK (state IN ('proposed', 'approved', 'rejected')),
    messages integer NOT NULL, -- how many the person was shown
    proposed_at timestamptz NOT NULL,
    by_whom text CHECK (by_whom <> ''),
    note text,
    decided_at timestamptz,
    CHECK ((state = 'proposed') = (decided_at IS NULL)),
    CHECK ((decided_at IS NULL) = (by_whom IS NULL))
);
CREATE INDEX approvals_campaign ON tournament_fees.approvals (campaign_id);
CREATE INDEX approvals_run ON tournament_fees.approvals (run_id);

CREATE TABLE tournament_fees.approved_orders ( -- what an approval is about; counts where its state is 'approved'
    approval_id bigint NOT NULL REFERENCES tournament_fees.approvals (id),
    order_id bigint NOT NULL,
    mailbox text NOT NULL,
    amount numeric NOT NULL,
    currency text NOT NULL, -- in small letters
    template_digest text NOT NULL, -- SHA-256 of the templates and the note with which it is written
    PRIMARY KEY (order_id, approval_id)
);

CREATE FUNCTION tournament_fees.refuse_another_decision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state <> 'proposed' THEN
        RAISE EXCEPTION 'approval % is decided', OLD.id;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER approvals_decided_once BEFORE UPDATE ON tournament_fees.approvals
FOR EACH ROW EXECUTE FUNCTION tournament_fees.refuse_another_decision();
CREATE TRIGGER approvals_kept BEFORE DELETE ON tournament_fees.approvals
FOR EACH ROW EXECUTE FUNCTION tournament_fees.refuse_change();
CREATE TRIGGER approved_orders_append_only BEFORE UPDATE OR DELETE ON tournament_fees.approved_orders
FOR EACH ROW EXECUTE FUNCTION tournament_fees.refuse_change();

-- The one place that says whether an order may be asked for in a message to this mailbox, at this price, in these words.
CREATE FUNCTION tournament_fees.is_approved(
    the_campaign bigint, the_mailbox text, the_order bigint, the_amount numeric, the_currency text, the_digest text
) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT
        EXISTS (
            SELECT FROM tournament_fees.campaigns AS c
            WHERE c.id = the_campaign AND NOT c.requires_approval
        )
        OR EXISTS (
            SELECT FROM tournament_fees.approved_orders AS ao
            INNER JOIN tournament_fees.approvals AS a ON ao.approval_id = a.id
            WHERE
                a.campaign_id = the_campaign
                AND a.state = 'approved'
                AND ao.order_id = the_order
                AND ao.mailbox = the_mailbox
                AND ao.amount = coalesce(the_amount, 'NaN')
                AND ao.currency = lower(trim(coalesce(the_currency, '')))
                AND ao.template_digest = the_digest
        )
$$;
