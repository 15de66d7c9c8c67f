-- What is needed afterwards: after a restore from a backup, which makes the ledger forget what was sent, and when a season is over and
-- people's data has to go.

-- A message gets the same Message-ID again when its campaign is queued anew after a restore that made the ledger forget it: the mail
-- server's log then tells that it had gone out. Nobody who does not know the key can guess one.
CREATE TABLE tournament_fees.message_id_keys (
    key uuid PRIMARY KEY
);
INSERT INTO tournament_fees.message_id_keys VALUES (gen_random_uuid());

CREATE FUNCTION tournament_fees.message_id_of(the_campaign bigint, the_mailbox text, the_part bigint, the_domain text)
RETURNS text LANGUAGE sql STABLE AS $$
    SELECT concat('<', cast(left(encode(sha256(convert_to(
        concat_ws(chr(10), k.key, c.tournament_id, c.kind, c.sequence, the_part, the_mailbox), 'UTF8'
    )), 'hex'), 32) AS uuid), '@', the_domain, '>')
    FROM tournament_fees.message_id_keys AS k
    CROSS JOIN tournament_fees.campaigns AS c
    WHERE c.id = the_campaign
$$;

CREATE TABLE tournament_fees.restores (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    backup_at timestamptz NOT NULL, -- the ledger knows nothing of what happened after it
    held_at timestamptz NOT NULL, -- business time: what went out after the backup did so before this
    by_whom text NOT NULL CHECK (by_whom <> ''),
    settled_at timestamptz, -- NULL: nothing is sent
    settled_by text,
    CHECK ((settled_at IS NULL) = (settled_by IS NULL))
);
CREATE UNIQUE INDEX restores_one_open ON tournament_fees.restores ((settled_at IS NULL)) WHERE settled_at IS NULL;

CREATE TABLE tournament_fees.mail_log ( -- what the mail server's log says that it took: never sent again, whatever the ledger has forgotten
    message_id text PRIMARY KEY, -- RFC 5322
    noted_at timestamptz NOT NULL
);

-- Where the ledger is at home: another server, database or table of the same content is a copy, or was restored.
CREATE FUNCTION tournament_fees.here() RETURNS text LANGUAGE sql STABLE AS $$
    SELECT concat_ws('/', s.system_identifier, d.oid, cast('tournament_fees.messages' AS regclass)::oid)
    FROM pg_control_system() AS s
    CROSS JOIN pg_database AS d
    WHERE d.datname = current_database()
$$;
CREATE TABLE tournament_fees.homes (
    place text PRIMARY KEY,
    since timestamptz NOT NULL
);
INSERT INTO tournament_fees.homes SELECT
    tournament_fees.here(),
    now();

ALTER TABLE tournament_fees.operator_actions
DROP CONSTRAINT operator_actions_action_check,
ADD CONSTRAINT operator_actions_action_check
CHECK (action IN ('mark_sent', 'resend', 'retry', 'stop', 'hold', 'put_back', 'purge'));

ALTER TABLE tournament_fees.campaigns
ADD COLUMN purged_at timestamptz; -- its people's data is gone: it is never sent again

-- What tells what happened stays append-only; only words that may hold people's data can be forgotten, and nothing be put in their place.
CREATE FUNCTION tournament_fees.refuse_all_but_forgetting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE'
        OR to_jsonb(NEW) - TG_ARGV <> to_jsonb(OLD) - TG_ARGV
        OR EXISTS (
            SELECT FROM unnest(TG_ARGV) AS forgotten
            WHERE to_jsonb(NEW) ->> forgotten <> 'purged' AND to_jsonb(NEW) -> forgotten <> to_jsonb(OLD) -> forgotten
        )
    THEN
        RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
    END IF;
    RETURN NEW;
END $$;

DROP TRIGGER delivery_attempts_append_only ON tournament_fees.delivery_attempts;
CREATE TRIGGER delivery_attempts_append_only BEFORE UPDATE OR DELETE ON tournament_fees.delivery_attempts
FOR EACH ROW EXECUTE FUNCTION tournament_fees.refuse_all_but_forgetting('smtp_reply');
DROP TRIGGER bounces_append_only ON tournament_fees.bounces;
CREATE TRIGGER bounces_append_only BEFORE UPDATE OR DELETE ON tournament_fees.bounces
FOR EACH ROW EXECUTE FUNCTION tournament_fees.refuse_all_but_forgetting('diagnostic');
DROP TRIGGER operator_actions_append_only ON tournament_fees.operator_actions;
CREATE TRIGGER operator_actions_append_only BEFORE UPDATE OR DELETE ON tournament_fees.operator_actions
FOR EACH ROW EXECUTE FUNCTION tournament_fees.refuse_all_but_forgetting('note');
DROP TRIGGER approved_orders_append_only ON tournament_fees.approved_orders;
CREATE TRIGGER approved_orders_append_only BEFORE UPDATE OR DELETE ON tournament_fees.approved_orders
FOR EACH ROW EXECUTE FUNCTION tournament_fees.refuse_all_but_forgetting('mailbox');

CREATE OR REPLACE FUNCTION tournament_fees.refuse_another_decision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state <> 'proposed' AND (NEW.note IS NOT NULL OR to_jsonb(NEW) - 'note' <> to_jsonb(OLD) - 'note') THEN
        RAISE EXCEPTION 'approval % is decided', OLD.id;
    END IF;
    RETURN NEW;
END $$;
