#!/usr/bin/env python3
"""Does the time of a refusal tell how much of a token was right?

Sends tokens that differ from a real one in their first and in their last sign, in random order over
one connection, and compares the times of the answers by Welch's t: |t| under 4.5 is no difference.
The slowest hundredth of each, which the machine and not the token makes, is left out. Another pair
compares a token that was right but for its last sign with one that was never made, a third the id of
another owner's job with one that is none.

token-timing.py [--samples N] [--build DIR]
"""

import argparse
import json
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.pop(0)  # beside this file lies an http.py, which is not Python's
import http.client  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
LIMIT = 4.5


def welch(a, b):
    va, vb = statistics.variance(a) / len(a), statistics.variance(b) / len(b)
    return (statistics.fmean(a) - statistics.fmean(b)) / (va + vb) ** 0.5


def trimmed(values):
    return sorted(values)[:len(values) * 99 // 100]


class Asker:
    """Times refusals over one connection."""

    def __init__(self, host, port):
        self.connection = http.client.HTTPConnection(host, port, timeout=10)

    def time_ns(self, path, token, status):
        begin = time.perf_counter_ns()
        self.connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
        reply = self.connection.getresponse()
        reply.read()
        assert reply.status == status, (path, reply.status)
        return time.perf_counter_ns() - begin

    def compare(self, names, calls, samples):
        """Two calls (path, token, status) in random order; are their times alike?"""
        times = ([], [])
        order = [i % 2 for i in range(2 * samples)]
        random.shuffle(order)
        for i in order:
            times[i].append(self.time_ns(*calls[i]))
        a, b = (trimmed(t) for t in times)
        t = welch(a, b)
        mean = statistics.fmean(a), statistics.fmean(b)
        print(f"{names[0]} {mean[0] / 1000:.2f} us, {names[1]} {mean[1] / 1000:.2f} us "
              f"({100 * (mean[0] / mean[1] - 1):+.1f} %), {len(a)} samples each: t = {t:.2f}")
        return abs(t) < LIMIT


def changed(token, at):
    """The token with another sign of the same alphabet at one place."""
    at %= len(token)
    return token[:at] + ("a" if token[at] != "a" else "b") + token[at + 1:]


def measure(scripta, folder, samples):
    # Nobody else is allowed so many wrong tokens.
    server = subprocess.Popen([scripta, "--data", folder, "serve", "--listen", "127.0.0.1:0",
                               "--set", "http.token_failures=0", "--set", "http.rate_limit=0",
                               "--set", "http.rate_limit_address=0"], stderr=subprocess.DEVNULL)

    def run(*args):
        return json.loads(subprocess.run([scripta, "--data", folder, "--json", *args], check=True,
                                         capture_output=True, text=True).stdout)

    try:
        listen = pathlib.Path(folder) / "run" / "listen"
        deadline = time.monotonic() + 10
        while not listen.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        token = run("token", "create", "timing", "--owner", "ann")["token"]
        theirs = run("add", "--pipeline", "noop")["job_id"]
        host, _, port = listen.read_text().strip().rpartition(":")
        asker = Asker(host, int(port))
        first, last = changed(token, len("scripta_")), changed(token, -1)
        never = "scripta_" + "".join(random.choices("abcdefghijklmnopqrstuvwxyz234567", k=32))
        missing = changed(theirs, -1)
        for _ in range(500):
            asker.time_ns("/api/jobs", never, 401)
        return all([
            asker.compare(("first sign wrong", "last sign wrong"),
                          [("/api/jobs", t, 401) for t in (first, last)], samples),
            asker.compare(("last sign wrong", "never made"),
                          [("/api/jobs", t, 401) for t in (last, never)], samples),
            asker.compare(("another owner's job", "no job"),
                          [(f"/api/jobs/{i}", token, 404) for i in (theirs, missing)], samples),
        ])
    finally:
        server.terminate()
        server.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=20000)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sc-") as folder:
        good = measure(str(args.build.resolve() / "scripta"), folder, args.samples)
    print("token-timing: no difference seen" if good else "token-timing: the times differ")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
