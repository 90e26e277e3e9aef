"""Ten hours: memory

A reading repeated for ten hours, handed in by `scripta add` and heard by the `null` engine: what the
server, its worker and the decoder have resident at most while it is copied, decoded, cut where
nobody speaks and put together. Beyond what an engine needs, no length of a recording may cost memory.
"""

import subprocess
import time

from bench.common import Skip, peak_kb
from bench.idle import worker_pids

LIMIT_S = 600
HOURS = 10
LIMIT_MIB = 50
POLL_S = 0.05


def make(ctx, clip, seconds):
    """The clip again and again, as FLAC."""
    path = ctx.folder / "long.flac"
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-stream_loop", "-1", "-t", str(seconds), "-i",
                    str(clip), "-ac", "1", "-ar", "16000", str(path)], check=True,
                   stdin=subprocess.DEVNULL)
    return path


def decoder_pids(ctx, server):
    """The decoders below a server."""
    return [pid for pid, (parent, _, argv) in ctx.harness.processes().items()
            if parent == server.pid and "decode" in argv]


def peaks(ctx, server, job):
    """The most that each kind of process had resident until the job was done, in MiB."""
    most = {"server": 0, "worker": 0, "decoder": 0}
    state = ""
    while state not in ("completed", "failed", "cancelled"):
        kinds = {"server": [server.pid], "worker": worker_pids(ctx, server),
                 "decoder": decoder_pids(ctx, server)}
        for kind, pids in kinds.items():
            for pid in pids:
                try:
                    most[kind] = max(most[kind], peak_kb(pid) / 1024)
                except (OSError, StopIteration):
                    pass  # it has just ended
        state = server.client.job(job)["status"]
        time.sleep(POLL_S)
    if state != "completed" or (0 in most.values() and not ctx.smoke):
        raise RuntimeError(f"the job is {state}, seen were {most}")
    return most


def run(ctx):
    clips = ctx.harness.librivox()
    if not clips:
        raise Skip("no LibriVox clips: apt-get install pocketsphinx-testdata")
    path = make(ctx, clips[-1], ctx.pick(HOURS * 3600, 360))
    runs = []
    for _ in range(ctx.runs):
        with ctx.server(env={"SCRIPTA_WORKERS": 1}) as server:
            begun = time.monotonic()
            added = ctx.harness.cli_json("add", path, "-e", "null", data=server.data, timeout=300)
            runs.append(peaks(ctx, server, added["job_id"]))
            took = time.monotonic() - begun
            chunks = server.client.job(added["job_id"])["chunks_total"]
    for kind in runs[0]:
        ctx.figure(f"{kind}, ten hours", [run[kind] for run in runs], "MiB", at_most=LIMIT_MIB)
    ctx.note(f"{path.stat().st_size / 1e6:.0f} MB of FLAC, {chunks} chunks, {took:.0f} s.")
