-- Jobs: their rows and their order. Plans are checked by tests/unit/queue/test-plans.c.

-- name: job_insert
INSERT INTO jobs (job_id, owner_id, file_id, name, file_name, pipeline, engine, engine_version,
                  model, model_hash, task, language, class, priority, settings, state, admission, counted,
                  dedupe_key, run_after_ms, timeout_ms, max_failures, duration_ms, created_ms,
                  updated_ms)
VALUES (:job_id, :owner_id, :file_id, :name, :file_name, :pipeline, :engine, :engine_version,
        :model, :model_hash, :task, :language, :class, :priority, :settings, 0, :admission, :counted,
        :dedupe_key, :run_after_ms, :timeout_ms, :max_failures, :duration_ms, :now, :now);

-- name: job_get
SELECT jobs.*, (SELECT max(transcripts.id) FROM transcripts WHERE transcripts.job = jobs.id)
       AS transcript_id,
       (SELECT files.file_path FROM files WHERE files.id = jobs.file_id) AS input_file_path,
       (SELECT json_group_array(job_tags.tag) FROM job_tags WHERE job_tags.job = jobs.id) AS tags,
       CASE WHEN jobs.state = 1 THEN
           (SELECT tasks.worker_id FROM tasks WHERE tasks.job = jobs.id AND tasks.state = 1 LIMIT 1)
       END AS worker_id
FROM jobs WHERE jobs.id = :id;

-- name: job_find
SELECT jobs.*, (SELECT max(transcripts.id) FROM transcripts WHERE transcripts.job = jobs.id)
       AS transcript_id,
       (SELECT files.file_path FROM files WHERE files.id = jobs.file_id) AS input_file_path,
       (SELECT json_group_array(job_tags.tag) FROM job_tags WHERE job_tags.job = jobs.id) AS tags,
       CASE WHEN jobs.state = 1 THEN
           (SELECT tasks.worker_id FROM tasks WHERE tasks.job = jobs.id AND tasks.state = 1 LIMIT 1)
       END AS worker_id
FROM jobs WHERE jobs.job_id = :job_id AND jobs.purge = 0
      AND (:owner_id = 0 OR jobs.owner_id = :owner_id);

-- name: job_brief
SELECT owner_id, class, state, stage, admission, counted, split_done,
       chunks_total, chunks_completed, split_samples, duration_ms, timeout_ms, started_clock_ms,
       stage_clock_ms, job_id, created_ms, processing_ms, pipeline, engine, model,
       coalesce(nullif(detected_language, ''), language) AS spoken
FROM jobs WHERE id = :id;

-- name: job_order
SELECT engine, model, model_hash, task, language, timeout_ms, settings FROM jobs WHERE id = :id;

-- name: job_same_model
-- Of two jobs for the same engine: can one call of it hear both?
SELECT a.model = b.model AND a.model_hash = b.model_hash AS same
FROM jobs AS a, jobs AS b WHERE a.id = :job AND b.id = :other;

-- name: job_by_dedupe_key
SELECT id FROM jobs WHERE dedupe_key = :dedupe_key;

-- name: job_completed_twin
-- Completed jobs that may be of the same work, newest first, also those whose key a job that was
-- forced has taken. Whether they are, their settings tell; as each is parsed, by far not all of them.
SELECT id, settings FROM jobs INDEXED BY jobs_file
WHERE file_id = :file_id AND owner_id = :owner_id AND state = 2 AND purge = 0
      AND pipeline = :pipeline AND engine_version = :engine_version AND model_hash = :model_hash
ORDER BY id DESC LIMIT 1000;

-- name: job_drop_dedupe_key
UPDATE jobs SET dedupe_key = NULL WHERE id = :id;

-- name: job_start
UPDATE jobs SET state = 1, started_ms = :now, started_clock_ms = :clock,
                deadline_ms = :clock + timeout_ms, stage = :stage, stage_clock_ms = :clock,
                updated_ms = :now
WHERE id = :id AND state = 0;

-- name: job_end
-- Only a completed job keeps answering for its work.
UPDATE jobs SET state = :to, admission = 3, completed_ms = :now, updated_ms = :now,
                processing_ms = :processing_ms, deadline_ms = NULL, dead_letter = :dead_letter,
                error_code = :error_code, error_message = :error_message,
                error_stage = :error_stage, error_chunk = :error_chunk,
                dedupe_key = CASE WHEN :to = 2 THEN dedupe_key END, expires_ms = :expires_ms
WHERE id = :id AND state = :from;

-- name: job_again
UPDATE jobs SET state = 0, admission = 1, retry_count = retry_count + 1, dead_letter = 0,
                started_ms = NULL, started_clock_ms = NULL, stage_clock_ms = NULL,
                deadline_ms = NULL, completed_ms = NULL, processing_ms = NULL, error_code = NULL,
                error_message = NULL, error_stage = NULL, error_chunk = NULL, run_after_ms = NULL,
                expires_ms = NULL, updated_ms = :now
WHERE id = :id AND state = :from;

-- name: job_set_admission
UPDATE jobs SET admission = :to, updated_ms = :now WHERE id = :id AND admission = :from;

-- name: job_set_stage
UPDATE jobs SET stage = :stage, stage_clock_ms = :clock, updated_ms = :now WHERE id = :id;

