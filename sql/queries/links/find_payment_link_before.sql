-- The newest payment link that was made before a moment (NULL: ever): what was made since stands before it in Stripe's list.
-- Returns: session_id, or no row.
SELECT session_id
FROM tournament_fees.checkout_attempts
WHERE session_id LIKE 'plink\_%' AND created < coalesce(cast(:moment AS timestamptz), 'infinity')
ORDER BY created DESC
LIMIT 1;
