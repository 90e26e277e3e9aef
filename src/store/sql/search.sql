-- Searching (library/search.c). The index knows the owner (store/tokenizer.h); its rows are looked at
-- from the newest to the oldest, and what else is asked for is tried on each. Plans are checked by
-- tests/unit/library/test-plans.c.

-- name: search_words
SELECT segments.id, segments.transcript_id, segments.born, segments.dies, segments.speaker,
       length(segments.text) AS signs,
       scripta_places(segments_fts) AS places
FROM segments_fts CROSS JOIN segments ON segments.id = segments_fts.rowid
WHERE segments_fts MATCH :match AND segments_fts.rowid BETWEEN :low AND :top
ORDER BY segments_fts.rowid DESC;

-- name: search_parts
-- Rows that have all the parts; whether in one place the caller sees.
SELECT segments.id, segments.transcript_id, segments.born, segments.dies, segments.speaker,
       segments.text
FROM segments_parts CROSS JOIN segments ON segments.id = segments_parts.rowid
WHERE segments_parts MATCH :match AND segments_parts.rowid BETWEEN :low AND :top
ORDER BY segments_parts.rowid DESC;

-- name: search_scan
-- For what is too short for an index: all that the owner has, transcript by transcript.
SELECT segments.id, segments.transcript_id, segments.born, segments.dies, segments.speaker,
       segments.text
FROM transcripts CROSS JOIN segments
     ON segments.transcript_id = transcripts.id AND segments.died IS NULL
WHERE transcripts.owner_id = :owner_id AND transcripts.id BETWEEN :low AND :top
ORDER BY transcripts.id DESC;

-- name: search_bounds_file
SELECT min(segments.id) AS low, max(segments.id) AS top
FROM transcripts CROSS JOIN segments ON segments.transcript_id = transcripts.id
WHERE transcripts.file_id = :id;

-- name: search_bounds_job
SELECT min(segments.id) AS low, max(segments.id) AS top
FROM transcripts CROSS JOIN segments ON segments.transcript_id = transcripts.id
WHERE transcripts.job = :id;

-- name: search_transcript
SELECT transcripts.id, transcripts.owner_id, transcripts.file_id, transcripts.job,
       transcripts.language, transcripts.state, transcripts.duration_ms, transcripts.created_ms,
       transcripts.current_version, jobs.job_id, jobs.state AS job_state,
       files.original_name AS file_name
FROM transcripts LEFT JOIN jobs ON jobs.id = transcripts.job
     JOIN files ON files.id = transcripts.file_id
WHERE transcripts.id = :id;

-- name: search_has_tag
-- The transcript's, or that of its file or job.
SELECT EXISTS (SELECT 1 FROM transcript_tags WHERE transcript_id = :id AND tag = :tag)
       OR EXISTS (SELECT 1 FROM file_tags WHERE file_id = :file_id AND tag = :tag)
       OR EXISTS (SELECT 1 FROM job_tags WHERE job = :job AND tag = :tag) AS yes;

-- name: search_segment
SELECT * FROM segments WHERE id = :id;

-- Saved searches (library/searches.c).

-- name: saved_search_get
SELECT * FROM searches WHERE id = :id AND owner_id = :owner_id;

-- name: saved_search_list
SELECT * FROM searches WHERE owner_id = :owner_id AND id < :before ORDER BY id DESC LIMIT :limit;

-- name: saved_search_room
SELECT count(*) AS n, coalesce(sum(name = :name AND id <> :id), 0) AS same
FROM searches WHERE owner_id = :owner_id;

-- name: saved_search_insert
INSERT INTO searches (owner_id, name, query, created_ms, updated_ms)
VALUES (:owner_id, :name, :query, :now, :now);

-- name: saved_search_update
UPDATE searches SET name = :name, query = :query, updated_ms = :now WHERE id = :id;

-- name: saved_search_delete
DELETE FROM searches WHERE id = :id;

-- Names and notes (library/names.c). A row is 16 times the id of its thing and sc_name_kind.

