-- Versions: edits, and the history of changes (library/edit.h, library/changes.h).

-- name: change_insert
INSERT INTO changes (owner_id, changed_ms, changed_by, kind, file_id, job, transcript_id, version,
                     other_id, gone_file_id, detail)
VALUES (:owner_id, :now, :by, :kind, :file_id, :job, :transcript_id, :version, :other_id,
        :gone_file_id, :detail);

-- name: change_last
SELECT coalesce(max(id), 0) AS id FROM changes WHERE transcript_id = :transcript_id;

-- name: change_forget
-- That an edit was undone is asked when the next one is.
DELETE FROM changes
WHERE id IN (SELECT id FROM changes
             WHERE changed_ms < :before AND kind <> 'transcript.undone'
             ORDER BY changed_ms LIMIT :limit);

-- name: change_list_all
SELECT c.*, principals.name AS by_name, jobs.job_id
FROM changes AS c JOIN principals ON principals.id = c.changed_by
     LEFT JOIN jobs ON jobs.id = c.job
WHERE (:kind IS NULL OR c.kind = :kind) AND c.id < :before ORDER BY c.id DESC LIMIT :limit;

-- name: change_list_owner
SELECT c.*, principals.name AS by_name, jobs.job_id
FROM changes AS c JOIN principals ON principals.id = c.changed_by
     LEFT JOIN jobs ON jobs.id = c.job
WHERE c.owner_id = :owner_id AND c.id < :before ORDER BY c.id DESC LIMIT :limit;

-- name: change_list_kind
SELECT c.*, principals.name AS by_name, jobs.job_id
FROM changes AS c JOIN principals ON principals.id = c.changed_by
     LEFT JOIN jobs ON jobs.id = c.job
WHERE c.owner_id = :owner_id AND c.kind = :kind AND c.id < :before
ORDER BY c.id DESC LIMIT :limit;

-- name: change_list_file
-- With what tells of deletions, of its jobs and of itself.
SELECT c.*, principals.name AS by_name, jobs.job_id
FROM changes AS c JOIN principals ON principals.id = c.changed_by
     LEFT JOIN jobs ON jobs.id = c.job
WHERE ((c.file_id = :file_id AND c.id < :before)
       OR (c.gone_file_id = :file_id AND c.id < :before))
      AND (:owner_id = 0 OR c.owner_id = :owner_id) AND (:kind IS NULL OR c.kind = :kind)
ORDER BY c.id DESC LIMIT :limit;

-- name: change_list_job
SELECT c.*, principals.name AS by_name, jobs.job_id
FROM changes AS c JOIN principals ON principals.id = c.changed_by
     LEFT JOIN jobs ON jobs.id = c.job
WHERE c.job = :job AND (:owner_id = 0 OR c.owner_id = :owner_id)
      AND (:kind IS NULL OR c.kind = :kind) AND c.id < :before
ORDER BY c.id DESC LIMIT :limit;

-- name: change_list_transcript
SELECT c.*, principals.name AS by_name, jobs.job_id
FROM changes AS c JOIN principals ON principals.id = c.changed_by
     LEFT JOIN jobs ON jobs.id = c.job
WHERE c.transcript_id = :transcript_id AND (:owner_id = 0 OR c.owner_id = :owner_id)
      AND (:kind IS NULL OR c.kind = :kind) AND c.id < :before
ORDER BY c.id DESC LIMIT :limit;

-- name: edit_places
-- Where each segment of the current version stands, without its row.
SELECT id, segment_id, start_ms, ord, content_hash FROM segments
WHERE transcript_id = :transcript_id AND died IS NULL AND +born <= :version
      AND (dies IS NULL OR dies > :version)
ORDER BY start_ms, ord;

-- name: edit_group
-- The same of the segments that start at one time.
SELECT id, segment_id, start_ms, ord, content_hash FROM segments
WHERE transcript_id = :transcript_id AND died IS NULL AND start_ms = :start_ms
      AND +born <= :version AND (dies IS NULL OR dies > :version)
