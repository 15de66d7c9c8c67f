-- Whether our user may not even look into our schema: it has not been given its role.
-- Returns: statement, the GRANT of it; role_is_there, or whether sql/roles.sql has to be run before.
SELECT
    format('GRANT tournament_fees_pipeline TO %I', current_user) AS statement,
    to_regrole('tournament_fees_pipeline') IS NOT NULL AS role_is_there
WHERE
    to_regnamespace('tournament_fees') IS NOT NULL
    AND NOT has_schema_privilege('tournament_fees', 'USAGE');
