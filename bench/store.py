"""Store: a million finished jobs, a hundred thousand that wait

A store that is filled from outside with finished jobs of a thousand recordings, over two years, five
models and ten languages, and with `noop` jobs that wait, each with its task. Then calls over the Unix socket, one connection at a time unless said
otherwise: pages of lists, single jobs, figures, single changes (each is on the disk before it is
answered), and claims by `bench/queue-load.c` with 4 connections while nothing else happens, while
1,000 segments a second stream in as results of a worker (with their rows of the text index), while
jobs all over the store get other names, so that the log holds few pages twice, and right after a
checkpoint has been put off by a reader. Then, apart from that store: SQLite's write-ahead log
beside its DELETE mode, four threads that read single rows while one changes single rows, durably;
the disk that five equal uploads take; and the most memory that server and worker had when an hour
of audio was cut and went through the `null` engine.
"""

import contextlib
import http.client
import json
import random
import sqlite3
import struct
import subprocess
import threading
import time

from bench.common import ROOT, pairs, peak_kb, ratios
from bench.idle import worker_pids
from bench.upload import make

LIMIT_S = 900

TRIED = """
The queue and the statistics took 11 ms when they counted what waits, each time it was asked; now
jobs are counted by class and state in the writes that change them, ready tasks up to 1,000. Until a
thread of its own moved the log, everybody waited for it who wrote at that time: with four
connections that changed single jobs at random places beside two that claimed, in turns on a busy
machine, one change in a thousand took 30 to 39 ms, now 23 ms; in memory, without any disk, 56 to
102 ms, now 18 to 36 ms. There are no campaigns yet to be measured.
"""

FILLED = """
INSERT INTO files (id, owner_id, file_hash, original_name, file_path, size_bytes, format, codec,
                   duration_ms, sample_rate, channels, uploaded_ms)
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :files)
SELECT i, 1, printf('%064x', i), printf('call-%06d.wav', i),
       printf('audio/uploads/2026/01/%064x.wav', i), 32000 + i, 'wav', 'pcm_s16le', 1000 + i, 16000,
       1, 1767225600000 + i
FROM n;

INSERT INTO jobs (id, job_id, owner_id, file_id, name, file_name, pipeline, engine, engine_version,
                  model, language, class, state, stage, admission, counted, chunks_total,
                  chunks_completed, duration_ms, processing_ms, error_code, error_message,
                  created_ms, started_ms, completed_ms, updated_ms)
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :finished)
SELECT i, printf('01900000-0000-7000-8000-%012x', i), 1, 1 + i % :files, '',
       printf('call-%06d.wav', 1 + i % :files), 'transcribe', 'null', '1', printf('m%d', i % 5),
       substr('endefresitnlptplruzh', 1 + i / 5 % 10 * 2, 2), i % 3,
       CASE WHEN i % 47 = 0 THEN 3 ELSE 2 END, 4, 3, 1, 1, 1, 1000 + i % 60000, 500 + i % 9000,
       CASE WHEN i % 47 = 0 THEN 'ENGINE_ERROR' END, CASE WHEN i % 47 = 0 THEN 'it failed' END,
       1704153600000 + i * :step, 1704153601000 + i * :step, 1704153602000 + i * :step,
       1704153602000 + i * :step
FROM n;
INSERT INTO tasks (job, stage, chunk, lane, state, class, priority, epoch, claimed_ms, finished_ms)
SELECT id, 2, 0, 'engine:null', 4, class, 0, 1, started_ms, completed_ms FROM jobs;
INSERT INTO job_events (job, at_ms, kind, state, progress)
SELECT id, completed_ms, 3, state, 100 FROM jobs;

INSERT INTO jobs (job_id, owner_id, pipeline, class, state, admission, counted, created_ms,
                  updated_ms)
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :waiting)
SELECT printf('01910000-0000-7000-8000-%012x', i), 1, 'noop', 1, 0, 2, 0, 1777225600000 + i,
       1777225600000 + i
FROM n;
INSERT INTO tasks (job, stage, lane, state, class, priority)
SELECT id, 6, 'noop', 0, 1, 0 FROM jobs WHERE state = 0;

INSERT INTO jobs (job_id, owner_id, file_id, pipeline, engine, engine_version, model, language,
                  class, state, stage, admission, counted, chunks_total, split_done, duration_ms,
                  created_ms, started_ms, updated_ms)
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40)
SELECT printf('01920000-0000-7000-8000-%012x', i), 1, 1, 'transcribe', 'null', '1', 'tiny', 'en', 1,
       1, 2, 2, 1, 101, 1, 3030000, 1787225600000 + i, 1787225600000 + i, 1787225600000 + i
FROM n;
INSERT INTO chunks (job, chunk, start_samples, end_samples, pcm_hash)
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 100)
SELECT jobs.id, i, i * 480000, (i + 1) * 480000, printf('%064x', i) FROM jobs, n WHERE state = 1;
INSERT INTO tasks (job, stage, chunk, lane, state, class, priority)
SELECT job, 2, chunk, 'engine:null', 0, 1, 0 FROM chunks;
"""

