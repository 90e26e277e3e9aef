"""Whisper: several chunks at once

Four minutes of sound in chunks of 30 s, heard with a scripted model of the dimensions of `base` in
f16 that says five words in two seconds, 90 tokens a chunk: a job on a server with one worker of one
thread, by `engine.whisper.batch`. Processor time is that of all processes from the upload on, the
first text included in it; memory is the most that the worker ever had. Encoding costs the same in
all of them; of people who say more than that, more is spared.
"""

import subprocess
import time

from bench import engine, transcribe
from bench.common import peak_kb
from bench.whisper import tree_cpu_s

LIMIT_S = 900
SECONDS = 240
SIZES = (1, 2, 4, 8)


def hear(ctx, recording, model, size):
    """What a job costs on a server just started."""
    env = {"SCRIPTA_WORKERS": 1, "SCRIPTA_ENGINE_WHISPER_THREADS": 1,
           "SCRIPTA_ENGINE_WHISPER_BATCH": size}
    with ctx.server(env=env) as server:
        before = tree_cpu_s(server.process.pid)
        reply = server.client.upload(recording.read_bytes(), engine="whisper", model=str(model),
                                     language="en", vad="off", word_timestamps="off",
                                     temperature_increment_on_fallback="0")
        if reply.status != 201:
            raise RuntimeError(f"{reply}")
        first, job = None, {"status": "pending"}
        while job["status"] in ("pending", "processing"):
            time.sleep(0.05)
            job = server.client.job(reply.json["job_id"])
            if first is None and job["chunks_completed"] > 0:
                first = tree_cpu_s(server.process.pid) - before
        if job["status"] != "completed":
            raise RuntimeError(f"the job failed: {server.tail()}")
        return {"cpu_s": tree_cpu_s(server.process.pid) - before, "first_s": first,
                "resident_mb": max(peak_kb(x) for x in server.workers()) / 1024}


def run(ctx):
    recording, model = ctx.folder / "talk.wav", ctx.folder / "model.bin"
    transcribe.make(ctx, recording, ctx.pick(SECONDS, 8))
    state, layers = ctx.pick(engine.BASE, (0, 1))
    subprocess.run([ctx.program("engine-whole"), "make", model, str(state), str(layers), "f16"],
                   check=True)
    for size in ctx.pick(SIZES, SIZES[1:2]):
        jobs = [hear(ctx, recording, model, size) for _ in range(ctx.runs)]
        what = "a chunk at a time" if size == 1 else f"{size} chunks at once"
        ctx.figure(f"{what}: processor time", [x["cpu_s"] for x in jobs], "s")
        ctx.figure(f"{what}: processor time up to the first text", [x["first_s"] for x in jobs],
                   "s")
        ctx.figure(f"{what}: resident, the worker", [x["resident_mb"] for x in jobs], "MiB")
