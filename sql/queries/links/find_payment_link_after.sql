-- The payment link that was made so many links after this one: Stripe lists it before those that were made at about the same time.
-- Takes: link_id, beyond.
-- Returns: session_id, or no row where there are not so many.
SELECT newer.session_id
FROM tournament_fees.checkout_attempts AS newer
INNER JOIN tournament_fees.checkout_attempts AS own ON newer.created > own.created
WHERE own.session_id = :link_id AND newer.session_id LIKE 'plink\_%'
ORDER BY newer.created
LIMIT 1 OFFSET :beyond;
