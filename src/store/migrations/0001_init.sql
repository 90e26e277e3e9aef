-- The first schema. Times are milliseconds UTC (…_ms), audio positions milliseconds or samples at
-- 16 kHz (…_samples), states the small integers of the enums named beside them.

CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

-- Owners: who made a file, job or transcript. 1 is whoever talks through the Unix socket.
CREATE TABLE principals (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    created_ms INTEGER NOT NULL
);
INSERT INTO principals (id, name, created_ms) VALUES (1, 'local', 0);

CREATE TABLE tokens (
    id INTEGER PRIMARY KEY,
    principal_id INTEGER NOT NULL REFERENCES principals (id),
    name TEXT NOT NULL,
    hash TEXT NOT NULL UNIQUE,
    scopes TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER,
    revoked_ms INTEGER,
    last_used_ms INTEGER
);
CREATE INDEX tokens_principal ON tokens (principal_id);

CREATE TABLE files (
    id INTEGER PRIMARY KEY,
    owner_id INTEGER NOT NULL REFERENCES principals (id),
    file_hash TEXT NOT NULL,
    original_name TEXT NOT NULL,
    file_path TEXT NOT NULL,
    size_bytes INTEGER NOT NULL CHECK (size_bytes > 0),
    format TEXT NOT NULL,
    codec TEXT NOT NULL,
    duration_ms INTEGER,
    duration_counted INTEGER NOT NULL DEFAULT 0,
    sample_rate INTEGER NOT NULL,
    channels INTEGER NOT NULL,
    bit_rate INTEGER,
    tags TEXT NOT NULL DEFAULT '{}',
    uploaded_ms INTEGER NOT NULL,
    archived_ms INTEGER,
    UNIQUE (owner_id, file_hash)
);
CREATE INDEX files_hash ON files (file_hash);
CREATE INDEX files_owner ON files (owner_id, id);
CREATE INDEX files_name ON files (owner_id, original_name);

-- Every arrival of bytes, also of bytes known before.
CREATE TABLE uploads (
    id INTEGER PRIMARY KEY,
    file_id INTEGER NOT NULL REFERENCES files (id) ON DELETE CASCADE,
    owner_id INTEGER NOT NULL REFERENCES principals (id),
    name TEXT NOT NULL,
    source TEXT NOT NULL,
    created_ms INTEGER NOT NULL
);
CREATE INDEX uploads_file ON uploads (file_id);
CREATE INDEX uploads_owner ON uploads (owner_id);

