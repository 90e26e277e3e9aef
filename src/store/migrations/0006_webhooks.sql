-- Webhooks, and what is owed to them: a delivery is written by the transaction that writes its event,
-- and is owed until the receiver has taken it or nobody will try any more.

CREATE TABLE webhooks (
    id INTEGER PRIMARY KEY AUTOINCREMENT, -- never given twice: receivers may know it
    owner_id INTEGER NOT NULL REFERENCES principals (id),
    url TEXT NOT NULL,
    description TEXT NOT NULL DEFAULT '',
    events INTEGER NOT NULL,              -- bits 1 << sc_event_kind; -1: all that are offered
    secret TEXT NOT NULL,                 -- in the clear, since it signs
    enabled INTEGER NOT NULL DEFAULT 1,
    disabled_why INTEGER,                 -- sc_webhook_end; NULL: enabled
    failures INTEGER NOT NULL DEFAULT 0,  -- in a row
    failing_ms INTEGER,                   -- when the first of them was
    rest_until_ms INTEGER,                -- nothing is tried before
    delivered_ms INTEGER,                 -- the last time that something was taken
    created_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL,
    removed_ms INTEGER                    -- nobody sees it any more; its rows go in slices
);
CREATE INDEX webhooks_owner ON webhooks (owner_id, id) WHERE removed_ms IS NULL;
CREATE INDEX webhooks_removed ON webhooks (id) WHERE removed_ms IS NOT NULL;

-- Ids and times, never texts: what a job said is erased with the job.
CREATE TABLE webhook_deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    webhook_id INTEGER NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    message_id TEXT NOT NULL,             -- what the receiver knows it by, the same in every attempt
    kind INTEGER NOT NULL,                -- sc_event_kind; -1: a test
    job_id TEXT,
    file_id INTEGER,
    transcript_id INTEGER,
    job_state INTEGER,                    -- sc_job_state after the event
    code TEXT,
    created_ms INTEGER NOT NULL,
    state INTEGER NOT NULL DEFAULT 0,     -- sc_delivery_state
    attempts INTEGER NOT NULL DEFAULT 0,  -- since it was made or replayed
    due_ms INTEGER,                       -- of the next attempt; NULL: it has ended
    tried_ms INTEGER,                     -- the last attempt, and what came of it
    duration_ms INTEGER,
    response_code INTEGER,
    error TEXT,
    ended_ms INTEGER
);
CREATE INDEX webhook_deliveries_list ON webhook_deliveries (webhook_id, id);
CREATE INDEX webhook_deliveries_state ON webhook_deliveries (webhook_id, state, id);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (webhook_id, due_ms) WHERE due_ms IS NOT NULL;
CREATE INDEX webhook_deliveries_ended ON webhook_deliveries (ended_ms) WHERE ended_ms IS NOT NULL;
