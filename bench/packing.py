"""Whisper: an interview with long pauses, packed and as it lies

Ten minutes of answers of 3 to 7 s (the LibriVox readings of Debian's pocketsphinx-testdata, in turn)
with pauses between them as long as answers are thought about, a second to half a minute. The model
has the dimensions of `base` and says the same three words in each window, so what is measured is
encoding: the processor time of a worker of one thread that has the model in memory. Packed is what
`whisper` does; as it lies the same recording is cut when the job asks for `chunk_length=30s`.
"""

import array
import itertools
import os
import random
import subprocess

from bench.common import ratios
from bench.transcribe import RATE, readings

LIMIT_S = 900
SCRIPT = "<|0.00|> Yes, I do.<|2.00|>"
BASE = ("state=512", "heads=8", "layers=6", "text_tokens=50257", "languages=99", "mels=80",
        "type=f16")


def interview(ctx, seconds):
    """(WAV, seconds of it that are answers)"""
    rng = random.Random(7)
    samples, spoken = array.array("h"), 0
    for clip in itertools.cycle(readings(ctx)):
        pause = int(RATE * min(30, 1 + rng.expovariate(1 / 7)))
        samples += clip + array.array("h", [rng.randint(-20, 20) for _ in range(pause)])
        spoken += len(clip)
        if len(samples) >= seconds * RATE:
            return ctx.harness.wav(samples.tobytes(), RATE), spoken / RATE
    return None


def worker_s(server):
    """Processor seconds of the server's worker so far."""
    with open(f"/proc/{server.workers()[0]}/stat", encoding="ascii") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def hear(server, recording, model, **options):
    """(chunks, processor seconds)"""
    before = worker_s(server) if server.workers() else 0
    reply = server.client.upload(recording, engine="whisper", model=model, force="on",
                                 language="en", **options)
    if reply.status != 201:
        raise RuntimeError(f"{reply}")
    job = server.client.wait_job(reply.json["job_id"], 600)
    if job["status"] != "completed":
        raise RuntimeError(f"the job failed: {job}")
    return job["chunks_total"], worker_s(server) - before


def run(ctx):
    model = str(ctx.folder / "ggml-scripted.bin")
    subprocess.run([ctx.program("make-model"), model, f"script={SCRIPT}", *ctx.pick(BASE, ())],
                   check=True)
    recording, spoken = interview(ctx, ctx.pick(600, 40))
    packed, apart = [], []
    with ctx.server(env={"SCRIPTA_WORKERS": 1, "SCRIPTA_ENGINE_WHISPER_THREADS": 1,
                         "SCRIPTA_ENGINE_KEEP": "1h"}) as server:
        hear(server, interview(ctx, 5)[0], model)
        for _ in range(ctx.runs):
            packed.append(hear(server, recording, model))
            apart.append(hear(server, recording, model, chunk_length="30s"))
    ctx.note(f"{spoken:.0f} s of {(len(recording) - 44) / 2 / RATE:.0f} s are spoken.")
    ctx.figure("chunks, packed", [x[0] for x in packed], "")
    ctx.figure("chunks, as it lies", [x[0] for x in apart], "")
    ctx.figure("processor time, packed", [x[1] for x in packed], "s")
    ctx.figure("processor time, as it lies", [x[1] for x in apart], "s")
    ctx.figure("processor time, as it lies by packed",
               ratios([x[1] for x in apart], [x[1] for x in packed]), "x")
