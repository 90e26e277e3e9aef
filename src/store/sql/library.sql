-- Files, transcripts, segments, versions. Plans are checked by tests/unit/library/test-plans.c.

-- Above every id that was ever given (purge_keep_id).
-- name: file_insert
INSERT INTO files (id, owner_id, file_hash, original_name, file_path, size_bytes, format, codec,
                   duration_ms, duration_counted, sample_rate, channels, bit_rate, tags,
                   uploaded_ms, archived_ms)
VALUES (1 + max(coalesce((SELECT max(id) FROM files), 0),
                coalesce((SELECT value FROM counters WHERE name = 'files.last_id'), 0)),
        :owner_id, :file_hash, :original_name, :file_path, :size_bytes, :format, :codec,
        :duration_ms, :duration_counted, :sample_rate, :channels, :bit_rate, :tags,
        :now, :archived_ms);

-- name: file_hash_known
SELECT 1 AS known FROM files WHERE file_hash = :file_hash LIMIT 1;

-- name: file_get
SELECT * FROM files WHERE id = :id AND (:owner_id = 0 OR owner_id = :owner_id);

-- name: file_by_owner_hash
SELECT * FROM files WHERE owner_id = :owner_id AND file_hash = :file_hash;

-- name: file_by_hash
SELECT * FROM files WHERE file_hash = :file_hash ORDER BY id LIMIT 1;

-- name: file_set_duration
UPDATE files SET duration_ms = :duration_ms, duration_counted = 1 WHERE id = :id;

-- name: file_set_verified
-- For everybody who has these bytes.
UPDATE files SET damage = :damage, verified_ms = :now WHERE file_hash = :file_hash;

-- name: upload_insert
INSERT INTO uploads (file_id, owner_id, name, source, created_ms)
VALUES (:file_id, :owner_id, :name, :source, :now);

-- name: upload_list
SELECT u.id, u.file_id, u.name, u.source, u.created_ms, principals.name AS brought_by
FROM uploads AS u JOIN principals ON principals.id = u.owner_id
WHERE u.file_id = :file_id AND u.id < :before ORDER BY u.id DESC LIMIT :limit;

-- name: transcript_get
SELECT transcripts.*, jobs.job_id, files.original_name AS file_name
FROM transcripts LEFT JOIN jobs ON jobs.id = transcripts.job
     LEFT JOIN files ON files.id = transcripts.file_id
WHERE transcripts.id = :id AND (:owner_id = 0 OR transcripts.owner_id = :owner_id);

-- name: transcript_of_job
SELECT transcripts.*, jobs.job_id, files.original_name AS file_name
FROM transcripts LEFT JOIN jobs ON jobs.id = transcripts.job
     LEFT JOIN files ON files.id = transcripts.file_id
WHERE transcripts.job = :job
ORDER BY transcripts.id DESC LIMIT 1;

-- name: transcript_job_id
SELECT jobs.job_id FROM transcripts LEFT JOIN jobs ON jobs.id = transcripts.job
WHERE transcripts.id = :id;

-- name: transcript_list_all
SELECT transcripts.*, jobs.job_id, files.original_name AS file_name
FROM transcripts LEFT JOIN jobs ON jobs.id = transcripts.job
     LEFT JOIN files ON files.id = transcripts.file_id
WHERE transcripts.id < :before
  AND (:language IS NULL OR transcripts.language = :language)
  AND (:model IS NULL OR jobs.model = :model)
  AND transcripts.created_ms >= :since AND transcripts.created_ms < :until
ORDER BY transcripts.id DESC LIMIT :limit;

-- name: transcript_list_owner
SELECT transcripts.*, jobs.job_id, files.original_name AS file_name
FROM transcripts LEFT JOIN jobs ON jobs.id = transcripts.job
     LEFT JOIN files ON files.id = transcripts.file_id
