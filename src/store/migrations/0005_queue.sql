-- The figures of jobs by transaction, no longer by row: a job changes them several times, mostly the
-- same few rows as its neighbours. Changes of state are noted by the program (store/figures.c), all
-- others by triggers, and the writer adds the notes up before each COMMIT.

CREATE TABLE job_changes (
    id INTEGER PRIMARY KEY,
    sign INTEGER NOT NULL,                -- 1: the figures gain such a job, -1: they lose it
    owner_id INTEGER NOT NULL,
    day INTEGER NOT NULL,                 -- as in job_stats, up to processing_ms
    state INTEGER NOT NULL,
    pipeline TEXT NOT NULL,
    engine TEXT NOT NULL,
    model TEXT NOT NULL,
    language TEXT NOT NULL,
    duration_ms INTEGER NOT NULL,
    processing_ms INTEGER NOT NULL
);

DROP TRIGGER job_stats_insert;
DROP TRIGGER job_stats_update;
DROP TRIGGER job_stats_delete;
DROP TRIGGER job_stats_add;
DROP TRIGGER job_minutes_count;

CREATE TRIGGER job_stats_insert AFTER INSERT ON jobs
BEGIN
    INSERT INTO job_changes (sign, owner_id, day, state, pipeline, engine, model, language,
                             duration_ms, processing_ms)
    VALUES (1, NEW.owner_id, NEW.created_ms / 86400000, NEW.state, NEW.pipeline, NEW.engine,
            NEW.model, coalesce(nullif(NEW.detected_language, ''), NEW.language),
            coalesce(NEW.duration_ms, 0), coalesce(NEW.processing_ms, 0));
END;
CREATE TRIGGER job_stats_delete AFTER DELETE ON jobs
BEGIN
    INSERT INTO job_changes (sign, owner_id, day, state, pipeline, engine, model, language,
                             duration_ms, processing_ms)
    VALUES (-1, OLD.owner_id, OLD.created_ms / 86400000, OLD.state, OLD.pipeline, OLD.engine,
            OLD.model, coalesce(nullif(OLD.detected_language, ''), OLD.language),
            coalesce(OLD.duration_ms, 0), coalesce(OLD.processing_ms, 0));
END;
-- Neither of state nor of processing_ms: what sets these notes it (queue/lifecycle.c).
CREATE TRIGGER job_stats_update
AFTER UPDATE OF owner_id, created_ms, pipeline, engine, model, language, detected_language,
                duration_ms ON jobs
BEGIN
    INSERT INTO job_changes (sign, owner_id, day, state, pipeline, engine, model, language,
                             duration_ms, processing_ms)
    VALUES (-1, OLD.owner_id, OLD.created_ms / 86400000, OLD.state, OLD.pipeline, OLD.engine,
            OLD.model, coalesce(nullif(OLD.detected_language, ''), OLD.language),
            coalesce(OLD.duration_ms, 0), coalesce(OLD.processing_ms, 0));
    INSERT INTO job_changes (sign, owner_id, day, state, pipeline, engine, model, language,
                             duration_ms, processing_ms)
    VALUES (1, NEW.owner_id, NEW.created_ms / 86400000, NEW.state, NEW.pipeline, NEW.engine,
            NEW.model, coalesce(nullif(NEW.detected_language, ''), NEW.language),
            coalesce(NEW.duration_ms, 0), coalesce(NEW.processing_ms, 0));
END;

-- The overview of 0004 likewise: what a state adds to it comes with the notes.
DROP TRIGGER queue_stats_update;
CREATE TRIGGER queue_stats_update AFTER UPDATE OF class ON jobs WHEN OLD.class <> NEW.class
BEGIN
    UPDATE queue_stats SET jobs = jobs - 1 WHERE class = OLD.class AND state = OLD.state;
    UPDATE queue_stats SET jobs = jobs + 1 WHERE class = NEW.class AND state = NEW.state;
END;

-- Each change of a job's state moved an entry in it, for one question that jobs_owner_completed
-- answers as well (job_pace).
DROP INDEX jobs_state;
