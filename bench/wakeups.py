"""At rest: wake-ups

A server with one worker, which has done a job and come to rest. Wake-ups are the
times that a thread left the processor of its own will (`voluntary_ctxt_switches`) in a minute, of
all threads of both; a worker's heartbeat each `queue.heartbeat` is a few of them.
"""

import pathlib
import time

LIMIT_S = 300

TRIED = """
At first an idle worker's call asked twenty times a second whether it was to stop, and the watcher
of parked requests woke each second; now both are woken. What was left came from the worker, whose
claim waited 20 s: each that ends without work, and the next one, wake the writer, two handlers,
the watcher, a thread of the HTTP pool and the worker, some 25 times in all (1.50 wake-ups a
second). It waits 50 s now (0.68, at the same time on the same machine); many proxies hang up after
a minute. The rest is one look a minute of upkeep and of each thread that is told of its work.
"""


def switches(pids):
    """By thread, so that one that ends takes nothing off."""
    out = {}
    for pid in pids:
        for status in pathlib.Path(f"/proc/{pid}/task").glob("*/status"):
            try:
                lines = status.read_text().splitlines()
            except (FileNotFoundError, ProcessLookupError):
                continue  # a thread that has just ended
            count = next(x for x in lines if x.startswith("voluntary_ctxt_switches"))
            out[status.parent.name, lines[0].split()[1]] = int(count.split()[1])
    return out


def rest(ctx, server):
    """Submits a job, waits for its end and until the idle work that follows is done."""
    job = server.client.post("/api/jobs", {"pipeline": "noop"}).json["job_id"]
    ctx.harness.wait_until(
        lambda: server.client.get(f"/api/jobs/{job}").json["status"] == "completed", 60, "a job")
    time.sleep(ctx.pick(20, 0.1))


def run(ctx):
    seconds = ctx.pick(60, 0.5)
    with ctx.server(env={"SCRIPTA_WORKERS": 1}) as server:
        rest(ctx, server)
        pids = [server.pid, *server.wait_workers(1)]
        before = switches(pids)
        time.sleep(seconds)
        after = switches(pids)
        woken = {k: after[k] - before.get(k, 0) for k in after if after[k] > before.get(k, 0)}
        ctx.figure("wake-ups", sum(woken.values()) / seconds, "1/s", at_most=1)
        names = sorted(woken.items(), key=lambda x: -x[1])
        ctx.note("Woken in that time: " + ", ".join(f"{n} {c}" for (_, n), c in names) + ".")
