-- Deleting, archiving and cleaning. What is deleted belongs to owner -1 from then on, so that every
-- statement that asks for an owner passes it over; it is removed in slices (purge.sql).

-- name: delete_job_keys
DELETE FROM idempotency WHERE job = :job;

-- name: delete_job_transcripts
UPDATE transcripts SET owner_id = -1 WHERE job = :job;

-- name: delete_job
UPDATE jobs SET purge = 2, owner_id = -1, dedupe_key = NULL, expires_ms = NULL, exports_due = 0
WHERE id = :job;

-- name: file_uses
-- Jobs of the file, and transcripts that were kept without theirs.
SELECT (SELECT count(*) FROM jobs WHERE file_id = :file_id AND purge = 0) AS jobs,
       (SELECT count(*) FROM transcripts WHERE file_id = :file_id AND job IS NULL) AS transcripts;

-- name: file_open_job
SELECT id FROM jobs WHERE file_id = :file_id AND admission <> 3 LIMIT 1;

-- name: delete_file_keys
DELETE FROM idempotency
WHERE file_id = :file_id OR job IN (SELECT id FROM jobs WHERE file_id = :file_id);

-- name: delete_file_transcripts
UPDATE transcripts SET owner_id = -1 WHERE file_id = :file_id;

-- name: delete_file_jobs
UPDATE jobs SET purge = 2, owner_id = -1, dedupe_key = NULL, expires_ms = NULL, exports_due = 0
WHERE file_id = :file_id;

-- name: delete_file
-- Its hash no longer answers for it: the same bytes may come again meanwhile, as a new file.
UPDATE files SET owner_id = -1, file_hash = file_hash || ':' || id
WHERE id = :file_id AND owner_id <> -1;

-- name: purge_file
-- A deleted file whose jobs have gone.
SELECT * FROM files
WHERE owner_id = -1 AND id > :after AND NOT EXISTS (SELECT 1 FROM jobs WHERE file_id = files.id)
ORDER BY id LIMIT 1;

-- name: purge_file_transcript
SELECT id FROM transcripts WHERE file_id = :file_id LIMIT 1;

-- name: purge_file_exports
SELECT export_history.file_path AS path FROM transcripts
JOIN export_history ON export_history.transcript_id = transcripts.id
WHERE transcripts.file_id = :file_id AND export_history.file_path IS NOT NULL;

-- name: purge_uploads
DELETE FROM uploads WHERE id IN (SELECT id FROM uploads WHERE file_id = :file_id LIMIT :limit);

-- name: purge_file_row
DELETE FROM files WHERE id = :file_id AND owner_id = -1;

-- name: file_place_used
SELECT EXISTS (SELECT 1 FROM files WHERE file_hash = :file_hash AND file_path = :place
               AND purged_ms IS NULL) AS yes;
