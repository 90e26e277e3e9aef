"""What is killed, stopped or poisoned: nothing acknowledged is lost, nothing is done twice (G1, G2,
G3, G15, G16, G19 of the list in docs/testing.md)."""

import http.client
import os
import random
import signal
import threading
import time

import pytest

from harness import SCALE, SLOW, kill, noise_wav, null_words, wait_until

SEED = int(os.environ.get("SEED", "0")) or random.SystemRandom().randrange(1, 1 << 31)


class Submitter(threading.Thread):
    """Submits over HTTP until told to stop; keeps what was acknowledged. An answer that never came is
    asked for again under the same Idempotency-Key."""

    def __init__(self, client, number, pause, most):
        super().__init__(daemon=True)
        self.client = client
        self.rng = random.Random(SEED * 1000 + number)
        self.number = number
        self.pause = pause
        self.most = most
        self.acknowledged = {}  # job_id -> seconds, 0 for noop
        self.refused = []
        self.stopping = threading.Event()

    def submit(self, count, seconds):
        key = f"kill-{SEED}-{self.number}-{count}"
        if seconds == 0:
            return self.client.post("/api/jobs", {"pipeline": "noop"}, {"Idempotency-Key": key},
                                    timeout=20)
        data = noise_wav(seconds, SEED + self.number * 100000 + count)
        return self.client.upload(data, key=key, engine="null", vad="off", model="delay_ms=5",
                                  timeout=20)

    def run(self):
        for count in range(self.most):
            seconds = self.rng.choice([0, 0, 2, 5, 31, 65])
            while True:
                if self.stopping.is_set():
                    return
                try:
                    reply = self.submit(count, seconds)
                except (OSError, http.client.HTTPException):
                    time.sleep(0.02)
                    continue
                if reply.status in (200, 201):
                    self.acknowledged[reply.json["job_id"]] = seconds
                    break
                if reply.status != 503:
                    self.refused.append(reply)
                    return
                time.sleep(0.02)
            time.sleep(self.rng.uniform(0, self.pause))


def check_all(client, acknowledged, timeout):
    """Every acknowledged job ended once, with exactly its text."""
    for job_id, seconds in acknowledged.items():
        job = client.wait_job(job_id, timeout)
        assert job["status"] == "completed", job
        kinds = [e["type"] for e in client.events(job_id)]
        assert kinds.count("job_complete") == 1 and kinds.count("job_created") == 1, \
            (seconds, job, " ".join(kinds))
        assert "task_failed" not in kinds and "job_error" not in kinds, kinds
        if seconds:
            assert client.transcript(job)["text"].split() == null_words(seconds), job_id
            found = client.get(f"/api/transcripts?job_id={job_id}").json["transcripts"]
            assert [t["id"] for t in found] == [job["transcript_id"]]
            chunks = client.get(f"/api/jobs/{job_id}/chunks").json["chunks"]
            assert [c["chunk_index"] for c in chunks] == list(range(job["chunks_total"]))


@pytest.mark.timeout(150 * SCALE + 120)
def test_g1_kill_the_server_while_jobs_are_submitted(make_server):
    kills = int(40 * SCALE)
    print(f"SEED={SEED} kills={kills}")
    rng = random.Random(SEED)
    server = make_server({"SCRIPTA_QUEUE_MAX_CONCURRENT_NORMAL": 8})
    submitters = [Submitter(server.client, i, 0.25, int(60 * SCALE)) for i in range(3)]
    for s in submitters:
        s.start()
    slowest = 0.0
    for _ in range(kills):
        time.sleep(rng.uniform(0.005, 0.4))
        server.kill()
        server.check_database()
        start = time.monotonic()
        server.start()
        slowest = max(slowest, time.monotonic() - start)
    for s in submitters:
        s.join(60 * max(1, SCALE))
        s.stopping.set()
        assert not s.refused, s.refused
    acknowledged = {}
    for s in submitters:
        assert not set(s.acknowledged) & set(acknowledged)
        acknowledged.update(s.acknowledged)
    check_all(server.client, acknowledged, 60)
    known = 0
    cursor = ""
    while cursor is not None:
        page = server.client.get("/api/jobs?limit=100" + (f"&cursor={cursor}" if cursor else ""))
        known += len(page.json["jobs"])
        cursor = page.json["next_cursor"]
    # One job for each key, whatever became of the answer.
    assert known <= sum(s.most for s in submitters)
    server.check_database()
    print(f"G1: {kills} kills, {len(acknowledged)} jobs acknowledged, 0 lost, 0 twice; "
          f"slowest restart {slowest:.2f} s (seed {SEED})")
    assert slowest < 1 * SLOW + 0.5
    assert len(acknowledged) >= kills


