"""G2: workers and decoders are killed while a long recording is cut and recognised."""

import datetime
import time

from frame import Case, Result
from harness import kill, null_words
from jobs import leftovers
from remains import rows

SECONDS = 1500
ENGINE = {"model": "delay_ms=150"}


def event_time(event):
    return datetime.datetime.fromisoformat(event["at"].replace("Z", "+00:00")).timestamp()


def at_hand(server, kind, pid):
    """What dies with the process: (stage, chunk, epoch) of each claim."""
    if kind == "decode":
        found = rows(server, "SELECT chunk, epoch FROM tasks WHERE stage = 1 AND state = 1")
        return [("split", None, epoch) for _, epoch in found]
    found = rows(server, "SELECT chunk, epoch FROM tasks JOIN workers"
                         " ON workers.id = tasks.worker_id"
                         " WHERE workers.pid = ? AND tasks.state = 1", pid)
    return [("transcribe", chunk, epoch) for chunk, epoch in found]


def measure(events, moments, counts):
    """How long after each kill its claim was given back. One that was fulfilled just before the
    kill needs nothing; no other claim's event says anything about it."""
    ended = {(e["stage"], e["chunk"], e["epoch"]): e for e in events
             if e["type"] in ("task_interrupted", "task_completed")}
    for at, claim in moments:
        assert claim[0] == "split" or claim in ended, f"{claim} was lost, and nobody was told"
        if claim in ended and ended[claim]["type"] == "task_interrupted":
            counts["measured"] += 1
            took = event_time(ended[claim]) - at
            counts["slowest"][claim[0]] = max(counts["slowest"][claim[0]], took)


def check_job(client, job, counts):
    """The whole text, each chunk's result once, none done again that was in."""
    assert job["status"] == "completed", job
    assert client.transcript(job)["text"].split() == null_words(SECONDS)
    events = client.events(job["job_id"])
    assert not [e for e in events if e["type"] == "task_failed"]
    chunks = [e for e in events if e["stage"] == "transcribe"]
    results = [e["chunk"] for e in chunks if e["type"] == "task_completed"]
    assert sorted(results) == list(range(job["chunks_total"]))
    done, claims = set(), 0
    for e in chunks:
        if e["type"] == "task_completed":
            done.add(e["chunk"])
        if e["type"] == "task_claimed":
            claims += 1
            counts["twice"] += e["chunk"] in done
    counts["chunks"] += job["chunks_total"]
    counts["again"] += claims - job["chunks_total"]
    measure(events, counts["moments"], counts)
    counts["moments"] = []


def run(ctx):
    rng = ctx.rng
    server = ctx.server({"SCRIPTA_WORKERS": 2, "SCRIPTA_SPLIT_AHEAD": 4,
                         "SCRIPTA_QUEUE_MAX_INTERRUPTIONS": 10000})
    client = server.client
    counts = {"chunks": 0, "again": 0, "twice": 0, "measured": 0, "moments": [],
              "slowest": {"transcribe": 0.0, "split": 0.0}}
    killed = {"worker": 0, "decode": 0}
    job = client.upload_null(SECONDS, ctx.seed % 1000, **ENGINE)
    while sum(killed.values()) < ctx.count:
        time.sleep(rng.uniform(0.02, 0.25))
        now = client.job(job["job_id"])
        if now["status"] not in ("pending", "processing"):
            check_job(client, now, counts)
            job = client.upload_null(SECONDS, ctx.seed % 1000, force="true", **ENGINE)
            continue
        kind = rng.choice(["worker", "worker", "decode"])
        claims = {pid: at_hand(server, kind, pid) for pid in server.children(kind)}
        # Mostly who is at work: the death of one that is just starting interrupts nothing.
        targets = [pid for pid in claims if claims[pid] or rng.random() < 0.1]
        if targets:
            pid = rng.choice(targets)
            counts["moments"] += [(time.time(), claim) for claim in claims[pid]]
            kill(pid)
            killed[kind] += 1
    check_job(client, client.wait_job(job["job_id"], 120), counts)
    assert counts["again"] <= killed["worker"], f"more than one chunk for a kill: {counts}"
    slowest = counts["slowest"]
    assert max(slowest.values()) < ctx.patient(1), counts
    server.check_database()
    return Result(ctx.count, {"of workers": killed["worker"], "of decoders": killed["decode"],
                              "chunks": counts["chunks"], "chunks begun again": counts["again"],
                              "claims given back": counts["measured"]},
                  {"ms to give back, of workers": round(1000 * slowest["transcribe"]),
                   "of decoders": round(1000 * slowest["split"])},
                  twice=counts["twice"], leaked=leftovers(server),
                  recovery_s=max(slowest.values()))


CASES = [Case("G2", "workers and decoders killed at random", "kills", run, short=5, one=100,
              full=500, round=50, minutes=0.6)]