WHERE transcripts.owner_id = :owner_id AND transcripts.id < :before
  AND (:language IS NULL OR transcripts.language = :language)
  AND (:model IS NULL OR jobs.model = :model)
  AND transcripts.created_ms >= :since AND transcripts.created_ms < :until
ORDER BY transcripts.id DESC LIMIT :limit;

-- name: transcript_list_tag
SELECT transcripts.*, jobs.job_id, files.original_name AS file_name
FROM transcript_tags
     CROSS JOIN transcripts ON transcripts.id = transcript_tags.transcript_id
     LEFT JOIN jobs ON jobs.id = transcripts.job
     LEFT JOIN files ON files.id = transcripts.file_id
WHERE transcript_tags.tag = :tag AND transcript_tags.transcript_id < :before
  AND (:owner_id = 0 OR transcripts.owner_id = :owner_id)
  AND (:language IS NULL OR transcripts.language = :language)
  AND (:model IS NULL OR jobs.model = :model)
  AND transcripts.created_ms >= :since AND transcripts.created_ms < :until
ORDER BY transcript_tags.transcript_id DESC LIMIT :limit;

-- name: transcript_list_file
SELECT transcripts.*, jobs.job_id, files.original_name AS file_name
FROM transcripts LEFT JOIN jobs ON jobs.id = transcripts.job
     LEFT JOIN files ON files.id = transcripts.file_id
WHERE transcripts.file_id = :file_id AND transcripts.id < :before
  AND (:owner_id = 0 OR transcripts.owner_id = :owner_id)
  AND (:language IS NULL OR transcripts.language = :language)
  AND (:model IS NULL OR jobs.model = :model)
  AND transcripts.created_ms >= :since AND transcripts.created_ms < :until
  AND (:tag IS NULL OR EXISTS (SELECT 1 FROM transcript_tags
                               WHERE transcript_id = transcripts.id AND tag = :tag))
ORDER BY transcripts.id DESC LIMIT :limit;

-- name: transcript_list_job
SELECT transcripts.*, jobs.job_id, files.original_name AS file_name
FROM transcripts LEFT JOIN jobs ON jobs.id = transcripts.job
     LEFT JOIN files ON files.id = transcripts.file_id
WHERE transcripts.job = :job AND transcripts.id < :before
  AND (:file_id = 0 OR transcripts.file_id = :file_id)
  AND (:owner_id = 0 OR transcripts.owner_id = :owner_id)
  AND (:language IS NULL OR transcripts.language = :language)
  AND (:model IS NULL OR jobs.model = :model)
  AND transcripts.created_ms >= :since AND transcripts.created_ms < :until
  AND (:tag IS NULL OR EXISTS (SELECT 1 FROM transcript_tags
                               WHERE transcript_id = transcripts.id AND tag = :tag))
ORDER BY transcripts.id DESC LIMIT :limit;

-- Above every id that was ever given (purge_keep_id). A translation is English whatever is spoken.
-- name: transcript_insert
INSERT INTO transcripts (id, owner_id, job, file_id, state, language, duration_ms, created_ms,
                         updated_ms)
SELECT 1 + max(coalesce((SELECT max(id) FROM transcripts), 0),
               coalesce((SELECT value FROM counters WHERE name = 'transcripts.last_id'), 0)),
       jobs.owner_id, jobs.id, files.id, 0,
       CASE WHEN jobs.task = 'translate' THEN 'en' WHEN jobs.language = 'auto' THEN ''
            ELSE jobs.language END,
       coalesce(jobs.duration_ms, files.duration_ms), :now, :now
FROM jobs JOIN files ON files.id = jobs.file_id
WHERE jobs.id = :job;

-- name: transcript_import
-- Of a recording, without a job.
INSERT INTO transcripts (id, owner_id, file_id, state, language, duration_ms, created_ms,
                         updated_ms)
SELECT 1 + max(coalesce((SELECT max(id) FROM transcripts), 0),
               coalesce((SELECT value FROM counters WHERE name = 'transcripts.last_id'), 0)),
       :owner_id, id, 0, :language, duration_ms, :now, :now