@pytest.mark.timeout(120 * SCALE + 120)
def test_g2_kill_workers_and_decoders(make_server):
    kills = int(12 * SCALE)
    print(f"SEED={SEED} kills={kills}")
    rng = random.Random(SEED)
    server = make_server({"SCRIPTA_WORKERS": 2})
    seconds = 1500
    made = server.client.upload_null(seconds, seed=SEED % 1000, model="delay_ms=150")
    done = 0
    while done < kills:
        time.sleep(rng.uniform(0.05, 0.5))
        targets = server.workers() + server.children("decode")
        if server.client.job(made["job_id"])["status"] not in ("pending", "processing"):
            made = server.client.upload_null(seconds, seed=SEED % 1000, model="delay_ms=150",
                                             force="true")
            continue
        if targets:
            kill(rng.choice(targets))
            done += 1
    job = server.client.wait_job(made["job_id"], 120)
    assert job["status"] == "completed", job
    assert server.client.transcript(job)["text"].split() == null_words(seconds)
    events = server.client.events(made["job_id"])
    results = [e["chunk"] for e in events
               if e["type"] == "task_completed" and e["stage"] == "transcribe"]
    assert sorted(results) == list(range(job["chunks_total"]))
    assert not [e for e in events if e["type"] == "task_failed"]
    # A chunk whose result was in is never done again.
    first_done = {}
    for i, e in enumerate(events):
        if e["type"] == "task_completed" and e["stage"] == "transcribe":
            first_done.setdefault(e["chunk"], i)
    again = [e for i, e in enumerate(events) if e["type"] == "task_claimed"
             and e["stage"] == "transcribe" and i > first_done.get(e["chunk"], len(events))]
    assert not again
    server.check_database()
    print(f"G2: {kills} kills of workers and decoders, {job['chunks_total']} chunks, "
          f"0 done again (seed {SEED})")


def test_g2_a_dead_workers_task_is_taken_up_at_once(make_server):
    """The supervisor sees the death: no lease of 30 s is waited for."""
    server = make_server({"SCRIPTA_WORKERS": 1})
    made = server.client.upload_null(20, seed=1, model="delay_ms=2000")
    client = server.client
    wait_until(lambda: [e for e in client.events(made["job_id"])
                        if e["type"] == "task_claimed" and e["stage"] == "transcribe"], 20, "a claim")
    start = time.monotonic()
    for pid in server.workers():
        kill(pid)
    wait_until(lambda: [e for e in client.events(made["job_id"])
                        if e["type"] == "task_interrupted"], 5, "the interruption")
    assert time.monotonic() - start < 1 * SLOW
    job = client.wait_job(made["job_id"], 30)
    assert job["status"] == "completed"
    assert client.transcript(job)["text"].split() == null_words(20)


def test_g3_a_stopped_worker_comes_back_too_late(make_server):
    server = make_server({"SCRIPTA_WORKERS": 2, "SCRIPTA_QUEUE_LEASE": "1s",
                          "SCRIPTA_QUEUE_HEARTBEAT": "200ms"})
    client = server.client
    for turn in range(int(3 * SCALE)):
        made = client.upload_null(20, seed=turn, model="delay_ms=1500")
        job_id = made["job_id"]
        claimed = wait_until(lambda: [e for e in client.events(job_id)
                                      if e["type"] == "task_claimed"
                                      and e["stage"] == "transcribe"], 20, "a claim")[0]
        holder = [w for w in client.get("/api/queue").json["workers"]
                  if w["current_job"] == job_id and w["pid"] != server.pid]
        assert holder, claimed
        os.kill(holder[0]["pid"], signal.SIGSTOP)
        try:
            job = client.wait_job(job_id, 30)
        finally:
            kill(holder[0]["pid"], signal.SIGCONT)
        # Time enough for the late result to arrive and be refused.
        other = client.upload_null(5, seed=100 + turn)
        client.wait_job(other["job_id"], 30)
        assert job["status"] == "completed"
        assert client.transcript(client.job(job_id))["text"].split() == null_words(20)
        kinds = [e["type"] for e in client.events(job_id) if e["stage"] == "transcribe"]
        assert kinds.count("task_completed") == 1 and "task_interrupted" in kinds
        assert "task_failed" not in kinds
    print(f"G3: {int(3 * SCALE)} workers stopped past their lease, 0 late results taken")


def test_g15_a_poisoned_job_ends_alone(make_server):
    server = make_server({"SCRIPTA_WORKERS": 2, "SCRIPTA_QUEUE_BACKOFF": "50ms",
                          "SCRIPTA_QUEUE_MAX_CONCURRENT_NORMAL": 8})
    client = server.client
    poison = client.upload_null(5, seed=1, model="crash_at=0")["job_id"]
    others = {}
    for i in range(int(20 * SCALE)):
        seconds = 3 + i % 40
        others[client.upload_null(seconds, seed=10 + i, model="delay_ms=20")["job_id"]] = seconds
    job = client.wait_job(poison, 60)
    assert (job["status"], job["dead_letter"]) == ("failed", True), job
    assert job["error_code"] == "WORKER_CRASHED", job
    failures = [e for e in client.events(poison) if e["type"] == "task_failed"]
    assert 1 <= len(failures) <= 3, failures
    for job_id, seconds in others.items():
        job = client.wait_job(job_id, 60)
        assert job["status"] == "completed", job
        assert client.transcript(job)["text"].split() == null_words(seconds)
    server.wait_workers(2)
    print(f"G15: dead letter after {len(failures)} failures, {len(others)} other jobs whole")


