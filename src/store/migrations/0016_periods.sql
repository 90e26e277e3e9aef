-- Figures over long times: job_stats has a row for each combination of each day, so that a question
-- about years read all of them.

-- Four weeks together, day / 28, are kept as day -2 - day / 28.
INSERT INTO job_stats
SELECT owner_id, -2 - day / 28, state, pipeline, engine, model, language, sum(jobs),
       sum(duration_ms), sum(processing_ms), sum(paced_audio_ms), sum(paced_ms)
FROM job_stats WHERE day >= 0
GROUP BY owner_id, day / 28, state, pipeline, engine, model, language;

-- The same by day and one dimension alone, for questions about time and no more than one other.
CREATE TABLE job_days (
    owner_id INTEGER NOT NULL REFERENCES principals (id),
    dimension INTEGER NOT NULL,           -- 1 state, 2 pipeline, 3 engine, 4 model, 5 language
    day INTEGER NOT NULL,                 -- as in job_stats, of single days
    value TEXT NOT NULL,
    jobs INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    completed INTEGER NOT NULL,           -- of these jobs
    processing_ms INTEGER NOT NULL,       -- of the completed ones
    paced_audio_ms INTEGER NOT NULL,      -- as in job_stats
    paced_ms INTEGER NOT NULL,
    PRIMARY KEY (owner_id, dimension, day, value)
) WITHOUT ROWID;
INSERT INTO job_days
SELECT owner_id, dimension, day,
       CASE dimension WHEN 1 THEN state WHEN 2 THEN pipeline WHEN 3 THEN engine
                      WHEN 4 THEN model ELSE language END AS value,
       sum(jobs), sum(duration_ms), sum(iif(state = 2, jobs, 0)),
       sum(iif(state = 2, processing_ms, 0)), sum(paced_audio_ms), sum(paced_ms)
FROM (SELECT column1 AS dimension FROM (VALUES (1), (2), (3), (4), (5))), job_stats
WHERE day >= 0
GROUP BY owner_id, dimension, day, value;
