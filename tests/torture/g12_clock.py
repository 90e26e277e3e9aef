"""G12: the wall clock is set while jobs run: hours, days, to 2038 and 2100, and back."""

import datetime
import struct
import time

from frame import Case, Result, WALLCLOCK
from harness import null_words, wait_until
from jobs import leftovers

HOUR, DAY = 3600, 86400
# Seconds from the true time; the last two are what 32 bits and two digits of a year end at.
JUMPS = [HOUR, -HOUR, DAY, -DAY, 30 * DAY, -30 * DAY, 365 * DAY, -1]
YEARS = [2147483648, 4102444800]
SECONDS = 100  # four chunks


class Clock:
    """The wall clock that the server and its workers see; the monotonic one goes on."""

    def __init__(self, folder):
        self.path = folder / "clock"
        self.set(0)

    def set(self, offset):
        # In place: the programs have it mapped.
        with open(self.path, "r+b" if self.path.exists() else "wb") as f:
            f.write(struct.pack("=q", offset))

    def environment(self):
        return {"LD_PRELOAD": WALLCLOCK, "WALLCLOCK": self.path,
                "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1:verify_asan_link_order=0"}


def jump(rng):
    if rng.random() < 0.25:
        return rng.choice(YEARS) - int(time.time()) + rng.randint(-2, 2)
    return rng.choice(JUMPS)


def check_seen(client, offset):
    """The server does see another time."""
    job = client.post("/api/jobs", {"pipeline": "noop"}).json
    made = datetime.datetime.fromisoformat(job["created_at"].replace("Z", "+00:00")).timestamp()
    assert abs(made - time.time() - offset) < 60, (job["created_at"], offset)


def check_queue(client):
    """No age is negative, and the server knows how long it has lived."""
    uptime = client.get("/api/health").json["uptime_seconds"]
    queue = client.get("/api/queue").json
    ages = [q["oldest_age_seconds"] for q in queue["queues"] if q["oldest_age_seconds"] is not None]
    assert all(age >= 0 for age in ages), ages
    assert 0 <= uptime < HOUR / 2, uptime


def run(ctx):
    clock = Clock(ctx.folder)
    server = ctx.server({**clock.environment(), "SCRIPTA_QUEUE_LEASE": "5m",
                         "SCRIPTA_QUEUE_HEARTBEAT": "100ms",
                         "SCRIPTA_QUEUE_MAX_CONCURRENT_NORMAL": 3})
    client = server.client
    jobs = []
    begun = time.monotonic()
    for number in range(ctx.count):
        made = client.upload_null(SECONDS, ctx.rng.randrange(1 << 30), model="delay_ms=250")
        jobs.append(made["job_id"])
        wait_until(lambda: client.job(made["job_id"])["status"] != "pending"
                   or len(jobs) > 3, 30, "the job's start")
        offset = jump(ctx.rng)
        clock.set(offset)
        check_seen(client, offset)
        check_queue(client)
        if number % 10 == 9:
            # What the clock was is kept: a restart in another year expires nothing.
            server.kill()
            server.start()
    early = 0
    for job_id in jobs:
        job = client.wait_job(job_id, 120)
        assert job["status"] == "completed", job
        assert client.transcript(job)["text"].split() == null_words(SECONDS)
        took = job["processing_time"]
        assert 0 <= took <= time.monotonic() - begun, job
        events = client.events(job_id)
        assert "task_failed" not in [e["type"] for e in events]
        assert all((e["duration_ms"] or 0) >= 0 for e in events), events
        # A restart gives back what ran; nothing else may.
        early += sum(e["type"] == "task_interrupted" for e in events)
    assert early <= 3 * (ctx.count // 10) * 2, f"{early} leases ended early"
    clock.set(0)
    return Result(ctx.count, {"jobs": len(jobs), "leases ended early":
                              early if ctx.count < 10 else 0},
                  leaked=leftovers(server))


CASES = [Case("G12", "the wall clock set back and forth, up to 2100", "jumps", run, short=4, one=60,
              full=300, round=30, needs=("test-programs",), minutes=0.7)]
