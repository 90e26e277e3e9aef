#!/usr/bin/env python3
"""Runs benches, prints their figures against their bars and writes docs/benchmarks.md.

python3 -m bench [--build DIR] [--runs N] [NAME…]     all, or some: only their sections are renewed
python3 -m bench --smoke [--build DIR] [NAME…]        tiny sizes, to see that they work; decides
                                                      nothing about speed, writes nothing
A bench runs in a process of its own: one that breaks or hangs is told and stops no other.
Ends with 0 when every bar is met, with 1 when one is missed or a bench broke.
"""

import argparse
import importlib
import json
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import traceback

from bench import common, report

# In the order of docs/benchmarks.md.
BENCHES = ("start", "http", "upload", "transcribe", "decode", "engine", "whisper", "batch",
           "packing", "queue", "store", "exports", "search", "edits", "compare", "long", "idle",
           "wakeups")
LIMIT_S = 180


def run_here(args):
    """One bench in this process; its result as JSON into a file."""
    module = importlib.import_module(f"bench.{args.names[0]}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("it was stopped"))
    context = common.Context(args.names[0], args.build, args.runs, args.smoke)
    result = {"why": None, "skipped": None}
    try:
        module.run(context)
    except common.Skip as e:
        result["skipped"] = str(e)
    except (Exception, SystemExit) as e:  # pylint: disable=broad-except
        traceback.print_exc()
        result["why"] = f"{type(e).__name__}: {e}"
    finally:
        context.close()
    result.update(figures=context.figures, notes=context.notes, lacks=context.lacks)
    args.result.write_text(json.dumps(result), encoding="utf-8")


def run_apart(name, args, folder):
    """One bench in a process of its own."""
    limit = getattr(importlib.import_module(f"bench.{name}"), "LIMIT_S", LIMIT_S)
    path = pathlib.Path(folder) / f"{name}.json"
    command = [sys.executable, "-m", "bench", "--build", str(args.build), "--runs", str(args.runs),
               "--result", str(path), name]
    process = subprocess.Popen(command + (["--smoke"] if args.smoke else []), cwd=common.ROOT,
                               stdin=subprocess.DEVNULL)
    begun = time.monotonic()
    stopped = ""
    try:
        process.wait(limit)
    except subprocess.TimeoutExpired:
        stopped = f"it took more than {limit} s"
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    result = {"figures": [], "notes": [], "lacks": None, "skipped": None,
              "why": "it ended without a result"}
    if path.exists():
        result = json.loads(path.read_text(encoding="utf-8"))
    result["why"] = stopped or result["why"]
    result["seconds"] = time.monotonic() - begun
    return result


def close(results, smoke):
    """The last lines; the exit code."""
    figures = [f for r in results.values() for f in r["figures"]]
    broken = {n: r["why"] for n, r in results.items() if r["why"]}
    skipped = {n: r["skipped"] for n, r in results.items() if r["skipped"]}
    for name, why in skipped.items():
        print(f"skipped: {name}: {why}")
    for name, why in broken.items():
        print(f"broken: {name}: {why}")
    missed = [f for f in figures if f["met"] is False]
    seconds = sum(r["seconds"] for r in results.values())
    if smoke:
        print(f"bench: {len(results) - len(broken)} of {len(results)} work, in {seconds:.0f} s")
    else:
        met = sum(f["met"] is True for f in figures)
        print(f"bench: {met} bars met, {len(missed)} missed, {len(broken)} benches broken, "
              f"in {seconds:.0f} s")
    return 1 if broken or (missed and not smoke) else 0


def main():
    parser = argparse.ArgumentParser(prog="python3 -m bench",
                                     description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", type=pathlib.Path, default=common.ROOT / "build-bench")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--smoke", action="store_true", help="tiny sizes; only whether they work")
    parser.add_argument("--no-docs", action="store_true", help="leave docs/benchmarks.md alone")
    parser.add_argument("--result", type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("names", nargs="*", metavar="NAME", help="of: " + " ".join(BENCHES))
    args = parser.parse_args()
    unknown = [n for n in args.names if n not in BENCHES]
    if unknown:
        parser.error(f"no bench '{unknown[0]}': there are {' '.join(BENCHES)}")
    if args.runs < 1:
        parser.error("--runs must be at least 1")
    if args.result:
        run_here(args)
        return 0
    names = [n for n in BENCHES if not args.names or n in args.names]
    results = {}
    with tempfile.TemporaryDirectory(prefix="sc-") as folder:
        for name in names:
            results[name] = run_apart(name, args, folder)
            if not args.smoke:
                print(report.terminal_table(name, results[name]), flush=True)
    if not args.smoke and not args.no_docs:
        report.write(BENCHES, results, args.runs)
    return close(results, args.smoke)


if __name__ == "__main__":
    sys.exit(main())