ORDER BY ord;

-- name: edit_start_before
SELECT start_ms FROM segments
WHERE transcript_id = :transcript_id AND died IS NULL AND start_ms < :start_ms
      AND +born <= :version AND (dies IS NULL OR dies > :version)
ORDER BY start_ms DESC LIMIT 1;

-- name: edit_start_behind
SELECT start_ms FROM segments
WHERE transcript_id = :transcript_id AND died IS NULL AND start_ms > :start_ms
      AND +born <= :version AND (dies IS NULL OR dies > :version)
ORDER BY start_ms LIMIT 1;

-- name: edit_start_of
-- The planner would walk segments_alive, which covers it.
SELECT start_ms FROM segments INDEXED BY segments_number
WHERE transcript_id = :transcript_id AND segment_id = :segment_id AND died IS NULL
      AND +born <= :version AND (dies IS NULL OR dies > :version);

-- name: edit_row
SELECT id, segment_id, chunk, start_ms, end_ms, text, speaker, confidence, words, heard,
       origin_id, content_hash
FROM segments WHERE id = :id;

-- name: edit_repaired
-- What the check has put right since an edit was planned: the plan's sums are of what was there.
SELECT id FROM changes
WHERE transcript_id = :transcript_id AND id > :seen AND kind IN (:repaired, :accepted) LIMIT 1;

-- name: edit_transcript
-- The condition is what makes edits one after another. staged: 1 when this version was written
-- beforehand. The words of the base may be counted anew while an edit is planned (library/recount.h).
UPDATE transcripts
SET current_version = :base + 1, segment_count = :segments, word_count = word_count + :more_words,
    updated_ms = :now
WHERE id = :id AND state = 1 AND current_version = :base
      AND staged IS iif(:staged, :base + 1, NULL) AND (:owner_id = 0 OR owner_id = :owner_id);

-- Versions that are written in slices (library/edit-stage.c).

-- name: stage_begin
UPDATE transcripts SET staged = :base + 1
WHERE id = :id AND state = 1 AND current_version = :base AND staged IS NULL
      AND (:owner_id = 0 OR owner_id = :owner_id);

-- name: stage_open
SELECT id FROM transcripts WHERE id = :id AND staged = :version AND owner_id = :owner_id;

-- name: stage_row_dies
UPDATE segments SET dies = :version WHERE id = :id AND died IS NULL;

-- name: stage_end
UPDATE transcripts SET staged = NULL WHERE id = :id;

-- name: stage_get
SELECT staged, current_version FROM transcripts WHERE id = :id AND staged IS NOT NULL;

-- name: stage_left
SELECT id FROM transcripts WHERE staged IS NOT NULL AND id > :after ORDER BY id LIMIT 1;

-- name: stage_ending
-- Of a version that is there: what it has not ended yet. Along the other index, which covers it, the
-- planner would pass all that lives with each slice.
SELECT id FROM segments INDEXED BY segments_dying
WHERE transcript_id = :transcript_id AND died IS NULL AND dies = :version LIMIT :limit;

-- name: stage_unborn
-- Of a version that never came to be: its rows.
SELECT id FROM segments WHERE transcript_id = :transcript_id AND born = :version LIMIT :limit;

-- name: stage_delete_row
DELETE FROM segments WHERE id = :id;

-- name: stage_forget_origin
DELETE FROM origins WHERE transcript_id = :transcript_id AND version = :version;

-- name: stage_revive
UPDATE segments SET dies = NULL
WHERE id IN (SELECT id FROM segments INDEXED BY segments_dying
             WHERE transcript_id = :transcript_id AND died IS NULL AND dies = :version
             LIMIT :limit);

