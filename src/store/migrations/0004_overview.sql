-- The overview of the queue in one look, however many jobs wait: how many of each class are pending
-- (0), processing (1) and failed (3). Kept by triggers, as the figures of 0002 are.

CREATE TABLE queue_stats (
    class INTEGER NOT NULL,
    state INTEGER NOT NULL,
    jobs INTEGER NOT NULL,
    PRIMARY KEY (class, state)
) WITHOUT ROWID;
INSERT INTO queue_stats
SELECT queues.class, states.state,
       (SELECT count(*) FROM jobs WHERE jobs.class = queues.class AND jobs.state = states.state)
FROM queues, (SELECT 0 AS state UNION ALL SELECT 1 UNION ALL SELECT 3) AS states;

-- Of a state that is not counted there is no row to change.
CREATE TRIGGER queue_stats_insert AFTER INSERT ON jobs
BEGIN
    UPDATE queue_stats SET jobs = jobs + 1 WHERE class = NEW.class AND state = NEW.state;
END;
CREATE TRIGGER queue_stats_delete AFTER DELETE ON jobs
BEGIN
    UPDATE queue_stats SET jobs = jobs - 1 WHERE class = OLD.class AND state = OLD.state;
END;
CREATE TRIGGER queue_stats_update AFTER UPDATE OF state, class ON jobs
WHEN OLD.state <> NEW.state OR OLD.class <> NEW.class
BEGIN
    UPDATE queue_stats SET jobs = jobs - 1 WHERE class = OLD.class AND state = OLD.state;
    UPDATE queue_stats SET jobs = jobs + 1 WHERE class = NEW.class AND state = NEW.state;
END;

-- What is left to ask of it: which pending job is the oldest.
DROP INDEX jobs_open;
CREATE INDEX jobs_pending ON jobs (class, id) WHERE state = 0;