STATS = """
INSERT INTO job_stats
SELECT owner_id, day, state, pipeline, engine, model, language, count(*), sum(duration_ms),
       sum(processing_ms), sum(iif(state = 2 AND processing_ms > 0, duration_ms, 0)),
       sum(iif(state = 2 AND duration_ms > 0, processing_ms, 0))
FROM v_job_stats_of GROUP BY owner_id, day, state, pipeline, engine, model, language;
INSERT INTO job_stats
SELECT owner_id, -1, state, pipeline, engine, model, language, sum(jobs), sum(duration_ms),
       sum(processing_ms), sum(paced_audio_ms), sum(paced_ms)
FROM job_stats GROUP BY owner_id, state, pipeline, engine, model, language;
UPDATE queue_stats SET jobs = (SELECT count(*) FROM jobs
                               WHERE jobs.class = queue_stats.class
                                     AND jobs.state = queue_stats.state);
"""
# What the migration makes of counters by day for longer times; CREATE stands apart.
LONGER = [s for s in (ROOT / "src/store/migrations/0016_periods.sql").read_text().split(";")
          if "INSERT INTO" in s]
DAYS = 730  # over which the finished jobs lie, from 2024-01-02 on
COUNTING = ("job_stats_insert", "queue_stats_insert")


def fill(path, **sizes):
    """Rows by the hundred thousand; what a trigger counts for each is counted once, at the end."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA cache_size = -200000")
        triggers = [db.execute("SELECT sql FROM sqlite_schema WHERE name = ?", (name,)).fetchone()
                    for name in COUNTING]
        db.execute("BEGIN")
        for name in COUNTING:
            db.execute(f"DROP TRIGGER {name}")
        for statement in FILLED.split(";")[:-1]:
            names = {k: v for k, v in sizes.items() if f":{k}" in statement}
            db.execute(statement, names)
        for statement in STATS.split(";")[:-1] + LONGER:
            db.execute(statement)
        for trigger, in triggers:
            db.execute(trigger)
        db.execute("COMMIT")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


class Calls:
    """One connection that stays open."""

    def __init__(self, ctx, server):
        self.connection = server.client.connect()
        self.connection.connect()
        self.count = ctx.pick(400, 3)

    def once(self, method, path, body=None):
        headers = {} if body is None else {"Content-Type": "application/json"}
        text = None if body is None else json.dumps(body)
        begun = time.perf_counter()
        self.connection.request(method, path, text, headers)
        reply = self.connection.getresponse()
        content = reply.read()
        took = 1000 * (time.perf_counter() - begun)
        if reply.status >= 300:
            raise RuntimeError(f"{method} {path}: {reply.status} {content[:300]!r}")
        return took, json.loads(content)

    def times(self, method, path, body=None):
        """path: a text, or a function of the call's number."""
        return sorted(self.once(method, path(i) if callable(path) else path, body)[0]
                      for i in range(self.count))


def quantile(times, q):
    return times[min(len(times) - 1, int(q * len(times)))]


QUERIES = (
    ("month", "month"), ("month and model", "month,model"), ("week and status", "week,status"),
    ("day", "day"), ("day and model", "day,model"), ("week and language", "week,language"),
    ("model, a year", "model&since=2024-07-10&until=2025-07-10"),
    ("model and language, nearly two years", "model,language&since=2024-01-15&until=2025-12-20"),
)


def show_reads(ctx, calls, jobs):
    cursor = calls.once("GET", "/api/jobs?limit=20")[1]["next_cursor"]
    page = calls.once("GET", "/api/jobs?status=completed&limit=100")[1]
    some = [job["job_id"] for job in page["jobs"]]
    rows = (
        ("jobs, newest 20", "GET", "/api/jobs?limit=20", None),
        ("jobs, the next 20", "GET", f"/api/jobs?limit=20&cursor={cursor}", None),
        ("jobs by status, 20", "GET", "/api/jobs?status=failed&limit=20", None),
        ("jobs of a file, 20", "GET", lambda i: f"/api/jobs?file_id={1 + i}&limit=20", None),
        ("one job", "GET", lambda i: f"/api/jobs/{some[i % len(some)]}", None),
        ("files, newest 20", "GET", "/api/files?limit=20", None),
        ("the queue", "GET", "/api/queue", None),
        ("all figures", "GET", "/api/stats", None),
        *((f"figures by {what}", "GET", f"/api/stats/query?group_by={query}", None)
          for what, query in QUERIES),
        ("a job's name changed", "PATCH", lambda i: f"/api/jobs/{some[i % len(some)]}",
         {"name": "other"}),
        ("a job submitted", "POST", "/api/jobs", {"pipeline": "noop"}),
    )
    for what, method, path, body in rows:
        times = calls.times(method, path, body)
        ctx.figure(f"{what}, p50", quantile(times, 0.5), "ms")
        ctx.figure(f"{what}, p99 of {len(times)}", quantile(times, 0.99), "ms",
                   at_most=10 if jobs >= 1_000_000 else None)
    times = calls.times("GET", "/api/jobs?search=call-0000&engine=null&limit=20")
    ctx.figure("any mix of filters (it stops after 50 ms), p99", quantile(times, 0.99), "ms")


