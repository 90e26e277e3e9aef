-- The log of every step of every job.

-- name: event_insert
INSERT INTO job_events (job, at_ms, kind, state, stage, chunk, attempt, epoch, worker, duration_ms,
                        progress, code, message)
VALUES (:job, :at_ms, :kind, :state, :stage, :chunk, :attempt, :epoch, :worker, :duration_ms,
        :progress, :code, :message);

-- name: event_list_job
SELECT job_events.*, jobs.job_id, jobs.owner_id, jobs.duration_ms AS audio_ms,
       (SELECT max(transcripts.id) FROM transcripts WHERE transcripts.job = jobs.id)
       AS transcript_id
FROM job_events JOIN jobs ON jobs.id = job_events.job
WHERE job_events.job = :job AND job_events.id > :after
      AND (:owner_id = 0 OR jobs.owner_id = :owner_id)
ORDER BY job_events.id LIMIT :limit;

-- name: event_list_all
-- CROSS JOIN: the log in its own order decides, whoever owns the jobs.
SELECT job_events.*, jobs.job_id, jobs.owner_id, jobs.duration_ms AS audio_ms,
       (SELECT max(transcripts.id) FROM transcripts WHERE transcripts.job = jobs.id)
       AS transcript_id
FROM job_events CROSS JOIN jobs ON jobs.id = job_events.job
WHERE job_events.id > :after AND (:owner_id = 0 OR jobs.owner_id = :owner_id)
ORDER BY job_events.id LIMIT :limit;

-- name: event_newest
SELECT max(id) AS id FROM job_events;

-- name: event_chunks_done
-- The chunks that were done once this event had come, in the order of time.
SELECT chunk FROM job_events
WHERE job = :job AND id <= :id AND kind = :kind AND stage = :stage AND chunk IS NOT NULL;