FROM files WHERE id = :file_id;

-- name: transcript_state
SELECT state FROM transcripts WHERE id = :id;

-- name: transcript_grow
UPDATE transcripts
SET segment_count = segment_count + :segments, word_count = word_count + :words,
    updated_ms = :now
WHERE id = :id AND state = 0;

-- name: transcript_complete
UPDATE transcripts
SET state = 1, current_version = 1, segment_count = :segments, word_count = :words,
    confidence = :confidence, duration_ms = coalesce(:duration_ms, duration_ms),
    language = CASE language WHEN '' THEN :language ELSE language END, updated_ms = :now
WHERE id = :id AND state = 0;

-- name: segment_delete_chunk
DELETE FROM segments WHERE transcript_id = :transcript_id AND chunk = :chunk;

-- A row of a partial transcript; its own id is its segment's, for it is the first.
-- name: segment_insert
INSERT INTO segments (id, segment_id, transcript_id, born, chunk, ord, start_ms, end_ms, text,
                      speaker, confidence, words, heard, origin_id, content_hash)
SELECT n, n, :transcript_id, 1, :chunk, :ord, :start_ms, :end_ms, :text, :speaker, :confidence,
       :words, :heard, :origin_id, :content_hash
FROM (SELECT coalesce(max(id), 0) + 1 AS n FROM segments);

-- name: segment_list_chunk
SELECT id, segment_id, chunk, start_ms, end_ms, text, speaker, confidence, words, heard,
       origin_id, content_hash
FROM segments WHERE transcript_id = :transcript_id AND chunk = :chunk
ORDER BY start_ms, ord;

-- The current version, or what a partial transcript has, whose rows are born in version 1. Rows of a
-- version that is being written are alive beside those that it will end (library/edit-stage.c).
-- name: segment_list_alive
SELECT id, segment_id, chunk, start_ms, end_ms, text, speaker, confidence, words, heard,
       origin_id, content_hash
FROM segments WHERE transcript_id = :transcript_id AND died IS NULL AND +born <= :version
                    AND (dies IS NULL OR dies > :version)
ORDER BY start_ms, ord;

-- name: segment_list_version
-- An earlier one, of which there may be thousands: both indexes tell which rows it has without
-- reading the others.
SELECT id, segment_id, chunk, start_ms, end_ms, text, speaker, confidence, words, heard,
       origin_id, content_hash
FROM segments
WHERE id IN (SELECT id FROM segments INDEXED BY segments_dead
             WHERE transcript_id = :transcript_id AND died > :version AND born <= :version
             UNION ALL
             SELECT id FROM segments INDEXED BY segments_alive
             WHERE transcript_id = :transcript_id AND died IS NULL AND born <= :version
                   AND (dies IS NULL OR dies > :version))
ORDER BY start_ms, ord;

-- name: segment_list_hashes
SELECT start_ms, content_hash FROM segments WHERE transcript_id = :transcript_id AND died IS NULL
ORDER BY start_ms, ord;

-- name: origin_find
SELECT id FROM origins
WHERE engine = :engine AND engine_version = :engine_version AND model = :model
  AND model_hash = :model_hash AND transcript_id IS NULL;

-- name: origin_of_engine
-- The engine that recognised the transcript: that of its oldest row whose words are all an
-- engine's. 'import' and 'restored' are none.
SELECT o.engine, o.model
FROM segments AS s CROSS JOIN origins AS o ON o.id = s.origin_id
WHERE s.transcript_id = :transcript_id AND o.transcript_id IS NULL
      AND o.engine NOT IN ('', 'import', 'restored')
ORDER BY s.born LIMIT 1;

-- name: origin_insert
INSERT INTO origins (engine, engine_version, model, model_hash)
VALUES (:engine, :engine_version, :model, :model_hash);

