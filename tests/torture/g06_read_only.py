"""G6: a file system that the kernel has turned read-only under a running server. A remount by hand
is no test of it: that is refused while files are open for writing."""

import signal
import subprocess

from frame import Case, Result
from harness import PATIENCE, noise_wav, null_words, wait_until

CALLS = "pwrite64,fsync,fdatasync,ftruncate,fallocate,mkdir,rename,renameat,renameat2,linkat"


def one(ctx, n):
    server = ctx.server()
    client = server.client
    job = client.wait_job(client.upload_null(3, seed=3 * n + 1)["job_id"])
    running = client.upload_null(300, seed=3 * n + 2, model="delay_ms=200")["job_id"]
    with open(ctx.folder / "strace", "wb") as said:
        tracer = subprocess.Popen(["strace", "-f", "-p", str(server.pid), "-o",
                                   str(ctx.folder / "trace"), "-e", f"trace={CALLS}", "-e",
                                   f"inject={CALLS}:error=EROFS"], stderr=said)
    try:
        wait_until(lambda: client.get("/api/health/ready").status == 503, 30, "noticing")
        reply = client.upload(noise_wav(2, 3 * n + 3), engine="null")
        assert (reply.status, reply.error["code"]) == (503, "STORE_READ_ONLY"), reply
        reply = client.post("/api/jobs", {"pipeline": "noop"})
        assert (reply.status, reply.error["code"]) == (503, "STORE_READ_ONLY"), reply
        assert client.transcript(job)["text"].split() == null_words(3)
        assert client.get("/api/health/live").status == 200
        assert client.get("/api/health").json["status"] == "degraded"
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.wait(PATIENCE)
    wait_until(lambda: client.upload(noise_wav(2, 3 * n + 4), engine="null").status == 201, 30,
               "writing")
    job = client.wait_job(running, 120)
    assert job["status"] == "completed", job
    assert client.transcript(job)["text"].split() == null_words(300)
    assert "task_failed" not in [e["type"] for e in client.events(running)]
    server.kill()
    server.check_database()


def run(ctx):
    for n in range(ctx.first, ctx.first + ctx.count):
        one(ctx, n)
    return Result(ctx.count, {"jobs that went on": ctx.count})


CASES = [
    Case("G6", "a disk that turns read-only while a job runs", "times", run, short=1, one=5,
         full=20, round=5, needs=("strace",), minutes=0.4),
]
