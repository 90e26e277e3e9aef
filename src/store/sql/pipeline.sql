-- Chunks of a recording and what the stages note on their job.

-- name: chunk_insert
INSERT INTO chunks (job, chunk, channel, start_samples, end_samples, stretches, until_samples,
                    overlaps_next, pcm_hash, language)
VALUES (:job, :chunk, :channel, :start_samples, :end_samples, :stretches, :until_samples,
        :overlaps_next, :pcm_hash, :language)
ON CONFLICT (job, chunk) DO NOTHING;

-- name: chunk_get
SELECT chunks.channel, chunks.start_samples, chunks.end_samples, chunks.stretches,
       chunks.until_samples, chunks.overlaps_next, chunks.pcm_hash, chunks.processed_ms,
       chunks.language
FROM chunks WHERE job = :job AND chunk = :chunk;

-- name: chunk_done
UPDATE chunks SET text = :text, result_hash = :result_hash, processed_ms = :now,
                  no_speech_ms = :no_speech_ms, language = coalesce(:language, language)
WHERE job = :job AND chunk = :chunk;

-- name: chunk_list
-- The tasks of a job that ended long ago are gone: cancelled or done. Chunks of a chain that is at
-- work, or whose language is still to be heard, have none before it is their turn: they wait.
SELECT chunks.chunk, chunks.channel, chunks.start_samples, chunks.end_samples, chunks.stretches,
       chunks.text, chunks.result_hash, chunks.processed_ms, chunks.language,
       coalesce(tasks.state, iif(chunks.processed_ms IS NOT NULL, 4, iif(
           (SELECT jobs.state FROM jobs WHERE jobs.id = chunks.job) < 2, 3, 6))) AS state,
       coalesce(tasks.epoch, 0) AS epoch, tasks.error_code, tasks.error_message
FROM chunks LEFT JOIN tasks ON tasks.job = chunks.job AND tasks.stage = :stage
                           AND tasks.chunk = chunks.chunk
WHERE chunks.job = :job ORDER BY chunks.chunk;

-- name: chunk_list_open
-- Chunks whose sound is still needed.
SELECT chunk, channel, start_samples, end_samples, stretches, pcm_hash FROM chunks
WHERE job = :job AND processed_ms IS NULL ORDER BY chunk;

-- name: chunk_kept
-- The last one that stays as it was cut: those in front of :next, what was heard, what a worker was
-- ever given, and all in front of it.
SELECT max(chunk) AS chunk FROM chunks
WHERE job = :job AND (chunk < :next OR processed_ms IS NOT NULL OR EXISTS (
    SELECT 1 FROM tasks WHERE tasks.job = chunks.job AND tasks.stage = :stage
                          AND tasks.chunk = chunks.chunk AND tasks.epoch > 0));

-- name: chunk_drop_tasks
-- Nobody was ever given them.
DELETE FROM tasks WHERE job = :job AND stage = :stage AND chunk > :kept;

-- name: chunk_drop
DELETE FROM chunks WHERE job = :job AND chunk > :kept;

-- name: chunk_cut_until
-- Where the next one of the channel begins.
SELECT max(end_samples - iif(overlaps_next = 0, 0, :overlap)) AS samples
FROM chunks WHERE job = :job AND channel = :channel;

-- name: chunk_end_seams
-- The last one of a channel overlaps none, also where it was to before the rest was cut anew.
UPDATE chunks SET overlaps_next = 0
WHERE job = :job AND overlaps_next = 1 AND NOT EXISTS (
    SELECT 1 FROM chunks AS later WHERE later.job = chunks.job AND later.chunk > chunks.chunk
                                    AND later.channel = chunks.channel);

-- name: chunk_next_seam
-- overlaps_next: 1 to be settled, 2 settled. A chunk overlaps the next one of its own channel.
SELECT chunks.chunk, chunks.end_samples, (
    SELECT later.chunk FROM chunks AS later
    WHERE later.job = chunks.job AND later.chunk > chunks.chunk AND later.channel = chunks.channel
    ORDER BY later.chunk LIMIT 1) AS next
FROM chunks
WHERE job = :job AND chunk > :after AND overlaps_next = 1 ORDER BY chunk LIMIT 1;

