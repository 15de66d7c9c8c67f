-- What of our own tables the pipeline's database user may not use, and whether it may make temporary ones.
-- Returns: statement, the GRANT that their owner has to run.
SELECT format('GRANT SELECT, INSERT, UPDATE, DELETE ON tournament_fees.%I TO %I', t.tablename, current_user) AS statement
FROM pg_tables AS t
CROSS JOIN (VALUES ('SELECT'), ('INSERT'), ('UPDATE'), ('DELETE')) AS needed (privilege)
WHERE t.schemaname = 'tournament_fees' AND t.tablename <> 'migrations'
GROUP BY t.tablename
HAVING NOT bool_and(has_table_privilege(format('tournament_fees.%I', t.tablename), needed.privilege))

UNION ALL

SELECT format('GRANT TEMPORARY ON DATABASE %I TO %I', current_database(), current_user)
WHERE NOT has_database_privilege(current_database(), 'TEMPORARY')

ORDER BY statement;
