"""/api/jobs: making, listing, cancelling, retrying, their events and chunks."""

import json
import threading
import time

import pytest

from harness import noise_wav, null_words, wait_until


def slow_job(client, seconds=60, seed=1, delay_ms=3000, **options):
    """A job of several chunks that takes a while."""
    reply = client.upload(noise_wav(seconds, seed), engine="null", vad="off", force="true",
                          model=f"delay_ms={delay_ms}", **options)
    assert reply.status == 201, reply
    return reply.json


def test_a_noop_job_needs_no_file(client):
    reply = client.post("/api/jobs", {"pipeline": "noop"})
    assert reply.status == 201, reply
    job = client.wait_job(reply.json["job_id"])
    assert job["status"] == "completed"
    assert job["pipeline"] == "noop" and job["file_id"] is None and job["transcript_id"] is None


def test_no_answer_is_older_than_a_change(client):
    """Answers about a job are kept until the store changes; whoever changes it sees that at once,
    whatever others ask for meanwhile."""
    job = client.post("/api/jobs", {"pipeline": "noop", "name": "0"}).json["job_id"]
    client.wait_job(job)
    path, stop = f"/api/jobs/{job}", threading.Event()

    def ask():
        while not stop.is_set():
            client.get(path)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for n in range(1, 101):
            changed = client.request("PATCH", path, body=json.dumps({"name": str(n)}),
                                     headers={"Content-Type": "application/json"})
            assert changed.status == 200 and client.get(path).json["name"] == str(n)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    first, again = client.get(path), client.get(path)
    assert first.body == again.body and first.headers["etag"] == again.headers["etag"]
    assert client.request("DELETE", path).status == 200 and client.get(path).status == 404


def test_a_job_of_a_known_file(client):
    file_id = client.upload(noise_wav(3, 20), path="/api/files/upload").json["file_id"]
    body = {"file_id": file_id, "engine": "null", "vad": "off"}
    first = client.post("/api/jobs", body)
    again = client.post("/api/jobs", body)
    forced = client.post("/api/jobs", {**body, "force": True})
    assert (first.status, again.status, forced.status) == (201, 200, 201)
    assert again.json["job_id"] == first.json["job_id"] != forced.json["job_id"]
    job = client.wait_job(first.json["job_id"])
    assert client.transcript(job)["text"].split() == null_words(3)


@pytest.mark.parametrize("body, status", [
    ({}, 400), ({"file_id": 999999, "engine": "null"}, 404), ({"file_id": "x"}, 400),
    ({"pipeline": "noop", "colour": "red"}, 400), ({"pipeline": 7}, 400), ([], 400),
    ({"pipeline": "nonsuch"}, 400), ({"pipeline": "noop", "priority": "urgent"}, 400),
    ({"pipeline": "noop", "run_after": "soon"}, 400),
])
def test_bad_job_bodies(client, body, status):
    reply = client.post("/api/jobs", body)
    assert reply.status == status, reply
    assert reply.error["code"] in ("INVALID_VALUE", "INVALID_REQUEST", "FILE_NOT_FOUND")


@pytest.mark.parametrize("body", [b"", b"{", b"[1", b'{"pipeline":"noop"}x', b'{"a":1,"a":2}',
                                  b"\xff\xfe", b'{"pipeline":"no\\u0000op"}', b"[" * 5000,
                                  b'{"pipeline":NaN}'])
def test_bad_json(client, body):
    reply = client.request("POST", "/api/jobs", body, {"Content-Type": "application/json"})
    assert reply.status == 400, reply
    assert reply.error["code"] in ("INVALID_REQUEST", "INVALID_VALUE")


def test_json_must_say_that_it_is_json(client):
    reply = client.request("POST", "/api/jobs", b'{"pipeline":"noop"}',
                           {"Content-Type": "text/plain"})
    assert (reply.status, reply.error["code"]) == (415, "UNSUPPORTED_TYPE")


def test_a_body_that_is_too_large(client):
    body = b'{"pipeline":"noop","name":"' + b"x" * (16 << 20) + b'"}'
    reply = client.request("POST", "/api/jobs", body, {"Content-Type": "application/json"})
    assert (reply.status, reply.error["code"]) == (413, "BODY_TOO_LARGE")


