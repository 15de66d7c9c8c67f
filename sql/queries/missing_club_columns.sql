-- The columns of the club's tables that the pipeline needs and does not find, or finds too narrow.
-- Returns: table_name, column_name, table_missing, data_type (NULL where the column is missing).
-- A club with other tables edits this list together with committed_players.sql.
SELECT
    needed.table_name,
    needed.column_name,
    to_regclass(needed.table_name) IS NULL AS table_missing,
    format_type(a.atttypid, a.atttypmod) AS data_type
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
) AS needed (table_name, column_name)
LEFT JOIN pg_attribute AS a
    ON a.attrelid = to_regclass(needed.table_name) AND needed.column_name = a.attname AND NOT a.attisdropped
WHERE
    a.attname IS NULL
    OR (needed.column_name = 'stripe_checkout_url' AND a.atttypmod BETWEEN 1 AND 5003)
ORDER BY needed.table_name, needed.column_name;
