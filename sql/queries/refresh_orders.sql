-- The orders that a refresh looks at: what is unpaid for tournaments that have not been yet, and what is settled but may still be
-- payable, or may have been paid through another session; of tournaments past and of orders that are deleted, what has a payment link that
-- nobody has switched off.
-- Those of one age stand together, the newest sessions first.
-- Takes: now; tournament_id, team (a name), player_ids and order_ids (arrays) to have only these, each NULL for all.
-- Returns: order_id, tournament_id (of the next one, where a product is for several; NULL for an order without a product).
-- A club with other tables changes this statement, unmatched_ids.sql and missing_orders.sql together with committed_players.sql.
WITH charged AS (
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
            OR EXISTS (
                SELECT FROM tournament_fees.checkout_attempts AS link
                WHERE link.order_id = orders.id AND link.state = 'open' AND link.session_id LIKE 'plink\_%'
            )
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
        link.order_id,
        NULL
    FROM tournament_fees.checkout_attempts AS link
    WHERE
        link.state = 'open'
        AND link.session_id LIKE 'plink\_%'
        AND NOT EXISTS (
            SELECT FROM orders AS known
            WHERE known.id = link.order_id
        )
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
