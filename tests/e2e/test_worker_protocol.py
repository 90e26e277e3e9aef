"""The worker's calls, spoken by hand: leases, epochs, fences."""

import http.server
import json
import struct
import subprocess
import threading
import time

import pytest

from harness import (MEDIA, PATIENCE, Client, clean_environment, free_port, noise_wav, null_words,
                     wait_until)


class Worker:
    """A worker that does what the test says."""

    def __init__(self, client, name="by-hand", lanes=("engine:null",)):
        self.client = client
        self.lanes = list(lanes)
        reply = client.post("/api/worker/register", {
            "name": name, "host": "elsewhere", "pid": 1, "local": False,
            "engines": ["null"], "device": "cpu"})
        assert reply.status == 200, reply
        self.id = reply.json["worker_id"]
        self.lease_ms = reply.json["lease_ms"]
        self.heartbeat_ms = reply.json["heartbeat_ms"]

    def claim(self, most=1, wait_ms=5000):
        reply = self.client.post("/api/worker/claim", {
            "worker_id": self.id, "lanes": self.lanes, "max": most, "wait_ms": wait_ms})
        assert reply.status == 200, reply
        self.as_of = reply.json["as_of"]
        return reply.json["tasks"]

    def input(self, task):
        return self.client.get(f"/api/worker/tasks/{task['task_id']}/input"
                               f"?worker_id={self.id}&epoch={task['epoch']}")

    def say(self, task, verb, epoch=None, **more):
        return self.client.post(f"/api/worker/tasks/{task['task_id']}/{verb}", {
            "worker_id": self.id, "epoch": task["epoch"] if epoch is None else epoch, **more})

    def complete(self, task, epoch=None):
        start, end = task["start_ms"] / 1000, task["end_ms"] / 1000
        words = [{"word": f"t{k}", "start": max(k - start, 0), "end": min(k + 1, end) - start,
                  "confidence": 1} for k in range(int(start), int(end) + 1)
                 if start <= k + 0.5 < end]
        segments = [{"start": words[0]["start"], "end": words[-1]["end"],
                     "text": " ".join(w["word"] for w in words), "words": words}] if words else []
        return self.say(task, "complete", epoch, processing_ms=1, segments=segments)

    def beat(self, *tasks, **more):
        reply = self.client.post("/api/worker/heartbeat", {
            "worker_id": self.id,
            "tasks": [{k: t[k] for k in ("task_id", "epoch", "progress") if k in t}
                      for t in tasks], **more})
        assert reply.status == 200, reply
        return {t["task_id"]: t["answer"] for t in reply.json["tasks"]}


def silent_media(folder):
    """A scripta-media for SCRIPTA_MEDIA whose workers never say a word."""
    media = folder / "scripta-media"
    media.write_text(f'#!/bin/sh\n[ "$1" = worker ] && exec sleep 600\nexec "{MEDIA}" "$@"\n',
                     encoding="utf-8")
    media.chmod(0o755)
    return media


@pytest.fixture
def lonely(make_server, folder):
    """A server whose own workers never say a word: every task is the test's, for as long as it
    takes on a busy machine."""
    return make_server({"SCRIPTA_WORKERS": 1, "SCRIPTA_QUEUE_LEASE": "10m",
                        "SCRIPTA_MEDIA": silent_media(folder)})


def claim_mine(worker, timeout=20):
    """The next task that is leased to this worker."""
    return wait_until(lambda: worker.claim(1, 1000), timeout, "a task")[0]


def test_claim_input_complete(lonely):
    client = lonely.client
    worker = Worker(client)
    made = client.upload_null(3, seed=1)
    task = claim_mine(worker)
    assert task["job_id"] == made["job_id"] and task["stage"] == "transcribe"
    assert (task["chunk_index"], task["engine"]) == (0, "null")
    assert {"model", "language", "task", "settings", "samples", "attempt",
            "timeout_ms"} <= set(task)
    pcm = worker.input(task)
    assert pcm.status == 200 and pcm.headers["Content-Type"] == "application/octet-stream"
    assert len(pcm.body) == 2 * task["samples"] == 2 * 3 * 16000
    loud = max(abs(x) for x in struct.unpack("<1000h", pcm.body[:2000]))
    assert loud > 1000
    assert worker.beat(task) == {task["task_id"]: "ok"}
    first, again = worker.complete(task), worker.complete(task)
    assert (first.status, first.json["status"]) == (200, "accepted")
    assert (again.status, again.json["status"]) == (200, "repeated")
    job = client.wait_job(made["job_id"])
    assert client.transcript(job)["text"].split() == null_words(3)