-- name: version_get
SELECT content_hash, content_hash_kind FROM versions
WHERE transcript_id = :transcript_id AND version = :version;

-- name: version_insert_first
INSERT INTO versions (transcript_id, version, is_current, segment_count, word_count, created_by,
                      created_ms, content_hash, content_hash_kind)
SELECT id, 1, 1, :segments, :words, owner_id, :now, :content_hash, :content_hash_kind
FROM transcripts WHERE id = :id;

-- name: export_insert
INSERT INTO export_history (transcript_id, version, format_name, file_path, exported_ms,
                            exported_by)
VALUES (:transcript_id, :version, :format, :path, :now, :by);

-- Rows behind the newest :keep, but those that say whose a file is: a deletion looks for it there.
-- name: export_forget
DELETE FROM export_history
WHERE id IN (SELECT id FROM export_history AS old
             WHERE transcript_id = :transcript_id
                   AND id <= (SELECT id FROM export_history WHERE transcript_id = :transcript_id
                              ORDER BY id DESC LIMIT 1 OFFSET :keep)
                   AND (file_path IS NULL
                        OR EXISTS (SELECT 1 FROM export_history AS later
                                   WHERE later.file_path = old.file_path AND later.id > old.id))
             ORDER BY id LIMIT :limit);

-- name: format_list
SELECT name, is_active FROM export_formats;

-- name: format_switch
UPDATE export_formats SET is_active = :active WHERE name = :name AND is_active <> :active;

-- name: export_list
SELECT e.id, e.version, e.format_name, e.file_path, e.exported_ms, principals.name AS exported_by
FROM export_history AS e JOIN principals ON principals.id = e.exported_by
WHERE e.transcript_id = :transcript_id AND e.id < :before
ORDER BY e.id DESC LIMIT :limit;

-- Whose file that is: the transcript that was exported to it last.
-- name: export_by_path
SELECT transcript_id FROM export_history WHERE file_path = :path ORDER BY id DESC LIMIT 1;

-- name: version_list
SELECT v.version, v.is_current, v.segment_count, v.word_count, v.created_ms, v.change_note,
       v.content_hash, v.restored_from, principals.name AS created_by
FROM versions AS v JOIN principals ON principals.id = v.created_by
WHERE v.transcript_id = :transcript_id AND v.version < :before
ORDER BY v.version DESC LIMIT :limit;

-- The check of what is stored (library/fsck.h).

-- name: fsck_transcript_next
SELECT transcripts.*, jobs.job_id, files.original_name AS file_name
FROM transcripts LEFT JOIN jobs ON jobs.id = transcripts.job
     LEFT JOIN files ON files.id = transcripts.file_id
WHERE transcripts.id > :after ORDER BY transcripts.id LIMIT 1;

-- name: fsck_segments
-- Of all versions. born and died tell which one has a row.
SELECT id, segment_id, born, coalesce(died, dies) AS died, chunk, ord, start_ms, end_ms, text,
       speaker, confidence, words, heard, origin_id, content_hash
FROM segments WHERE transcript_id = :transcript_id
ORDER BY start_ms, ord;

-- name: fsck_segments_born
-- Of the versions behind one. numbered: its segment has the number of its first row, which a prune
-- may have taken.
SELECT id, segment_id, born, coalesce(died, dies) AS died, chunk, ord, start_ms, end_ms, text,
       speaker, confidence, words, heard, origin_id, content_hash,
       segment_id = id
       OR (born > 1 AND segment_id > 0 AND segment_id < id
           AND ((SELECT count(*) <> max(version) FROM versions
                 WHERE transcript_id = :transcript_id)
                OR EXISTS (SELECT 1 FROM segments AS first
                           WHERE first.id = segments.segment_id
                                 AND first.transcript_id = :transcript_id))) AS numbered
FROM segments WHERE transcript_id = :transcript_id AND born > :from
ORDER BY born;

