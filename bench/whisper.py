"""Whisper end to end, beside libwhisper

Ten minutes of speech with pauses, as for PocketSphinx, and a scripted model of the dimensions of
`base` that says five words in two seconds of whatever it hears; one thread, greedy, no fallback.
Alone, the engine hears the recording as one clip, window after window, the text of each ahead of
the next, as `whisper_full` does. In the product a job goes to a server with one worker, which
leaves the pauses out and hears each chunk without the text in front of it, so it costs far less
than either; its processor time is that of all its processes from the upload to the completed job,
loading included, its memory the most that server and worker ever had. libwhisper
(`REFERENCE=PREFIX`) hears the whole recording with its own kernels and with OpenBLAS: the faster
counts, loading told apart. The growth is that of the engine's contract: opened ten times, each time
a hundred chunks of 5 s with five beams, five draws and times of words. What is resident is held
against what `sc_whisper_memory` counts for the same: models of random weights, which say as much as
may be, behind a prompt as long as may be.
"""

import json
import os
import pathlib
import subprocess
import time

from bench import engine, transcribe
from bench.common import pairs, peak_kb, ratios

LIMIT_S = 3600
MINUTES = 10
# (name, state, layers) of models, and (what, chunks, seconds, options) that is heard by them.
FILLED = (("tiny", 384, 4), ("base", 512, 6), ("small", 768, 12))
FILLINGS = (
    ("a chunk", 1, 30, {}),
    ("a chunk by eight beams", 1, 30, {"temperature": 0, "beam_size": 8}),
    ("eight chunks", 8, 30, {}),
    ("a part of five minutes", 1, 332, {"sequential": True}),
)
HZ = os.sysconf("SC_CLK_TCK")


def tree(pid):
    """A process and those below it, whichever of its threads has started them."""
    out = [pid]
    for path in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        out += [y for x in path.read_text(encoding="ascii").split() for y in tree(int(x))]
    return out


def tree_cpu_s(pid):
    """Processor seconds of a process, of those below it, and of those that have ended there."""
    ticks = 0
    for one in tree(pid):
        with open(f"/proc/{one}/stat", encoding="utf-8", errors="replace") as f:
            ticks += sum(map(int, f.read().rpartition(")")[2].split()[11:15]))
    return ticks / HZ


def product(ctx, recording, model):
    """What a job costs on a server just started."""
    env = {"SCRIPTA_WORKERS": 1, "SCRIPTA_ENGINE_WHISPER_THREADS": 1}
    with ctx.server(env=env) as server:
        pid = server.process.pid
        before, begun = tree_cpu_s(pid), time.perf_counter()
        reply = server.client.upload(recording.read_bytes(), engine="whisper", model=str(model),
                                     language="en", word_timestamps="off",
                                     temperature_increment_on_fallback="0", force="true")
        if reply.status != 201:
            raise RuntimeError(f"{reply}")
        job, first = reply.json["job_id"], None
        while True:
            now = server.client.job(job)
            if first is None and now["transcript_id"]:
                text = server.client.get(f"/api/transcripts/{now['transcript_id']}")
                if text.status == 200 and text.json["segments"]:
                    first = time.perf_counter() - begun
            if now["status"] in ("completed", "failed"):
                break
            time.sleep(0.1)
        if now["status"] != "completed":
            raise RuntimeError(f"the job failed: {server.tail()}")
        return {"cpu_s": tree_cpu_s(pid) - before, "first_s": first,
                "resident_mb": sum(peak_kb(x) for x in tree(pid)) / 1024}


def faster(theirs):
    """Of its two back ends the one that takes less, measured once."""
    took = {kind: theirs(kind)["hear_ms"] for kind in ("plain", "blas")}
    return min(took, key=took.get)