def test_g15_a_worker_that_exits_is_an_interruption_and_does_not_loop_for_ever(make_server):
    server = make_server({"SCRIPTA_WORKERS": 1, "SCRIPTA_QUEUE_MAX_INTERRUPTIONS": 3,
                          "SCRIPTA_QUEUE_BACKOFF": "20ms"})
    made = server.client.upload_null(3, seed=1, model="exit_at=0")
    job = server.client.wait_job(made["job_id"], 60)
    assert job["status"] == "failed" and job["dead_letter"], job
    kinds = [e["type"] for e in server.client.events(made["job_id"])]
    assert "task_interrupted" in kinds


def test_exports_that_a_kill_prevents_are_made_at_the_next_start(make_server):
    server = make_server({"SCRIPTA_AUTO_EXPORT": "srt,txt", "SCRIPTA_FAULT": "export.before:kill"})
    made = server.client.upload_null(3, seed=9)
    server.process.wait(20)
    server.process = None
    folder = server.data / "transcripts" / made["job_id"]
    assert not folder.exists()
    del server.env["SCRIPTA_FAULT"]
    server.start()
    assert server.client.job(made["job_id"])["status"] == "completed"
    wait_until(lambda: (folder / "transcript.txt").exists(), 20, "the exports")
    assert (folder / "transcript.txt").read_text().split() == null_words(3)


def test_an_engine_that_does_not_stop_loses_its_worker(make_server):
    server = make_server({"SCRIPTA_WORKERS": 1, "SCRIPTA_QUEUE_HEARTBEAT": "50ms",
                          "SCRIPTA_QUEUE_STOP_GRACE": "400ms"})
    client = server.client
    deaf = client.upload_null(3, seed=3, model="deaf_at=0")["job_id"]
    wait_until(lambda: any(e["type"] == "task_claimed" and e["stage"] == "transcribe"
                           for e in client.events(deaf)), 20, "the deaf engine to begin")
    pids = server.workers()
    assert client.post(f"/api/jobs/{deaf}/cancel").status == 200
    # Its only worker is needed: the next job shows that the place is free again.
    job = client.wait_job(client.upload_null(3, seed=4)["job_id"], 20)
    assert job["status"] == "completed", job
    assert server.workers() != pids
    ends = [e for e in client.events(deaf) if e["type"] == "task_interrupted"]
    assert len(ends) == 1 and "did not stop" in ends[0]["message"], ends
    assert client.job(deaf)["status"] == "cancelled"


def test_an_engine_that_stops_keeps_its_worker(make_server):
    server = make_server({"SCRIPTA_WORKERS": 1, "SCRIPTA_QUEUE_HEARTBEAT": "50ms",
                          "SCRIPTA_QUEUE_STOP_GRACE": "400ms"})
    client = server.client
    hung = client.upload_null(3, seed=5, model="hang_at=0")["job_id"]
    wait_until(lambda: any(e["type"] == "task_claimed" and e["stage"] == "transcribe"
                           for e in client.events(hung)), 20, "the engine to begin")
    pids = server.workers()
    client.post(f"/api/jobs/{hung}/cancel")
    # Long enough after the grace that a kill would show.
    job = client.wait_job(client.upload_null(3, seed=6, model="delay_ms=900")["job_id"], 20)
    assert job["status"] == "completed" and server.workers() == pids


def test_a_long_recording_reads_the_same_after_server_kills(make_server):
    server = make_server({"SCRIPTA_WORKERS": 2})
    rng = random.Random(SEED)
    seconds = 1200
    made = server.client.upload_null(seconds, seed=9, model="delay_ms=100")
    for _ in range(int(5 * SCALE)):
        time.sleep(rng.uniform(0.1, 0.6))
        server.kill()
        server.start()
    job = server.client.wait_job(made["job_id"], 120)
    assert job["status"] == "completed", job
    assert server.client.transcript(job)["text"].split() == null_words(seconds)
    whole = server.client.get(f"/api/transcripts/{job['transcript_id']}/export.srt").body
    calm = server.client.wait_job(server.client.upload_null(seconds, seed=9, force="true",
                                                            model="delay_ms=1")["job_id"], 120)
    other = server.client.get(f"/api/transcripts/{calm['transcript_id']}/export.srt").body
    assert whole == other


def test_g3_a_stopped_worker_gives_up_its_place(make_server):
    """There is room for one worker, and it is stopped for ever."""
    server = make_server({"SCRIPTA_WORKERS": 1, "SCRIPTA_QUEUE_LEASE": "1s",
                          "SCRIPTA_QUEUE_HEARTBEAT": "200ms"})
    client = server.client
    job_id = client.upload_null(40, seed=1, model="delay_ms=500")["job_id"]
    wait_until(lambda: client.job(job_id)["chunks_completed"] == 1, 20, "a chunk")
    stopped = server.workers()[0]
    os.kill(stopped, signal.SIGSTOP)
    job = client.wait_job(job_id, 15)
    assert job["status"] == "completed", job
    assert client.transcript(job)["text"].split() == null_words(40)
    assert stopped not in server.workers()
