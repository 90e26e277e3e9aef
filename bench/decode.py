#!/usr/bin/env python3
"""How fast is `scripta-media decode`, against the same libraries in a bare loop?

Makes a recording of each format, decodes it by both in turns, and prints the medians: seconds of
processor time that each took, how many times as fast as it plays, and the ratio, which must not
exceed 1.2. Both write their samples into a pipe that is read and thrown away. What a process takes
to start (libraries, tables, the jail) is measured by a recording of a second and taken off.

decode.py [--build DIR] [--minutes N] [--runs N] [--limit N] [--json] [FORMAT…]
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
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


def run(command, path):
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
        sys.exit(f"{command[0]} {path}: exit code {process.returncode}")
    return usage.ru_utime + usage.ru_stime, count


def measure(build, path, runs):
    """Processor seconds of each, in turns: ([ours], [bare])"""
    ours, bare = [], []
    for _ in range(runs):
        ours.append(run([str(build / "scripta-media"), "decode", "--fd", "{}"], path))
        bare.append(run([str(build / "bench" / "bare-decode"), str(path)], path))
    if abs(ours[0][1] - bare[0][1]) > 0.02 * bare[0][1] + 20000:
        sys.exit(f"{path.name}: {ours[0][1]} and {bare[0][1]} bytes are not the same sound")
    return [x[0] for x in ours], [x[0] for x in bare]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build-bench")
    parser.add_argument("--minutes", type=int, default=20, help="length of each recording")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--limit", type=float, default=1.2)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("formats", nargs="*", metavar="FORMAT", help="of: " + " ".join(FORMATS))
    args = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name in args.formats or FORMATS:
            seconds = args.minutes * 60 * (FORMATS[name] + (1,))[2]
            whole = measure(args.build, make(pathlib.Path(folder), name, seconds), args.runs)
            start = measure(args.build, make(pathlib.Path(folder), name, 1), args.runs)
            ours, bare = (statistics.median(w) - statistics.median(s)
                          for w, s in zip(whole, start))
            rows.append({"format": name, "ours_s": round(ours, 3), "bare_s": round(bare, 3),
                         "times_real": round(seconds / ours), "ratio": round(ours / bare, 3),
                         "start_s": round(statistics.median(start[0]), 3)})
            if not args.json:
                if len(rows) == 1:
                    print(f"{'format':8}{'ours':>9}{'bare':>9}{'x real':>9}{'ratio':>8}{'start':>9}")
                r = rows[-1]
                print(f"{name:8}{r['ours_s']:8.3f}s{r['bare_s']:8.3f}s{r['times_real']:9}"
                      f"{r['ratio']:8.2f}{r['start_s']:8.3f}s", flush=True)
    if args.json:
        print(json.dumps(rows))
    slow = [r["format"] for r in rows if r["ratio"] > args.limit]
    if slow:
        sys.exit(f"slower than {args.limit} times the bare loop: {' '.join(slow)}")


if __name__ == "__main__":
    main()
