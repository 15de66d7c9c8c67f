-- Keep what a delivery report says of one recipient, once.
-- Returns: report_digest, or no row where it was taken in before.
INSERT INTO tournament_fees.bounces
(report_digest, recipient_number, message_id, action, status, diagnostic, finding, taken_in_at)
VALUES (
    :report_digest, :recipient_number, cast(:message_id AS bigint), :action, :status, cast(:diagnostic AS text), :finding, :now
)
ON CONFLICT (report_digest, recipient_number) DO NOTHING
RETURNING report_digest;
