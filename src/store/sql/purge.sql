-- What ends with time, and what is cleaned away: always in slices of at most :limit rows.

-- name: job_expired
SELECT id, job_id, completed_ms FROM jobs
WHERE expires_ms IS NOT NULL AND expires_ms <= :clock ORDER BY expires_ms LIMIT :limit;

-- name: job_next_expiry
SELECT expires_ms FROM jobs WHERE expires_ms IS NOT NULL ORDER BY expires_ms LIMIT 1;

-- name: job_set_expiry
-- A job that was retried meanwhile has lost its expiry, and keeps what it has.
UPDATE jobs SET expires_ms = :expires_ms WHERE id = :id AND admission = 3;

-- name: task_expire
DELETE FROM tasks
WHERE id IN (SELECT tasks.id FROM tasks JOIN jobs ON jobs.id = tasks.job
             WHERE tasks.job = :job AND jobs.admission = 3 LIMIT :limit);

-- name: task_exists
SELECT EXISTS (SELECT 1 FROM tasks WHERE job = :job) AS yes;

-- name: clean_count
SELECT count(*) AS n FROM jobs
WHERE owner_id = :owner_id AND completed_ms IS NOT NULL AND completed_ms < :before AND purge = 0
      AND (:state < 0 OR +state = :state);

-- name: clean_record
-- The jobs that clean_mark marks next.
INSERT INTO changes (owner_id, changed_ms, changed_by, kind, gone_file_id, detail)
SELECT owner_id, :now, :by, :kind, file_id,
       json_object('job_id', job_id, 'file_id', file_id, 'kept_transcripts',
                   iif(:kept, (SELECT count(*) FROM transcripts WHERE job = jobs.id), 0))
FROM jobs
WHERE owner_id = :owner_id AND completed_ms IS NOT NULL AND completed_ms < :before
      AND purge = 0 AND admission = 3 AND (:state < 0 OR +state = :state)
ORDER BY completed_ms, id LIMIT :limit;

-- name: clean_mark
-- From now on nobody finds the jobs; a new one may do their work again.
UPDATE jobs SET purge = :purge, dedupe_key = NULL, expires_ms = NULL
WHERE id IN (SELECT id FROM jobs
             WHERE owner_id = :owner_id AND completed_ms IS NOT NULL AND completed_ms < :before
                   AND purge = 0 AND admission = 3 AND (:state < 0 OR +state = :state)
             ORDER BY completed_ms, id LIMIT :limit);

-- name: purge_next
SELECT id, job_id, purge FROM jobs WHERE purge > 0 AND id > :after ORDER BY id LIMIT 1;

-- name: purge_transcript
SELECT id FROM transcripts WHERE job = :job LIMIT 1;

-- name: purge_detach
-- Nobody writes its automatic exports again.
UPDATE transcripts SET job = NULL, srt_path = NULL WHERE job = :job;

-- name: purge_segments
-- Once text_unindex_next has taken the same rows out of the index.
DELETE FROM segments
WHERE id IN (SELECT id FROM segments WHERE transcript_id = :transcript_id AND died IS NULL
             ORDER BY start_ms, ord, segment_id LIMIT :limit);

-- name: purge_old_segments
DELETE FROM segments
WHERE id IN (SELECT id FROM segments WHERE transcript_id = :transcript_id LIMIT :limit);

-- name: purge_origins
DELETE FROM origins
WHERE id IN (SELECT id FROM origins WHERE transcript_id = :transcript_id LIMIT :limit);

-- name: purge_changes_transcript
DELETE FROM changes
WHERE id IN (SELECT id FROM changes WHERE transcript_id = :transcript_id LIMIT :limit);

-- name: purge_changes_job
DELETE FROM changes WHERE id IN (SELECT id FROM changes WHERE job = :job LIMIT :limit);

-- name: purge_changes_file
DELETE FROM changes WHERE id IN (SELECT id FROM changes WHERE file_id = :file_id LIMIT :limit);

-- name: purge_versions
DELETE FROM versions
WHERE transcript_id = :transcript_id
      AND version IN (SELECT version FROM versions WHERE transcript_id = :transcript_id
                      ORDER BY version LIMIT :limit);

-- name: purge_export_paths
-- The files of the rows that purge_exports removes next; taken: another's by now.
SELECT file_path AS path,
       EXISTS (SELECT 1 FROM export_history AS later WHERE later.file_path = e.file_path
               AND later.id > e.id AND later.transcript_id <> e.transcript_id) AS taken
FROM export_history AS e WHERE transcript_id = :transcript_id ORDER BY id LIMIT :limit;

-- name: purge_exports
DELETE FROM export_history
WHERE id IN (SELECT id FROM export_history WHERE transcript_id = :transcript_id
             ORDER BY id LIMIT :limit);

-- An id that was given is never given again: whoever repeats a call whose answer was lost must not
-- meet something else.
-- name: purge_keep_id
INSERT INTO counters (name, value) VALUES (:name, :id)
ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value);

-- name: purge_transcript_row
DELETE FROM transcripts WHERE id = :transcript_id;

-- name: purge_tasks
DELETE FROM tasks WHERE id IN (SELECT id FROM tasks WHERE job = :job LIMIT :limit);

-- name: purge_chunks
DELETE FROM chunks
WHERE job = :job AND chunk IN (SELECT chunk FROM chunks WHERE job = :job ORDER BY chunk LIMIT :limit);

-- name: purge_events
DELETE FROM job_events
WHERE id IN (SELECT id FROM job_events WHERE job = :job ORDER BY id LIMIT :limit);

-- name: purge_job
DELETE FROM jobs WHERE id = :job AND purge > 0;
