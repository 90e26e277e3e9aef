"""G15: a job whose engine crashes each time, among many that are well: how much slower are they?

Paired within one run, since a busy machine changes more from minute to minute than a poisoned job
does: the same jobs without it and with it, in turn, and of the ratios the median."""

import statistics
import time

from frame import Case, Result
from harness import wait_until
from jobs import check_text, leftovers

SECONDS = 3
PAIRS = 5
WHOLE = 5000  # jobs: a poisoned one among a thousand


def submit(client, file_id, model):
    reply = client.post("/api/jobs", {"file_id": file_id, "engine": "null", "vad": False,
                                      "model": model, "force": True})
    assert reply.status == 201, reply
    return reply.json["job_id"]


def drain(client, file_id, count, poison):
    """Makes the jobs while nothing runs, then lets them run: (seconds, job ids, the poisoned)."""
    client.post("/api/queue/normal/pause")
    made, poisoned = [], None
    for i in range(count):
        if poison and i == count // 2:
            poisoned = submit(client, file_id, "crash_at=0")
        made.append(submit(client, file_id, "delay_ms=40"))
    start = time.monotonic()
    client.post("/api/queue/normal/resume")

    def drained():
        totals = client.get("/api/queue").json["totals"]
        return totals["queued"] + totals["active"] == 0

    wait_until(drained, 120 + count, "the end of all jobs", 0.02)
    return time.monotonic() - start, made, poisoned


def check_poisoned(client, job_id):
    """How often it failed."""
    job = client.job(job_id)
    assert (job["status"], job["dead_letter"]) == ("failed", True), job
    assert job["error_code"] == "WORKER_CRASHED", job
    failures = sum(e["type"] == "task_failed" for e in client.events(job_id))
    assert 1 <= failures <= 3, failures
    return failures


def check_whole(client, made):
    """How many of the others were lost."""
    lost = 0
    for job_id in made:
        job = client.job(job_id)
        lost += job["status"] != "completed"
        if job["status"] == "completed":
            check_text(client, job, SECONDS)
    return lost


def run(ctx):
    server = ctx.server({"SCRIPTA_WORKERS": 2, "SCRIPTA_QUEUE_BACKOFF": "50ms",
                         "SCRIPTA_QUEUE_MAX_CONCURRENT_NORMAL": 8})
    client = server.client
    file_id = client.wait_job(client.upload_null(SECONDS, ctx.seed % 1000)["job_id"])["file_id"]
    pairs = min(PAIRS, max(1, ctx.count // 10))
    slower, failures, whole, lost = [], 0, 0, 0
    for pair in range(pairs):
        taken = {}
        # Now one first, now the other: what drifts takes no side.
        for poison in (pair % 2 == 0, pair % 2 != 0):
            taken[poison], made, poisoned = drain(client, file_id, ctx.count // pairs, poison)
            lost += check_whole(client, made)
            whole += len(made)
            failures += check_poisoned(client, poisoned) if poison else 0
            server.wait_workers(2)
        slower.append(100 * (taken[True] / taken[False] - 1))
    median = statistics.median(slower)
    # Three restarts of a worker are felt by a few jobs, so only among many they can be judged.
    assert ctx.count < WHOLE or median < ctx.patient(5), f"{slower} % slower"
    return Result(ctx.count, {"poisoned ones": pairs, "of their failures": failures,
                              "other jobs whole": whole - lost},
                  {"slower by % in the median": round(median, 1),
                   "from %": round(min(slower), 1), "to %": round(max(slower), 1)},
                  lost=lost, leaked=leftovers(server))


CASES = [Case("G15", "some among them crash their worker", "jobs", run, short=10, one=500,
              full=WHOLE, minutes=2, alone=True)]