-- name: name_forget
DELETE FROM names_fts WHERE rowid = :row;

-- name: name_put_file
INSERT INTO names_fts (rowid, text)
SELECT id * 16, char(1) || owner_id || char(2) || original_name FROM files
WHERE id = :id AND owner_id > 0;

-- name: name_put_file_notes
INSERT INTO names_fts (rowid, text)
SELECT id * 16 + 1, char(1) || owner_id || char(2) || notes FROM files
WHERE id = :id AND owner_id > 0 AND notes <> '';

-- name: name_put_job_notes
INSERT INTO names_fts (rowid, text)
SELECT id * 16 + 2, char(1) || owner_id || char(2) || notes FROM jobs
WHERE id = :id AND owner_id > 0 AND notes <> '';

-- name: name_put_transcript_notes
INSERT INTO names_fts (rowid, text)
SELECT id * 16 + 3, char(1) || owner_id || char(2) || notes FROM transcripts
WHERE id = :id AND owner_id > 0 AND notes <> '';

-- name: names_forget_file
-- With those of its jobs and transcripts.
DELETE FROM names_fts WHERE rowid IN (
    SELECT :file_id * 16 UNION ALL SELECT :file_id * 16 + 1
    UNION ALL SELECT id * 16 + 2 FROM jobs WHERE file_id = :file_id AND notes <> ''
    UNION ALL SELECT id * 16 + 3 FROM transcripts WHERE file_id = :file_id AND notes <> '');

-- name: names_forget_job
DELETE FROM names_fts WHERE rowid IN (
    SELECT :job * 16 + 2
    UNION ALL SELECT id * 16 + 3 FROM transcripts WHERE job = :job AND notes <> '');

-- name: search_names
SELECT rowid AS id, text, scripta_places(names_fts) AS places FROM names_fts
WHERE names_fts MATCH :match AND rowid <= :top ORDER BY rowid DESC;

-- name: name_find_file
SELECT id, id AS file_id, original_name AS file_name, NULL AS job_id, uploaded_ms AS made_ms,
       duration_ms
FROM files
WHERE id = :id AND owner_id = :owner_id;

-- name: name_find_job
SELECT id, file_id, file_name, job_id, created_ms AS made_ms, duration_ms FROM jobs
WHERE id = :id AND owner_id = :owner_id AND purge = 0;

-- name: name_find_transcript
SELECT transcripts.id, transcripts.file_id, files.original_name AS file_name, NULL AS job_id
FROM transcripts JOIN files ON files.id = transcripts.file_id
WHERE transcripts.id = :id AND transcripts.owner_id = :owner_id;

-- name: name_file_fits
-- Is there a job of the file, with its transcript, or a transcript without a job, that fits all?
SELECT EXISTS (SELECT 1 FROM jobs LEFT JOIN transcripts ON transcripts.job = jobs.id
               WHERE jobs.file_id = :file_id AND jobs.purge = 0 AND (:job = 0 OR jobs.id = :job)
                     AND (:status < 0 OR jobs.state = :status)
                     AND (:complete < 0 OR (transcripts.state <> 0) = :complete)
                     AND (:language IS NULL
                          OR coalesce(nullif(transcripts.language, ''), jobs.language)
                              = :language COLLATE NOCASE))
       OR EXISTS (SELECT 1 FROM transcripts
                  WHERE file_id = :file_id AND job IS NULL AND :job = 0 AND :status < 0
                        AND (:complete < 0 OR (state <> 0) = :complete)
                        AND (:language IS NULL OR language = :language COLLATE NOCASE)) AS yes;

-- name: name_job_fits
SELECT EXISTS (SELECT 1 FROM jobs LEFT JOIN transcripts ON transcripts.job = jobs.id
               WHERE jobs.id = :job AND (:status < 0 OR jobs.state = :status)
                     AND (:complete < 0 OR (transcripts.state <> 0) = :complete)
                     AND (:language IS NULL
                          OR coalesce(nullif(transcripts.language, ''), jobs.language)
                              = :language COLLATE NOCASE))
       AS yes;
