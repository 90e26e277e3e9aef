-- Recordings that arrive in pieces. Plans are checked by tests/unit/library/test-plans.c.

-- name: intake_insert
INSERT INTO intakes (upload_id, owner_id, total_bytes, offset_bytes, name, options, metadata,
                     idempotency_key, created_ms, expires_ms)
VALUES (:upload_id, :owner_id, :total, :offset, :name, :options, :metadata, :key, :now, :expires);

-- name: intake_get
SELECT * FROM intakes WHERE upload_id = :upload_id AND (:owner_id = 0 OR owner_id = :owner_id);

-- name: intake_by_key
SELECT * FROM intakes
WHERE owner_id = :owner_id AND idempotency_key = :key AND state = 0 AND expires_ms > :now;

-- name: intake_list
SELECT * FROM intakes
WHERE owner_id = :owner_id AND id < :before AND expires_ms > :now ORDER BY id DESC LIMIT :limit;

-- name: intake_next_open
-- The next open one after that id.
SELECT * FROM intakes WHERE state = 0 AND id > :after ORDER BY id LIMIT 1;

-- name: intake_checkpoint
-- While more comes: never back.
UPDATE intakes SET offset_bytes = :offset, expires_ms = :expires
WHERE id = :id AND state = 0 AND offset_bytes < :offset;

-- name: intake_keep
UPDATE intakes SET offset_bytes = :offset, total_bytes = :total, expires_ms = :expires
WHERE id = :id AND state = 0;

-- name: intake_settle
UPDATE intakes
SET state = 1, file_id = :file_id, job_id = :job_id, duplicate = :duplicate,
    existing_job = :existing_job, expires_ms = :expires
WHERE id = :id AND state = 0;

-- name: intake_refuse
UPDATE intakes SET state = 2, error_code = :error_code, error = :error, expires_ms = :expires
WHERE id = :id AND state = 0;

-- name: intake_delete
DELETE FROM intakes WHERE id = :id;

-- name: intake_reserved
-- Bytes that open ones will take, but for one of them.
SELECT coalesce(sum(max(coalesce(total_bytes, 0), offset_bytes)), 0) AS bytes
FROM intakes WHERE state = 0 AND id <> :but;

-- name: intake_count
SELECT count(*) AS open FROM intakes WHERE state = 0 AND owner_id = :owner_id;

-- name: intake_next_expiry
SELECT * FROM intakes WHERE expires_ms > 0 ORDER BY expires_ms LIMIT 1;