-- name: job_edit
UPDATE jobs SET class = coalesce(:class, class), priority = coalesce(:priority, priority),
                name = coalesce(:name, name), notes = coalesce(:notes, notes),
                run_after_ms = iif(:set_run_after, :run_after_ms, run_after_ms),
                timeout_ms = iif(:set_timeout, :timeout_ms, timeout_ms),
                deadline_ms = iif(:set_timeout, started_clock_ms + :timeout_ms, deadline_ms),
                updated_ms = :now
WHERE id = :id;

-- name: job_edit_settings
-- A job that has no dedupe key (it was retried) gets none.
UPDATE jobs SET engine = :engine, engine_version = :engine_version, model = :model,
                model_hash = :model_hash, task = :task, language = :language, settings = :settings,
                dedupe_key = iif(dedupe_key IS NULL, NULL, :dedupe_key)
WHERE id = :id;

-- name: job_drop_tags
DELETE FROM job_tags WHERE job = :job;

-- name: job_add_tag
INSERT INTO job_tags (job, tag) VALUES (:job, :tag);

-- name: job_count_chunks
UPDATE jobs SET chunks_total = chunks_total + :total,
                chunks_completed = chunks_completed + :completed, updated_ms = :now
WHERE id = :id;

-- name: job_announce_chunk
-- Chunks are numbered from 0 as they are cut.
UPDATE jobs SET chunks_total = max(chunks_total, :chunk + 1), updated_ms = :now WHERE id = :id;

-- name: job_transcript
SELECT max(id) AS id FROM transcripts WHERE job = :id;

-- name: job_admitted
-- How many places of the class are taken (of at most :limit).
SELECT count(*) AS n FROM (SELECT 1 FROM jobs
                           WHERE admission = 2 AND class = :class AND counted = 1 LIMIT :limit);

-- name: job_next_waiting
SELECT id FROM jobs WHERE admission = 1 AND class = :class ORDER BY priority, id LIMIT 1;

-- name: job_oldest_waiting
SELECT id FROM jobs WHERE admission = 1 AND class = :class ORDER BY id LIMIT 1;

-- name: job_position
SELECT count(*) AS n FROM (SELECT 1 FROM jobs
                           WHERE admission = 1 AND class = :class
                                 AND (priority, id) < (:priority, :id) LIMIT 1001);

-- name: job_at_work
-- What takes the places of the class.
SELECT pipeline, engine, model, duration_ms, started_clock_ms FROM jobs
WHERE admission = 2 AND class = :class AND counted = 1 LIMIT :limit;

-- name: job_before
SELECT pipeline, engine, model, duration_ms, NULL AS started_clock_ms FROM jobs
WHERE admission = 1 AND class = :class AND (priority, id) < (:priority, :id) LIMIT :limit;

-- name: job_pace_model
-- What completed jobs of all owners took; there are few owners.
SELECT sum(s.jobs) AS jobs, sum(s.processing_ms) AS took, sum(s.paced_audio_ms) AS paced_audio,
       sum(s.paced_ms) AS paced
FROM principals CROSS JOIN job_stats AS s
WHERE s.owner_id = principals.id AND s.day = -1 AND s.state = 2 AND s.pipeline = :pipeline
      AND s.engine = :engine AND s.model = :model;

-- name: job_pace_pipeline
SELECT sum(s.jobs) AS jobs, sum(s.processing_ms) AS took, sum(s.paced_audio_ms) AS paced_audio,
       sum(s.paced_ms) AS paced
FROM principals CROSS JOIN job_stats AS s
WHERE s.owner_id = principals.id AND s.day = -1 AND s.state = 2 AND s.pipeline = :pipeline;

-- name: job_due
SELECT id FROM jobs WHERE admission = 0 AND run_after_ms <= :now ORDER BY run_after_ms LIMIT :limit;

-- name: job_next_due
SELECT run_after_ms FROM jobs WHERE admission = 0 AND run_after_ms IS NOT NULL
ORDER BY run_after_ms LIMIT 1;

-- name: job_overdue
SELECT id FROM jobs WHERE admission = 2 AND deadline_ms IS NOT NULL AND deadline_ms <= :clock
ORDER BY deadline_ms LIMIT :limit;

-- name: job_next_deadline
SELECT deadline_ms FROM jobs WHERE admission = 2 AND deadline_ms IS NOT NULL
ORDER BY deadline_ms LIMIT 1;

-- name: job_shift_clocks
-- The queue's clock starts anew with each server; time without a server is not charged to a job.
UPDATE jobs SET deadline_ms = deadline_ms + :shift,
                started_clock_ms = started_clock_ms + :shift,
                stage_clock_ms = stage_clock_ms + :shift
WHERE admission = 2 AND started_clock_ms IS NOT NULL;

-- name: job_chunk_time
-- What the newest chunks took, on the average.
SELECT avg(took) AS took FROM (
    SELECT finished_ms - claimed_ms AS took FROM tasks
    WHERE job = :job AND stage = :stage AND state = 4 ORDER BY chunk DESC LIMIT 32);

-- name: job_chunks_running
SELECT count(*) AS n FROM tasks WHERE job = :job AND stage = :stage AND state = 1;
