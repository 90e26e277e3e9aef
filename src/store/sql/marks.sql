-- Tags and notes of files, jobs and transcripts. Plans are checked by
-- tests/unit/library/test-plans.c.

-- name: marks_file
SELECT notes,
       (SELECT json_group_array(tag) FROM file_tags WHERE file_id = files.id) AS tags
FROM files WHERE id = :id;

-- name: marks_job
SELECT coalesce(notes, '') AS notes,
       (SELECT json_group_array(tag) FROM job_tags WHERE job = jobs.id) AS tags
FROM jobs WHERE id = :id;

-- name: marks_transcript
SELECT notes,
       (SELECT json_group_array(tag) FROM transcript_tags WHERE transcript_id = transcripts.id)
           AS tags
FROM transcripts WHERE id = :id;

-- name: file_tag_list
SELECT tag FROM file_tags WHERE file_id = :id ORDER BY tag;

-- name: job_tag_list
SELECT tag FROM job_tags WHERE job = :id ORDER BY tag;

-- name: transcript_tag_list
SELECT tag FROM transcript_tags WHERE transcript_id = :id ORDER BY tag;

-- name: file_has_tag
SELECT 1 AS yes FROM file_tags WHERE file_id = :id AND tag = :tag;

-- name: file_set_notes
UPDATE files SET notes = :notes WHERE id = :id;

-- name: transcript_set_notes
UPDATE transcripts SET notes = :notes WHERE id = :id;

-- name: transcript_touch
UPDATE transcripts SET updated_ms = :now WHERE id = :id;

-- name: file_drop_tags
DELETE FROM file_tags WHERE file_id = :id;

-- name: transcript_drop_tags
DELETE FROM transcript_tags WHERE transcript_id = :id;

-- name: file_add_tag
INSERT INTO file_tags (file_id, tag) VALUES (:id, :tag);

-- name: transcript_add_tag
INSERT INTO transcript_tags (transcript_id, tag) VALUES (:id, :tag);

-- The list of tags walks the words; whose each thing is, is looked at row by row (library/marks.c).

-- name: tag_next
SELECT min(tag) AS tag
FROM (SELECT (SELECT min(tag) FROM file_tags WHERE tag > :after) AS tag
      UNION ALL SELECT (SELECT min(tag) FROM job_tags WHERE tag > :after)
      UNION ALL SELECT (SELECT min(tag) FROM transcript_tags WHERE tag > :after));

-- name: tag_files
SELECT files.owner_id
FROM file_tags CROSS JOIN files ON files.id = file_tags.file_id
WHERE file_tags.tag = :tag;

-- name: tag_jobs
SELECT jobs.owner_id
FROM job_tags CROSS JOIN jobs ON jobs.id = job_tags.job
WHERE job_tags.tag = :tag AND jobs.purge = 0;

-- name: tag_transcripts
SELECT transcripts.owner_id
FROM transcript_tags CROSS JOIN transcripts ON transcripts.id = transcript_tags.transcript_id
WHERE transcript_tags.tag = :tag;
