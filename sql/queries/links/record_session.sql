-- Write down how Stripe describes a session now, only if the order's lease is still ours: a description that a lost worker has carried
-- about may be stale. One that the club's own system made, or that a payment link made for who opened it (origin 'payer'), is taken into
-- the ledger.
-- Returns: id, or no row where the lease is lost.
INSERT INTO tournament_fees.checkout_attempts AS a
(
    order_id, origin, requested_at, state, session_id, url, amount, currency, expires_at,
    payment_status, payment_intent_id, created, rival_closed_at, changed_at
)
SELECT
    l.order_id,
    :origin,
    :created,
    :state,
    :session_id,
    cast(:url AS text),
    cast(:amount AS bigint),
    cast(:currency AS text),
    cast(:expires_at AS timestamptz),
    :payment_status,
    cast(:payment_intent_id AS text),
    :created,
    cast(:rival_closed_at AS timestamptz),
    :now
FROM tournament_fees.order_leases AS l
WHERE l.order_id = :order_id AND l.token = :token AND l.expires_at > clock_timestamp()
ON CONFLICT (session_id) DO UPDATE
    SET
        state = excluded.state,
        url = coalesce(excluded.url, a.url),
        amount = coalesce(excluded.amount, a.amount),
        currency = coalesce(excluded.currency, a.currency),
        payment_status = excluded.payment_status,
        payment_intent_id = coalesce(excluded.payment_intent_id, a.payment_intent_id),
        created = coalesce(a.created, excluded.created),
        rival_closed_at = coalesce(a.rival_closed_at, excluded.rival_closed_at),
        changed_at = excluded.changed_at
RETURNING id;