def claims(ctx, server, count):
    done = subprocess.run([ctx.program("queue-load"), str(server.socket), "work", "4", str(count)],
                          stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)["claim"]["p99_ms"]


class Renames(threading.Thread):
    """Gives jobs all over the store other names, until it is told to stop."""

    def __init__(self, ctx, server, jobs):
        super().__init__()
        self.calls, self.jobs = Calls(ctx, server), jobs
        self.end, self.done, self.failed = threading.Event(), 0, None

    def run(self):
        dice = random.Random(1)
        try:
            while not self.end.is_set():
                job = f"01900000-0000-7000-8000-{dice.randint(1, self.jobs):012x}"
                self.calls.once("PATCH", f"/api/jobs/{job}", {"name": f"call {self.done}"})
                self.done += 1
        except (OSError, RuntimeError, http.client.HTTPException) as e:
            self.failed = e


class Segments(threading.Thread):
    """A worker that hands in 100 results of 10 segments a second, until it is told to stop."""

    def __init__(self, server):
        super().__init__()
        self.server, self.end, self.done, self.failed = server, threading.Event(), 0, None

    def call(self, connection, path, body):
        connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        reply = connection.getresponse()
        content = reply.read()
        if reply.status >= 300:
            raise RuntimeError(f"{path}: {reply.status} {content[:300]!r}")
        return json.loads(content)

    def work(self, connection):
        worker = self.call(connection, "/api/worker/register", {
            "name": "bench", "host": "bench", "pid": 1, "engines": ["null"]})["worker_id"]
        begun = time.monotonic()
        while not self.end.is_set():
            tasks = self.call(connection, "/api/worker/claim", {
                "worker_id": worker, "lanes": ["engine:null"], "max": 16, "wait_ms": 0})["tasks"]
            if not tasks:
                raise RuntimeError("there are no chunks left to claim")
            for task in tasks:
                segments = [{"start": 3.0 * i, "end": 3.0 * i + 2.5,
                             "text": f"the caller {task['task_id']} asks about bill {i * 7919}"}
                            for i in range(10)]
                self.call(connection, f"/api/worker/tasks/{task['task_id']}/complete", {
                    "worker_id": worker, "epoch": task["epoch"], "segments": segments})
                self.done += 1
                self.end.wait(max(0, begun + self.done / 100 - time.monotonic()))

    def run(self):
        try:
            with contextlib.closing(self.server.client.connect()) as connection:
                self.work(connection)
        except (OSError, RuntimeError, http.client.HTTPException) as e:
            self.failed = e


def claims_beside(ctx, server, count, thread):
    """Each run's p99 of a claim while a thread works, and how much that did in a second."""
    begun = time.monotonic()
    thread.start()
    try:
        times = [claims(ctx, server, count) for _ in range(ctx.runs)]
    finally:
        thread.end.set()
        took = time.monotonic() - begun
        thread.join()
    if thread.failed is not None:
        raise thread.failed
    return times, thread.done / took


def show_claims(ctx, server, data, jobs):
    count = ctx.pick(4000, 20)
    ctx.figure("a claim, p99, nothing else happens", [claims(ctx, server, count)
                                                      for _ in range(ctx.runs)], "ms", at_most=5)
    times, results = claims_beside(ctx, server, count, Segments(server))
    ctx.figure("a claim, p99, while segments stream in", times, "ms", at_most=5)
    ctx.figure("segments that streamed in meanwhile", 10 * results, "1/s")
    times, renames = claims_beside(ctx, server, count, Renames(ctx, server, jobs))
    ctx.figure("a claim, p99, while jobs all over the store get names", times, "ms", at_most=5)
    ctx.figure("names meanwhile", renames, "1/s")
    with contextlib.closing(sqlite3.connect(f"file:{data}?mode=ro", uri=True)) as db:
        db.execute("BEGIN")
        db.execute("SELECT count(*) FROM queues").fetchone()
        claims(ctx, server, ctx.pick(8000, 20))
        db.execute("ROLLBACK")
    ctx.figure("a claim, p99, as the log of 8,000 jobs is moved at once",
               claims(ctx, server, count), "ms", at_most=5)


