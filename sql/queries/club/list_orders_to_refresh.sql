-- The orders that a refresh looks at: what is unpaid for tournaments that have not been yet, and what is settled but may still be
-- payable, or may have been paid through another session; of tournaments past, of products that no tournament has any more and of orders
-- that are deleted, what has not come to an end: a payment link that nobody has switched off, a lost reply, or a slow payment.
-- Those of one age stand together, the newest sessions first.
-- Takes: now; tournament_id, team (a name), player_ids and order_ids (arrays) to have only these, each NULL for all.
-- Returns: order_id, tournament_id (of the next one, where a product is for several; NULL where there is none).
-- A club with other tables changes this statement together with list_unmatched_ids.sql, list_missing_orders.sql and
-- list_committed_players.sql.
WITH unfinished AS (
    SELECT order_id
    FROM tournament_fees.checkout_attempts
    WHERE
        (state = 'open' AND session_id LIKE 'plink\_%')
        OR state IN ('requested', 'unknown', 'processing')
    UNION
    SELECT on_again.order_id
    FROM tournament_fees.sightings
    INNER JOIN tournament_fees.checkout_attempts AS on_again ON sightings.session_id = on_again.session_id
    WHERE sightings.session_id LIKE 'plink\_%'
),

charged AS (
    SELECT DISTINCT ON (orders.id)
        orders.id AS order_id,
        tournaments.id AS tournament_id
    FROM orders
    INNER JOIN tournament_products ON orders.product_id = tournament_products.product_id
    INNER JOIN tournaments ON tournament_products.tournament_id = tournaments.id
    INNER JOIN teams ON tournament_products.team_id = teams.id
    LEFT JOIN player_teams ON teams.id = player_teams.team_id AND orders.player_id = player_teams.player_id
    WHERE
        (
            tournaments.event_date IS NULL
            OR tournaments.event_date >= cast(cast(:now AS timestamptz) AS date) - 1
            OR orders.id IN (SELECT unfinished.order_id FROM unfinished)
        )
        AND (cast(:tournament_id AS bigint) IS NULL OR tournaments.id = :tournament_id)
        AND (cast(:team AS text) IS NULL OR (lower(teams.name) = lower(:team) AND player_teams.player_id IS NOT NULL))
    ORDER BY
        orders.id ASC,
        coalesce(tournaments.event_date >= cast(cast(:now AS timestamptz) AS date) - 1, TRUE) DESC,
        coalesce(player_teams.commitment = 'committed', FALSE) DESC,
        tournaments.event_date ASC NULLS LAST,
        tournaments.id ASC
),

in_scope AS (
    SELECT
        order_id,
        tournament_id
    FROM charged
    UNION ALL
    SELECT
        orders.id,
        NULL
    FROM orders
    WHERE orders.product_id IS NULL AND cast(:tournament_id AS bigint) IS NULL AND cast(:team AS text) IS NULL
    UNION ALL
    SELECT
        unfinished.order_id,
        NULL
    FROM unfinished
    LEFT JOIN orders ON unfinished.order_id = orders.id
    WHERE
        (orders.id IS NULL OR orders.product_id IS NOT NULL)
        AND unfinished.order_id NOT IN (SELECT charged.order_id FROM charged)
        AND cast(:tournament_id AS bigint) IS NULL
        AND cast(:team AS text) IS NULL
)

SELECT
    in_scope.order_id,
    in_scope.tournament_id
FROM in_scope
LEFT JOIN orders ON in_scope.order_id = orders.id
LEFT JOIN tournament_fees.checkout_attempts AS known ON orders.stripe_checkout_session_id = known.session_id
WHERE
    (cast(:order_ids AS bigint[]) IS NULL OR in_scope.order_id = any(cast(:order_ids AS bigint[])))
    AND (cast(:player_ids AS bigint[]) IS NULL OR orders.player_id = any(cast(:player_ids AS bigint[])))
    AND (
        orders.status = 'pending'
        OR orders.id IS NULL
        OR EXISTS (
            SELECT FROM tournament_fees.checkout_attempts AS live
            WHERE live.order_id = orders.id AND live.state IN ('requested', 'unknown', 'open', 'processing')
        )
        OR EXISTS (
            SELECT FROM tournament_fees.sightings
            WHERE sightings.order_id = orders.id
        )
    )
ORDER BY coalesce(known.created, known.requested_at) DESC NULLS LAST, in_scope.order_id ASC;
