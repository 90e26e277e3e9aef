"""G11: what people and backup programs do to a data folder while no server runs: the write-ahead
log and its index deleted, cut off or overwritten, stale locks and sockets. The server starts, or
says exactly why it does not; what stood in the store itself is there."""

import os
import socket
import subprocess
import time

from frame import Case, Result
from harness import PATIENCE, SCRIPTA, clean_environment, null_words

SECONDS = 3


def delete(path, _rng):
    path.unlink(missing_ok=True)


def cut(path, rng):
    if path.exists():
        os.truncate(path, rng.randrange(path.stat().st_size + 1))


def scribble(path, rng):
    """Overwrites a piece, as a dying disk does."""
    if path.exists() and (size := path.stat().st_size):
        with open(path, "r+b") as f:
            f.seek(rng.randrange(size))
            f.write(rng.randbytes(rng.randrange(1, 5000)))


def garbage(path, rng):
    path.unlink(missing_ok=True)
    path.write_bytes(rng.randbytes(rng.choice([1, 100, 40000])))


def stale_lock(path, rng):
    """A lock file of a process that lives, but holds no lock."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"{rng.choice([1, os.getpid(), 999999999])}\n")


def stale_socket(path, _rng):
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
        s.bind(str(path))


LOG_GONE = "the store's log has gone: what was written last may be lost"
# (file, what is done to it, whether what was acknowledged must still be there, what must be said,
# whether the start is refused with it)
DAMAGES = [
    ("scripta.db-shm", garbage, True, "", False),
    ("scripta.db-wal", delete, False, LOG_GONE, False),
    ("scripta.db-wal", scribble, False, "", False),
    ("run/scripta.sock", garbage, True, "run/scripta.sock' exists and is no socket", True),
    ("run/lock", stale_lock, True, "", False),
    ("scripta.db-shm", delete, True, "", False),
    ("scripta.db-shm", cut, True, "", False),
    ("scripta.db-shm", scribble, True, "", False),
    ("scripta.db-wal", cut, False, "", False),
    ("scripta.db-wal", garbage, False, "", False),
    ("run/lock", delete, True, "", False),
    ("run/lock", garbage, True, "", False),
    ("run/scripta.sock", delete, True, "", False),
    ("run/scripta.sock", stale_socket, True, "", False),
]


def second_server(server):
    """Another one on the same folder: (exit code, what it says, how long it took)."""
    start = time.monotonic()
    done = subprocess.run([str(SCRIPTA), "--data", str(server.data), "serve"], check=False,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE,
                          env=clean_environment())
    return done.returncode, done.stderr, time.monotonic() - start


def damage(ctx, server, number):
    """One kill, one damage, one start. Returns how many jobs only the log held."""
    client = server.client
    job = client.wait_job(client.upload_null(SECONDS, ctx.rng.randrange(1 << 30))["job_id"])
    assert job["status"] == "completed", job
    server.kill()
    name, how, keeps, words, refused = DAMAGES[number % len(DAMAGES)]
    how(server.data / name, ctx.rng)
    server.log.write_text("")
    if refused:
        server.start(wait=False)
        assert server.process.wait(PATIENCE) != 0, "it started"
        server.process = None
        assert words in server.log.read_text(), server.tail()
        (server.data / name).unlink()
    server.start()
    assert words in server.log.read_text(), server.tail()
    server.check_database()
    reply = client.get(f"/api/jobs/{job['job_id']}")
    assert reply.status in (200, 404), reply
    if reply.status == 200:
        # What the log no longer knows is done again.
        job = client.wait_job(job["job_id"])
        assert job["status"] == "completed", job
        assert client.transcript(job)["text"].split() == null_words(SECONDS)
    again = client.upload_null(SECONDS, ctx.rng.randrange(1 << 30))
    assert client.wait_job(again["job_id"])["status"] == "completed"
    lost = int(reply.status != 200)
    assert not (lost and keeps), f"{name}, {how.__name__}: an acknowledged job is gone"
    return lost


def run(ctx):
    server = ctx.server({"SCRIPTA_WORKERS": 1})
    with_log = 0
    for number in range(ctx.first, ctx.first + ctx.count):
        with_log += damage(ctx, server, number)
    code, said, took = second_server(server)
    assert code != 0 and str(server.pid) in said, (code, said)
    assert took < ctx.patient(1), f"the second server took {took:.2f} s"
    return Result(ctx.count, {"jobs that only the deleted log held": with_log,
                              "second servers refused": 1},
                  {"refusal ms": round(1000 * took)})


CASES = [Case("G11", "log, index, lock or socket deleted, cut or overwritten while it is down",
              "damages", run, short=4, one=56, full=280, round=28, minutes=1.1)]