-- name: fsck_segments_there
-- Of one version, which need not be there any more.
SELECT id, segment_id, born, coalesce(died, dies) AS died, chunk, ord, start_ms, end_ms, text,
       speaker, confidence, words, heard, origin_id, content_hash
FROM segments
WHERE id IN (SELECT id FROM segments INDEXED BY segments_dead
             WHERE transcript_id = :transcript_id AND died > :version AND born <= :version
             UNION ALL
             SELECT id FROM segments INDEXED BY segments_alive
             WHERE transcript_id = :transcript_id AND died IS NULL AND born <= :version
                   AND (dies IS NULL OR dies > :version));

-- name: fsck_segment_others
-- Rows that may have what one has lost: of the same segment in other versions, and equal ones.
SELECT id, segment_id, born, coalesce(died, dies) AS died, chunk, start_ms, end_ms, text,
       speaker, confidence, words, heard, origin_id, content_hash
FROM segments
WHERE transcript_id = :transcript_id AND id <> :id
      AND (segment_id = :segment_id OR content_hash = :content_hash)
ORDER BY id DESC LIMIT :limit;

-- name: fsck_segment
SELECT id, segment_id, born, coalesce(died, dies) AS died, chunk, start_ms, end_ms, text,
       speaker, confidence, words, heard, origin_id, content_hash
FROM segments WHERE id = :id AND transcript_id = :transcript_id;

-- name: fsck_state
-- All that is done to the versions of a transcript makes another of these.
SELECT transcripts.current_version, coalesce(transcripts.staged, 0) AS staged,
       (SELECT coalesce(max(id), 0) FROM changes WHERE transcript_id = :id) AS change,
       coalesce((SELECT value FROM counters WHERE name = 'words.uncounted'), 0) >= :id AS uncounted
FROM transcripts WHERE transcripts.id = :id;

-- name: fsck_segment_restore
-- was: the checksum that was read, for the row may be gone, and its number another's.
UPDATE segments
SET start_ms = :start_ms, end_ms = :end_ms, text = :text, speaker = :speaker,
    confidence = :confidence, words = :words, heard = :heard, content_hash = :content_hash
WHERE id = :id AND transcript_id = :transcript_id AND CAST(content_hash AS TEXT) = :was;

-- name: fsck_segment_insert
-- A row that was lost. The first row of a segment has the segment's number.
INSERT INTO segments (id, segment_id, transcript_id, born, died, chunk, ord, start_ms, end_ms, text,
                      speaker, confidence, words, heard, origin_id, content_hash)
SELECT n, CASE WHEN :born <= 1 OR :segment_id <= 0 THEN n ELSE :segment_id END, :transcript_id,
       :born, :died, :chunk, :ord, :start_ms, :end_ms, :text, :speaker, :confidence, :words, :heard,
       :origin_id, :content_hash
FROM (SELECT CASE WHEN :segment_id > 0
                       AND NOT EXISTS (SELECT 1 FROM segments WHERE id = :segment_id)
                  THEN :segment_id
                  ELSE (SELECT coalesce(max(id), 0) + 1 FROM segments) END AS n);

-- name: fsck_first_origin
-- Of the rows that version 1 began with; NULL: they have several, or there are none.
SELECT iif(min(origin_id) = max(origin_id), min(origin_id), NULL) AS origin_id
FROM segments WHERE transcript_id = :transcript_id AND born <= 1;

-- name: fsck_segment_span
UPDATE segments SET born = :born, died = :died, dies = NULL
WHERE id = :id AND transcript_id = :transcript_id AND born = :was_born
      AND coalesce(died, dies) IS :was_died;

-- name: fsck_transcript_count
UPDATE transcripts SET segment_count = :segments, word_count = :words WHERE id = :id;

-- name: fsck_segment_set_id
UPDATE segments SET segment_id = id
WHERE id = :id AND transcript_id = :transcript_id AND segment_id = :was;

