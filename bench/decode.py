"""Decoding, beside the same libraries in a bare loop

Processor time of `scripta-media decode` (jail, lists of what is damaged, a clock) over that of
`bench/bare-decode.c`, which opens, decodes and resamples with the same FFmpeg and does nothing
else. Both write their samples into a pipe that is read and thrown away. What a process takes to
start is measured by a recording of a second and taken off.
"""

import os
import statistics
import subprocess

from bench.common import pairs

LIMIT_S = 300
MINUTES = 5
# File, options of ffmpeg, and for what is decoded in no time how many times as long it is.
FORMATS = {
    "wav": ("a.wav", ()),
    "wav24": ("b.wav", ("-c:a", "pcm_s24le", "-ar", "48000")),
    "flac": ("a.flac", ()),
    "mp3": ("a.mp3", ("-b:a", "128k")),
    "m4a": ("a.m4a", ("-c:a", "aac", "-b:a", "128k")),
    "ogg": ("a.ogg", ("-c:a", "libvorbis")),
    "opus": ("a.opus", ("-c:a", "libopus", "-b:a", "64k")),
    "webm": ("a.webm", ("-c:a", "libopus", "-b:a", "64k")),
    "mkv": ("a.mkv", ("-c:a", "aac")),
    "wma": ("a.wma", ("-c:a", "wmav2")),
    "ts": ("a.ts", ("-c:a", "mp2")),
    "mulaw": ("c.wav", ("-c:a", "pcm_mulaw", "-ar", "8000", "-ac", "1"), 6),
}
# Sound with something in it: a chord that moves, and noise.
SOURCE = ("aevalsrc='0.2*sin(2*PI*(300+100*sin(t/3))*t)+0.1*sin(1500*t)+0.05*(random(0)-0.5)"
          "|0.2*sin(2*PI*(500+90*sin(t/5))*t)+0.05*(random(1)-0.5)':s=44100:d={}")


def make(folder, name, seconds):
    file, args = FORMATS[name][:2]
    path = folder / f"{seconds}-{file}"
    base = folder / f"{seconds}.wav"
    if not base.exists():
        subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i",
                        SOURCE.format(min(seconds, 60)), str(base)], check=True,
                       stdin=subprocess.DEVNULL)
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-stream_loop", "-1", "-t", str(seconds), "-i",
                    str(base), *args, str(path)], check=True, stdin=subprocess.DEVNULL)
    return path


def cost(command, path):
    """(processor seconds, bytes written); {} in the command is a descriptor of the file."""
    with open(path, "rb") as f:
        command = [x.format(f.fileno()) for x in command]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL, pass_fds=[f.fileno()])
        count = 0
        pipe = process.stdout.fileno()
        while chunk := os.read(pipe, 1 << 20):
            count += len(chunk)
        process.stdout.close()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"{command[0]} {path}: exit code {process.returncode}")
    return usage.ru_utime + usage.ru_stime, count


def measure(ctx, path, runs):
    """Processor seconds of each, in turns: ([ours], [bare])"""
    bare = ctx.program("bare-decode")
    a, b = pairs(runs, lambda: cost([ctx.media, "decode", "--fd", "{}"], path),
                 lambda: cost([bare, str(path)], path))
    if abs(a[0][1] - b[0][1]) > 0.02 * b[0][1] + 20000:
        raise RuntimeError(f"{path.name}: {a[0][1]} and {b[0][1]} bytes are not the same sound")
    return [x[0] for x in a], [x[0] for x in b]


def run(ctx):
    for name in ctx.pick(list(FORMATS), ["wav", "m4a"]):
        times = (FORMATS[name] + (1,))[2]
        seconds = ctx.pick(MINUTES * 60, 5) * times
        start = [statistics.median(x) for x in measure(ctx, make(ctx.folder, name, 1), ctx.runs)]
        path = make(ctx.folder, name, seconds)
        ours, bare = measure(ctx, path, ctx.runs)
        path.unlink()
        # A whole that takes less than its start did would be noise: in tiny runs it happens.
        ours = [max(x - start[0], 1e-3) for x in ours]
        bare = [max(x - start[1], 1e-3) for x in bare]
        ctx.figure(f"{name}: ours by bare, at {seconds / statistics.median(ours):,.0f} times real",
                   [x / y for x, y in zip(ours, bare)], "x", at_most=1.2)
