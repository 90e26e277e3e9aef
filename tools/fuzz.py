#!/usr/bin/env python3
"""Runs the fuzz targets of a build made with -Dfuzz=true; ends in a line 'N passed, N failed'.

fuzz.py BUILD [--seconds N] [TARGET…]   fuzz each target; what it finds stays in its corpus folder
fuzz.py BUILD --corpus [TARGET…]        each target once over its corpus
"""

import argparse
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
from tally import Tally  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
CORPUS = ROOT / "tests" / "fuzz" / "corpus"
RUNS = re.compile(r"Done (\d+) runs|#(\d+)\s+DONE")


def fuzz(program, name, seconds):
    """(passed, text): libFuzzer grows a copy of the corpus; a crash file goes to the corpus itself."""
    seeds = CORPUS / name
    # By the clock: on a busy machine one run of a second may take ten. What hangs takes any time.
    command = [str(program), f"-artifact_prefix={seeds}/", "-print_final_stats=0", "-timeout=90",
               "-report_slow_units=90", "-rss_limit_mb=2048", "-max_len=65536"]
    words = seeds.parent.parent / "words" / f"{name}.dict"
    if words.exists():
        command.append(f"-dict={words}")
    env = dict(os.environ, ASAN_OPTIONS="detect_leaks=1:allocator_may_return_null=1",
               UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1")
    with tempfile.TemporaryDirectory() as grown:
        if seconds:
            command += [f"-max_total_time={seconds}", grown, str(seeds)]
        else:
            command += ["-runs=0", str(seeds)]
        done = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, errors="replace", check=False)
    runs = RUNS.findall(done.stderr)
    count = next((x for pair in runs[-1:] for x in pair if x), "0")
    if done.returncode != 0:
        return False, f"{name}: FAILED after {count} runs\n{done.stderr[-8000:]}"
    return True, f"{name}: {count} runs, {len(list(seeds.iterdir()))} seeds"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--corpus", action="store_true")
    parser.add_argument("targets", nargs="*")
    args = parser.parse_intermixed_args()
    folder = args.build / "tests" / "fuzz"
    programs = [p for p in sorted(folder.glob("fuzz-*")) if p.is_file() and os.access(p, os.X_OK)
                and (not args.targets or p.name[5:] in args.targets)]
    passed = failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        results = pool.map(lambda p: fuzz(p, p.name[5:], 0 if args.corpus else args.seconds),
                           programs)
        for good, text in results:
            print(text, flush=True)
            passed += good
            failed += not good
    tally = Tally()
    tally.add("fuzz corpora" if args.corpus else "fuzz", passed, failed)
    return tally.close()


if __name__ == "__main__":
    sys.exit(main())
