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
UPDATE export_formats SET mime_type = 'application/json; charset=utf-8' WHERE name = 'json';
CREATE INDEX export_history_path ON export_history (file_path, id) WHERE file_path IS NOT NULL;

-- Files
ALTER TABLE files ADD COLUMN purged_ms INTEGER;            -- its bytes were cleaned out of the archive
ALTER TABLE files ADD COLUMN verified_ms INTEGER;          -- its bytes were last held against the hash
ALTER TABLE files ADD COLUMN damage INTEGER NOT NULL DEFAULT 0; -- sc_file_damage, as far as known
CREATE INDEX files_uploaded ON files (owner_id, uploaded_ms, id);
CREATE INDEX files_size ON files (owner_id, size_bytes, id);
CREATE INDEX files_duration ON files (owner_id, coalesce(duration_ms, -1), id);
CREATE INDEX files_format ON files (owner_id, format, id, size_bytes);
CREATE INDEX files_damage ON files (owner_id, id) WHERE damage > 0;
CREATE INDEX files_archived ON files (archived_ms) WHERE archived_ms IS NOT NULL;
-- Who owns files that are being deleted: nobody finds them there.
INSERT INTO principals (id, name, created_ms) VALUES (-1, '(deleted)', 0);

-- Access
ALTER TABLE workers ADD COLUMN token_id INTEGER NOT NULL DEFAULT 0; -- that it registered with; 0: none

-- Jobs
ALTER TABLE jobs ADD COLUMN notes TEXT NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN archived_ms INTEGER;
-- It is being cleaned away, 1: all but its transcripts, 2: with them; nobody finds it any more.
ALTER TABLE jobs ADD COLUMN purge INTEGER NOT NULL DEFAULT 0;
CREATE INDEX jobs_purge ON jobs (id) WHERE purge > 0;
-- Jobs that ended before there were times-to-live: a week from their end.
UPDATE jobs SET expires_ms = completed_ms + 604800000 WHERE admission = 3;
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
FROM jobs WHERE purge = 0;
CREATE INDEX jobs_owner_completed ON jobs (owner_id, completed_ms, id)
    WHERE completed_ms IS NOT NULL;
CREATE INDEX jobs_owner_duration ON jobs (owner_id, duration_ms, id) WHERE duration_ms IS NOT NULL;

-- Figures, kept by triggers in the write that changes what they count: no view of them scans jobs
-- or files, and deletions, cascades too, take off what they remove.
CREATE TABLE job_stats (
    owner_id INTEGER NOT NULL REFERENCES principals (id),
    day INTEGER NOT NULL,                 -- of its creation, UTC, since 1970; -1: all days
    state INTEGER NOT NULL,
    pipeline TEXT NOT NULL,
    engine TEXT NOT NULL,
    model TEXT NOT NULL,
    language TEXT NOT NULL,               -- detected, else given
    jobs INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,         -- of their recordings
    processing_ms INTEGER NOT NULL,
    paced_audio_ms INTEGER NOT NULL,      -- of completed jobs of known length: their ratio is the
    paced_ms INTEGER NOT NULL,            -- speed, in recordings' time
    PRIMARY KEY (owner_id, day, state, pipeline, engine, model, language)
) WITHOUT ROWID;

-- A job as the figures see it. Inserting into it adds `sign` of that job to its two rows.
CREATE VIEW v_job_stats_of AS
SELECT 1 AS sign, owner_id, created_ms / 86400000 AS day, state, pipeline, engine, model,
       coalesce(nullif(detected_language, ''), language) AS language,
       coalesce(duration_ms, 0) AS duration_ms, coalesce(processing_ms, 0) AS processing_ms
