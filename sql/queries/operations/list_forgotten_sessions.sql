-- Those of these sessions that the ledger does not have.
-- Returns: session_id.
SELECT given.session_id
FROM unnest(cast(:session_ids AS text[])) AS given (session_id)
WHERE
    NOT EXISTS (
        SELECT FROM tournament_fees.checkout_attempts AS a
        WHERE a.session_id = given.session_id
    )
ORDER BY given.session_id;
