-- What of our own tables the pipeline's database user may not use, and whether it may make temporary ones. sql/roles.sql gives them.
-- Returns: statement, the GRANT that their owner has to run.
SELECT
    format(
        'GRANT %s ON tournament_fees.%I TO %I', string_agg(r.privilege, ', ' ORDER BY r.place), t.tablename, current_user
    ) AS statement
FROM pg_tables AS t
LEFT JOIN (
    VALUES
    ('bounces', 2), ('delivery_attempts', 2), ('operator_actions', 2), ('announcements', 2), ('approved_orders', 2),
    ('message_id_keys', 1), ('mail_log', 2), ('message_orders', 4), ('order_leases', 4), ('sightings', 4)
) AS known (tablename, rights) ON t.tablename = known.tablename
INNER JOIN (VALUES (1, 'SELECT'), (2, 'INSERT'), (3, 'UPDATE'), (4, 'DELETE')) AS r (place, privilege)
    ON r.place <= coalesce(known.rights, 3)
WHERE
    t.schemaname = 'tournament_fees'
    AND t.tablename <> 'migrations'
    AND NOT has_table_privilege(format('tournament_fees.%I', t.tablename), r.privilege)
GROUP BY t.tablename

UNION ALL

SELECT format('GRANT TEMPORARY ON DATABASE %I TO %I', current_database(), current_user)
WHERE NOT has_database_privilege(current_database(), 'TEMPORARY')

ORDER BY statement;
