"""G3: a worker is stopped past its lease, its task is done by another, and then it goes on."""

import os
import signal
import subprocess

from frame import Case, Result
from harness import MEDIA, PATIENCE, clean_environment, kill, null_words, wait_until
from jobs import leftovers
from remains import beside

SECONDS = 20
WRONG = {"processing_ms": 1, "segments": [{"start": 0, "end": 1, "text": "too late", "words": []}]}


def start_worker(ctx, server, name):
    """A worker that no supervisor watches: only its lease can tell that it is gone."""
    process = subprocess.Popen(
        [str(MEDIA), "worker", "--server", f"unix:{server.socket}", "--name", name, "--engines",
         "null"], stdin=subprocess.DEVNULL, stderr=open(server.log, "ab"),
        env=clean_environment(), start_new_session=True)

    def end():
        kill(process.pid, signal.SIGCONT)
        kill(process.pid)
        process.wait()

    ctx.stack.callback(end)
    return process


def holder(server, job_id):
    """(task, worker, epoch, pid) of the chunk that is being recognised, or None."""
    with beside(server) as db:
        return db.execute(
            "SELECT tasks.id, workers.id, tasks.epoch, workers.pid FROM tasks"
            " JOIN workers ON workers.id = tasks.worker_id JOIN jobs ON jobs.id = tasks.job"
            " WHERE jobs.job_id = ? AND tasks.state = 1 AND tasks.chunk >= 0",
            (job_id,)).fetchone()


def stop_in_chunk(server, seed):
    """Stops a worker in the middle of a job's only chunk: the job, and what holder() says of it."""
    client = server.client

    def begun(job_id):
        return holder(server, job_id) or client.job(job_id)["status"] == "completed" or None

    while True:
        job_id = client.upload_null(SECONDS, seed, model="delay_ms=1200", force="true")["job_id"]
        held = wait_until(lambda job=job_id: begun(job), 60, "a claim", 0.05)
        if held is True:
            continue  # we were too slow to see it at work
        os.kill(held[-1], signal.SIGSTOP)
        if holder(server, job_id) == held:
            return job_id, held
        kill(held[-1], signal.SIGCONT)  # it was through before the stop


def one_stop(server, seed):
    """Returns whether the worker knew by itself that it was too late."""
    client = server.client
    job_id, (task, worker, epoch, pid) = stop_in_chunk(server, seed)
    try:
        job = client.wait_job(job_id, 60)
    finally:
        kill(pid, signal.SIGCONT)
    assert job["status"] == "completed", job
    # The worst that it could still say, whatever it found out by itself.
    reply = client.post(f"/api/worker/tasks/{task}/complete",
                        {"worker_id": worker, "epoch": epoch, **WRONG})
    assert (reply.status, reply.error["code"]) == (409, "LEASE_LOST"), reply
    return job_id


def check(client, job_id):
    assert client.transcript(client.job(job_id))["text"].split() == null_words(SECONDS)
    kinds = [e["type"] for e in client.events(job_id) if e["stage"] == "transcribe"]
    assert "task_interrupted" in kinds and "task_failed" not in kinds, kinds
    return kinds.count("task_completed")


def run(ctx):
    server = ctx.server({"SCRIPTA_WORKERS": -1, "SCRIPTA_QUEUE_LEASE": "1s",
                         "SCRIPTA_QUEUE_HEARTBEAT": "200ms"})
    client = server.client
    workers = [start_worker(ctx, server, f"w{i}") for i in range(2)]
    seed = ctx.rng.randrange(1 << 30)
    jobs = [one_stop(server, seed + i) for i in range(ctx.count)]
    # Both still work: what the stopped ones had to say has been said by now.
    for i in range(4):
        job = client.wait_job(client.upload_null(5, seed - 1 - i)["job_id"], 60)
        assert job["status"] == "completed", job
    assert all(w.poll() is None for w in workers), "a worker ended"
    twice = sum(check(client, job_id) - 1 for job_id in jobs)
    for worker in workers:
        worker.terminate()
        worker.wait(PATIENCE)
    server.check_database()
    return Result(ctx.count, {"late results refused": ctx.count}, twice=twice,
                  leaked=leftovers(server))


CASES = [Case("G3", "a worker stopped past its lease of 1 s, then continued", "stops", run, short=1,
              one=15, full=100, round=10, minutes=0.7)]
