"""POST /api/jobs/retry: which failed jobs go on, and where a call stops."""

import pytest

from harness import wait_until


def failed(client, seed, **more):
    """A job that failed; its class is paused before it is retried, so that it waits then."""
    job_id = client.upload_null(1, seed=seed, model="fail_rate=1", max_retries=0,
                                **more)["job_id"]
    assert client.wait_job(job_id)["status"] == "failed"
    return job_id


def test_failed_jobs_go_on_and_others_stay(make_server):
    # The walk is cut off once, in front of its second row.
    client = make_server(env={"SCRIPTA_FAULT": "jobs.retry:fail:3"}).client
    jobs = [failed(client, seed) for seed in range(3)]
    done = client.upload_null(1, seed=9)["job_id"]
    client.wait_job(done)
    client.post("/api/queue/normal/pause")
    dry = client.post("/api/jobs/retry", {"dry_run": True}).json
    assert (dry["job_ids"], dry["jobs"], dry["dry_run"]) == (jobs[::-1], 3, True)
    assert client.job(jobs[0])["status"] == "failed"
    for body in ({"error_code": "TIMEOUT"}, {"engine": "pocketsphinx"}, {"tag": "x"},
                 {"created_until": "1h"}):
        assert client.post("/api/jobs/retry", body).json["jobs"] == 0, body
    seen, cursor = [], None
    while True:
        part = client.post("/api/jobs/retry", {"created_since": "1h", "engine": "null",
                                               **({"cursor": cursor} if cursor else {})}).json
        seen += part["job_ids"]
        cursor = part["next_cursor"]
        if cursor is None:
            break
    assert seen == jobs[::-1]
    assert [client.job(j)["retry_count"] for j in [*jobs, done]] == [1, 1, 1, 0]
    assert client.post("/api/jobs/retry", {}).json["job_ids"] == []
    client.post("/api/queue/normal/resume")
    for job in jobs:
        wait_until(lambda: client.job(job)["status"] == "failed", 30, "it fails again")


@pytest.mark.parametrize("body,fields", [
    ({"status": "completed"}, ["status"]),
    ({"created_since": "soon", "cursor": "x"}, ["created_since", "cursor"]),
    ({"dry_run": "perhaps"}, ["dry_run"]), ({"file_id": 0}, ["file_id"]),
])
def test_what_is_bad_is_named(client, body, fields):
    reply = client.post("/api/jobs/retry", body)
    assert (reply.status, reply.error["code"], reply.error["field"]) == (
        400, "INVALID_VALUE", fields[0]), reply
    assert [f["field"] for f in reply.error["fields"]] == fields
