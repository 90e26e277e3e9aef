-- Recordings by channel, what a decoder could not read, captions of more formats, marks of jobs.

-- Sound
ALTER TABLE chunks ADD COLUMN channel INTEGER NOT NULL DEFAULT -1; -- counted from 0; -1: all mixed
ALTER TABLE jobs ADD COLUMN warnings TEXT NOT NULL DEFAULT '[]';   -- JSON: what was lost, and where
ALTER TABLE jobs ADD COLUMN exports_due INTEGER NOT NULL DEFAULT 0; -- auto_export is still owed
CREATE INDEX jobs_exports_due ON jobs (id) WHERE exports_due = 1;

-- Formats
INSERT INTO export_formats (name, mime_type, file_extension, description) VALUES
    ('vtt', 'text/vtt; charset=utf-8', 'vtt', 'WebVTT captions'),
    ('csv', 'text/csv; charset=utf-8', 'csv', 'A row for each segment or word');

-- Jobs
ALTER TABLE jobs ADD COLUMN notes TEXT NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN archived_ms INTEGER;
CREATE TABLE job_tags (
    job INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    tag TEXT NOT NULL,
    PRIMARY KEY (job, tag)
) WITHOUT ROWID;
CREATE INDEX job_tags_tag ON job_tags (tag, job);
-- What a list looks at in each row; the statements of sql/job-lists.sql choose the index.
CREATE VIEW v_job_scan AS
SELECT id, owner_id, file_id, state, stage, split_done, chunks_total, chunks_completed, pipeline,
       engine, model, language, detected_language, class, name, file_name, error_code, created_ms,
       updated_ms, completed_ms, duration_ms
FROM jobs;
CREATE INDEX jobs_owner_completed ON jobs (owner_id, completed_ms, id)
    WHERE completed_ms IS NOT NULL;
CREATE INDEX jobs_owner_duration ON jobs (owner_id, duration_ms, id) WHERE duration_ms IS NOT NULL;