def test_what_comes_next_is_claimed_with_a_result(lonely):
    client = lonely.client
    worker = Worker(client, lanes=["noop"])
    jobs = [client.post("/api/jobs", {"pipeline": "noop"}).json["job_id"] for _ in range(3)]
    first = claim_mine(worker)
    claim = {"lanes": ["noop"], "max": 2}
    reply = worker.say(first, "complete", claim=claim)
    assert (reply.status, reply.json["status"]) == (200, "accepted"), reply
    held = reply.json["tasks"]
    assert [t["job_id"] for t in [first, *held]] == jobs
    assert worker.beat(*held) == {t["task_id"]: "ok" for t in held}
    # Its fence decides: a stranger's result takes nothing, and nothing is handed out for it.
    stale = worker.say(held[0], "complete", held[0]["epoch"] + 1, claim=claim)
    assert (stale.status, stale.error["code"]) == (409, "LEASE_LOST"), stale
    again = worker.say(first, "complete", claim=claim)
    assert (again.json["status"], again.json["tasks"]) == ("repeated", [])
    for task in held:
        assert "tasks" not in worker.say(task, "complete").json
    for job in jobs:
        assert client.wait_job(job)["status"] == "completed"


@pytest.mark.parametrize("claim", [
    "noop", {}, {"lanes": ["noop"]}, {"lanes": [], "max": 1}, {"lanes": ["server"], "max": 1},
    {"lanes": ["noop"], "max": 0}, {"lanes": ["noop"], "max": 1, "wait_ms": 5},
    {"lanes": ["noop"], "max": 1, "batch": [0]},
])
def test_a_bad_claim_with_a_result_leaves_the_task_leased(lonely, claim):
    client = lonely.client
    worker = Worker(client, lanes=["noop"])
    client.post("/api/jobs", {"pipeline": "noop"})
    task = claim_mine(worker)
    reply = worker.say(task, "complete", claim=claim)
    assert (reply.status, reply.error["code"]) == (400, "INVALID_VALUE"), reply
    assert worker.beat(task) == {task["task_id"]: "ok"}
    assert worker.say(task, "complete").json["status"] == "accepted"


def test_a_result_after_the_lease_is_refused(make_server, folder):
    client = make_server({"SCRIPTA_WORKERS": 1, "SCRIPTA_QUEUE_LEASE": "1s",
                          "SCRIPTA_MEDIA": silent_media(folder)}).client
    late, other = Worker(client, "late"), Worker(client, "other")
    made = client.upload_null(2, seed=2)
    old = claim_mine(late)
    new = claim_mine(other)
    assert (new["task_id"], new["job_id"]) == (old["task_id"], made["job_id"])
    assert new["epoch"] > old["epoch"]
    for verb in ("complete", "fail", "release"):
        reply = late.complete(old) if verb == "complete" else \
            late.say(old, verb, code="ENGINE_ERROR", message="x") if verb == "fail" else \
            late.say(old, verb)
        assert (reply.status, reply.error["code"]) == (409, "LEASE_LOST"), (verb, reply)
    assert late.input(old).status == 409
    assert late.beat(old) == {old["task_id"]: "lost"}
    # On a busy machine the second may be late, too.
    while (reply := other.complete(new)).status == 409:
        new = claim_mine(other)
    assert reply.json["status"] == "accepted", reply
    job = client.wait_job(made["job_id"])
    assert client.transcript(job)["text"].split() == null_words(2)
    kinds = [e["type"] for e in client.events(made["job_id"]) if e["stage"] == "transcribe"]
    assert kinds.count("task_completed") == 1 and "task_interrupted" in kinds
    assert "task_failed" not in kinds


def hold(worker, seconds):
    """A task that heartbeats have kept for so long. It is claimed anew where the machine, not the
    server, let a lease pass between two of them."""
    while True:
        renewed = time.monotonic()
        task, answer, begun = claim_mine(worker), "ok", renewed
        while answer == "ok" and time.monotonic() - begun < seconds:
            time.sleep(0.5)
            asked = time.monotonic()
            answer = worker.beat(task)[task["task_id"]]
            late = 1000 * (time.monotonic() - renewed) >= worker.lease_ms
            renewed = asked
        if answer == "ok":
            return task
        assert late, "the lease was lost in spite of a heartbeat"


@pytest.mark.threads
def test_heartbeats_keep_a_lease(make_server, folder):
    server = make_server({"SCRIPTA_WORKERS": 1, "SCRIPTA_QUEUE_LEASE": "5s",
                          "SCRIPTA_MEDIA": silent_media(folder)})
    worker = Worker(server.client)
    server.client.upload_null(2, seed=3)
    assert hold(worker, 8)["attempt"] == 1


