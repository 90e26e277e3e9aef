#!/usr/bin/env python3
"""Does the time of a refusal tell how much of a token was right?

Sends tokens that differ from a real one in their first and in their last sign, in random order over
one connection, and compares the times of the answers by Welch's t: |t| under 4.5 is no difference.
The slowest hundredth of each, which the machine and not the token makes, is left out. Another pair
compares a token that was right but for its last sign with one that was never made.

token-timing.py [--samples N] [--build DIR]
"""

import argparse
import http.client
import json
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
LIMIT = 4.5


def welch(a, b):
    va, vb = statistics.variance(a) / len(a), statistics.variance(b) / len(b)
    return (statistics.fmean(a) - statistics.fmean(b)) / (va + vb) ** 0.5


def trimmed(values):
    return sorted(values)[:len(values) * 99 // 100]


def refusal_ns(connection, token):
    begin = time.perf_counter_ns()
    connection.request("GET", "/api/jobs", headers={"Authorization": f"Bearer {token}"})
    reply = connection.getresponse()
    reply.read()
    assert reply.status == 401, reply.status
    return time.perf_counter_ns() - begin


def compare(connection, names, tokens, samples):
    times = ([], [])
    order = [i % 2 for i in range(2 * samples)]
    random.shuffle(order)
    for i in order:
        times[i].append(refusal_ns(connection, tokens[i]))
    a, b = (trimmed(t) for t in times)
    t = welch(a, b)
    print(f"{names[0]} {statistics.fmean(a) / 1000:.2f} us, {names[1]} "
          f"{statistics.fmean(b) / 1000:.2f} us, {len(a)} samples each: t = {t:.2f}")
    return abs(t) < LIMIT


def changed(token, at):
    """The token with another sign of the same alphabet at one place."""
    other = "a" if token[at] != "a" else "b"
    at %= len(token)
    return token[:at] + other + token[at + 1:]


def measure(scripta, folder, samples):
    server = subprocess.Popen([scripta, "--data", folder, "serve", "--listen", "127.0.0.1:0"],
                              stderr=subprocess.DEVNULL)
    try:
        listen = pathlib.Path(folder) / "run" / "listen"
        deadline = time.monotonic() + 10
        while not listen.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        made = subprocess.run([scripta, "--data", folder, "--json", "token", "create", "timing"],
                              check=True, capture_output=True, text=True).stdout
        token = json.loads(made)["token"]
        host, _, port = listen.read_text().strip().rpartition(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=10)
        first, last = changed(token, len("scripta_")), changed(token, -1)
        never = "scripta_" + "".join(random.choices("abcdefghijklmnopqrstuvwxyz234567", k=32))
        for _ in range(500):
            refusal_ns(connection, never)
        good = compare(connection, ("first sign wrong", "last sign wrong"), (first, last), samples)
        return compare(connection, ("last sign wrong", "never made"), (last, never),
                       samples) and good
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
