-- The store's own statements: transactions, migrations, whole-database questions.

-- name: tx_read
BEGIN;

-- Immediate, because a deferred transaction that reads first and writes later fails at once when
-- another has written in between.
-- name: tx_write
BEGIN IMMEDIATE;

-- name: tx_commit
COMMIT;

-- name: tx_rollback
ROLLBACK;

-- The figures of jobs, as store/figures.c adds them up before a COMMIT.

-- name: figures_changes
-- What triggers noted (migration 0005).
SELECT owner_id, day, state, sign AS jobs, sign * duration_ms AS duration_ms,
       sign * processing_ms AS processing_ms,
       iif(state = 2 AND processing_ms > 0, sign * duration_ms, 0) AS paced_audio_ms,
       iif(state = 2 AND duration_ms > 0, sign * processing_ms, 0) AS paced_ms,
       pipeline, engine, model, language
FROM job_changes;

-- name: figures_forget_changes
DELETE FROM job_changes;

-- name: figures_change
UPDATE job_stats SET jobs = jobs + :jobs, duration_ms = duration_ms + :duration_ms,
                     processing_ms = processing_ms + :processing_ms,
                     paced_audio_ms = paced_audio_ms + :paced_audio_ms,
                     paced_ms = paced_ms + :paced_ms
WHERE owner_id = :owner_id AND day = :day AND state = :state AND pipeline = :pipeline
      AND engine = :engine AND model = :model AND language = :language;

-- name: figures_insert
INSERT INTO job_stats (owner_id, day, state, pipeline, engine, model, language, jobs, duration_ms,
                       processing_ms, paced_audio_ms, paced_ms)
VALUES (:owner_id, :day, :state, :pipeline, :engine, :model, :language, :jobs, :duration_ms,
        :processing_ms, :paced_audio_ms, :paced_ms);

-- name: figures_change_day
UPDATE job_days SET jobs = jobs + :jobs, duration_ms = duration_ms + :duration_ms,
                    completed = completed + :completed,
                    processing_ms = processing_ms + :processing_ms,
                    paced_audio_ms = paced_audio_ms + :paced_audio_ms,
                    paced_ms = paced_ms + :paced_ms
WHERE owner_id = :owner_id AND dimension = :dimension AND day = :day AND value = :value;

-- name: figures_insert_day
INSERT INTO job_days (owner_id, dimension, day, value, jobs, duration_ms, completed, processing_ms,
                      paced_audio_ms, paced_ms)
VALUES (:owner_id, :dimension, :day, :value, :jobs, :duration_ms, :completed, :processing_ms,
        :paced_audio_ms, :paced_ms);

-- name: figures_overview
-- There is no row of a state that the overview leaves out.
UPDATE queue_stats SET jobs = jobs + :jobs WHERE class = :class AND state = :state;

-- name: figures_minute
INSERT INTO job_minutes (minute, completed, failed, audio_ms)
VALUES (:minute, :completed, :failed, :audio_ms)
ON CONFLICT DO UPDATE SET completed = completed + excluded.completed,
                          failed = failed + excluded.failed,
                          audio_ms = audio_ms + excluded.audio_ms;

-- name: member_begin
SAVEPOINT member;

-- name: member_release
RELEASE member;

-- name: member_rollback
ROLLBACK TO member;

-- name: migrations_create
CREATE TABLE IF NOT EXISTS schema_migrations (
    version INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    checksum TEXT NOT NULL,
    applied_ms INTEGER NOT NULL
);

-- name: migrations_list
SELECT version, name, checksum FROM schema_migrations ORDER BY version;

-- name: migrations_add
INSERT INTO schema_migrations (version, name, checksum, applied_ms)
VALUES (:version, :name, :checksum, :now_ms);

-- Tells a new file from ours and from another program's; reads the schema, so damage shows here.
-- name: schema_identity
SELECT (SELECT count(*) FROM sqlite_schema) AS objects,
       (SELECT application_id FROM pragma_application_id) AS application_id;

-- name: schema_objects
-- What the migrations made, in their words; statistics and shadows of indexes have none.
SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\_%' ESCAPE '\'
ORDER BY type, name;

-- name: schema_seal_get
SELECT user_version AS seal FROM pragma_user_version;

-- name: schema_foreign_key_faults
SELECT "table" AS name, count(*) AS rows FROM pragma_foreign_key_check GROUP BY "table";

-- Changes a row for certain; an update to the same value would write nothing.
-- name: meta_touch
INSERT INTO meta (key, value) VALUES ('touched', '0')
ON CONFLICT (key) DO UPDATE SET value = CAST(value AS INTEGER) + 1;

-- name: meta_get
SELECT value FROM meta WHERE key = :key;

-- name: meta_set
INSERT INTO meta (key, value) VALUES (:key, :value)
ON CONFLICT (key) DO UPDATE SET value = excluded.value;

-- name: store_pages
SELECT (SELECT page_count FROM pragma_page_count) AS pages,
       (SELECT freelist_count FROM pragma_freelist_count) AS free_pages,
       (SELECT page_size FROM pragma_page_size) AS page_size,
       (SELECT max(version) FROM schema_migrations) AS schema_version;

-- Tables that hold rows of ours: neither SQLite's nor those that the text index is made of.
-- name: store_tables
SELECT name FROM pragma_table_list
WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\'
ORDER BY name;

-- name: store_integrity
SELECT integrity_check AS problem FROM pragma_integrity_check(1000);

-- name: store_quick_check
SELECT quick_check AS problem FROM pragma_quick_check(1);

-- name: fts_integrity
INSERT INTO segments_fts (segments_fts) VALUES ('integrity-check');

-- name: store_reindex
REINDEX;

-- name: fts_content_integrity
-- Against the texts too.
INSERT INTO segments_fts (segments_fts, rank) VALUES ('integrity-check', 1);

-- name: fts_rebuild
INSERT INTO segments_fts (segments_fts) VALUES ('rebuild');

-- The same of the index of parts of words.
-- name: parts_integrity
INSERT INTO segments_parts (segments_parts) VALUES ('integrity-check');

-- name: parts_content_integrity
INSERT INTO segments_parts (segments_parts, rank) VALUES ('integrity-check', 1);

-- name: parts_rebuild
INSERT INTO segments_parts (segments_parts) VALUES ('rebuild');