def test_what_no_heartbeat_lists_goes_back(lonely):
    client = lonely.client
    worker = Worker(client)
    job = client.upload_null(2, seed=3)["job_id"]
    task = claim_mine(worker)
    claimed = worker.as_of
    # The answer may be on its way: only who has read a later one must know of the task.
    for _ in range(3):
        worker.beat(as_of=claimed)
        assert worker.claim(1, 0) == []
    assert worker.as_of > claimed
    worker.beat(as_of=worker.as_of)
    assert [e["message"] for e in client.events(job) if e["type"] == "task_interrupted"] == [
        "the worker does not know of this task"]
    again = claim_mine(worker)
    assert again["task_id"] == task["task_id"] and again["epoch"] > task["epoch"]
    worker.complete(again)


def test_release_costs_nothing_and_fail_counts(lonely):
    client = lonely.client
    worker = Worker(client)
    made = client.upload_null(2, seed=4)
    task = claim_mine(worker)
    assert worker.say(task, "release").status == 200
    task = claim_mine(worker)
    assert task["attempt"] == 1
    assert worker.say(task, "fail", code="ENGINE_ERROR", message="as told").status == 200
    task = claim_mine(worker)
    assert task["attempt"] == 2
    assert worker.say(task, "fail", code="MODEL_ERROR", message="no such model").status == 200
    job = client.wait_job(made["job_id"])
    assert (job["status"], job["error_code"]) == ("failed", "MODEL_ERROR"), job
    assert "no such model" in job["error_message"] and job["error_chunk"] == 0


def test_a_cancelled_task_is_told_at_the_heartbeat(lonely):
    client = lonely.client
    worker = Worker(client)
    made = client.upload_null(2, seed=5)
    task = claim_mine(worker)
    client.post(f"/api/jobs/{made['job_id']}/cancel")
    assert worker.beat(task) == {task["task_id"]: "cancelled"}
    assert worker.complete(task).status == 409
    assert client.job(made["job_id"])["status"] == "cancelled"


@pytest.mark.threads
def test_a_claim_waits_for_work_and_no_longer(lonely):
    client = lonely.client
    worker = Worker(client)
    start = time.monotonic()
    assert worker.claim(1, 300) == []
    assert time.monotonic() - start > 0.25
    found = []
    waiting = threading.Thread(target=lambda: found.extend(worker.claim(1, 60000)))
    waiting.start()
    client.upload_null(1, seed=6)
    waiting.join()
    assert found


def test_the_server_forgets_nothing_but_knows_no_stranger(lonely):
    client = lonely.client
    for path, body in (
            ("/api/worker/claim", {"worker_id": 999999, "lanes": ["noop"], "max": 1, "wait_ms": 0}),
            ("/api/worker/heartbeat", {"worker_id": 999999, "tasks": []})):
        reply = client.post(path, body)
        assert (reply.status, reply.error["code"]) == (404, "NOT_FOUND"), reply


def test_a_claim_for_calls_of_several_is_shared(lonely):
    """Two workers of the lane: of three tasks that stand ready each is given what it can run now."""
    client = lonely.client
    workers = [Worker(client, name) for name in ("one", "two")]
    jobs = [client.upload_null(1, seed=70 + i, priority=p)["job_id"]
            for i, p in enumerate(("high", "normal", "normal"))]
    wait_until(lambda: all(client.job(j)["chunks_total"] == 1 for j in jobs), 20, "the cuts")

    def claim(worker, batch):
        return client.post("/api/worker/claim", {
            "worker_id": worker.id, "lanes": ["noop", "engine:null"], "max": 8,
            "batch": batch, "wait_ms": 0}).json["tasks"]

    first, second = claim(workers[0], [1, 4]), claim(workers[1], [1, 4])
    assert (len(first), len(second)) == (2, 1)
    assert {t["job_id"] for t in first + second} == set(jobs)
    for worker, tasks in zip(workers, (first, second)):
        for task in tasks:
            assert worker.say(task, "release").status == 200
    for batch in ([1], [1, 2, 3], [1, 0], [1, 65]):
        reply = client.post("/api/worker/claim", {
            "worker_id": workers[0].id, "lanes": ["noop", "engine:null"], "max": 8,
            "batch": batch, "wait_ms": 0})
        assert (reply.status, reply.error["field"]) == (400, "batch"), reply


