-- Put another message in the place of one that may have been delivered and cannot be sent again unchanged: it takes over its orders and its
-- lease, under a Message-ID of its own.
-- The caller holds the campaign (lock_sending_campaign): else who stops it would overlook the new one, and two would take the same part.
-- Returns: id of the new one, or no row where the old one is not ours any more.
WITH old AS (
    UPDATE tournament_fees.messages
    SET status = 'resent', reason = 'renewed', lease_token = NULL, lease_expires_at = NULL, changed_at = :now
    WHERE id = :message_id AND status = 'claimed' AND lease_token = :token AND maybe_delivered
    RETURNING *
),

placed AS (
    SELECT
        o.*,
        1 + coalesce((
            SELECT max(m.part) FROM tournament_fees.messages AS m
            WHERE m.campaign_id = o.campaign_id AND m.mailbox = :mailbox
        ), 0) AS new_part
    FROM old AS o
),

new AS (
    INSERT INTO tournament_fees.messages
    (
        campaign_id, kind, mailbox, family, part, parent_id, address, message_id, status, next_attempt_at,
        lease_token, lease_expires_at, resend_of, created_at, changed_at
    )
    SELECT
        o.campaign_id,
        :kind,
        :mailbox,
        o.family,
        o.new_part,
        o.parent_id,
        :address,
        tournament_fees.message_id_of(o.campaign_id, :mailbox, o.new_part, :domain),
        'claimed',
        o.next_attempt_at,
        cast(:token AS uuid),
        clock_timestamp() + make_interval(secs => :lease_seconds),
        o.id,
        :now,
        :now
    FROM placed AS o
    RETURNING id, resend_of
),

moved AS (
    UPDATE tournament_fees.message_orders AS mo
    SET message_id = new.id
    FROM new
    WHERE mo.message_id = new.resend_of
)

SELECT id FROM new;
