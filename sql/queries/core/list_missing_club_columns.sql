-- The columns of the club's tables that the pipeline needs and does not find, finds of another type or too narrow, or may not use: it
-- reads all of them, and writes those of orders that are marked here.
-- Returns: table_name, column_name, table_missing, data_type (NULL where the column is missing), wanted (in words, where it is of a type
-- that will not do), missing_right (SELECT, UPDATE or NULL).
-- A club with other tables edits this list together with list_committed_players.sql.
SELECT
    needed.table_name,
    needed.column_name,
    to_regclass(needed.table_name) IS NULL AS table_missing,
    format_type(a.atttypid, a.atttypmod) AS data_type,
    wrong.wanted,
    CASE
        WHEN NOT has_column_privilege(a.attrelid, a.attnum, 'SELECT') THEN 'SELECT'
        WHEN needed.written AND NOT has_column_privilege(a.attrelid, a.attnum, 'UPDATE') THEN 'UPDATE'
    END AS missing_right
FROM (
    SELECT
        listed.table_name,
        listed.column_name,
        listed.table_name = 'orders' AND (
            listed.column_name LIKE 'stripe\_%' OR listed.column_name IN ('status', 'payment_method', 'paid_at')
        ) AS written
    FROM (
        VALUES
        ('parents', 'id'), ('parents', 'first_name'), ('parents', 'last_name'), ('parents', 'email'), ('parents', 'language'),
        ('teams', 'id'), ('teams', 'name'), ('teams', 'brand'),
        ('players', 'id'), ('players', 'parent_id'), ('players', 'first_name'), ('players', 'last_name'),
        ('player_teams', 'player_id'), ('player_teams', 'team_id'), ('player_teams', 'commitment'),
        ('tournaments', 'id'), ('tournaments', 'name'), ('tournaments', 'event_date'), ('tournaments', 'payment_deadline'),
        ('tournaments', 'time_zone'),
        ('products', 'id'), ('products', 'name'), ('products', 'amount'), ('products', 'currency'),
        ('tournament_products', 'tournament_id'), ('tournament_products', 'team_id'), ('tournament_products', 'product_id'),
        ('orders', 'id'), ('orders', 'player_id'), ('orders', 'product_id'), ('orders', 'status'), ('orders', 'amount'),
        ('orders', 'currency'), ('orders', 'due_date'), ('orders', 'payment_method'), ('orders', 'paid_at'),
        ('orders', 'stripe_checkout_session_id'), ('orders', 'stripe_checkout_url'), ('orders', 'stripe_payment_intent_id')
    ) AS listed (table_name, column_name)
) AS needed
LEFT JOIN pg_attribute AS a
    ON a.attrelid = to_regclass(needed.table_name) AND needed.column_name = a.attname AND NOT a.attisdropped
LEFT JOIN pg_type AS own ON a.atttypid = own.oid
LEFT JOIN pg_type AS t ON coalesce(nullif(own.typbasetype, 0), own.oid) = t.oid
LEFT JOIN LATERAL (
    SELECT
        CASE
            WHEN
                (needed.column_name = 'id' OR needed.column_name LIKE '%\_id' AND needed.column_name NOT LIKE 'stripe\_%')
                AND t.typname NOT IN ('int2', 'int4', 'int8')
                THEN 'a whole number'
            WHEN
                needed.column_name = 'amount' AND t.typname NOT IN ('int2', 'int4', 'int8', 'numeric', 'float4', 'float8')
                THEN 'a number of cents'
            WHEN
                needed.column_name IN ('event_date', 'payment_deadline', 'due_date', 'paid_at')
                AND t.typname NOT IN ('date', 'timestamp', 'timestamptz')
                THEN 'a date or a time'
            WHEN
                t.typtype = 'e' AND label.needed IS NOT NULL
                AND NOT EXISTS (
                    SELECT FROM pg_enum AS e
                    WHERE e.enumtypid = t.oid AND e.enumlabel = label.needed
                )
                THEN format('a text, or the value %L among its own', label.needed)
        END AS wanted
    FROM (
        VALUES (CASE
            WHEN needed.table_name = 'orders'
                THEN
                    CASE needed.column_name WHEN 'payment_method' THEN 'stripe' WHEN 'status' THEN 'paid' END
        END)
    ) AS label (needed)
) AS wrong ON TRUE
WHERE
    a.attname IS NULL
    OR wrong.wanted IS NOT NULL
    OR (needed.column_name = 'stripe_checkout_url' AND a.atttypmod BETWEEN 1 AND 5003)
    OR (needed.column_name = 'stripe_checkout_session_id' AND a.atttypmod BETWEEN 1 AND 69) -- 4 more than characters: Stripe's have 66
    OR (needed.column_name = 'stripe_payment_intent_id' AND a.atttypmod BETWEEN 1 AND 30) -- Stripe's have 27
    OR NOT has_column_privilege(a.attrelid, a.attnum, 'SELECT')
    OR (needed.written AND NOT has_column_privilege(a.attrelid, a.attnum, 'UPDATE'))
ORDER BY needed.table_name, needed.column_name;
