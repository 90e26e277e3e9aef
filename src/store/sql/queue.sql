-- Tasks, workers, queues, idempotency keys. Plans are checked by tests/unit/queue/test-plans.c.

-- name: task_insert
INSERT INTO tasks (job, stage, chunk, lane, state, class, priority)
SELECT id, :stage, :chunk, :lane, :state, class, priority FROM jobs WHERE id = :job
ON CONFLICT (job, stage, chunk) DO NOTHING;

-- name: task_get
SELECT tasks.id, tasks.job, tasks.stage, tasks.chunk, tasks.lane, tasks.state, tasks.epoch,
       tasks.failures, tasks.interruptions, tasks.worker_id, tasks.lease_until_ms, tasks.claimed_ms,
       jobs.job_id, jobs.owner_id, jobs.max_failures, coalesce(workers.name, '') AS worker
FROM tasks JOIN jobs ON jobs.id = tasks.job LEFT JOIN workers ON workers.id = tasks.worker_id
WHERE tasks.id = :id;

-- name: task_list
SELECT tasks.id, tasks.job, tasks.stage, tasks.chunk, tasks.lane, tasks.state, tasks.epoch,
       tasks.failures, tasks.interruptions, tasks.worker_id, tasks.lease_until_ms, tasks.claimed_ms,
       jobs.job_id, jobs.owner_id, jobs.max_failures, coalesce(workers.name, '') AS worker
FROM tasks JOIN jobs ON jobs.id = tasks.job LEFT JOIN workers ON workers.id = tasks.worker_id
WHERE tasks.job = :job ORDER BY tasks.stage, tasks.chunk;

-- name: task_best
-- The claim: answered by tasks_ready without sorting; keep the ORDER BY equal to it.
SELECT id, job, chunk, priority, stage, epoch, failures, interruptions FROM tasks
WHERE state = 0 AND lane = :lane AND class = :class ORDER BY priority, job, chunk LIMIT :limit;

-- name: task_oldest
-- The claim that lets nothing starve: answered by tasks_ready_oldest.
SELECT id, job, chunk, priority, stage, epoch, failures, interruptions FROM tasks
WHERE state = 0 AND lane = :lane AND class = :class ORDER BY job, chunk LIMIT :limit;

-- name: task_take
UPDATE tasks SET state = 1, epoch = epoch + 1, worker_id = :worker_id, claimed_ms = :clock,
                 lease_until_ms = :lease_until_ms, run_after_ms = NULL, finished_ms = NULL
WHERE id = :id AND state = 0;

-- name: task_leave
-- Out of the running state, fenced.
UPDATE tasks SET state = :to, lease_until_ms = NULL, worker_id = :worker_id,
                 run_after_ms = :run_after_ms, finished_ms = :finished_ms, failures = :failures,
                 interruptions = :interruptions, error_code = :error_code,
                 error_message = :error_message
WHERE id = :id AND state = 1 AND epoch = :epoch;

-- name: task_move
UPDATE tasks SET state = :to, run_after_ms = NULL WHERE id = :id AND state = :from;

-- name: task_move_job
-- worker_id stays, so that a heartbeat can tell its holder that the task was cancelled.
UPDATE tasks SET state = :to, run_after_ms = NULL, lease_until_ms = NULL
WHERE job = :job AND state = :from;

-- name: task_unfinished
SELECT state FROM tasks WHERE job = :job AND state < 4;

-- name: task_follow_job
-- Its place in the line is its job's.
UPDATE tasks SET class = jobs.class, priority = jobs.priority FROM jobs
WHERE jobs.id = :job AND tasks.job = :job AND tasks.state IN (0, 1, 2, 3);

-- name: task_again_job
UPDATE tasks SET state = :to, run_after_ms = NULL, lease_until_ms = NULL, worker_id = NULL,
                 claimed_ms = NULL, finished_ms = NULL, failures = 0, interruptions = 0,
                 error_code = NULL, error_message = NULL
WHERE job = :job AND state = :from;

-- name: task_renew
UPDATE tasks SET lease_until_ms = :lease_until_ms
WHERE id = :id AND state = 1 AND worker_id = :worker_id AND epoch = :epoch;

-- name: task_held
SELECT id, claimed_ms FROM tasks WHERE state = 1 AND worker_id = :worker_id ORDER BY id LIMIT :limit;

-- name: task_known
-- Of what a worker holds, what it must know of: claimed before a claim whose answer it has read.
SELECT id FROM tasks WHERE state = 1 AND worker_id = :worker_id AND claimed_ms < :before ORDER BY id;

-- name: task_expired
-- The running set is small; it is read through its index, so that no heartbeat moves index entries.
SELECT id FROM tasks INDEXED BY tasks_running WHERE state = 1 AND lease_until_ms <= :clock
LIMIT :limit;

-- name: task_next_expiry
SELECT min(lease_until_ms) AS lease_until_ms FROM tasks INDEXED BY tasks_running WHERE state = 1;

-- name: task_due
SELECT id FROM tasks WHERE state = 2 AND run_after_ms <= :clock ORDER BY run_after_ms LIMIT :limit;

-- name: task_next_due
SELECT run_after_ms FROM tasks WHERE state = 2 AND run_after_ms IS NOT NULL
ORDER BY run_after_ms LIMIT 1;

-- name: task_orphans
-- Held by this host's processes of earlier servers.
SELECT tasks.id FROM tasks JOIN workers ON workers.id = tasks.worker_id
WHERE tasks.state = 1 AND workers.local = 1 AND workers.generation < :generation LIMIT :limit;

