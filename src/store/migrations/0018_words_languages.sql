-- Words of transcripts are counted by one rule since. What is stored is counted anew while the
-- server runs (library/recount.h); it begins with this transcript.
INSERT INTO counters (name, value)
SELECT 'words.uncounted', id FROM transcripts ORDER BY id DESC LIMIT 1;

-- Languages that earlier versions stored as they came (de_AT, jw, German) get the form that is asked
-- for and comes in since (base/language.c). Names that languages have themselves are no language
-- there.
CREATE TABLE language_names (
    name TEXT PRIMARY KEY,
    code TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO language_names VALUES
    ('castellano', 'es'), ('dansk', 'da'), ('deutsch', 'de'), ('espanol', 'es'), ('español', 'es'),
    ('francais', 'fr'), ('français', 'fr'), ('italiano', 'it'), ('magyar', 'hu'),
    ('nederlands', 'nl'), ('norsk', 'no'), ('polski', 'pl'), ('portugues', 'pt'),
    ('português', 'pt'), ('suomi', 'fi'), ('svenska', 'sv'), ('türkçe', 'tr'), ('русский', 'ru'),
    ('українська', 'uk'), ('中文', 'zh'), ('日本語', 'ja'), ('한국어', 'ko');

CREATE TABLE language_forms (
    was TEXT PRIMARY KEY,
    form TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO language_forms
SELECT was, form FROM (
    SELECT was, coalesce((SELECT code FROM language_names WHERE name = lower(was)),
                         scripta_language(was)) AS form
    FROM (SELECT language AS was FROM transcripts
          UNION SELECT language FROM chunks
          UNION SELECT language FROM jobs
          UNION SELECT detected_language FROM jobs
          UNION SELECT language FROM job_stats
          UNION SELECT value FROM job_days WHERE dimension = 5))
WHERE form <> was;

UPDATE transcripts SET language = form FROM language_forms WHERE was = language;
UPDATE chunks SET language = form FROM language_forms WHERE was = language;
-- The figures are added up below, not by what a trigger notes of each job.
DROP TRIGGER job_stats_update;
UPDATE jobs
SET language = coalesce((SELECT form FROM language_forms WHERE was = language), language),
    detected_language = coalesce((SELECT form FROM language_forms WHERE was = detected_language),
                                 detected_language),
    settings = coalesce((SELECT replace(settings, '"language":"' || was || '"',
                                        '"language":"' || form || '"')
                         FROM language_forms WHERE was = language), settings)
WHERE language IN (SELECT was FROM language_forms)
      OR detected_language IN (SELECT was FROM language_forms);
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

INSERT INTO job_stats
SELECT owner_id, day, state, pipeline, engine, model, form, sum(jobs), sum(duration_ms),
       sum(processing_ms), sum(paced_audio_ms), sum(paced_ms)
FROM job_stats JOIN language_forms ON was = language
WHERE true
GROUP BY owner_id, day, state, pipeline, engine, model, form
ON CONFLICT DO UPDATE SET jobs = jobs + excluded.jobs,
                          duration_ms = duration_ms + excluded.duration_ms,
                          processing_ms = processing_ms + excluded.processing_ms,
                          paced_audio_ms = paced_audio_ms + excluded.paced_audio_ms,
                          paced_ms = paced_ms + excluded.paced_ms;
DELETE FROM job_stats WHERE language IN (SELECT was FROM language_forms);
INSERT INTO job_days
SELECT owner_id, dimension, day, form, sum(jobs), sum(duration_ms), sum(completed),
       sum(processing_ms), sum(paced_audio_ms), sum(paced_ms)
FROM job_days JOIN language_forms ON was = value
WHERE dimension = 5
GROUP BY owner_id, dimension, day, form
ON CONFLICT DO UPDATE SET jobs = jobs + excluded.jobs,
                          duration_ms = duration_ms + excluded.duration_ms,
                          completed = completed + excluded.completed,
                          processing_ms = processing_ms + excluded.processing_ms,
                          paced_audio_ms = paced_audio_ms + excluded.paced_audio_ms,
                          paced_ms = paced_ms + excluded.paced_ms;
DELETE FROM job_days WHERE dimension = 5 AND value IN (SELECT was FROM language_forms);
DROP TABLE language_forms;
DROP TABLE language_names;