@pytest.mark.parametrize("body", [
    {}, {"worker_id": 1}, {"worker_id": "x", "lanes": ["noop"], "max": 1, "wait_ms": 0},
    {"worker_id": 1, "lanes": [], "max": 1, "wait_ms": 0},
    {"worker_id": 1, "lanes": ["noop"], "max": 0, "wait_ms": 0},
    {"worker_id": 1, "lanes": ["noop"], "max": 100000, "wait_ms": 0},
    {"worker_id": 1, "lanes": ["noop"], "max": 1, "wait_ms": -1},
    {"worker_id": 1, "lanes": ["noop"], "max": 1, "wait_ms": 0, "colour": "red"},
])
def test_bad_claims(client, body):
    reply = client.post("/api/worker/claim", body)
    assert reply.status in (400, 404), reply


@pytest.mark.parametrize("segments", [
    [{"start": 2, "end": 1, "text": "x", "words": []}], [{"start": -1, "end": 1, "text": "x"}],
    [{"start": 0, "end": 1, "text": "x", "no_speech": 2}],
    [{"start": 0, "end": 1}], "x", [{"start": 0, "end": 1e300, "text": "x", "words": []}],
    [{"start": 0, "end": 1, "text": "x", "words": [{"word": "x", "start": 5, "end": 4}]}],
])
def test_a_result_that_makes_no_sense_is_refused(lonely, segments):
    client = lonely.client
    worker = Worker(client)
    client.upload_null(2, seed=7)
    task = claim_mine(worker)
    reply = worker.say(task, "complete", processing_ms=1, segments=segments)
    assert reply.status == 400, reply
    assert worker.complete(task).status == 200


@pytest.mark.parametrize("what, segments", [
    ("1101 segments", [{"start": 0, "end": 0, "text": "x"}] * 1101),
    ("2201 words", [{"start": 0, "end": 1, "text": "x", "words": [
        {"word": "x", "start": 0, "end": 0}] * 2201}])])
def test_a_result_has_a_bound(lonely, what, segments):
    """1000 segments and 50 for each second of the chunk, 2000 words and 100."""
    worker = Worker(lonely.client)
    lonely.client.upload_null(2, seed=70 + len(segments))
    task = claim_mine(worker)
    reply = worker.say(task, "complete", processing_ms=1, segments=segments)
    assert (reply.status, reply.error["code"]) == (400, "INVALID_VALUE"), reply
    assert f"engine 'null' gives {what} for one chunk" in reply.error["message"], reply
    if len(segments) > 1:
        segments.pop()
    else:
        segments[0]["words"].pop()
    assert worker.say(task, "complete", processing_ms=1, segments=segments).status == 200


@pytest.mark.parametrize("task_id", ["x", "-1", "99999999999999999999"])
def test_no_task_has_such_a_name(lonely, task_id):
    worker = Worker(lonely.client)
    task = {"task_id": task_id, "epoch": 1}
    for reply in (worker.input(task), worker.say(task, "release"),
                  worker.say(task, "fail", code="ENGINE_ERROR", message="x")):
        assert (reply.status, reply.json["error"]["code"]) == (404, "TASK_NOT_FOUND"), reply


@pytest.mark.threads
def test_a_worker_with_a_url_does_the_work(make_server):
    """The same program, far away: scripta-media worker --server http://…"""
    port = free_port()
    server = make_server({"SCRIPTA_WORKERS": 1}, args=["--listen", f"127.0.0.1:{port}"])
    far = subprocess.Popen([str(MEDIA), "worker", "--server", f"http://127.0.0.1:{port}",
                            "--name", "far"], stdin=subprocess.DEVNULL, env=clean_environment())
    try:
        client = Client(port=port)
        wait_until(lambda: "far" in [w["name"] for w in client.get("/api/queue").json["workers"]],
                   20, "the far worker")
        job = client.upload(noise_wav(300, 1), engine="null", vad="off", model="delay_ms=200").json
        job = client.wait_job(job["job_id"], 90)
        assert client.transcript(job)["text"].split() == null_words(300)
        workers = {e["worker"] for e in client.events(job["job_id"])
                   if e["type"] == "task_completed" and e["stage"] == "transcribe"}
        assert any("far" in w for w in workers), workers
    finally:
        far.terminate()
        assert far.wait(PATIENCE) == 0
    assert server.client.get("/api/health").status == 200


def test_a_worker_without_work_lets_its_model_go_and_takes_it_up_again(make_server):
    server = make_server({"SCRIPTA_WORKERS": 1, "SCRIPTA_ENGINE_KEEP": "100ms"})
    for seed in (1, 2):
        job = server.client.wait_job(server.client.upload_null(5, seed)["job_id"])
        assert server.client.transcript(job)["text"].split() == null_words(5)
        wait_until(lambda n=seed: server.log.read_text("utf-8").count("model let go") == n, 60,
                   "the end of the model")