-- name: fsck_versions
SELECT version, is_current, segment_count, word_count, content_hash, content_hash_kind
FROM versions
WHERE transcript_id = :transcript_id AND version > :from AND version <= :to
ORDER BY version;

-- name: fsck_agrees
-- Does the row of a transcript say what that of its current version says? uncounted: whatever words.
SELECT transcripts.id
FROM transcripts JOIN versions ON versions.transcript_id = transcripts.id AND is_current = 1
WHERE transcripts.id = :id AND state = 1 AND current_version = version
      AND transcripts.segment_count = versions.segment_count
      AND (:uncounted OR transcripts.word_count = versions.word_count);

-- name: fsck_version_restore
UPDATE versions SET segment_count = :segments, word_count = :words, content_hash = :content_hash
WHERE transcript_id = :transcript_id AND version = :version;

-- name: fsck_version_mark
-- Of a transcript that has no current version.
UPDATE versions SET is_current = 1
WHERE transcript_id = :transcript_id AND version = :version
      AND NOT EXISTS (SELECT 1 FROM versions
                      WHERE transcript_id = :transcript_id AND is_current = 1);

-- name: fsck_version_insert
-- A current version that was lost, by whoever the history says.
INSERT INTO versions (transcript_id, version, is_current, segment_count, word_count, created_by,
                      created_ms, change_note, content_hash, content_hash_kind)
SELECT id, :version, 1, :segments, :words,
       coalesce((SELECT changed_by FROM changes
                 WHERE transcript_id = :transcript_id AND version = :version
                 ORDER BY id LIMIT 1), owner_id),
       coalesce((SELECT changed_ms FROM changes
                 WHERE transcript_id = :transcript_id AND version = :version
                 ORDER BY id LIMIT 1), updated_ms),
       :note, :content_hash, :content_hash_kind
FROM transcripts WHERE id = :transcript_id;

-- name: fsck_transcript_restore
UPDATE transcripts
SET state = :state, current_version = :version, segment_count = :segments, word_count = :words
WHERE id = :id
  AND :version = (SELECT version FROM versions WHERE transcript_id = :id AND is_current = 1);

-- name: fsck_chunks
-- Behind one job; those that have a result.
SELECT chunks.job, jobs.job_id, jobs.owner_id, chunks.chunk, chunks.text, chunks.result_hash
FROM chunks JOIN jobs ON jobs.id = chunks.job
WHERE chunks.job > :after AND (chunks.text IS NOT NULL OR chunks.result_hash IS NOT NULL)
ORDER BY chunks.job, chunks.chunk;

-- name: fsck_chunk_restore
-- As it was read: what was pruned meanwhile, or said anew, stays as it is.
UPDATE chunks SET text = :text, result_hash = :result_hash
WHERE job = :job AND chunk = :chunk AND CAST(coalesce(result_hash, '') AS TEXT) = :was;

-- name: fsck_chunk_text
SELECT text FROM chunks WHERE job = :job AND chunk = :chunk;

-- name: fsck_chunk_rows
-- The rows as the engine gave them, those that corrections have replaced among them.
SELECT segments.text
FROM transcripts CROSS JOIN segments ON segments.transcript_id = transcripts.id
WHERE transcripts.job = :job AND segments.chunk = :chunk AND segments.born <= 1
ORDER BY segments.transcript_id, segments.id;

-- name: fsck_file_set_hash
-- That of the name of its bytes, which were read.
UPDATE files SET file_hash = :hash, damage = 0, verified_ms = :now
WHERE id = :file_id AND file_path = :place AND file_hash <> :hash AND owner_id > 0;

-- name: fsck_max_transcript
SELECT coalesce(max(id), 0) AS id FROM transcripts;

-- name: fsck_max_chunk
SELECT coalesce(max(job), 0) AS id FROM chunks;

-- name: fsck_max_file
SELECT coalesce(max(id), 0) AS id FROM files;
