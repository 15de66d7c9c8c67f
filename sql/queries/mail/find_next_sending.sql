-- When another message may go out under the limits an hour and a day, after those that wait for them already. A span ends now and moves on
-- with it, so that no hour and no day has more than its limit.
-- Takes: per_hour and per_day, each NULL where there is no such limit.
-- Returns: one row with due, NULL where it may go out now.
WITH limits AS (
    SELECT
        l.most,
        l.span
    FROM (
        VALUES (cast(:per_hour AS integer), interval '1 hour'), (cast(:per_day AS integer), interval '1 day')
    ) AS l (most, span)
    WHERE l.most IS NOT NULL
),

taken AS (
    SELECT a.counted_at AS at
    FROM tournament_fees.delivery_attempts AS a
    WHERE a.outcome = 'sending' AND a.counted_at > cast(:now AS timestamptz) - interval '1 day'
    UNION ALL
    SELECT m.next_attempt_at AS at
    FROM tournament_fees.messages AS m
    WHERE m.status = 'queued' AND m.reason = 'quota' AND m.next_attempt_at > :now
),

ranked AS (
    SELECT
        t.at,
        row_number() OVER (ORDER BY t.at DESC) AS place
    FROM taken AS t
)

SELECT max(r.at + l.span) AS due
FROM limits AS l
INNER JOIN ranked AS r ON l.most = r.place
WHERE
    EXISTS (
        SELECT FROM limits AS reached
        WHERE
            reached.most <= (
                SELECT count(*)
                FROM tournament_fees.delivery_attempts AS a
                WHERE a.outcome = 'sending' AND a.counted_at > cast(:now AS timestamptz) - reached.span
            )
    );
