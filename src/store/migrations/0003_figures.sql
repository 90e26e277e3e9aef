-- The figures of 0002, counted by statements of one row: SELECTs of two rows and lists of two days
-- made a temporary table for each change, several times for each job.

DROP TRIGGER job_stats_add;
CREATE TRIGGER job_stats_add INSTEAD OF INSERT ON v_job_stats_of
BEGIN
    INSERT INTO job_stats
    VALUES (NEW.owner_id, NEW.day, NEW.state, NEW.pipeline, NEW.engine, NEW.model, NEW.language,
            NEW.sign, NEW.sign * NEW.duration_ms, NEW.sign * NEW.processing_ms,
            iif(NEW.state = 2 AND NEW.processing_ms > 0, NEW.sign * NEW.duration_ms, 0),
            iif(NEW.state = 2 AND NEW.duration_ms > 0, NEW.sign * NEW.processing_ms, 0))
    ON CONFLICT DO UPDATE SET jobs = jobs + excluded.jobs,
                              duration_ms = duration_ms + excluded.duration_ms,
                              processing_ms = processing_ms + excluded.processing_ms,
                              paced_audio_ms = paced_audio_ms + excluded.paced_audio_ms,
                              paced_ms = paced_ms + excluded.paced_ms;
    INSERT INTO job_stats
    VALUES (NEW.owner_id, -1, NEW.state, NEW.pipeline, NEW.engine, NEW.model, NEW.language,
            NEW.sign, NEW.sign * NEW.duration_ms, NEW.sign * NEW.processing_ms,
            iif(NEW.state = 2 AND NEW.processing_ms > 0, NEW.sign * NEW.duration_ms, 0),
            iif(NEW.state = 2 AND NEW.duration_ms > 0, NEW.sign * NEW.processing_ms, 0))
    ON CONFLICT DO UPDATE SET jobs = jobs + excluded.jobs,
                              duration_ms = duration_ms + excluded.duration_ms,
                              processing_ms = processing_ms + excluded.processing_ms,
                              paced_audio_ms = paced_audio_ms + excluded.paced_audio_ms,
                              paced_ms = paced_ms + excluded.paced_ms;
    DELETE FROM job_stats
    WHERE NEW.sign < 0 AND owner_id = NEW.owner_id AND day = NEW.day AND state = NEW.state
          AND pipeline = NEW.pipeline AND engine = NEW.engine AND model = NEW.model
          AND language = NEW.language AND jobs = 0;
    DELETE FROM job_stats
    WHERE NEW.sign < 0 AND owner_id = NEW.owner_id AND day = -1 AND state = NEW.state
          AND pipeline = NEW.pipeline AND engine = NEW.engine AND model = NEW.model
          AND language = NEW.language AND jobs = 0;
END;

-- Written out: this runs several times for each job, and calls of job_stats_add cost more than its
-- work.
DROP TRIGGER job_stats_update;
CREATE TRIGGER job_stats_update
AFTER UPDATE OF owner_id, created_ms, state, pipeline, engine, model, language, detected_language,
                duration_ms, processing_ms ON jobs
