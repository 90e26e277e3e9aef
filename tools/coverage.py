#!/usr/bin/env python3
"""How much of queue, store and parsers unit tests and fuzz seeds run; fails below the bars.

coverage.py BUILD [--uncovered] [--no-tests]

BUILD is a folder of `tools/build.sh cov`. One table for each group, of gcovr's figures.
--uncovered prints the lines that nothing ran, and those with a branch that was not taken.

Left out of the count, since no test can get there, is by the rule UNREACHABLE alone: assertions,
the answers to misuse and to allocations that fail.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
from tally import Tally  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
UNREACHABLE = r".*(\bsc_assert\(|\"no memory|\bmisuse\(|== NULL\) /\* no memory).*"
# Name, files of src, beginnings of the names of the tests that run them, bars in per cent.
GROUPS = (
    ("queue and store", ("queue/.*", "store/.*"), ("queue-", "store-"), 95, 85),
    ("parsers",
     ("json/reader.c", "yaml/reader.c", "http/(spool|multipart|request|range|router).c",
      "api/request.c", "api/openai-form.c", "transcript/(words|text|reader|read-.*|tokens).c",
      "config/(config|value|dotenv|job-options|job-options-json).c", "engine/(answer|runline).c",
      "net/sse.c", "base/(str|utf8).c"),
     ("json-", "yaml-", "http-", "api-", "transcript-", "config-", "engine-answer",
      "engine-runline", "net-", "base-", "fuzz-"), 95, 0),
)


def run_tests(build, tally):
    """The tests of all groups; their counts are what is measured."""
    for old in build.rglob("*.gcda"):
        old.unlink()
    tests = json.loads((build / "meson-info" / "intro-tests.json").read_text(encoding="utf-8"))
    beginnings = tuple(b for group in GROUPS for b in group[2])
    names = [t["name"] for t in tests if t["name"].startswith(beginnings)]
    env = dict(os.environ, PYTHONDONTWRITEBYTECODE="1")
    done = subprocess.run(["meson", "test", "-C", str(build), "--no-rebuild", "--print-errorlogs",
                           "--timeout-multiplier", "5", *names], env=env, capture_output=True,
                          text=True, stdin=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        print(done.stdout[-10000:])
    tally.add("tests", int(done.returncode == 0) * len(names), int(done.returncode != 0))


def measure(build, files):
    """gcovr's summary of some files, and what is not covered, by file."""
    with tempfile.TemporaryDirectory() as folder:
        summary, details = pathlib.Path(folder, "s.json"), pathlib.Path(folder, "d.json")
        command = ["gcovr", "--root", str(ROOT), "--object-directory", str(build),
                   f"--exclude-lines-by-pattern={UNREACHABLE}",
                   f"--exclude-branches-by-pattern={UNREACHABLE}", "--exclude-unreachable-branches",
                   "--json-summary", str(summary), "--json", str(details), str(build)]
        command += [f"--filter={ROOT}/src/{f}" for f in files]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0 or not summary.exists():
            sys.exit(done.stderr[-4000:])
        return (json.loads(summary.read_text(encoding="utf-8")),
                json.loads(details.read_text(encoding="utf-8")))


def percent(covered, total):
    return 100.0 * covered / total if total else 100.0


def ranges(numbers):
    """1, 2, 3, 7 as "1-3 7"."""
    out = []
    for n in numbers:
        if out and n == out[-1][1] + 1:
            out[-1][1] = n
        else:
            out.append([n, n])
    return " ".join(str(a) if a == b else f"{a}-{b}" for a, b in out) or "-"


def show_uncovered(details):
    for file in details["files"]:
        lines = [x["line_number"] for x in file["lines"]
                 if x["count"] == 0 and not x.get("gcovr/noncode")]
        halves = [x["line_number"] for x in file["lines"]
                  if x["count"] > 0 and any(b["count"] == 0 for b in x.get("branches", []))]
        if lines or halves:
            print(f"   {file['file']}: not run {ranges(lines)}; one way only {ranges(halves)}")


def report(build, group, tally, uncovered):
    name, files, _, line_bar, branch_bar = group
    summary, details = measure(build, files)
    print(f"{name:42}{'lines':>7}{'%':>7}{'branches':>10}{'%':>7}")
    for file in summary["files"]:
        if file["line_total"] > 1:
            print(f"  {file['filename']:40}{file['line_total']:7}"
                  f"{percent(file['line_covered'], file['line_total']):7.1f}"
                  f"{file['branch_total']:10}"
                  f"{percent(file['branch_covered'], file['branch_total']):7.1f}")
    lines = percent(summary["line_covered"], summary["line_total"])
    branches = percent(summary["branch_covered"], summary["branch_total"])
    print(f"  {'all of them':40}{summary['line_total']:7}{lines:7.1f}{summary['branch_total']:10}"
          f"{branches:7.1f}")
    if uncovered:
        show_uncovered(details)
    tally.add(f"{name}: lines at least {line_bar} %", int(lines >= line_bar), int(lines < line_bar))
    if branch_bar:
        tally.add(f"{name}: branches at least {branch_bar} %", int(branches >= branch_bar),
                  int(branches < branch_bar))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--uncovered", action="store_true", help="name the lines")
    parser.add_argument("--no-tests", action="store_true", help="count what was run before")
    args = parser.parse_args()
    build, tally = args.build.resolve(), Tally()
    if not args.no_tests:
        run_tests(build, tally)
    for group in GROUPS:
        report(build, group, tally, args.uncovered)
    return tally.close()


if __name__ == "__main__":
    sys.exit(main())