CREATE TABLE jobs (
    id INTEGER PRIMARY KEY,
    job_id TEXT NOT NULL UNIQUE,
    owner_id INTEGER NOT NULL REFERENCES principals (id),
    file_id INTEGER REFERENCES files (id) ON DELETE CASCADE,
    campaign_id INTEGER,
    name TEXT NOT NULL DEFAULT '',
    file_name TEXT NOT NULL DEFAULT '',
    pipeline TEXT NOT NULL,
    engine TEXT NOT NULL DEFAULT '',
    engine_version TEXT NOT NULL DEFAULT '',
    model TEXT NOT NULL DEFAULT '',
    task TEXT NOT NULL DEFAULT 'transcribe',
    language TEXT NOT NULL DEFAULT '',
    detected_language TEXT,
    compute_type TEXT,
    device TEXT,
    class INTEGER NOT NULL,               -- sc_class: 0 high, 1 normal, 2 low
    priority INTEGER NOT NULL DEFAULT 0,  -- within the class, smaller first
    settings TEXT NOT NULL DEFAULT '{}',
    state INTEGER NOT NULL,               -- sc_job_state
    stage INTEGER,                        -- sc_stage, the one that runs or ran last
    admission INTEGER NOT NULL,           -- sc_admission: 0 scheduled, 1 waiting, 2 admitted, 3 ended
    counted INTEGER NOT NULL DEFAULT 1,   -- takes a place of max_concurrent
    chunks_total INTEGER NOT NULL DEFAULT 0,
    chunks_completed INTEGER NOT NULL DEFAULT 0,
    split_done INTEGER NOT NULL DEFAULT 0,
    split_samples INTEGER NOT NULL DEFAULT 0,
    retry_count INTEGER NOT NULL DEFAULT 0,
    dead_letter INTEGER NOT NULL DEFAULT 0,
    dedupe_key TEXT,
    run_after_ms INTEGER,
    timeout_ms INTEGER,
    max_failures INTEGER,                 -- of one task; NULL: the setting of the queue
    duration_ms INTEGER,
    processing_ms INTEGER,
    error_code TEXT,
    error_message TEXT,
    error_stage INTEGER,
    error_chunk INTEGER,
    output_file_path TEXT,
    created_ms INTEGER NOT NULL,
    started_ms INTEGER,
    completed_ms INTEGER,
    updated_ms INTEGER NOT NULL,
    expires_ms INTEGER,
    -- On the queue's clock (queue/clock.c), which no step of the wall clock moves.
    started_clock_ms INTEGER,             -- the first claim since it was made or retried
    stage_clock_ms INTEGER,               -- when `stage` began
    deadline_ms INTEGER                   -- started_clock_ms + timeout_ms
);
CREATE UNIQUE INDEX jobs_dedupe ON jobs (dedupe_key) WHERE dedupe_key IS NOT NULL;
CREATE INDEX jobs_owner ON jobs (owner_id, id);
CREATE INDEX jobs_owner_state ON jobs (owner_id, state, id);
CREATE INDEX jobs_state ON jobs (state, id);
CREATE INDEX jobs_open ON jobs (class, state, id) WHERE state IN (0, 1, 3); -- what the statistics count
CREATE INDEX jobs_file ON jobs (file_id, id);
CREATE INDEX jobs_campaign ON jobs (campaign_id, id) WHERE campaign_id IS NOT NULL;
CREATE INDEX jobs_waiting ON jobs (class, priority, id) WHERE admission = 1;
CREATE INDEX jobs_waiting_oldest ON jobs (class, id) WHERE admission = 1;
CREATE INDEX jobs_admitted ON jobs (class, counted, admission) WHERE admission = 2;
CREATE INDEX jobs_scheduled ON jobs (run_after_ms) WHERE admission = 0;
CREATE INDEX jobs_deadline ON jobs (deadline_ms) WHERE admission = 2 AND deadline_ms IS NOT NULL;
CREATE INDEX jobs_expiry ON jobs (expires_ms) WHERE expires_ms IS NOT NULL;

CREATE TABLE workers (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    host TEXT NOT NULL,
    pid INTEGER NOT NULL,
    local INTEGER NOT NULL,
    generation INTEGER NOT NULL,          -- of the server that registered it
    engines TEXT NOT NULL DEFAULT '[]',
    device TEXT NOT NULL DEFAULT 'cpu',
    registered_ms INTEGER NOT NULL,
    heartbeat_ms INTEGER NOT NULL,        -- on the queue's clock
    gone_ms INTEGER
);
CREATE INDEX workers_alive ON workers (id) WHERE gone_ms IS NULL;

-- The queue's unit of work: (job, stage, chunk). Its times are on the queue's clock (queue/clock.c).
CREATE TABLE tasks (
    id INTEGER PRIMARY KEY,
    job INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    stage INTEGER NOT NULL,               -- sc_stage
    chunk INTEGER NOT NULL DEFAULT -1,    -- -1: the stage has no chunks
    lane TEXT NOT NULL,                   -- who can do it: 'server', 'noop', 'engine:<name>'
    state INTEGER NOT NULL,               -- sc_task_state
    class INTEGER NOT NULL,
    priority INTEGER NOT NULL,
    epoch INTEGER NOT NULL DEFAULT 0,     -- grows with every claim; fences late results
    failures INTEGER NOT NULL DEFAULT 0,
    interruptions INTEGER NOT NULL DEFAULT 0,
    worker_id INTEGER REFERENCES workers (id),
    lease_until_ms INTEGER,
    claimed_ms INTEGER,
    run_after_ms INTEGER,                 -- of a back-off; NULL while its job is not yet due
    finished_ms INTEGER,
    error_code TEXT,
    error_message TEXT,
    UNIQUE (job, stage, chunk)
);
-- The claim's index. Keep the claim's ORDER BY equal to it; the literal `state = 0` must stand in
-- the statement. (SQLite answers a count from a partial index alone only when it holds the column of
-- its condition too.)
CREATE INDEX tasks_ready ON tasks (lane, class, priority, job, chunk) WHERE state = 0;
CREATE INDEX tasks_ready_oldest ON tasks (lane, class, job, chunk, state) WHERE state = 0;
CREATE INDEX tasks_running ON tasks (worker_id, id, state) WHERE state = 1;
CREATE INDEX tasks_scheduled ON tasks (run_after_ms) WHERE state = 2;