BEGIN
    INSERT INTO job_stats
    VALUES (OLD.owner_id, OLD.created_ms / 86400000, OLD.state, OLD.pipeline, OLD.engine,
            OLD.model, coalesce(nullif(OLD.detected_language, ''), OLD.language), -1,
            -coalesce(OLD.duration_ms, 0), -coalesce(OLD.processing_ms, 0),
            iif(OLD.state = 2 AND OLD.processing_ms > 0, -coalesce(OLD.duration_ms, 0), 0),
            iif(OLD.state = 2 AND OLD.duration_ms > 0, -coalesce(OLD.processing_ms, 0), 0))
    ON CONFLICT DO UPDATE SET jobs = jobs + excluded.jobs,
                              duration_ms = duration_ms + excluded.duration_ms,
                              processing_ms = processing_ms + excluded.processing_ms,
                              paced_audio_ms = paced_audio_ms + excluded.paced_audio_ms,
                              paced_ms = paced_ms + excluded.paced_ms;
    INSERT INTO job_stats
    VALUES (OLD.owner_id, -1, OLD.state, OLD.pipeline, OLD.engine,
            OLD.model, coalesce(nullif(OLD.detected_language, ''), OLD.language), -1,
            -coalesce(OLD.duration_ms, 0), -coalesce(OLD.processing_ms, 0),
            iif(OLD.state = 2 AND OLD.processing_ms > 0, -coalesce(OLD.duration_ms, 0), 0),
            iif(OLD.state = 2 AND OLD.duration_ms > 0, -coalesce(OLD.processing_ms, 0), 0))
    ON CONFLICT DO UPDATE SET jobs = jobs + excluded.jobs,
                              duration_ms = duration_ms + excluded.duration_ms,
                              processing_ms = processing_ms + excluded.processing_ms,
                              paced_audio_ms = paced_audio_ms + excluded.paced_audio_ms,
                              paced_ms = paced_ms + excluded.paced_ms;
    DELETE FROM job_stats
    WHERE owner_id = OLD.owner_id AND day = OLD.created_ms / 86400000 AND state = OLD.state
          AND pipeline = OLD.pipeline AND engine = OLD.engine AND model = OLD.model
          AND language = coalesce(nullif(OLD.detected_language, ''), OLD.language) AND jobs = 0;
    DELETE FROM job_stats
    WHERE owner_id = OLD.owner_id AND day = -1 AND state = OLD.state
          AND pipeline = OLD.pipeline AND engine = OLD.engine AND model = OLD.model
          AND language = coalesce(nullif(OLD.detected_language, ''), OLD.language) AND jobs = 0;
    INSERT INTO job_stats
    VALUES (NEW.owner_id, NEW.created_ms / 86400000, NEW.state, NEW.pipeline, NEW.engine,
            NEW.model, coalesce(nullif(NEW.detected_language, ''), NEW.language), 1,
            coalesce(NEW.duration_ms, 0), coalesce(NEW.processing_ms, 0),
            iif(NEW.state = 2 AND NEW.processing_ms > 0, coalesce(NEW.duration_ms, 0), 0),
            iif(NEW.state = 2 AND NEW.duration_ms > 0, coalesce(NEW.processing_ms, 0), 0))
    ON CONFLICT DO UPDATE SET jobs = jobs + excluded.jobs,
                              duration_ms = duration_ms + excluded.duration_ms,
                              processing_ms = processing_ms + excluded.processing_ms,
                              paced_audio_ms = paced_audio_ms + excluded.paced_audio_ms,
                              paced_ms = paced_ms + excluded.paced_ms;
    INSERT INTO job_stats
    VALUES (NEW.owner_id, -1, NEW.state, NEW.pipeline, NEW.engine,
            NEW.model, coalesce(nullif(NEW.detected_language, ''), NEW.language), 1,
            coalesce(NEW.duration_ms, 0), coalesce(NEW.processing_ms, 0),
            iif(NEW.state = 2 AND NEW.processing_ms > 0, coalesce(NEW.duration_ms, 0), 0),
            iif(NEW.state = 2 AND NEW.duration_ms > 0, coalesce(NEW.processing_ms, 0), 0))
    ON CONFLICT DO UPDATE SET jobs = jobs + excluded.jobs,
                              duration_ms = duration_ms + excluded.duration_ms,
                              processing_ms = processing_ms + excluded.processing_ms,
                              paced_audio_ms = paced_audio_ms + excluded.paced_audio_ms,
                              paced_ms = paced_ms + excluded.paced_ms;
END;

DROP TRIGGER file_stats_update;
CREATE TRIGGER file_stats_update
AFTER UPDATE OF owner_id, size_bytes, duration_ms, arrivals ON files
BEGIN
    INSERT INTO v_file_stats_of
    VALUES (-1, OLD.owner_id, OLD.size_bytes, OLD.duration_ms, OLD.arrivals);
    INSERT INTO v_file_stats_of
    VALUES (1, NEW.owner_id, NEW.size_bytes, NEW.duration_ms, NEW.arrivals);
END;

-- The same rows as before; a list of three in its condition made two temporary tables for each
-- change of a job's state.
DROP INDEX jobs_open;
CREATE INDEX jobs_open ON jobs (class, state, id) WHERE state = 0 OR state = 1 OR state = 3;