FROM jobs;
CREATE TRIGGER job_stats_add INSTEAD OF INSERT ON v_job_stats_of
BEGIN
    INSERT INTO job_stats
    SELECT NEW.owner_id, days.day, NEW.state, NEW.pipeline, NEW.engine, NEW.model, NEW.language,
           NEW.sign, NEW.sign * NEW.duration_ms, NEW.sign * NEW.processing_ms,
           iif(NEW.state = 2 AND NEW.processing_ms > 0, NEW.sign * NEW.duration_ms, 0),
           iif(NEW.state = 2 AND NEW.duration_ms > 0, NEW.sign * NEW.processing_ms, 0)
    FROM (SELECT NEW.day AS day UNION ALL SELECT -1) AS days
    WHERE true
    ON CONFLICT DO UPDATE SET jobs = jobs + excluded.jobs,
                              duration_ms = duration_ms + excluded.duration_ms,
                              processing_ms = processing_ms + excluded.processing_ms,
                              paced_audio_ms = paced_audio_ms + excluded.paced_audio_ms,
                              paced_ms = paced_ms + excluded.paced_ms;
    DELETE FROM job_stats
    WHERE NEW.sign < 0 AND owner_id = NEW.owner_id AND day IN (NEW.day, -1) AND state = NEW.state
          AND pipeline = NEW.pipeline AND engine = NEW.engine AND model = NEW.model
          AND language = NEW.language AND jobs = 0;
END;
CREATE TRIGGER job_stats_insert AFTER INSERT ON jobs
BEGIN
    INSERT INTO v_job_stats_of
    VALUES (1, NEW.owner_id, NEW.created_ms / 86400000, NEW.state, NEW.pipeline, NEW.engine,
            NEW.model, coalesce(nullif(NEW.detected_language, ''), NEW.language),
            coalesce(NEW.duration_ms, 0), coalesce(NEW.processing_ms, 0));
END;
CREATE TRIGGER job_stats_delete AFTER DELETE ON jobs
BEGIN
    INSERT INTO v_job_stats_of
    VALUES (-1, OLD.owner_id, OLD.created_ms / 86400000, OLD.state, OLD.pipeline, OLD.engine,
            OLD.model, coalesce(nullif(OLD.detected_language, ''), OLD.language),
            coalesce(OLD.duration_ms, 0), coalesce(OLD.processing_ms, 0));
END;
CREATE TRIGGER job_stats_update
AFTER UPDATE OF owner_id, created_ms, state, pipeline, engine, model, language, detected_language,
                duration_ms, processing_ms ON jobs
BEGIN
    INSERT INTO v_job_stats_of
    VALUES (-1, OLD.owner_id, OLD.created_ms / 86400000, OLD.state, OLD.pipeline, OLD.engine,
            OLD.model, coalesce(nullif(OLD.detected_language, ''), OLD.language),
            coalesce(OLD.duration_ms, 0), coalesce(OLD.processing_ms, 0)),
           (1, NEW.owner_id, NEW.created_ms / 86400000, NEW.state, NEW.pipeline, NEW.engine,
            NEW.model, coalesce(nullif(NEW.detected_language, ''), NEW.language),
            coalesce(NEW.duration_ms, 0), coalesce(NEW.processing_ms, 0));
END;
INSERT INTO job_stats
SELECT owner_id, day, state, pipeline, engine, model, language, count(*), sum(duration_ms),
       sum(processing_ms), sum(iif(state = 2 AND processing_ms > 0, duration_ms, 0)),
       sum(iif(state = 2 AND duration_ms > 0, processing_ms, 0))
FROM v_job_stats_of
GROUP BY owner_id, day, state, pipeline, engine, model, language;
INSERT INTO job_stats
SELECT owner_id, -1, state, pipeline, engine, model, language, sum(jobs), sum(duration_ms),
       sum(processing_ms), sum(paced_audio_ms), sum(paced_ms)
FROM job_stats
GROUP BY owner_id, state, pipeline, engine, model, language;

