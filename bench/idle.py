"""At rest: memory

A server and its worker, some seconds after the worker has recognised a reading: by the `null`
engine, by `pocketsphinx` once its model has been let go (`engine.keep`, a minute unless set
otherwise), and while it still has it. PSS counts each page that processes share by its share, RSS
counts it in each of them.
"""

import statistics
import time

from bench.common import Skip, pss_kb, rss_kb

LIMIT_MIB = 60
REST_S = 3
# What the worker has done, its engine, engine.keep, and the bar.
CASES = [("after `null`", "null", "1m", LIMIT_MIB),
         ("after `pocketsphinx`", "pocketsphinx", "1s", LIMIT_MIB),
         ("with the model", "pocketsphinx", "1m", None)]


def worker_pids(ctx, server):
    """The worker processes below a server."""
    return [pid for pid, (parent, _, argv) in ctx.harness.processes().items()
            if parent == server.pid and "worker" in argv]


def at_rest(ctx, recording, engine, keep):
    """[(RSS, PSS) in MiB] of the server and of its worker."""
    with ctx.server(env={"SCRIPTA_WORKERS": 1, "SCRIPTA_ENGINE_KEEP": keep}) as server:
        reply = server.client.upload(recording, engine=engine, vad="off")
        if reply.status != 201:
            raise RuntimeError(f"{reply}")
        server.client.wait_job(reply.json["job_id"], 120)
        time.sleep(ctx.pick(REST_S, 0.1))
        pids = [server.pid, *worker_pids(ctx, server)]
        if len(pids) != 2:
            raise RuntimeError(f"there are {len(pids) - 1} workers, not one")
        return [(rss_kb(pid) / 1024, pss_kb(pid) / 1024) for pid in pids]


def run(ctx):
    clips = ctx.harness.librivox()
    if not clips:
        raise Skip("no LibriVox clips: apt-get install pocketsphinx-testdata")
    recording = clips[-1].read_bytes()
    for what, engine, keep, bar in ctx.pick(CASES, CASES[:1]):
        runs = [at_rest(ctx, recording, engine, keep) for _ in range(ctx.runs)]
        for kind, i in (("RSS", 0), ("PSS", 1)):
            ctx.figure(f"server and worker, {what}, {kind}",
                       [sum(process[i] for process in run) for run in runs], "MiB", at_most=bar)
        server, worker = (statistics.median(run[i][0] for run in runs) for i in (0, 1))
        ctx.note(f"RSS {what}: server {server:.0f} MiB, worker {worker:.0f} MiB.")
