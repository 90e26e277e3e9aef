-- Deleting, archiving and cleaning. What is deleted belongs to owner -1 from then on, so that every
-- statement that asks for an owner passes it over; it is removed in slices (purge.sql).

-- name: delete_job_record
INSERT INTO changes (owner_id, changed_ms, changed_by, kind, gone_file_id, detail)
SELECT owner_id, :now, :by, :kind, file_id, json_object('job_id', job_id, 'file_id', file_id)
FROM jobs WHERE id = :job;

-- name: delete_job_keys
DELETE FROM idempotency WHERE job = :job;

-- name: delete_job_transcripts
UPDATE transcripts SET owner_id = -1, indexed_owner_id = coalesce(indexed_owner_id, owner_id)
WHERE job = :job;

-- name: delete_job
UPDATE jobs SET purge = 2, owner_id = -1, dedupe_key = NULL, expires_ms = NULL, exports_due = 0
WHERE id = :job;

-- name: delete_transcript
-- Of a job that is just being cleaned away it is no part from now on.
UPDATE transcripts SET owner_id = -1, job = NULL,
                       indexed_owner_id = coalesce(indexed_owner_id, owner_id)
WHERE id = :transcript_id;

-- name: file_uses
-- Jobs of the file, and transcripts that have none.
SELECT (SELECT count(*) FROM jobs WHERE file_id = :file_id AND purge = 0) AS jobs,
       (SELECT count(*) FROM transcripts
        WHERE file_id = :file_id AND job IS NULL AND owner_id <> -1) AS transcripts;

-- name: file_open_job
SELECT id FROM jobs WHERE file_id = :file_id AND admission <> 3 LIMIT 1;

-- name: delete_file_keys
DELETE FROM idempotency
WHERE file_id = :file_id OR job IN (SELECT id FROM jobs WHERE file_id = :file_id);

-- name: delete_file_transcripts
UPDATE transcripts SET owner_id = -1, indexed_owner_id = coalesce(indexed_owner_id, owner_id)
WHERE file_id = :file_id;

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

-- name: purge_deleted_transcript
-- Those of deleted jobs go with them.
SELECT id FROM transcripts WHERE owner_id = :owner_id AND job IS NULL LIMIT 1;

-- name: purge_uploads
DELETE FROM uploads WHERE id IN (SELECT id FROM uploads WHERE file_id = :file_id LIMIT :limit);

-- name: purge_file_row
DELETE FROM files WHERE id = :file_id AND owner_id = -1;

-- name: file_place_used
-- Also by a row whose hash is damaged: its bytes are as many as those of the file that goes.
SELECT EXISTS (SELECT 1 FROM files WHERE file_path = :place AND purged_ms IS NULL
               AND (file_hash = :file_hash
                    OR (owner_id > 0 AND size_bytes = :size_bytes))) AS yes;

-- name: file_place_named
-- Whatever hash and size the row says.
SELECT EXISTS (SELECT 1 FROM files WHERE file_path = :place AND owner_id > 0
               AND purged_ms IS NULL) AS yes;

-- name: file_others_in_use
-- Another row of these bytes, outside the archive.
SELECT EXISTS (SELECT 1 FROM files WHERE file_hash = :file_hash AND id <> :file_id
               AND archived_ms IS NULL) AS yes;

-- name: file_archive
UPDATE files SET archived_ms = iif(:archive, coalesce(archived_ms, :now), NULL)
WHERE id = :file_id;

-- name: file_move
UPDATE files SET file_path = :place WHERE file_hash = :file_hash;

-- name: job_archive
UPDATE jobs SET archived_ms = iif(:archive, coalesce(archived_ms, :now), NULL) WHERE id = :job;

-- name: job_archived
SELECT id, archived_ms IS NOT NULL AS archived FROM jobs WHERE job_id = :job_id;

-- name: export_move
UPDATE export_history SET file_path = :to || substr(file_path, length(:from) + 1)
WHERE transcript_id IN (SELECT id FROM transcripts WHERE job = :job)
      AND substr(file_path, 1, length(:from)) = :from;

-- name: transcript_move_srt
UPDATE transcripts SET srt_path = :to || substr(srt_path, length(:from) + 1)
WHERE job = :job AND substr(srt_path, 1, length(:from)) = :from;

-- name: file_revive
-- Bytes that were missing, or cleaned out of the archive, have come again.
UPDATE files SET purged_ms = NULL, damage = 0, file_path = :place,
                 archived_ms = iif(purged_ms IS NULL, archived_ms, NULL)
WHERE file_hash = :file_hash AND (purged_ms IS NOT NULL OR damage = 1);

-- name: file_purged_hash
SELECT EXISTS (SELECT 1 FROM files WHERE file_hash = :file_hash AND purged_ms IS NOT NULL) AS yes;

-- name: archive_due
SELECT * FROM files
WHERE archived_ms IS NOT NULL AND (archived_ms, id) > (:key, :id) AND archived_ms < :before
      AND purged_ms IS NULL AND owner_id > 0
ORDER BY archived_ms, id LIMIT 1;

-- name: archive_may_go
-- All who have these bytes have archived them long ago, and no job wants them. Each hash once.
SELECT NOT EXISTS (SELECT 1 FROM files AS o WHERE o.file_hash = :file_hash
                   AND (o.archived_ms IS NULL OR o.archived_ms >= :before
                        OR (o.archived_ms, o.id) < (:key, :id)))
       AND NOT EXISTS (SELECT 1 FROM files AS o JOIN jobs ON jobs.file_id = o.id
                       WHERE o.file_hash = :file_hash AND jobs.admission <> 3) AS yes;

-- name: archive_purge_record
-- Of each owner whose file archive_purge says it of next.
INSERT INTO changes (owner_id, changed_ms, changed_by, kind, file_id)
SELECT owner_id, :now, :by, :kind, id FROM files
WHERE file_hash = :file_hash AND purged_ms IS NULL;

-- name: archive_purge
UPDATE files SET purged_ms = :now WHERE file_hash = :file_hash AND purged_ms IS NULL;

-- name: work_job
SELECT id, admission, completed_ms FROM jobs WHERE job_id = :job_id;

-- name: exports_below
-- Is there a transcript whose exports lie below this folder?
SELECT EXISTS (SELECT 1 FROM export_history WHERE file_path >= :from AND file_path < :until) AS yes;

-- name: file_next
SELECT * FROM files WHERE id > :after AND owner_id > 0 AND purged_ms IS NULL ORDER BY id LIMIT 1;

-- name: file_set_missing
UPDATE files SET damage = iif(:missing, 1, 0) WHERE id = :file_id AND damage <> 2;