-- name: task_renew_all
UPDATE tasks SET lease_until_ms = :lease_until_ms, claimed_ms = min(claimed_ms, :clock)
WHERE state = 1;

-- name: task_clamp_backoff
UPDATE tasks SET run_after_ms = :latest WHERE state = 2 AND run_after_ms > :latest;

-- name: task_count_ready
-- Up to :limit.
SELECT count(*) AS n FROM (SELECT 1 FROM tasks WHERE state = 0 LIMIT :limit);

-- name: task_count_running
SELECT count(*) AS n FROM tasks WHERE state = 1;

-- name: task_count_lane
-- The running set is as small as the number of workers.
SELECT count(*) AS n FROM tasks INDEXED BY tasks_running WHERE state = 1 AND lane = :lane;

-- name: task_share
-- What stands ready in the lane, as far as it matters, and the workers that serve it.
SELECT (SELECT count(*) FROM workers
        WHERE gone_ms IS NULL AND instr(engines, '"' || substr(:lane, 8) || '"') > 0) AS workers,
       (SELECT count(*) FROM (SELECT 1 FROM tasks WHERE state = 0 AND lane = :lane
                              LIMIT 1024)) AS ready;

-- name: task_demand
-- Of the ready ones, up to :limit on either side of the server's own.
SELECT (SELECT count(*) FROM (SELECT 1 FROM tasks
                              WHERE state = 0 AND lane < 'server' LIMIT :limit))
     + (SELECT count(*) FROM (SELECT 1 FROM tasks
                              WHERE state = 0 AND lane > 'server~' LIMIT :limit)) AS ready,
       (SELECT count(*) FROM tasks INDEXED BY tasks_running
        WHERE state = 1 AND NOT (lane >= 'server' AND lane <= 'server~')) AS running;

-- name: worker_insert
INSERT INTO workers (name, host, pid, local, generation, engines, device, registered_ms,
                     heartbeat_ms, token_id)
VALUES (:name, :host, :pid, :local, :generation, :engines, :device, :now, :clock, :token_id);

-- name: worker_get
SELECT id, name, heartbeat_ms, token_id FROM workers WHERE id = :id AND gone_ms IS NULL;

-- name: worker_beat
UPDATE workers SET heartbeat_ms = :clock WHERE id = :id AND gone_ms IS NULL;

-- name: worker_beat_all
UPDATE workers SET heartbeat_ms = :clock WHERE gone_ms IS NULL;

-- name: worker_gone
UPDATE workers SET gone_ms = :now WHERE id = :id AND gone_ms IS NULL;

-- name: worker_gone_earlier
UPDATE workers SET gone_ms = :now
WHERE gone_ms IS NULL AND local = 1 AND generation < :generation;

-- name: worker_gone_silent
-- Only of other hosts: the end of a local one is seen by the supervisor.
UPDATE workers SET gone_ms = :now
WHERE gone_ms IS NULL AND local = 0 AND heartbeat_ms < :before
      AND NOT EXISTS (SELECT 1 FROM tasks WHERE tasks.state = 1 AND tasks.worker_id = workers.id);

-- name: worker_list
SELECT id, name, host, device, pid, local, registered_ms, heartbeat_ms,
       (SELECT jobs.job_id FROM tasks JOIN jobs ON jobs.id = tasks.job
        WHERE tasks.state = 1 AND tasks.worker_id = workers.id
        ORDER BY tasks.id LIMIT 1) AS job_id
FROM workers WHERE gone_ms IS NULL ORDER BY id;

-- name: queue_list
SELECT class, paused FROM queues ORDER BY class;

-- name: queue_pause
UPDATE queues SET paused = :paused, changed_ms = :now WHERE class = :class AND paused <> :paused;

-- name: queue_count_jobs
SELECT class, state, jobs FROM queue_stats;

-- name: queue_oldest
SELECT created_ms FROM jobs WHERE state = 0 AND class = :class ORDER BY id LIMIT 1;

-- name: counter_add
INSERT INTO counters (name, value) VALUES (:name, :n)
ON CONFLICT (name) DO UPDATE SET value = value + excluded.value;

-- name: counter_get
SELECT value FROM counters WHERE name = :name;

-- name: queue_meta_get
SELECT value FROM meta WHERE key = :key;

-- name: queue_meta_put
INSERT INTO meta (key, value) VALUES (:key, :value)
ON CONFLICT (key) DO UPDATE SET value = excluded.value;

-- name: idempotency_get
SELECT fingerprint, job, file_id FROM idempotency WHERE owner_id = :owner_id AND key = :key;

-- name: idempotency_insert
INSERT INTO idempotency (owner_id, key, fingerprint, job, file_id, created_ms)
VALUES (:owner_id, :key, :fingerprint, :job, :file_id, :now);

-- name: idempotency_set
UPDATE idempotency SET fingerprint = :fingerprint
WHERE owner_id = :owner_id AND key = :key AND fingerprint = :claimed;

-- name: idempotency_drop
DELETE FROM idempotency WHERE owner_id = :owner_id AND key = :key AND fingerprint = :claimed;

-- name: idempotency_expire
DELETE FROM idempotency
WHERE created_ms <= (SELECT max(created_ms) FROM (SELECT created_ms FROM idempotency
                                                  WHERE created_ms < :before
                                                  ORDER BY created_ms LIMIT :limit));