CREATE TABLE chunks (
    job INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    chunk INTEGER NOT NULL,
    start_samples INTEGER NOT NULL,
    end_samples INTEGER NOT NULL,
    overlaps_next INTEGER NOT NULL DEFAULT 0, -- shares its last second with the next chunk
    pcm_hash TEXT NOT NULL,               -- SHA-256 of its PCM file
    text TEXT,
    result_hash TEXT,                     -- SHA-256 of the result as stored, for fsck
    processed_ms INTEGER,
    PRIMARY KEY (job, chunk)
) WITHOUT ROWID;

CREATE TABLE transcripts (
    id INTEGER PRIMARY KEY,
    owner_id INTEGER NOT NULL REFERENCES principals (id),
    job INTEGER REFERENCES jobs (id) ON DELETE CASCADE,
    file_id INTEGER NOT NULL REFERENCES files (id) ON DELETE CASCADE,
    state INTEGER NOT NULL,               -- sc_transcript_state: 0 partial, 1 complete
    language TEXT NOT NULL DEFAULT '',
    current_version INTEGER NOT NULL DEFAULT 0,
    segment_count INTEGER NOT NULL DEFAULT 0,
    word_count INTEGER NOT NULL DEFAULT 0,
    confidence REAL,
    duration_ms INTEGER,
    srt_path TEXT,
    cloud_url TEXT,
    created_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL
);
CREATE INDEX transcripts_job ON transcripts (job);
CREATE INDEX transcripts_file ON transcripts (file_id, id);
CREATE INDEX transcripts_owner ON transcripts (owner_id, id);

CREATE TABLE versions (
    transcript_id INTEGER NOT NULL REFERENCES transcripts (id) ON DELETE CASCADE,
    version INTEGER NOT NULL CHECK (version >= 1),
    is_current INTEGER NOT NULL,
    segment_count INTEGER NOT NULL,
    word_count INTEGER NOT NULL,
    created_by INTEGER NOT NULL REFERENCES principals (id),
    created_ms INTEGER NOT NULL,
    change_note TEXT NOT NULL DEFAULT '',
    content_hash TEXT NOT NULL,           -- SHA-256 over the version's segments in order
    PRIMARY KEY (transcript_id, version)
) WITHOUT ROWID;
CREATE UNIQUE INDEX versions_current ON versions (transcript_id) WHERE is_current = 1;
CREATE INDEX versions_author ON versions (created_by);

-- What made a segment's words: an engine with its model, or a person.
CREATE TABLE origins (
    id INTEGER PRIMARY KEY,
    engine TEXT NOT NULL DEFAULT '',
    engine_version TEXT NOT NULL DEFAULT '',
    model TEXT NOT NULL DEFAULT '',
    principal_id INTEGER REFERENCES principals (id),
    UNIQUE (engine, engine_version, model, principal_id)
);
CREATE INDEX origins_principal ON origins (principal_id);

