"""G15: one job whose engine crashes each time, among many that are well."""

import time

from frame import Case, Result
from harness import wait_until
from jobs import check_text, leftovers

SECONDS = 3


def drain(client, file_id, count, poison):
    """Makes the jobs while nothing runs, then lets them run: (seconds, job ids, the poisoned)."""
    client.post("/api/queue/normal/pause")
    made, poisoned = [], None
    for i in range(count):
        model = "crash_at=0" if poison and i == count // 2 else "delay_ms=40"
        reply = client.post("/api/jobs", {"file_id": file_id, "engine": "null", "vad": False,
                                          "model": model, "force": True})
        assert reply.status == 201, reply
        if model == "crash_at=0":
            poisoned = reply.json["job_id"]
        else:
            made.append(reply.json["job_id"])
    start = time.monotonic()
    client.post("/api/queue/normal/resume")

    def drained():
        totals = client.get("/api/queue").json["totals"]
        return totals["queued"] + totals["active"] == 0

    wait_until(drained, 120 + count, "the end of all jobs", 0.02)
    return time.monotonic() - start, made, poisoned


def run(ctx):
    server = ctx.server({"SCRIPTA_WORKERS": 2, "SCRIPTA_QUEUE_BACKOFF": "50ms",
                         "SCRIPTA_QUEUE_MAX_CONCURRENT_NORMAL": 8})
    client = server.client
    file_id = client.wait_job(client.upload_null(SECONDS, ctx.seed % 1000)["job_id"])["file_id"]
    calm_s, made, _ = drain(client, file_id, ctx.count, False)
    with_s, more, poisoned = drain(client, file_id, ctx.count, True)
    lost = 0
    for job_id in made + more:
        job = client.job(job_id)
        lost += job["status"] != "completed"
        if job["status"] == "completed":
            check_text(client, job, SECONDS)
    job = client.job(poisoned)
    assert (job["status"], job["dead_letter"]) == ("failed", True), job
    assert job["error_code"] == "WORKER_CRASHED", job
    failures = sum(e["type"] == "task_failed" for e in client.events(poisoned))
    assert 1 <= failures <= 3, failures
    server.wait_workers(2)
    slower = 100 * (with_s / calm_s - 1)
    # Three restarts of a worker are felt by a few jobs, so only by many they can be judged.
    assert ctx.count < 1000 or slower < 5 * ctx.patient(1), f"{slower:.1f} % slower"
    return Result(ctx.count, {"failures before the dead letter": failures,
                              "other jobs whole": len(made + more) - lost},
                  {"slower by %": round(slower, 1)}, lost=lost, leaked=leftovers(server))


CASES = [Case("G15", "one job that crashes its worker among them", "jobs", run, short=10, one=300,
              full=1000, minutes=2, alone=True)]
