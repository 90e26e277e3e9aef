"""G5: a disk that is full is said, nothing acknowledged is lost, and work goes on when there is room."""

import os
import time

from disks import Requests, fill
from frame import Case, Result
from harness import null_words, wait_until


def run(ctx):
    disk = ctx.tmpfs("24m")
    server = ctx.server(data=disk / "d")
    client = server.client
    requests = Requests(ctx.first * 5)
    assert requests.submit(client)
    slowest, refusals = 0.0, 0
    for _ in range(ctx.count):
        fill(disk / "ballast")
        requests.refused = []
        for _ in range(4):
            requests.submit(client)
        assert [r for r in requests.refused if r[0] == "upload"], "a full disk refused nothing"
        assert {r[1] for r in requests.refused} <= {503, 507}, requests.refused
        refusals += len(requests.refused)
        assert client.get("/api/health/live").status == 200
        os.unlink(disk / "ballast")
        start = time.monotonic()
        wait_until(lambda: requests.submit(client), ctx.patient(5), "work goes on", 0.1)
        slowest = max(slowest, time.monotonic() - start)
    requests.check(client)
    assert server.process.poll() is None
    server.kill()
    server.check_database()
    server.start()
    requests.check(client)
    return Result(ctx.count, {"jobs acknowledged": len(requests.acknowledged),
                              "refusals": refusals},
                  leaked=len(list(server.data.glob("temp/*"))), recovery_s=slowest)


def run_while_working(ctx):
    for n in range(ctx.first, ctx.first + ctx.count):
        disk = ctx.tmpfs("24m")
        server = ctx.server(data=disk / "d")
        client = server.client
        made = client.upload_null(300, seed=n, model="delay_ms=300")
        wait_until(lambda c=client, m=made: c.job(m["job_id"])["chunks_completed"] >= 1, 60,
                   "a chunk")
        fill(disk / "ballast")
        # Until it has met the full disk, or has nothing left to do with it.
        wait_until(lambda c=client, m=made: c.get("/api/health/ready").status != 200 or
                   c.job(m["job_id"])["status"] == "completed", 60, "meeting the full disk")
        assert client.get("/api/health/live").status == 200
        os.unlink(disk / "ballast")
        job = client.wait_job(made["job_id"], 120)
        assert job["status"] == "completed", job
        assert client.transcript(job)["text"].split() == null_words(300)
        assert server.stop() == 0, server.tail()
    return Result(ctx.count, {"jobs that went on": ctx.count})


CASES = [
    Case("G5", "a disk that is full, while clients submit", "times full", run, short=2, one=30,
         full=100, round=10, needs=("tmpfs",), minutes=0.7),
    Case("G5.running", "a disk that fills while a job runs", "jobs", run_while_working, short=1,
         one=5, full=20, round=5, needs=("tmpfs",), minutes=0.4),
]