def test_progress_within_a_chunk_moves_the_job(make_server, folder):
    # What was told is believed for a lease: so long that no busy machine outlasts it.
    client = make_server({"SCRIPTA_WORKERS": 1, "SCRIPTA_QUEUE_LEASE": "10m",
                          "SCRIPTA_MEDIA": silent_media(folder)}).client
    job_id = client.upload_null(20)["job_id"]
    worker = Worker(client)
    task = claim_mine(worker)
    assert (client.job(job_id)["progress"], client.job(job_id)["eta_seconds"]) == (0, None)
    worker.beat({**task, "progress": 50})
    job = client.job(job_id)
    assert job["progress"] == 47 and job["eta_seconds"] >= 0, job
    assert client.get("/api/jobs").json["jobs"][0]["progress"] == 47
    assert worker.complete(task).status == 200
    assert client.wait_job(job_id)["progress"] == 100
    # A worker of ours tells what its engine knows.
    other = make_server({"SCRIPTA_QUEUE_HEARTBEAT": "100ms"}).client
    job_id = other.upload_null(5, model="delay_ms=120000")["job_id"]
    job = wait_until(lambda: next((j for j in [other.job(job_id)] if j["progress"] > 0), None), 30,
                     "progress within the only chunk")
    assert 0 < job["progress"] < 95 and job["eta_seconds"] > 0, job
    other.post(f"/api/jobs/{job_id}/cancel")


class Answering(http.server.BaseHTTPRequestHandler):
    """A server with two tasks, whose answer to the first result is long on its way: what it hands
    out with it, the worker cannot list yet."""

    protocol_version = "HTTP/1.1"

    def work(self, number):
        return {"task_id": number, "epoch": 1, "stage": "transcribe", "engine": "null",
                "model": "delay_ms=300", "chunk_index": 0, "start_ms": 0, "end_ms": 1000,
                "samples": 16000, "settings": {}, "attempt": 1, "timeout_ms": 0}

    def wait_for_beats(self, more):
        beats = self.server.beats
        wait_until(lambda least=len(beats) + more: len(beats) >= least, 20, "heartbeats")

    def answer_to(self, call, said):
        if call == "register":
            return {"worker_id": 1, "lease_ms": 60000, "heartbeat_ms": 20}
        if call == "heartbeat":
            self.server.beats.append(([t["task_id"] for t in said["tasks"]], said.get("as_of")))
            return {"tasks": [{**t, "answer": "ok"} for t in said["tasks"]]}
        if call == "claim":
            first = not self.server.claims
            self.server.claims += 1
            if not first:
                time.sleep(0.2)
            return {"tasks": [self.work(1)] if first else [], "as_of": 100 if first else 300}
        if "tasks/1/" in self.path:
            self.wait_for_beats(5)
            self.server.beats.append("answered")
            return {"status": "accepted", "tasks": [self.work(2)], "as_of": 200}
        self.wait_for_beats(1)
        return {"status": "accepted", "tasks": [], "as_of": 300}

    def reply(self, kind, body):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):  # the name is http.server's
        said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.reply("application/json",
                   json.dumps(self.answer_to(self.path.split("/")[-1], said)).encode())

    def do_GET(self):  # the name is http.server's
        self.reply("application/octet-stream", bytes(32000))

    def log_message(self, *args):  # the name is http.server's
        pass


def test_a_worker_says_which_answers_to_claims_it_has_read():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        server.beats, server.claims = [], 0
        threading.Thread(target=server.serve_forever, daemon=True).start()
        worker = subprocess.Popen([str(MEDIA), "worker", "--server",
                                   f"http://127.0.0.1:{server.server_port}", "--name", "far"],
                                  stdin=subprocess.DEVNULL, env=clean_environment())
        try:
            wait_until(lambda: server.claims > 1, 30, "both tasks")
        finally:
            worker.terminate()
            assert worker.wait(PATIENCE) == 0
            server.shutdown()
    answered = server.beats.index("answered")
    before = server.beats[:answered]
    behind = [b for b in server.beats[answered + 1:] if 2 in b[0]]
    # The second task was the worker's by then, as far as the server was concerned.
    assert len(before) >= 5 and {b[1] for b in before} == {100}, server.beats
    assert behind and {b[1] for b in behind} == {200}, server.beats
    assert all(2 in b[0] for b in server.beats[answered + 1:] if b[1] == 200), server.beats