-- A version is the rows with born <= version and (died is null or died > version), in order of
-- (start_ms, ord). While a transcript is partial its rows are born in version 1.
CREATE TABLE segments (
    id INTEGER PRIMARY KEY,               -- of this row, and of its row in segments_fts
    segment_id INTEGER NOT NULL,          -- stable across versions: the id of its first row
    transcript_id INTEGER NOT NULL REFERENCES transcripts (id) ON DELETE CASCADE,
    born INTEGER NOT NULL,
    died INTEGER,
    chunk INTEGER NOT NULL DEFAULT -1,
    ord INTEGER NOT NULL,
    start_ms INTEGER NOT NULL,
    end_ms INTEGER NOT NULL CHECK (end_ms >= start_ms),
    text TEXT NOT NULL,
    speaker TEXT NOT NULL DEFAULT '',
    confidence REAL,
    words BLOB,                           -- transcript/words.h
    origin_id INTEGER NOT NULL REFERENCES origins (id),
    content_hash TEXT NOT NULL
);
CREATE INDEX segments_alive ON segments (transcript_id, start_ms, ord) WHERE died IS NULL;
CREATE INDEX segments_born ON segments (transcript_id, born);
CREATE INDEX segments_chunk ON segments (transcript_id, chunk);
CREATE INDEX segments_origin ON segments (origin_id);

CREATE VIRTUAL TABLE segments_fts USING fts5 (
    text,
    content = 'segments',
    content_rowid = 'id',
    tokenize = 'scripta'
);

-- The log of every step. The id is the event cursor; it never repeats.
CREATE TABLE job_events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    job INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    at_ms INTEGER NOT NULL,
    kind INTEGER NOT NULL,                -- sc_event_kind
    state INTEGER NOT NULL,               -- sc_job_state after it
    stage INTEGER,
    chunk INTEGER,
    attempt INTEGER,
    epoch INTEGER,
    worker TEXT,
    duration_ms INTEGER,
    progress INTEGER,                     -- 0 to 100, of the job after it
    code TEXT,
    message TEXT
);
CREATE INDEX job_events_job ON job_events (job, id);

CREATE TABLE idempotency (
    owner_id INTEGER NOT NULL REFERENCES principals (id),
    key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,            -- SHA-256 of method, path and the body's meaning
    job INTEGER REFERENCES jobs (id) ON DELETE CASCADE,
    file_id INTEGER REFERENCES files (id) ON DELETE CASCADE,
    created_ms INTEGER NOT NULL,
    PRIMARY KEY (owner_id, key)
) WITHOUT ROWID;
CREATE INDEX idempotency_age ON idempotency (created_ms);
CREATE INDEX idempotency_job ON idempotency (job);
CREATE INDEX idempotency_file ON idempotency (file_id);

CREATE TABLE queues (
    class INTEGER PRIMARY KEY,            -- sc_class
    paused INTEGER NOT NULL DEFAULT 0,
    changed_ms INTEGER NOT NULL DEFAULT 0
);
INSERT INTO queues (class) VALUES (0), (1), (2);

-- Statistics that would otherwise need scans.
CREATE TABLE counters (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE export_formats (
    name TEXT PRIMARY KEY,
    mime_type TEXT NOT NULL,
    file_extension TEXT NOT NULL,
    description TEXT NOT NULL,
    is_active INTEGER NOT NULL DEFAULT 1
) WITHOUT ROWID;
INSERT INTO export_formats (name, mime_type, file_extension, description) VALUES
    ('txt', 'text/plain; charset=utf-8', 'txt', 'Plain text'),
    ('srt', 'application/x-subrip; charset=utf-8', 'srt', 'SubRip captions'),
    ('json', 'application/json', 'json', 'Segments and words with times');

CREATE TABLE export_history (
    id INTEGER PRIMARY KEY,
    transcript_id INTEGER NOT NULL REFERENCES transcripts (id) ON DELETE CASCADE,
    version INTEGER NOT NULL,
    format_name TEXT NOT NULL REFERENCES export_formats (name) ON DELETE RESTRICT,
    file_path TEXT,
    exported_ms INTEGER NOT NULL,
    exported_by INTEGER NOT NULL REFERENCES principals (id)
);
CREATE INDEX export_history_transcript ON export_history (transcript_id, id);
CREATE INDEX export_history_format ON export_history (format_name);
CREATE INDEX export_history_author ON export_history (exported_by);

CREATE VIEW v_job_details AS
SELECT jobs.*, files.file_hash, files.original_name, files.size_bytes, files.format,
       transcripts.id AS transcript_id, transcripts.word_count, transcripts.current_version
FROM jobs
LEFT JOIN files ON files.id = jobs.file_id
LEFT JOIN transcripts ON transcripts.job = jobs.id;