def compare(ctx, what, ours, job, theirs):
    """Figures of one kind of model file; theirs(): None without a reference."""
    if theirs is None:
        alone, other = [ours() for _ in range(ctx.runs)], None
    else:
        kind = faster(theirs)
        ctx.note(f"{what}: libwhisper was faster {'with OpenBLAS' if kind == 'blas' else 'alone'}.")
        alone, other = pairs(ctx.runs, ours, lambda: theirs(kind))
    jobs = [job() for _ in range(ctx.runs)]

    def values(list_, name, by=1):
        return [x[name] / by for x in list_]

    ctx.figure(f"{what}: alone, processor time", values(alone, "hear_ms", 1000), "s")
    ctx.figure(f"{what}: alone, loading", values(alone, "open_ms"), "ms")
    ctx.figure(f"{what}: alone, first segment", values(alone, "first_s"), "s")
    ctx.figure(f"{what}: alone, resident", values(alone, "resident_mb"), "MiB")
    ctx.figure(f"{what}: job, processor time", values(jobs, "cpu_s"), "s")
    ctx.figure(f"{what}: job, first segment", values(jobs, "first_s"), "s")
    ctx.figure(f"{what}: job, resident, server and worker", values(jobs, "resident_mb"), "MiB")
    if other is None:
        return
    bar = 1 if what == "f32" else None
    ctx.figure(f"{what}: libwhisper, processor time", values(other, "hear_ms", 1000), "s")
    ctx.figure(f"{what}: libwhisper, loading", values(other, "open_ms"), "ms")
    ctx.figure(f"{what}: libwhisper, first segment", values(other, "first_s"), "s")
    ctx.figure(f"{what}: libwhisper, resident", values(other, "resident_mb"), "MiB")
    ctx.figure(f"{what}: alone by libwhisper, processor time",
               ratios(values(alone, "hear_ms"), values(other, "hear_ms")), "x", at_most=bar)
    ctx.figure(f"{what}: job by libwhisper, processor time",
               ratios(values(jobs, "cpu_s"),
                      [(x["open_ms"] + x["hear_ms"]) / 1000 for x in other]), "x", at_most=bar)


def fill(ctx):
    """What is resident, against what is counted for it."""
    path = ctx.folder / "filled.bin"
    for name, *dims in ctx.pick(FILLED, (("tiny", *engine.TINY),)):
        subprocess.run([ctx.program("engine-net"), "make", str(path), *map(str, dims)], check=True)
        for what, chunks, seconds, options in ctx.pick(FILLINGS, FILLINGS[:1]):
            options = {"prompt": "the of to and in " * 60, "temperature": 0.4,
                       "temperature_increment_on_fallback": 0, **options}
            seen = engine.figures([ctx.program("engine-whole"), "fill", str(path), str(chunks),
                                   str(ctx.pick(seconds, 1)), json.dumps(options)])
            ctx.figure(f"{name}, {what}: resident, at most what was counted", seen["resident_mb"],
                       "MiB", at_most=round(seen["foreseen_mb"]))
        path.unlink()


def run(ctx):
    program = ctx.program("engine-whole")
    recording, sound = ctx.folder / "talk.wav", ctx.folder / "talk.raw"
    transcribe.make(ctx, recording, ctx.pick(MINUTES * 60, 8))
    sound.write_bytes(recording.read_bytes()[44:])
    where = os.environ.get("REFERENCE")
    yardstick, env = engine.reference(ctx.folder, where) if where else (None, None)
    state, layers = ctx.pick(engine.BASE, (0, 1))
    for what in ("f32", "f16"):
        model = ctx.folder / f"{what}.bin"
        subprocess.run([program, "make", model, str(state), str(layers), what], check=True)

        def theirs(kind, model=model):
            return engine.figures([*yardstick, str(model), kind, "whole", str(sound)],
                                  env | engine.blas_kernels())

        compare(ctx, what,
                lambda model=model: engine.figures([program, "hear", str(model), str(sound)]),
                lambda model=model: product(ctx, recording, model), theirs if where else None)
        model.unlink()
    if not where:
        ctx.lack("Without `REFERENCE=PREFIX` nothing stands beside these figures.")
    fill(ctx)
    tiny = ctx.folder / "tiny.bin"
    subprocess.run([program, "make", tiny, "0", "1", "f16"], check=True)
    grown = engine.figures([program, "grow", str(tiny), str(ctx.pick(1000, 1))])
    ctx.figure("memory grown over 1,000 chunks of a tiny model", grown["grown_kb"], "KiB",
               at_most=1024)
