-- Whether our schema has still to be made, by somebody with more rights than our user.
-- Returns: statement, the CREATE SCHEMA that they have to run.
SELECT format('CREATE SCHEMA tournament_fees AUTHORIZATION %I', current_user) AS statement
WHERE
    to_regnamespace('tournament_fees') IS NULL
    AND NOT has_database_privilege(current_database(), 'CREATE');
