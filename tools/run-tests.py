#!/usr/bin/env python3
"""Runs the tests of one build and ends in a line 'N passed, N failed'.

run-tests.py BUILD                        Meson's tests, the libraries of the programs, end to end
run-tests.py BUILD --meson-only [ARG…]    Meson's tests alone; arguments go to meson test
run-tests.py BUILD --e2e-only [ARG…]      pytest alone; arguments go to pytest
run-tests.py BUILD --threads              for ThreadSanitizer: unit tests of the modules with
                                          threads, end-to-end tests marked `threads`
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import xml.etree.ElementTree as ET

sys.dont_write_bytecode = True
from tally import Tally  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
E2E = ROOT / "tests" / "e2e"
# A file's tests share a server, so a file goes to one process; tests/e2e/conftest.py groups them.
SIDE_BY_SIDE = ["-n", str(min(os.cpu_count() or 1, 4)), "--dist", "loadgroup"]
# Debian's own interpreter: the one that Debian's python3-pytest belongs to.
PYTHON = "/usr/bin/python3" if pathlib.Path("/usr/bin/python3").exists() else sys.executable
# The modules whose code runs in several threads; the rest is pure and slow to run instrumented.
THREADED = ("base-", "sys-", "net-", "store-", "event-", "queue-", "library-", "pipeline-", "http-",
            "api-", "daemon-", "media-", "whisper-listen", "whisper-net", "whisper-pool")
CMOCKA_PASSED = re.compile(r"\[  PASSED  \] (\d+) test\(s\)\.")
CMOCKA_FAILED = re.compile(r"\[  FAILED  \] (?:tests: )?(\d+) test\(s\)")
CMOCKA_SKIPPED = re.compile(r"\[  SKIPPED \] (?!\d+ test)(\S+)")


def environment():
    env = dict(os.environ)
    env.setdefault("ASAN_OPTIONS", "abort_on_error=1:detect_stack_use_after_return=1")
    env.setdefault("UBSAN_OPTIONS", "print_stacktrace=1:halt_on_error=1")
    env.setdefault("TSAN_OPTIONS",
                   "halt_on_error=1:second_deadlock_stack=1")
    env["PYTHONDONTWRITEBYTECODE"] = "1"
    return env


def count_meson_test(entry):
    """(passed, failed, skipped) of one line of testlog.json: cmocka's own counts where it has."""
    text = (entry.get("stdout") or "") + (entry.get("stderr") or "")
    passed = sum(map(int, CMOCKA_PASSED.findall(text)))
    failed = sum(map(int, CMOCKA_FAILED.findall(text)))
    skipped = [f"{entry['name']}: {name}" for name in CMOCKA_SKIPPED.findall(text)]
    if entry["result"] == "SKIP":
        return 0, 0, [f"{entry['name']}: {text.strip().splitlines()[-1] if text.strip() else ''}"]
    if entry["result"] in ("OK", "EXPECTEDFAIL"):
        return max(passed, 1), 0, skipped
    return passed, max(failed, 1), skipped


def threaded_tests(build):
    """The names of the unit tests of THREADED."""
    text = (build / "meson-info" / "intro-tests.json").read_text(encoding="utf-8")
    return [t["name"] for t in json.loads(text)
            if t["name"].startswith(THREADED) and "scripta:unit" in t["suite"]]


def run_meson(build, args, tally):
    """All tests of the build, told apart by suite."""
    log = build / "meson-logs" / "testlog.json"
    log.unlink(missing_ok=True)
    command = ["meson", "test", "-C", str(build), "--print-errorlogs", "--no-rebuild"]
    command += ["--timeout-multiplier", "10"] + args
    done = subprocess.run(command, cwd=ROOT, env=environment(), stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, check=False)
    suites = {}
    if log.exists():
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
            entry = json.loads(line)
            passed, failed, skipped = count_meson_test(entry)
            # "scripta:unit / base-alloc"
            name = entry["name"].split(" / ")[0].split(":")[-1]
            sums = suites.setdefault(name, [0, 0, [], 0.0])
            sums[0] += passed
            sums[1] += failed
            sums[2] += skipped
            sums[3] += entry["duration"]
    if done.returncode != 0 or not suites:
        print(done.stdout[-20000:])
        print(done.stderr[-5000:])
    for name in sorted(suites):
        tally.add(name, *suites[name])
    if not suites or (done.returncode != 0 and not any(s[1] for s in suites.values())):
        tally.add("meson test", 0, 1)


def check_programs(build, tally):
    """The server's program links no decoder and no recognizer."""
    program = build / "scripta"
    if not program.exists():
        print(f"{program} is missing")
        tally.add("programs", 0, 1)
        return
    command = [sys.executable, str(ROOT / "tools" / "check-layers.py"), "--ldd", str(program)]
    failed = subprocess.run(command, check=False).returncode != 0
    tally.add("programs", int(not failed), int(failed))


def run_e2e(build, args, tally):
    report = build / "e2e.xml"
    report.unlink(missing_ok=True)
    env = environment()
    env["SCRIPTA_BUILD"] = str(build)
    command = [PYTHON, "-m", "pytest", "-p", "no:cacheprovider", "-q", f"--junitxml={report}",
               "--durations=8", *(args or [*SIDE_BY_SIDE, str(E2E)])]
    done = subprocess.run(command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, check=False)
    if not report.exists():
        print(f"pytest left no report, exit code {done.returncode}")
        tally.add("end to end", 0, 1)
        return
    passed = failed = 0
    skipped = []
    seconds = 0.0
    for suite in ET.parse(report).getroot().iter("testsuite"):
        seconds += float(suite.get("time", "0"))
        for case in suite.iter("testcase"):
            skip = case.find("skipped")
            if skip is not None:
                skipped.append(f"{case.get('name')}: {skip.get('message')}")
            elif case.find("failure") is not None or case.find("error") is not None:
                failed += 1
            else:
                passed += 1
    if done.returncode not in (0, 5) and not failed:
        failed += 1
    tally.add("end to end", passed, failed, skipped, seconds)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--meson-only", action="store_true")
    parser.add_argument("--e2e-only", action="store_true")
    parser.add_argument("--threads", action="store_true")
    args, rest = parser.parse_known_args()
    build = args.build.resolve()
    tally = Tally()
    if args.threads:
        run_meson(build, threaded_tests(build), tally)
        run_e2e(build, [*SIDE_BY_SIDE, "-m", "threads", str(E2E)], tally)
        return tally.close()
    if not args.e2e_only:
        run_meson(build, rest if args.meson_only else [], tally)
    if not args.meson_only:
        if not args.e2e_only:
            check_programs(build, tally)
        run_e2e(build, rest, tally)
    return tally.close()


if __name__ == "__main__":
    sys.exit(main())
