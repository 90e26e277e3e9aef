-- Figures, from the tables that are kept with each commit (migrations 0002, 0005 and 0016). Plans:
-- tests/unit/queue/test-plans.c.

-- name: report_jobs
-- By up to two dimensions that are no time, numbered as enum sc_dimension. The days come as three
-- ranges: those between the first and the last are of four weeks each (migration 0016).
SELECT CASE :first WHEN 1 THEN state WHEN 2 THEN pipeline WHEN 3 THEN engine WHEN 4 THEN model
                   WHEN 5 THEN language END AS a,
       CASE :second WHEN 1 THEN state WHEN 2 THEN pipeline WHEN 3 THEN engine WHEN 4 THEN model
                    WHEN 5 THEN language END AS b,
       sum(jobs) AS jobs, sum(duration_ms) AS duration_ms,
       sum(iif(state = 2, jobs, 0)) AS completed,
       sum(iif(state = 2, processing_ms, 0)) AS processing_ms,
       sum(paced_audio_ms) AS paced_audio_ms, sum(paced_ms) AS paced_ms
FROM (SELECT :from AS first_day, :to AS last_day UNION ALL SELECT :whole_from, :whole_to
      UNION ALL SELECT :late_from, :late_to)
     CROSS JOIN job_stats
WHERE owner_id = :owner_id AND day >= first_day AND day <= last_day AND jobs > 0
GROUP BY a, b ORDER BY a, b LIMIT :limit;

-- name: report_days
-- By time, by one other dimension (:dimension), or by both.
SELECT CASE :first WHEN 0 THEN '' WHEN 6 THEN date(day * 86400, 'unixepoch')
           WHEN 7 THEN date((day - (day + 3) % 7) * 86400, 'unixepoch')
           WHEN 8 THEN strftime('%Y-%m', day * 86400, 'unixepoch') ELSE value END AS a,
       CASE :second WHEN 0 THEN '' WHEN 6 THEN date(day * 86400, 'unixepoch')
           WHEN 7 THEN date((day - (day + 3) % 7) * 86400, 'unixepoch')
           WHEN 8 THEN strftime('%Y-%m', day * 86400, 'unixepoch') ELSE value END AS b,
       sum(jobs) AS jobs, sum(duration_ms) AS duration_ms, sum(completed) AS completed,
       sum(processing_ms) AS processing_ms, sum(paced_audio_ms) AS paced_audio_ms,
       sum(paced_ms) AS paced_ms
FROM job_days
WHERE owner_id = :owner_id AND dimension = :dimension AND day >= :since AND day <= :until
      AND jobs > 0
GROUP BY a, b ORDER BY a, b LIMIT :limit;

-- name: report_files
SELECT files, bytes, duration_ms, timed, arrivals, repeated, saved_bytes FROM file_stats
WHERE owner_id = :owner_id;

-- name: report_minutes
SELECT coalesce(sum(completed), 0) AS completed, coalesce(sum(failed), 0) AS failed,
       coalesce(sum(audio_ms), 0) AS audio_ms
FROM job_minutes WHERE minute >= :since AND minute <= :until;

-- name: report_forget_minutes
DELETE FROM job_minutes WHERE minute < :before;

-- name: report_forget_empty
-- What counted jobs that have all moved on. Upkeep removes it: most of it counts some again soon.
DELETE FROM job_stats WHERE jobs = 0;

-- name: report_forget_days
DELETE FROM job_days WHERE jobs = 0;
