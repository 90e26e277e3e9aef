-- Webhooks and their deliveries: what is owed to the outside.

-- name: webhook_insert
INSERT INTO webhooks (owner_id, url, description, events, secret, enabled, disabled_why, created_ms,
                      updated_ms)
VALUES (:owner_id, :url, :description, :events, :secret, :enabled, :disabled_why, :now, :now);

-- name: webhook_count
SELECT count(*) AS n FROM webhooks WHERE owner_id = :owner_id AND removed_ms IS NULL;

-- name: webhook_get
SELECT * FROM webhooks WHERE id = :id AND owner_id = :owner_id AND removed_ms IS NULL;

-- name: webhook_list
SELECT * FROM webhooks
WHERE owner_id = :owner_id AND removed_ms IS NULL AND (:before_id = 0 OR id < :before_id)
ORDER BY id DESC LIMIT :limit;

-- name: webhook_update
-- Whoever changes it has looked at it: it is tried again at once.
UPDATE webhooks
SET url = :url, description = :description, events = :events, secret = :secret, enabled = :enabled,
    disabled_why = :disabled_why, failures = 0, failing_ms = NULL, rest_until_ms = NULL,
    updated_ms = :now
WHERE id = :id;

-- name: webhook_remove
UPDATE webhooks SET removed_ms = :now, enabled = 0, secret = '' WHERE id = :id;

-- name: webhook_kinds
-- What any of them wants to hear of.
SELECT events FROM webhooks WHERE enabled = 1;

-- name: webhook_rested
-- For a user who waits: the next attempt is now.
UPDATE webhooks SET rest_until_ms = NULL WHERE id = :id;

-- name: webhook_delivered
UPDATE webhooks
SET failures = 0, failing_ms = NULL, rest_until_ms = NULL, delivered_ms = :now
WHERE id = :id;

-- name: webhook_failed
UPDATE webhooks
SET failures = failures + 1, failing_ms = coalesce(failing_ms, :now), rest_until_ms = :rest_until_ms
WHERE id = :id;

-- name: webhook_disable
UPDATE webhooks SET enabled = 0, disabled_why = :why, updated_ms = :now
WHERE id = :id AND enabled = 1
RETURNING owner_id;

-- name: webhook_due
-- Those that something is owed to now, beginning behind the one that had its turn last.
SELECT id, url, secret, failures, failing_ms FROM webhooks
WHERE enabled = 1 AND coalesce(rest_until_ms, 0) <= :now
      AND EXISTS (SELECT 1 FROM webhook_deliveries INDEXED BY webhook_deliveries_due
                  WHERE webhook_id = webhooks.id AND due_ms <= :now)
ORDER BY id <= :turn, id;

-- name: webhook_next_due
-- When the next attempt is due that is not due now.
SELECT min(CASE WHEN coalesce(rest_until_ms, 0) > :now
           THEN max(rest_until_ms,
                    (SELECT min(due_ms) FROM webhook_deliveries INDEXED BY webhook_deliveries_due
                     WHERE webhook_id = webhooks.id AND due_ms IS NOT NULL))
           ELSE (SELECT min(due_ms) FROM webhook_deliveries INDEXED BY webhook_deliveries_due
                 WHERE webhook_id = webhooks.id AND due_ms > :now) END) AS due_ms
FROM webhooks WHERE enabled = 1;

-- name: webhook_clamp
-- The wall clock has been set back: nothing rests longer than the longest wait.
UPDATE webhooks SET rest_until_ms = :latest WHERE rest_until_ms > :latest;

-- name: webhook_removed
SELECT id FROM webhooks WHERE removed_ms IS NOT NULL ORDER BY id LIMIT 1;

-- name: webhook_forget
DELETE FROM webhooks WHERE id = :id AND removed_ms IS NOT NULL;

-- name: delivery_record
-- What this event of a job owes to its owner's webhooks.
INSERT INTO webhook_deliveries (webhook_id, message_id, kind, job_id, file_id, transcript_id,
                                job_state, code, created_ms, due_ms)
SELECT webhooks.id, lower(hex(randomblob(16))), :kind, jobs.job_id, jobs.file_id,
       (SELECT max(transcripts.id) FROM transcripts WHERE transcripts.job = jobs.id),
       :job_state, :code, :at_ms, :at_ms
FROM jobs JOIN webhooks ON webhooks.owner_id = jobs.owner_id AND webhooks.removed_ms IS NULL
WHERE jobs.id = :job AND webhooks.enabled = 1 AND (webhooks.events & :bit) <> 0;

-- name: delivery_record_test
INSERT INTO webhook_deliveries (webhook_id, message_id, kind, created_ms, due_ms)
VALUES (:webhook_id, lower(hex(randomblob(16))), -1, :now, :now);

-- name: delivery_due
SELECT * FROM webhook_deliveries INDEXED BY webhook_deliveries_due
WHERE webhook_id = :webhook_id AND due_ms <= :now
ORDER BY due_ms, id LIMIT :limit;

-- name: delivery_settle
UPDATE webhook_deliveries
SET state = :state, attempts = attempts + 1, due_ms = :due_ms, tried_ms = :now,
    duration_ms = :duration_ms, response_code = :response_code, error = :error, ended_ms = :ended_ms
WHERE id = :id AND state = 0;

-- name: delivery_get
SELECT * FROM webhook_deliveries WHERE id = :id AND webhook_id = :webhook_id;

-- name: delivery_list
SELECT * FROM webhook_deliveries
WHERE webhook_id = :webhook_id AND (:before_id = 0 OR id < :before_id)
ORDER BY id DESC LIMIT :limit;

-- name: delivery_list_state
SELECT * FROM webhook_deliveries
WHERE webhook_id = :webhook_id AND state = :state AND (:before_id = 0 OR id < :before_id)
ORDER BY id DESC LIMIT :limit;

-- name: delivery_replay
UPDATE webhook_deliveries SET state = 0, attempts = 0, due_ms = :now, ended_ms = NULL
WHERE id = :id AND webhook_id = :webhook_id;

-- name: delivery_owed
-- How many are owed, counted up to :most.
SELECT count(*) AS n FROM (SELECT 1 FROM webhook_deliveries INDEXED BY webhook_deliveries_due
                           WHERE due_ms IS NOT NULL LIMIT :most);

-- name: delivery_pending
SELECT count(*) AS n FROM (SELECT 1 FROM webhook_deliveries
                           WHERE webhook_id = :webhook_id AND state = 0 LIMIT :most);

-- name: delivery_clamp
UPDATE webhook_deliveries INDEXED BY webhook_deliveries_due SET due_ms = :latest
WHERE due_ms IS NOT NULL AND due_ms > :latest;

-- name: delivery_expire
DELETE FROM webhook_deliveries
WHERE id IN (SELECT id FROM webhook_deliveries INDEXED BY webhook_deliveries_ended
             WHERE ended_ms IS NOT NULL AND ended_ms <= :before_ms LIMIT :limit);

-- name: delivery_forget
DELETE FROM webhook_deliveries
WHERE id IN (SELECT id FROM webhook_deliveries WHERE webhook_id = :webhook_id LIMIT :limit);