-- What ended in which minute; upkeep drops old ones, deletions change nothing here.
CREATE TABLE job_minutes (
    minute INTEGER PRIMARY KEY,           -- since 1970, by the wall clock
    completed INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0,
    audio_ms INTEGER NOT NULL DEFAULT 0   -- of the completed ones
);
CREATE TRIGGER job_minutes_count AFTER UPDATE OF state ON jobs
WHEN NEW.state IN (2, 3) AND OLD.state <> NEW.state
BEGIN
    INSERT INTO job_minutes
    VALUES (NEW.completed_ms / 60000, NEW.state = 2, NEW.state = 3,
            iif(NEW.state = 2, coalesce(NEW.duration_ms, 0), 0))
    ON CONFLICT DO UPDATE SET completed = completed + excluded.completed,
                              failed = failed + excluded.failed,
                              audio_ms = audio_ms + excluded.audio_ms;
END;

ALTER TABLE files ADD COLUMN arrivals INTEGER NOT NULL DEFAULT 0; -- rows of uploads
CREATE TABLE file_stats (
    owner_id INTEGER PRIMARY KEY REFERENCES principals (id),
    files INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    timed INTEGER NOT NULL,               -- files of known duration
    arrivals INTEGER NOT NULL,
    repeated INTEGER NOT NULL,            -- files that arrived more than once
    saved_bytes INTEGER NOT NULL          -- that their later arrivals would have taken
);
CREATE VIEW v_file_stats_of AS
SELECT 1 AS sign, owner_id, size_bytes AS bytes, duration_ms, arrivals FROM files;
CREATE TRIGGER file_stats_add INSTEAD OF INSERT ON v_file_stats_of
BEGIN
    INSERT INTO file_stats
    VALUES (NEW.owner_id, NEW.sign, NEW.sign * NEW.bytes,
            NEW.sign * coalesce(NEW.duration_ms, 0), NEW.sign * (NEW.duration_ms IS NOT NULL),
            NEW.sign * NEW.arrivals, NEW.sign * (NEW.arrivals > 1),
            NEW.sign * max(NEW.arrivals - 1, 0) * NEW.bytes)
    ON CONFLICT DO UPDATE SET files = files + excluded.files, bytes = bytes + excluded.bytes,
                              duration_ms = duration_ms + excluded.duration_ms,
                              timed = timed + excluded.timed,
                              arrivals = arrivals + excluded.arrivals,
                              repeated = repeated + excluded.repeated,
                              saved_bytes = saved_bytes + excluded.saved_bytes;
END;
CREATE TRIGGER file_stats_insert AFTER INSERT ON files
BEGIN
    INSERT INTO v_file_stats_of
    VALUES (1, NEW.owner_id, NEW.size_bytes, NEW.duration_ms, NEW.arrivals);
END;
CREATE TRIGGER file_stats_delete AFTER DELETE ON files
BEGIN
    INSERT INTO v_file_stats_of
    VALUES (-1, OLD.owner_id, OLD.size_bytes, OLD.duration_ms, OLD.arrivals);
END;
CREATE TRIGGER file_stats_update AFTER UPDATE OF owner_id, size_bytes, duration_ms, arrivals ON files
BEGIN
    INSERT INTO v_file_stats_of
    VALUES (-1, OLD.owner_id, OLD.size_bytes, OLD.duration_ms, OLD.arrivals),
           (1, NEW.owner_id, NEW.size_bytes, NEW.duration_ms, NEW.arrivals);
END;
CREATE TRIGGER file_arrivals_insert AFTER INSERT ON uploads
BEGIN
    UPDATE files SET arrivals = arrivals + 1 WHERE id = NEW.file_id;
END;
CREATE TRIGGER file_arrivals_delete AFTER DELETE ON uploads
BEGIN
    UPDATE files SET arrivals = arrivals - 1 WHERE id = OLD.file_id;
END;
INSERT INTO v_file_stats_of SELECT sign, owner_id, bytes, duration_ms, arrivals FROM v_file_stats_of;
UPDATE files SET arrivals = (SELECT count(*) FROM uploads WHERE uploads.file_id = files.id);
CREATE INDEX files_saved ON files (owner_id, (arrivals - 1) * size_bytes, id) WHERE arrivals > 1;
