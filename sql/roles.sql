-- The roles of the pipeline, with no right more than it needs. Run it as the owner of the club's tables and of the schema
-- tournament_fees, after each `deployments.cli migrate` (which needs the owner's rights): psql -v ON_ERROR_STOP=1 -f sql/roles.sql. Safe
-- to repeat, and done as a whole or not at all. Then make a user for DATABASE_URL and give it a role:
--   CREATE ROLE fees LOGIN PASSWORD '…'; GRANT tournament_fees_pipeline TO fees;
-- Where the owner may not make roles, it says which statements somebody who may, or the host's console, has to run first. They then
-- make that user too, and give it its role: from PostgreSQL 16 on only those may do that who made the role.
-- tournament_fees_pipeline reads what it must, and writes only its own tables and how orders are paid. tournament_fees_order_maker, beside
-- it, may make the orders that committed players lack: give it only where refresh-checkout-links does that. tournament_fees_purger, beside
-- it, may empty words that hold people's data in what is otherwise only added to: give it to whom purge-season runs as.
-- A club with other tables changes the grants on them together with sql/queries/core/list_missing_club_columns.sql.

BEGIN;

DO $$
DECLARE
    wanted text;
    lacking text := '';
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('tournament_fees')); -- not beside a migrate, nor beside another one
    IF to_regnamespace('tournament_fees') IS NULL THEN
        RAISE EXCEPTION 'the database % has no schema tournament_fees: run `deployments.cli migrate` on it first', current_database();
    END IF;
    FOREACH wanted IN ARRAY ARRAY['tournament_fees_pipeline', 'tournament_fees_order_maker', 'tournament_fees_purger'] LOOP
        CONTINUE WHEN to_regrole(wanted) IS NOT NULL;
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
        EXCEPTION
            WHEN duplicate_object OR unique_violation THEN NULL; -- somebody has just made it
            WHEN insufficient_privilege THEN lacking := lacking || format('CREATE ROLE %I NOLOGIN; ', wanted);
        END;
    END LOOP;
    IF lacking <> '' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'insufficient_privilege',
            MESSAGE = format('%s may not make roles, and nothing was done', current_user),
            HINT = format(
                'Somebody who may (CREATEROLE), or the host''s console, has to run: %sThen %s runs this file again, which grants them their rights.',
                lacking, current_user
            );
    END IF;
END $$;

DO $$
BEGIN
    IF pg_has_role((SELECT datdba FROM pg_database WHERE datname = current_database()), 'USAGE') THEN
        EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO tournament_fees_pipeline', current_database());
    ELSIF NOT has_database_privilege('tournament_fees_pipeline', current_database(), 'TEMPORARY') THEN
        RAISE WARNING USING MESSAGE = format(
            'one right is left, and the owner of the database has to run: GRANT TEMPORARY ON DATABASE %I TO tournament_fees_pipeline;',
            current_database()
        );
    END IF;
END $$;

-- The club's tables: only the columns that it uses, and of orders only how they are paid.
GRANT SELECT (id, first_name, last_name, email, language) ON parents TO tournament_fees_pipeline;
GRANT SELECT (id, name, brand) ON teams TO tournament_fees_pipeline;
GRANT SELECT (id, parent_id, first_name, last_name) ON players TO tournament_fees_pipeline;
GRANT SELECT (player_id, team_id, commitment) ON player_teams TO tournament_fees_pipeline;
GRANT SELECT (id, name, event_date, payment_deadline, time_zone) ON tournaments TO tournament_fees_pipeline;
GRANT SELECT (id, name, amount, currency) ON products TO tournament_fees_pipeline;
GRANT SELECT (tournament_id, team_id, product_id) ON tournament_products TO tournament_fees_pipeline;
GRANT SELECT (
    id, player_id, product_id, status, amount, currency, due_date, payment_method, paid_at,
    stripe_checkout_session_id, stripe_checkout_url, stripe_payment_intent_id
) ON orders TO tournament_fees_pipeline;
GRANT UPDATE (
    status, payment_method, paid_at, stripe_checkout_session_id, stripe_checkout_url, stripe_payment_intent_id
) ON orders TO tournament_fees_pipeline;
GRANT INSERT (player_id, product_id, status, amount, currency) ON orders TO tournament_fees_order_maker;

-- Its own tables: what was tried, decided or came back is only added to; of the rest nothing is deleted that tells what happened.
GRANT USAGE ON SCHEMA tournament_fees TO tournament_fees_pipeline;
GRANT SELECT ON tournament_fees.migrations, tournament_fees.message_id_keys TO tournament_fees_pipeline;
GRANT SELECT, INSERT
ON tournament_fees.bounces, tournament_fees.delivery_attempts, tournament_fees.operator_actions, tournament_fees.announcements,
tournament_fees.approved_orders, tournament_fees.mail_log
TO tournament_fees_pipeline;
GRANT SELECT, INSERT, UPDATE
ON tournament_fees.approvals,
tournament_fees.campaigns,
tournament_fees.checkout_attempts,
tournament_fees.homes,
tournament_fees.messages,
tournament_fees.paces,
tournament_fees.payments,
tournament_fees.refreshed_links,
tournament_fees.restores,
tournament_fees.set_asides,
tournament_fees.suppressions,
tournament_fees.sweeps
TO tournament_fees_pipeline;
GRANT SELECT, INSERT, UPDATE, DELETE
ON tournament_fees.message_orders, tournament_fees.order_leases, tournament_fees.sightings
TO tournament_fees_pipeline;

-- What tells what happened keeps doing so: a trigger lets these be emptied, and nothing be put in their place.
GRANT UPDATE (smtp_reply) ON tournament_fees.delivery_attempts TO tournament_fees_purger;
GRANT UPDATE (diagnostic) ON tournament_fees.bounces TO tournament_fees_purger;
GRANT UPDATE (note) ON tournament_fees.operator_actions TO tournament_fees_purger;
GRANT UPDATE (mailbox) ON tournament_fees.approved_orders TO tournament_fees_purger;

COMMIT;
