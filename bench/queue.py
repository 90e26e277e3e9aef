"""Queue over HTTP beside RQ on Redis

Jobs of the pipeline `noop` are submitted, then claimed and completed by a small C client
(`bench/queue-load.c`) over the Unix socket, each connection by itself: what a worker does for a
task, without the task. As Scripta's workers do, it claims the next task with the result of the last
one; a second figure is of those that make a call for each. Every completion is on the disk (fsync)
before it is answered. RQ works on jobs that call a function which does nothing; its Redis keeps
everything in memory (no log, no snapshots), which is the fastest that it can be. One after the
other in each run, on the same cores.
"""

import json
import os
import shutil
import signal
import subprocess

from bench import common

LIMIT_S = 420

TRIED = """What made a cycle of claim and completion cheaper, in instructions of the server
(callgrind, 16 connections): from 1.84 million to 0.65 million. First to 1.12: triggers that count
figures made temporary tables (a `UNION`, an `IN` list, `VALUES` of two rows): as statements of one
row they took a sixth of the time (0.5 million with the four updates that the end of a job made in
vain). A claim cleared room for 64 jobs (0.15 million). Parameters were searched by name from the
start (0.03 million). Each request took the patterns of all routes to pieces (0.03 million). Each
completion read its task before the write, from pages that the last commit had outdated (0.03
million and five system calls), and woke the splitter (0.07 million). A checkpoint each 8,000 pages
of the log, not each 1,000: hot pages are moved once instead of eight times (since then by a thread
of their own, which no caller waits for). Then to 0.65: a worker claims its next task with its last
result, one request and one write instead of two (0.12 million, and a quarter of the server's
processor time with the kernel's part). Figures are added up once for each commit, not by triggers
for each row, and writes that may run again go without savepoints: only both together free the
statements from keeping a journal of the pages that they change (an `UPDATE` of a job from 108 and
124 to 56 and 66 thousand). An index that each change of a job's state moved an entry in, for one
rare question (0.02 million with its pages). What was known is not read again: the task that was
picked, its job and worker; start and first stage are one `UPDATE` (0.04 million). What would gain
little, in trials of the statement alone: events in statements of six rows (0.016 of 0.1 million);
their table without `AUTOINCREMENT` (0.02 million), which keeps cursors from repeating;
`secure_delete` and `cell_size_check` off (1 %). Figures folded by SQL from a table of notes cost as
much as they saved in small groups. What cannot be had: SQLite's own cache of small allocations, a
seventh of the work, is left out of Debian's build."""

RQ = """
import time
from redis import Redis
from rq import Queue, SimpleWorker, Worker
import sys
socket, kind, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
redis = Redis(unix_socket_path=socket)
redis.flushall()
queue = Queue(connection=redis)
queue.enqueue_many([Queue.prepare_data("time.time") for _ in range(count)])
worker = (SimpleWorker if kind == "simple" else Worker)([queue], connection=redis)
begun = time.perf_counter()
worker.work(burst=True, logging_level="ERROR")
took = time.perf_counter() - begun
if queue.finished_job_registry.count != count:
    sys.exit("not all jobs are done")
print(count / took)
"""


class Redis:
    """A Redis of its own, in memory only."""

    def __init__(self, ctx):
        self.ctx = ctx
        self.socket = ctx.folder / "redis.sock"
        self.process = None

    def __enter__(self):
        program = shutil.which("redis-server")
        if program is None:
            raise common.Skip("redis-server is not installed: apt-get install redis-server")
        found = subprocess.run(["/usr/bin/python3", "-c", "import rq, redis; print(rq.VERSION)"],
                               capture_output=True, text=True, check=False)
        if found.returncode != 0:
            raise common.Skip("RQ is not installed: apt-get install python3-rq")
        version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
        redis = version.stdout.split("v=")[1].split()[0]
        self.ctx.note(f"RQ {found.stdout.strip()} on Redis {redis}, one worker process, over a Unix"
                      " socket.")
        self.process = subprocess.Popen(
            [program, "--port", "0", "--unixsocket", str(self.socket), "--save", "",
             "--appendonly", "no", "--dir", str(self.ctx.folder)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        self.ctx.harness.wait_until(self.socket.exists, 30, "Redis")
        return self

    def __exit__(self, *_):
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait()

    def jobs_per_s(self, kind, count):
        done = subprocess.run(
            ["/usr/bin/python3", "-c", RQ, str(self.socket), kind, str(count)],
            capture_output=True, text=True, check=False,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
        if done.returncode != 0:
            raise RuntimeError(f"RQ: {done.stderr[-2000:]}")
        return float(done.stdout)


def load(ctx, server, verb, connections, count, batch=1):
    done = subprocess.run(
        [ctx.program("queue-load"), str(server.socket), verb, str(connections), str(count),
         str(batch)], stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


class Ours:
    """The figures of all runs."""

    def __init__(self, ctx):
        self.ctx = ctx
        self.submit, self.one, self.many, self.batch, self.apart = [], [], [], [], []
        self.claim_p99, self.complete_p99 = [], []

    def run(self):
        """A server with an empty store."""
        ctx = self.ctx
        few, lot = ctx.pick((2000, 20000), (20, 60))
        with ctx.server(env={"SCRIPTA_WORKERS": -1}) as server:
            # Who claims in batches may take more than it counts: it has the queue to itself.
            load(ctx, server, "submit", 16, few)
            self.one.append(load(ctx, server, "work", 1, few)["per_s"])
            self.submit.append(load(ctx, server, "submit", 16, lot)["per_s"])
            self.many.append(load(ctx, server, "work", 16, lot)["per_s"])
            load(ctx, server, "submit", 16, lot)
            done = load(ctx, server, "work-apart", 16, lot)
            self.apart.append(done["per_s"])
            self.claim_p99.append(done["claim"]["p99_ms"])
            self.complete_p99.append(done["complete"]["p99_ms"])
            load(ctx, server, "submit", 16, lot)
            self.batch.append(load(ctx, server, "work", 16, lot, 16)["per_s"])


def run(ctx):
    ours = Ours(ctx)
    simple, forking = [], []
    if ctx.smoke and shutil.which("redis-server") is None:
        ours.run()
    else:
        with Redis(ctx) as redis:
            for i in range(ctx.runs):
                ctx.say(f"run {i + 1} of {ctx.runs}")
                ours.run()
                simple.append(redis.jobs_per_s("simple", ctx.pick(3000, 5)))
                forking.append(redis.jobs_per_s("forking", ctx.pick(200, 2)))
    ctx.figure("jobs submitted, 16 connections", ours.submit, "jobs/s")
    ctx.figure("claimed and completed, 1 connection", ours.one, "jobs/s")
    ctx.figure("claimed and completed, 16 connections", ours.many, "jobs/s")
    ctx.figure("the same, 16 tasks to a claim", ours.batch, "jobs/s")
    ctx.figure("the same, claimed by calls of their own", ours.apart, "jobs/s")
    ctx.figure("p99 of a claim among 16 connections", ours.claim_p99, "ms")
    ctx.figure("p99 of a completion among 16 connections", ours.complete_p99, "ms")
    if simple:
        ctx.figure("RQ, `SimpleWorker`", simple, "jobs/s")
        ctx.figure("RQ, default `Worker` (a process for each job)", forking, "jobs/s")
        ctx.figure("16 connections, times RQ's `SimpleWorker`", common.ratios(ours.many, simple),
                   "x", at_least=10)
        ctx.figure("16 connections, times RQ's default worker", common.ratios(ours.many, forking),
                   "x", at_least=80)