def test_jobs_are_listed_newest_first_page_by_page(client):
    made = [client.post("/api/jobs", {"pipeline": "noop"}).json["job_id"] for _ in range(5)]
    for job_id in made:
        client.wait_job(job_id)
    seen, cursor = [], ""
    while True:
        page = client.get("/api/jobs?limit=2" + (f"&cursor={cursor}" if cursor else "")).json
        seen += [j["job_id"] for j in page["jobs"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen[:5] == made[::-1] and len(seen) == len(set(seen))
    done = client.get("/api/jobs?status=completed&limit=100").json["jobs"]
    assert set(made) <= {j["job_id"] for j in done}
    assert {j["status"] for j in done} == {"completed"}


@pytest.mark.parametrize("query", ["status=nonsuch", "limit=0", "limit=x", "limit=-1",
                                   "limit=1000000", "cursor=%00", "cursor=zzz!", "file_id=x",
                                   "colour=red"])
def test_bad_queries_of_the_list(client, query):
    reply = client.get(f"/api/jobs?{query}")
    assert reply.status == 400, reply
    # An escape that no address may hold is refused before anybody asks what it is for.
    assert reply.error["code"] == ("INVALID_REQUEST" if "%00" in query else "INVALID_VALUE")


@pytest.mark.parametrize("rest", ["", "/events", "/chunks", "/cancel", "/retry"])
def test_a_path_that_climbs_is_malformed(client, rest):
    method = "POST" if rest in ("/cancel", "/retry") else "GET"
    reply = client.request(method, f"/api/jobs/%2e%2e%2f{rest}")
    assert (reply.status, reply.error["code"]) == (400, "INVALID_REQUEST"), reply


@pytest.mark.parametrize("job_id", ["nonsuch", "0", "00000000-0000-7000-8000-000000000000",
                                    "a'b", "x" * 500])
@pytest.mark.parametrize("rest", ["", "/events", "/chunks", "/cancel", "/retry"])
def test_unknown_jobs(client, job_id, rest):
    method = "POST" if rest in ("/cancel", "/retry") else "GET"
    reply = client.request(method, f"/api/jobs/{job_id}{rest}")
    assert reply.status == 404, reply
    assert reply.error["code"] in ("JOB_NOT_FOUND", "NOT_FOUND")


@pytest.mark.threads
def test_cancel_of_a_running_job_frees_its_workers(client):
    made = slow_job(client, 90, seed=21, delay_ms=10**7)
    client.wait_job(made["job_id"], 20, ("processing",))
    wait_until(lambda: client.job(made["job_id"])["stage"] == "transcribe", 20, "transcribe")
    reply = client.post(f"/api/jobs/{made['job_id']}/cancel")
    assert reply.status == 200 and reply.json["status"] == "cancelled", reply

    def free():
        workers = client.get("/api/queue").json["workers"]
        return all(w["current_job"] != made["job_id"] for w in workers)

    wait_until(free, 10, "the workers have left it")
    assert client.post(f"/api/jobs/{made['job_id']}/cancel").status == 200
    assert client.job(made["job_id"])["error_code"] in (None, "CANCELLED")


@pytest.mark.threads
def test_a_cancelled_job_goes_on_where_it_stopped(client):
    for delay_ms in (400, 4000, 40000):  # so that the busiest machine does not come too late
        made = slow_job(client, 90, seed=22, delay_ms=delay_ms)
        wait_until(lambda j=made["job_id"]: client.job(j)["chunks_completed"] >= 1, 20, "a chunk")
        if client.post(f"/api/jobs/{made['job_id']}/cancel").status == 200:
            break
    done = client.job(made["job_id"])["chunks_completed"]
    reply = client.post(f"/api/jobs/{made['job_id']}/retry")
    assert reply.status == 200, reply
    job = client.wait_job(made["job_id"])
    assert job["status"] == "completed" and done >= 1
    assert client.transcript(job)["text"].split() == null_words(90)


def test_what_has_ended_can_be_neither_cancelled_nor_retried(client):
    job = client.wait_job(client.upload_null(2, seed=23)["job_id"])
    for verb in ("cancel", "retry"):
        reply = client.post(f"/api/jobs/{job['job_id']}/{verb}")
        assert (reply.status, reply.error["code"]) == (409, "CONFLICT"), reply


def test_cancel_of_a_scheduled_job(client):
    later = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
    made = client.post("/api/jobs", {"pipeline": "noop", "run_after": later})
    assert made.status == 201, made
    job = client.job(made.json["job_id"])
    assert job["status"] == "pending" and job["run_after"].startswith(later[:19])
    assert client.post(f"/api/jobs/{job['job_id']}/cancel").status == 200
    assert client.job(job["job_id"])["status"] == "cancelled"


def test_a_scheduled_job_starts_when_its_time_has_come(client):
    soon = time.time() + 2
    text = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(soon))
    made = client.post("/api/jobs", {"pipeline": "noop", "run_after": text}).json
    job = client.wait_job(made["job_id"], 20)
    assert job["status"] == "completed"
    assert time.time() >= int(soon)


def test_events_tell_the_whole_story_in_order(client):
    job = client.wait_job(client.upload_null(60, seed=24)["job_id"])
    events = client.events(job["job_id"])
    kinds = [e["type"] for e in events]
    assert kinds[0] == "job_created" and kinds[-1] == "job_complete"
    assert kinds.count("job_complete") == 1 and "job_started" in kinds
    stages = [e["stage"] for e in events if e["type"] == "stage_started"]
    assert [s for s in ("split", "transcribe", "merge") if s in stages] == \
        [s for s in stages if s in ("split", "transcribe", "merge")]
    chunks = [e["chunk"] for e in events if e["type"] == "task_completed"
              and e["stage"] == "transcribe"]
    assert sorted(chunks) == list(range(job["chunks_total"]))
    assert all(e["job_id"] == job["job_id"] and e["at"].endswith("Z") for e in events)
    assert [e["id"] for e in events] == list(dict.fromkeys(e["id"] for e in events))
    for e in events:
        if e["type"] == "task_completed" and e["stage"] == "transcribe":
            assert e["worker"] and e["duration_ms"] >= 0 and e["attempt"] >= 1


def test_events_go_on_from_a_cursor(client):
    job = client.wait_job(client.upload_null(3, seed=25)["job_id"])
    events = client.events(job["job_id"])
    rest = client.get(f"/api/jobs/{job['job_id']}/events?since={events[2]['id']}").json["events"]
    assert [e["id"] for e in rest] == [e["id"] for e in events[3:]]
    assert client.get(f"/api/jobs/{job['job_id']}/events?since=bogus").status == 400


def test_chunks_cover_the_recording(client):
    job = client.wait_job(client.upload_null(70, seed=26)["job_id"])
    chunks = client.get(f"/api/jobs/{job['job_id']}/chunks").json["chunks"]
    assert [c["chunk_index"] for c in chunks] == list(range(job["chunks_total"]))
    assert chunks[0]["start_time"] == 0 and abs(chunks[-1]["end_time"] - 70) < 0.1
    for a, b in zip(chunks, chunks[1:]):
        assert b["start_time"] <= a["end_time"] and b["end_time"] > a["end_time"]
        assert a["end_time"] - a["start_time"] <= 30.001


def test_transient_failures_are_tried_again(make_server):
    server = make_server({"SCRIPTA_QUEUE_BACKOFF": "20ms", "SCRIPTA_QUEUE_MAX_FAILURES": 50})
    job = server.client.upload_null(300, seed=1, model="fail_rate=0.3")
    job = server.client.wait_job(job["job_id"], 90)
    assert job["status"] == "completed", job
    assert server.client.transcript(job)["text"].split() == null_words(300)
    failed = [e for e in server.client.events(job["job_id"]) if e["type"] == "task_failed"]
    assert failed and all(e["code"] for e in failed)


def test_a_job_that_always_fails_is_a_dead_letter_and_can_be_retried(make_server):
    server = make_server({"SCRIPTA_QUEUE_BACKOFF": "20ms"})
    made = server.client.upload_null(3, seed=1, model="fail_rate=1")
    job = server.client.wait_job(made["job_id"])
    assert (job["status"], job["dead_letter"]) == ("failed", True), job
    assert job["error_code"] and job["error_message"] and job["error_stage"] == "transcribe"
    failed = [e for e in server.client.events(job["job_id"]) if e["type"] == "task_failed"]
    assert len(failed) == 3
    # The same work again is a new job, not the failed one.
    again = server.client.upload(noise_wav(3, 1), engine="null", vad="off", model="fail_rate=1")
    assert again.status == 201 and again.json["job_id"] != job["job_id"]
    assert server.client.post(f"/api/jobs/{job['job_id']}/retry").status == 200
    job = server.client.wait_job(made["job_id"])
    assert job["status"] == "failed" and job["retry_count"] >= 1


def test_the_time_out_of_a_job(make_server):
    server = make_server({"SCRIPTA_QUEUE_JOB_TIMEOUT": "1s"})
    made = slow_job(server.client, 60, delay_ms=30000)
    job = server.client.wait_job(made["job_id"], 20)
    assert (job["status"], job["error_code"]) == ("failed", "TIMEOUT"), job


def test_high_priority_goes_first(make_server):
    client = make_server({"SCRIPTA_WORKERS": 1}).client
    busy = client.upload_null(2, seed=9, model="hang_at=0", priority="high")["job_id"]
    wait_until(lambda: "task_claimed" in [e["type"] for e in client.events(busy)
                                          if e["stage"] == "transcribe"], 20, "a busy worker")
    # In the wrong order, while the only worker is busy.
    jobs = [client.upload_null(2, seed=i, model="delay_ms=100", priority=name)["job_id"]
            for i, name in enumerate(("low", "normal", "high"))]
    for job in jobs:
        wait_until(lambda: client.job(job)["stage"] == "transcribe", 20, "its chunk is ready")
    client.post(f"/api/jobs/{busy}/cancel")
    begun = []
    for job in jobs:
        assert client.wait_job(job)["status"] == "completed"
        begun += [int(e["id"][1:], 16) for e in client.events(job)
                  if (e["type"], e["stage"]) == ("task_claimed", "transcribe")]
    assert len(begun) == 3 and begun == sorted(begun, reverse=True), begun


def test_positions_in_the_queue(make_server):
    server = make_server({"SCRIPTA_QUEUE_MAX_CONCURRENT_NORMAL": 1})
    client = server.client
    client.post("/api/queue/normal/pause")
    jobs = [client.upload_null(1, seed=i)["job_id"] for i in range(4)]
    positions = [client.job(j)["queue_position"] for j in jobs]
    waiting = [p for p in positions if p is not None]
    assert waiting == sorted(waiting) and len(waiting) >= 3, positions
    client.post("/api/queue/normal/resume")
    for job in jobs:
        assert client.wait_job(job)["status"] == "completed"


@pytest.mark.threads
def test_eta_and_progress_move(client):
    reply = client.upload(noise_wav(150, 27), engine="null", vad="off", model="hang_at=4")
    hangs = reply.json["job_id"]
    wait_until(lambda: 0 < client.job(hangs)["progress"] < 100, 30, "progress")
    client.post(f"/api/jobs/{hangs}/cancel")
    job = client.wait_job(slow_job(client, 150, seed=27, delay_ms=100)["job_id"])
    assert job["progress"] == 100 and job["eta_seconds"] in (0, None)
    assert job["processing_time"] > 0


def test_idempotency_keys_of_jobs(client):
    headers = {"Idempotency-Key": "noop-1"}
    first = client.post("/api/jobs", {"pipeline": "noop"}, headers)
    again = client.post("/api/jobs", {"pipeline": "noop"}, headers)
    other = client.post("/api/jobs", {"pipeline": "noop", "priority": "low"}, headers)
    assert first.status == 201 and again.status in (200, 201)
    assert first.json["job_id"] == again.json["job_id"]
    assert (other.status, other.error["code"]) == (409, "IDEMPOTENCY_CONFLICT")


def test_times_are_utc_with_milliseconds(client):
    job = client.wait_job(client.post("/api/jobs", {"pipeline": "noop"}).json["job_id"])
    for field in ("created_at", "started_at", "completed_at", "updated_at"):
        assert len(job[field]) == 24 and job[field][19] == "." and job[field].endswith("Z")
    assert job["created_at"] <= job["started_at"] <= job["completed_at"]


def processor_ticks(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def test_a_server_that_cancelled_a_split_rests(make_server):
    """The thread that cut the recording once went on in circles (a core's worth of them)."""
    server = make_server(env={"SCRIPTA_SPLIT_AHEAD": 1})
    made = slow_job(server.client, 240, seed=22, delay_ms=20000)
    wait_until(lambda: server.client.job(made["job_id"])["chunks_total"] == 1, 20, "one chunk")
    server.client.post(f"/api/jobs/{made['job_id']}/cancel")
    wait_until(lambda: not server.children("decode"), 10, "the decoder has gone")

    def rests():
        before, begun = processor_ticks(server.pid), time.monotonic()
        time.sleep(2)
        # One busy thread takes up to 100 a second.
        return processor_ticks(server.pid) - before < 10 * (time.monotonic() - begun)

    wait_until(rests, 30, "rest")