-- name: edit_origin
INSERT INTO origins (engine, engine_version, model, principal_id, transcript_id, version, made_ms)
VALUES (:engine, :engine_version, :model, :by, :transcript_id, :version, :now);

-- name: edit_row_dies
UPDATE segments SET died = :version, dies = NULL WHERE id = :id AND died IS NULL;

-- name: edit_row_insert
-- segment_id NULL: a new segment, which is called after its first row.
INSERT INTO segments (id, segment_id, transcript_id, born, chunk, ord, start_ms, end_ms, text,
                      speaker, confidence, words, heard, origin_id, content_hash)
SELECT n, coalesce(:segment_id, n), :transcript_id, :version, :chunk, :ord, :start_ms, :end_ms,
       :text, :speaker, :confidence, :words, :heard, :origin_id, :content_hash
FROM (SELECT coalesce(max(id), 0) + 1 AS n FROM segments);

-- name: edit_version_old
UPDATE versions SET is_current = 0 WHERE transcript_id = :transcript_id AND is_current = 1;

-- name: edit_version_new
-- Of a transcript whose row tells of it already.
INSERT INTO versions (transcript_id, version, is_current, segment_count, word_count, created_by,
                      created_ms, change_note, content_hash, content_hash_kind, restored_from)
SELECT id, current_version, 1, segment_count, word_count, :by, :now, :note, :content_hash,
       :content_hash_kind, :restored_from
FROM transcripts WHERE id = :transcript_id;

-- name: edit_spoken_by
SELECT id, start_ms FROM segments
WHERE transcript_id = :transcript_id AND died IS NULL AND +born <= :version
      AND (dies IS NULL OR dies > :version) AND speaker = :speaker
ORDER BY start_ms, ord;

-- name: edit_texts
-- In the order of edit_places.
SELECT id, segment_id, start_ms, text FROM segments
WHERE transcript_id = :transcript_id AND died IS NULL AND +born <= :version
      AND (dies IS NULL OR dies > :version)
ORDER BY start_ms, ord;

-- name: version_restored_from
-- undone: not by a rollback, which is itself a change to undo.
SELECT restored_from,
       EXISTS (SELECT 1 FROM changes
               WHERE transcript_id = :transcript_id AND changes.version = :version
                     AND kind = :undone) AS undone
FROM versions WHERE transcript_id = :transcript_id AND version = :version;

-- name: prune_versions
-- Older than the newest :keep; the current one is the newest.
DELETE FROM versions
WHERE transcript_id = :transcript_id
      AND version IN (SELECT version FROM versions
                      WHERE transcript_id = :transcript_id AND is_current = 0
                            AND version < (SELECT min(version) FROM
                                           (SELECT version FROM versions
                                            WHERE transcript_id = :transcript_id
                                            ORDER BY version DESC LIMIT :keep))
                      ORDER BY version LIMIT :limit);

-- name: prune_chunks
-- What the engine said in the chunks of the rows that prune_segments deletes next: others would
-- read there what is to be gone.
UPDATE chunks SET text = NULL, result_hash = NULL
WHERE job = (SELECT job FROM transcripts WHERE id = :transcript_id)
      AND chunk IN (SELECT chunk FROM segments
                    WHERE transcript_id = :transcript_id
                          AND died <= (SELECT min(version) FROM versions
                                       WHERE transcript_id = :transcript_id)
                    LIMIT :limit);

-- name: prune_segments
-- Rows that ended with the oldest version that is left, or before it.
DELETE FROM segments
WHERE id IN (SELECT id FROM segments
             WHERE transcript_id = :transcript_id
                   AND died <= (SELECT min(version) FROM versions
                                WHERE transcript_id = :transcript_id)
             LIMIT :limit);

-- name: origin_get
SELECT o.engine, o.engine_version, o.model, o.model_hash, o.version, o.made_ms,
       principals.name AS by_name
FROM origins AS o LEFT JOIN principals ON principals.id = o.principal_id
WHERE o.id = :id;
