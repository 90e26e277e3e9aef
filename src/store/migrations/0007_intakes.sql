-- Recordings that arrive in pieces (resumable uploads): what is known of each until it has expired.
-- The bytes of an open one are in incoming/<upload_id>.part, of which the first offset_bytes count.

CREATE TABLE intakes (
    id INTEGER PRIMARY KEY,
    upload_id TEXT NOT NULL UNIQUE,
    owner_id INTEGER NOT NULL REFERENCES principals (id),
    state INTEGER NOT NULL DEFAULT 0,     -- 0 open, 1 completed, 2 refused
    total_bytes INTEGER,                  -- NULL: not told yet
    offset_bytes INTEGER NOT NULL,        -- on the disk for good
    name TEXT NOT NULL,                   -- of the file, as the client sent it
    options TEXT,                         -- of the job, as a JSON object of texts; NULL: no job
    metadata TEXT NOT NULL,               -- Upload-Metadata as it came
    idempotency_key TEXT,
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,          -- what nobody goes on with by then is removed
    file_id INTEGER,                      -- of a completed one, as job_id, duplicate and existing_job
    job_id TEXT,
    duplicate INTEGER NOT NULL DEFAULT 0,
    existing_job INTEGER NOT NULL DEFAULT 0,
    error_code TEXT,                      -- of a refused one, as error
    error TEXT
);
CREATE INDEX intakes_owner ON intakes (owner_id, id);
CREATE INDEX intakes_expiry ON intakes (expires_ms);
CREATE INDEX intakes_open ON intakes (id) WHERE state = 0;
CREATE UNIQUE INDEX intakes_key ON intakes (owner_id, idempotency_key)
WHERE state = 0 AND idempotency_key IS NOT NULL;