-- name: chain_before
-- The chunk that hands over to this one.
SELECT processed_ms, carry FROM chunks
WHERE job = :job AND chunk < :chunk AND channel = :channel ORDER BY chunk DESC LIMIT 1;

-- name: chain_next
SELECT chunk FROM chunks
WHERE job = :job AND chunk > :chunk AND channel = :channel ORDER BY chunk LIMIT 1;

-- name: chain_keep
UPDATE chunks SET carry = :carry WHERE job = :job AND chunk = :chunk;

-- name: chain_forget
-- What was handed on has been taken: it holds words.
UPDATE chunks SET carry = NULL
WHERE job = :job AND chunk = (SELECT max(chunk) FROM chunks
                              WHERE job = :job AND chunk < :chunk AND channel = :channel);

-- name: spoken_find
-- The language of a stream: of its first chunk with words, if all in front of that are done.
SELECT language FROM chunks
WHERE job = :job AND channel = :channel AND processed_ms IS NOT NULL AND language <> '' AND text <> ''
ORDER BY chunk LIMIT 1;

-- name: spoken_tell
UPDATE chunks SET language = :language
WHERE job = :job AND channel = :channel AND processed_ms IS NULL;

-- name: spoken_first
-- The language of a job: of its first chunk with words; of the first at all where none has any.
SELECT language FROM chunks
WHERE job = :job AND language <> '' ORDER BY text = '', chunk LIMIT 1;

-- name: chunk_seam_settled
UPDATE chunks SET overlaps_next = 2 WHERE job = :job AND chunk = :chunk;

-- name: chunk_no_speech
-- What was left out of a job's text as no speech, and where the chunks lie that it was left out of.
SELECT sum(no_speech_ms) AS ms, min(start_samples) AS start_samples, max(end_samples) AS end_samples
FROM chunks WHERE job = :job AND no_speech_ms > 0;

-- name: job_warnings
UPDATE jobs SET warnings = :warnings WHERE id = :id;

-- name: job_split_done
UPDATE jobs SET split_done = 1, split_samples = :samples, duration_ms = :duration_ms,
                warnings = :warnings
WHERE id = :id;

-- name: job_split_progress
UPDATE jobs SET split_samples = :samples WHERE id = :id;

-- name: job_detected_language
-- While it runs, of the first chunk with words that is done …
UPDATE jobs SET detected_language = :language WHERE id = :id AND detected_language IS NULL;

-- name: job_spoken_language
-- … and in the end of the first that there is.
UPDATE jobs SET detected_language = :language
WHERE id = :id AND detected_language IS NOT :language;

-- name: job_state_by_job_id
SELECT state FROM jobs WHERE job_id = :job_id;

-- name: lane_has_ready
SELECT EXISTS (SELECT 1 FROM tasks WHERE state = 0 AND lane = :lane) AS ready;

-- name: job_pace
-- What the owner's newest completed jobs of an engine and model took; not many are looked at.
SELECT sum(processing_ms) AS took, sum(duration_ms) AS heard FROM (
    SELECT state, processing_ms, duration_ms, engine, model FROM jobs
    WHERE owner_id = :owner_id AND completed_ms IS NOT NULL
    ORDER BY completed_ms DESC, id DESC LIMIT 200)
WHERE state = 2 AND engine = :engine AND model = :model AND processing_ms > 0 AND duration_ms > 0;

-- name: job_exports_due
UPDATE jobs SET exports_due = 1 WHERE id = :id;

-- name: job_exports_paid
-- Those of this version have been written, at the place where the job's exports lie. A version that
-- came meanwhile is owed again.
UPDATE jobs SET exports_due = max(:owed, EXISTS (SELECT 1 FROM transcripts
                                                 WHERE job = jobs.id AND current_version <> :version))
WHERE id = :id AND exports_due = 1 AND (archived_ms IS NOT NULL) = :archived;

-- name: transcript_owes_exports
UPDATE jobs SET exports_due = 1
WHERE id = (SELECT job FROM transcripts WHERE id = :transcript_id) AND exports_due = 0 AND purge = 0;

-- name: job_next_export_due
SELECT id FROM jobs WHERE exports_due = 1 AND id > :after ORDER BY id LIMIT 1;

-- name: transcript_set_srt_path
UPDATE transcripts SET srt_path = :path WHERE id = :id;
