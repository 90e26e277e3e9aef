-- Lists of jobs: each statement walks one index in one direction; queue/list.c tries the other
-- conditions on the rows and stops when it has enough, or no time is left. Plans are checked by
-- tests/unit/queue/test-plans.c.

-- name: job_scan_newest
SELECT v_job_scan.*, id AS place FROM v_job_scan
WHERE owner_id = :owner_id AND id < :id ORDER BY id DESC;

-- name: job_scan_oldest
SELECT v_job_scan.*, id AS place FROM v_job_scan
WHERE owner_id = :owner_id AND id > :id ORDER BY id ASC;

-- name: job_scan_state_newest
SELECT v_job_scan.*, id AS place FROM v_job_scan
WHERE owner_id = :owner_id AND state = :state AND id < :id ORDER BY id DESC;

-- name: job_scan_state_oldest
SELECT v_job_scan.*, id AS place FROM v_job_scan
WHERE owner_id = :owner_id AND state = :state AND id > :id ORDER BY id ASC;

-- name: job_scan_file_newest
SELECT v_job_scan.*, id AS place FROM v_job_scan
WHERE file_id = :file_id AND id < :id ORDER BY id DESC;

-- name: job_scan_file_oldest
SELECT v_job_scan.*, id AS place FROM v_job_scan
WHERE file_id = :file_id AND id > :id ORDER BY id ASC;

-- name: job_scan_campaign_newest
SELECT v_job_scan.*, id AS place FROM v_job_scan
WHERE campaign_id = :campaign_id AND id < :id ORDER BY id DESC;

-- name: job_scan_campaign_oldest
SELECT v_job_scan.*, id AS place FROM v_job_scan
WHERE campaign_id = :campaign_id AND id > :id ORDER BY id ASC;

-- name: job_scan_tag_newest
SELECT v_job_scan.*, v_job_scan.id AS place
FROM job_tags CROSS JOIN v_job_scan ON v_job_scan.id = job_tags.job
WHERE job_tags.tag = :tag AND job_tags.job < :id ORDER BY job_tags.job DESC;

-- name: job_scan_tag_oldest
SELECT v_job_scan.*, v_job_scan.id AS place
FROM job_tags CROSS JOIN v_job_scan ON v_job_scan.id = job_tags.job
WHERE job_tags.tag = :tag AND job_tags.job > :id ORDER BY job_tags.job ASC;

-- name: job_scan_completed_last
SELECT v_job_scan.*, completed_ms AS place FROM v_job_scan
WHERE owner_id = :owner_id AND completed_ms IS NOT NULL AND (completed_ms, id) < (:place, :id)
ORDER BY completed_ms DESC, id DESC;

-- name: job_scan_completed_first
SELECT v_job_scan.*, completed_ms AS place FROM v_job_scan
WHERE owner_id = :owner_id AND completed_ms IS NOT NULL AND (completed_ms, id) > (:place, :id)
ORDER BY completed_ms ASC, id ASC;

-- name: job_scan_duration_last
SELECT v_job_scan.*, duration_ms AS place FROM v_job_scan
WHERE owner_id = :owner_id AND duration_ms IS NOT NULL AND (duration_ms, id) < (:place, :id)
ORDER BY duration_ms DESC, id DESC;

-- name: job_scan_duration_first
SELECT v_job_scan.*, duration_ms AS place FROM v_job_scan
WHERE owner_id = :owner_id AND duration_ms IS NOT NULL AND (duration_ms, id) > (:place, :id)
ORDER BY duration_ms ASC, id ASC;

-- name: job_has_tag
SELECT 1 AS yes FROM job_tags WHERE job = :job AND tag = :tag;

-- name: job_probe
-- The last job up to an id, when there is one beyond another.
SELECT id, created_ms FROM jobs WHERE id > :low AND id <= :id ORDER BY id DESC LIMIT 1;
