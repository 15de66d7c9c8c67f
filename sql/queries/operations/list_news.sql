-- What has happened in the last week that a person or an automation should hear of, and has not been announced: messages that are
-- uncertain, orders that are set aside, sending limits that hold messages back (once a day and campaign), campaigns that are finished.
-- Takes: now.
-- Returns: key, event, about (the event's resource), said (ids and counts, no names).
SELECT
    n.key,
    n.event,
    n.about,
    n.said
FROM (
    SELECT
        concat_ws(':', 'uncertain', c.id, extract(EPOCH FROM max(m.changed_at))) AS key,
        'tournament-fees.messages.uncertain' AS event,
        concat('tournament-fees.campaign.', c.id) AS about,
        concat(
            count(*),
            ' messages of the campaign ',
            c.kind,
            ' ',
            c.sequence,
            ' are uncertain',
            ', ' || nullif(count(*) FILTER (WHERE m.reason = 'restored'), 0) || ' of them since a restore from a backup'
        ) AS said
    FROM tournament_fees.messages AS m
    INNER JOIN tournament_fees.campaigns AS c ON m.campaign_id = c.id
    WHERE m.status = 'uncertain' AND m.changed_at > cast(:now AS timestamptz) - interval '7 days'
    GROUP BY c.id, c.kind, c.sequence
    UNION ALL
    SELECT
        concat_ws(':', 'set aside', sa.id, sa.reason) AS key,
        CASE
            WHEN sa.reason LIKE 'paid\_%' OR sa.reason = 'two_slow_payments' THEN 'tournament-fees.payment.to-look-at'
            ELSE 'tournament-fees.link.set-aside'
        END AS event,
        concat('tournament-fees.order.', sa.order_id) AS about,
        concat('order ', sa.order_id, ': ', sa.detail) AS said
    FROM tournament_fees.set_asides AS sa
    WHERE sa.cleared_at IS NULL AND sa.set_aside_at > cast(:now AS timestamptz) - interval '7 days'
    UNION ALL
    SELECT
        concat_ws(':', 'quota', c.id, cast(cast(:now AS timestamptz) AT TIME ZONE 'UTC' AS date)) AS key,
        'tournament-fees.quota.reached' AS event,
        concat('tournament-fees.campaign.', c.id) AS about,
        concat(count(*), ' messages of the campaign ', c.kind, ' ', c.sequence, ' wait for the sending limit') AS said
    FROM tournament_fees.messages AS m
    INNER JOIN tournament_fees.campaigns AS c ON m.campaign_id = c.id AND c.state = 'sending'
    WHERE m.status = 'queued' AND m.reason = 'quota' AND m.next_attempt_at > :now
    GROUP BY c.id, c.kind, c.sequence
    UNION ALL
    SELECT
        concat_ws(':', 'finished', f.id) AS key,
        'tournament-fees.campaign.finished' AS event,
        concat('tournament-fees.campaign.', f.id) AS about,
        concat('the campaign ', f.kind, ' ', f.sequence, ' is finished: ', count(fm.id) FILTER (WHERE fm.status = 'sent'), ' sent') AS said
    FROM tournament_fees.campaigns AS f
    LEFT JOIN tournament_fees.messages AS fm ON f.id = fm.campaign_id
    WHERE f.state = 'done' AND f.changed_at > cast(:now AS timestamptz) - interval '7 days'
    GROUP BY f.id, f.kind, f.sequence
) AS n
WHERE
    NOT EXISTS (
        SELECT FROM tournament_fees.announcements AS a
        WHERE a.key = n.key
    )
ORDER BY n.key;