ROWS = 10_000


def journal_rate(ctx, mode):
    """Reads and writes of single rows in a second, four threads reading and one writing."""
    path = ctx.folder / f"{mode}.db"
    end, done = threading.Event(), []

    def connect():
        db = sqlite3.connect(path, isolation_level=None, timeout=60)
        db.execute("PRAGMA synchronous = FULL")
        return db

    def work(statement):
        dice, n = random.Random(len(statement)), 0
        with contextlib.closing(connect()) as db:
            while not end.is_set():
                db.execute(statement, (dice.randint(1, ROWS),)).fetchall()
                n += 1
        done.append(n)

    with contextlib.closing(connect()) as db:
        db.execute(f"PRAGMA journal_mode = {mode}")
        db.execute("CREATE TABLE IF NOT EXISTS jobs (id INTEGER PRIMARY KEY, n INTEGER, name TEXT)")
        db.execute("INSERT OR IGNORE INTO jobs WITH RECURSIVE i(x) AS (SELECT 1 UNION ALL SELECT "
                   "x + 1 FROM i WHERE x < ?) SELECT x, 0, hex(zeroblob(100)) FROM i", (ROWS,))
    threads = [threading.Thread(target=work, args=("SELECT * FROM jobs WHERE id = ?",))
               for _ in range(4)]
    threads.append(threading.Thread(target=work, args=("UPDATE jobs SET n = n + 1 WHERE id = ?",)))
    begun = time.monotonic()
    for thread in threads:
        thread.start()
    time.sleep(ctx.pick(3, 0.05))
    end.set()
    for thread in threads:
        thread.join()
    return sum(done) / (time.monotonic() - begun)


def show_journals(ctx):
    log, delete = pairs(ctx.runs, lambda: journal_rate(ctx, "wal"),
                        lambda: journal_rate(ctx, "delete"))
    ctx.figure("single rows read and written in a second, write-ahead log", log, "1/s")
    ctx.figure("the same, by those in DELETE mode", ratios(log, delete), "x", at_least=2)


def show_equal_uploads(ctx):
    recording = ctx.folder / "equal.wav"
    make(recording, ctx.pick(16, 1) << 20)
    with ctx.server(env={"SCRIPTA_WORKERS": -1}) as server:
        for expected in (201, 200, 200, 200, 200):
            reply = server.client.upload(recording.read_bytes(), path="/api/files/upload")
            if reply.status != expected:
                raise RuntimeError(f"{reply}")
        taken = sum(512 * f.stat().st_blocks for f in (server.data / "audio").rglob("*")
                    if f.is_file())
    ctx.figure("disk saved, of five equal uploads", 100 - 20 * taken / recording.stat().st_size,
               "%", at_least=79.9)


def show_hour(ctx):
    minute = ctx.harness.beats_wav(60)[44:]
    minutes = ctx.pick(60, 1)
    size = len(minute) * minutes
    hour = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", size + 36, b"WAVE", b"fmt ", 16, 1, 1, 8000,
                       16000, 2, 16, b"data", size) + minute * minutes
    with ctx.server(env={"SCRIPTA_WORKERS": 1}) as server:
        reply = server.client.upload(hour, engine="null")
        if reply.status != 201:
            raise RuntimeError(f"{reply}")
        server.client.wait_job(reply.json["job_id"], 300)
        peaks = [peak_kb(pid) / 1024 for pid in (server.pid, *worker_pids(ctx, server))]
    ctx.figure("server and worker at the most, after an hour of audio", sum(peaks), "MiB")


def run(ctx):
    finished, waiting = ctx.pick((1_000_000, 100_000), (500, 400))
    folder = ctx.folder / "d"
    with ctx.server(data=folder, env={"SCRIPTA_WORKERS": -1}) as server:
        server.stop()
        ctx.say(f"filling the store with {finished:,} jobs")
        fill(folder / "scripta.db", files=ctx.pick(1000, 10), finished=finished, waiting=waiting,
             step=DAYS * 86_400_000 // finished)
        size = (folder / "scripta.db").stat().st_size
        server.start()
        ctx.note(f"The store has {finished:,} finished and {waiting:,} waiting jobs: "
                 f"{size / (1 << 20):,.0f} MiB.")
        show_reads(ctx, Calls(ctx, server), finished)
        show_claims(ctx, server, folder / "scripta.db", finished)
    show_journals(ctx)
    show_equal_uploads(ctx)
    show_hour(ctx)
