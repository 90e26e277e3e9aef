"""Transcription, beside PocketSphinx in a bare loop

A recording of ten minutes, made of the LibriVox readings of Debian's pocketsphinx-testdata with
pauses of many lengths: a minute and a half of it is speech. `bench/bare-engine.c` recognises the
very chunks that the server cuts, as many processes at a time as there are cores; the sum of their
processor seconds, model loading included, divided by the cores, is the engine's own time. In turns
with it the recording goes to a server that has just been started: from the first byte of its
upload to the completed job, with a worker for each core, and with one worker alone. The first
segment is awaited by reading the transcript of the running job every 20 ms, its end by asking ten
times a second. Processes that run at once cost each other in caches and memory, workers as much as
bare loops: what the bare loop costs in one process alone, told in the same way, is the limit.
"""

import array
import itertools
import random
import shutil
import subprocess
import time
import wave

from bench.common import Skip, ratios

LIMIT_S = 900
RATE = 16000
MINUTES = 10
PAUSE_S, PAUSE_MAX_S = 30, 60


TRIED = """
With chunks of up to 30 s, as long as the engine takes, the first segment came when the first of
them was done, and at the end one worker was busy alone. Now `pocketsphinx` is given chunks of
about 12 s, the first of about 6 s; of the readings in a row 31 % of the words were wrong, before
35 %. Word error was not weighed against still shorter chunks.

What the server adds to the engine's own time, in processor seconds: 0.4 for cutting, 0.1 for
decoding, 0.1 for the upload and its probe. A worker executes as many instructions for a chunk as
the bare loop does (5.32 and 5.30 thousand million for one of 3.9 s). The chunks that are left at
the end do not fill both workers alike: with the times that the bare engine needs for each, workers
that take them in order need 4 % more than half of the sum, those that take the longest first 2 %.
Asking for the job's state fifty times a second took half a millisecond each time, from the
same cores, half of it in the bench: it asks ten times a second now. Starting workers earlier would
gain the 0.1 s in which they start, once, for a model is loaded in both at the same time.

Recognition reads its model all over. With huge pages, which workers are given and the bare loop is
not, it takes less processor time: of pairs in turns, 7.82 and 7.07 s, 8.31 and 8.45 s, 10.0 and
8.90 s in one process, 3.58 and 3.28 s for each of two at once, all on a busy machine; the page
faults fall from 30,600 to 6,500. One block for the whole heap, never given back, gained nothing.
"""


def readings(ctx):
    """The clips as lists of samples."""
    out = []
    for path in ctx.harness.librivox():
        with wave.open(str(path), "rb") as f:
            if f.getframerate() == RATE and f.getnchannels() == 1:
                out.append(array.array("h", f.readframes(f.getnframes())))
    if not out:
        raise Skip("no LibriVox clips: apt-get install pocketsphinx-testdata")
    return out


def make(ctx, path, seconds):
    """Clips in turn, after each a pause with a little noise in it."""
    rng = random.Random(4)
    samples = array.array("h")
    clips = itertools.cycle(readings(ctx))
    while len(samples) < seconds * RATE:
        samples += next(clips)
        pause = int(RATE * min(PAUSE_MAX_S, 0.5 + rng.expovariate(1 / PAUSE_S)))
        samples += array.array("h", [rng.randint(-20, 20) for _ in range(pause)])
    path.write_bytes(ctx.harness.wav(samples[:seconds * RATE].tobytes(), RATE))


def submit(server, recording):
    reply = server.client.upload(recording.read_bytes(), engine="pocketsphinx", force="true")
    if reply.status != 201:
        raise RuntimeError(f"{reply}")
    return reply.json


def cut(ctx, recording, folder):
    """The chunks that the server cuts, as files of samples."""
    with ctx.server(env={"SCRIPTA_WORKERS": -1, "SCRIPTA_SPLIT_AHEAD": 1000}) as server:
        job = submit(server, recording)["job_id"]
        ctx.harness.wait_until(lambda: server.client.job(job)["stage"] == "transcribe", 120,
                               "the end of the cutting")
        shutil.copytree(server.data / "work" / job / "chunks", folder)
    return sorted(folder.iterdir())


def engine_s(ctx, chunks, processes):
    """Processor seconds of the bare loop in so many processes at once."""
    each = [chunks[i::processes] for i in range(processes)]
    runs = [subprocess.Popen([ctx.program("bare-engine"), *map(str, x)], stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, text=True) for x in each if x]
    try:
        out = [run.communicate()[0] for run in runs]
    finally:
        for run in runs:
            run.kill()
            run.wait()
    if any(run.returncode != 0 for run in runs):
        raise RuntimeError("the bare loop failed")
    return sum(float(x.split()[0]) for x in out)


def transcribe_s(ctx, recording, workers):
    """(seconds until the first segment, until the job is completed) on a server just started."""
    wait = ctx.harness.wait_until
    with ctx.server(env={"SCRIPTA_WORKERS": workers}) as server:
        begun = time.perf_counter()
        job = submit(server, recording)
        path = f"/api/jobs/{job['job_id']}"

        def has_segment():
            transcript = server.client.job(job["job_id"])["transcript_id"]
            reply = server.client.get(f"/api/transcripts/{transcript}") if transcript else None
            return reply and reply.status == 200 and reply.json["segments"]

        wait(has_segment, 120, "the first segment", 0.02)
        first = time.perf_counter() - begun
        wait(lambda: server.client.get(path).json["status"] in ("completed", "failed"), 300,
             "the end of the job", 0.1)
        took = time.perf_counter() - begun
        if server.client.job(job["job_id"])["status"] != "completed":
            raise RuntimeError(f"the job failed: {server.tail()}")
        return first, took


def run(ctx):
    recording = ctx.folder / "talk.wav"
    make(ctx, recording, ctx.pick(MINUTES * 60, 2))
    chunks = cut(ctx, recording, ctx.folder / "chunks")
    heard = sum(x.stat().st_size for x in chunks) / 2 / RATE
    ctx.note(f"The server makes {len(chunks)} chunks of the recording, {heard:.0f} s in all.")
    engine, alone, many, one = [], [], [], []
    for _ in range(ctx.runs):
        engine.append(engine_s(ctx, chunks, ctx.cores))
        alone.append(engine[-1] if ctx.smoke else engine_s(ctx, chunks, 1))
        many.append(transcribe_s(ctx, recording, ctx.cores))
        # A tiny run sees nothing in it that the one before did not show.
        one.append(many[-1] if ctx.smoke else transcribe_s(ctx, recording, 1))
    ctx.figure(f"ten minutes, {ctx.cores} workers", [x[1] for x in many], "s")
    ctx.figure("by the engine's own time divided by the cores",
               ratios([x[1] for x in many], [x / ctx.cores for x in engine]), "x", at_most=1.1)
    ctx.figure(f"one worker by {ctx.cores}",
               ratios([x[1] for x in one], [x[1] for x in many]), "x",
               at_least=1.8 if ctx.cores == 2 else None)
    ctx.figure(f"the bare loop: one process by {ctx.cores}, of processor time",
               [ctx.cores * x for x in ratios(alone, engine)], "x")
    ctx.figure("first segment readable", [x[0] for x in many], "s", at_most=3)
