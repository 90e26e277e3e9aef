"""G29: hundreds of thousands of requests, good, wrong and broken off, leave nothing behind."""

import os
import re
import socket

from frame import Case, Result
from harness import BUILD, wait_until

BATCH = 50  # requests in one piece
GOOD = (b"GET /api/jobs?limit=2 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /api/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /api/jobs/nonsuch HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /api/jobs?limit=x HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"BREW /api/jobs HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"POST /api/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Content-Length: 2\r\n\r\n[]")
BAD = (b"GET /api/jobs HTTP/1.1\r\nX : y\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\0" * 100,
       b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n")
CUT = b"POST /api/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{"
SANITIZED = "san" in BUILD.name
# A sanitizer keeps what was freed: little of it here, but pages of every size.
LEAN = "abort_on_error=1:quarantine_size_mb=1:thread_local_quarantine_size_kb=16"
MAY_GROW_KB = 16384 if SANITIZED else 2048


def descriptors(server):
    return len(os.listdir(f"/proc/{server.pid}/fd"))


def rss_kb(server):
    with open(f"/proc/{server.pid}/status", encoding="ascii") as f:
        return next(int(x.split()[1]) for x in f if x.startswith("VmRSS:"))


def connect(server):
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(120)
    sock.connect(str(server.socket))
    return sock


def ask_batch(sock, rng):
    """Many requests at once; each must be answered, in turn."""
    sock.sendall(b"".join(rng.choice(GOOD) for _ in range(BATCH)))
    out, seen = b"", 0
    while seen < BATCH:
        chunk = sock.recv(1 << 18)
        assert chunk, "the connection ended before all was answered"
        out += chunk
        seen = len(re.findall(rb"HTTP/1\.1 \d\d\d ", out))


def some(server, rng, count):
    """About so many requests; how many."""
    done = 0
    while done < count:
        with connect(server) as sock:
            for _ in range(min(20, 1 + (count - done) // BATCH)):
                ask_batch(sock, rng)
                done += BATCH
        for data in (rng.choice(BAD), CUT, GOOD[0]):
            with connect(server) as sock:
                sock.sendall(data)
                if data is not CUT and data is not GOOD[0]:
                    while sock.recv(65536):
                        pass
            done += 1
    return done


def run(ctx):
    server = ctx.server({"SCRIPTA_WORKERS": -1, "ASAN_OPTIONS": LEAN})
    for _ in range(3):
        server.client.post("/api/jobs", {"pipeline": "noop"})
    count = ctx.count * 1000
    done = some(server, ctx.rng, max(1000, count // 10))
    wait_until(lambda: server.client.get("/api/health/live").status == 200, 30, "it answers")
    descriptors_before, rss_before = descriptors(server), rss_kb(server)
    done += some(server, ctx.rng, count - done)
    wait_until(lambda: descriptors(server) <= descriptors_before + 2, 60, "descriptors are closed")
    grown = rss_kb(server) - rss_before
    assert grown <= max(MAY_GROW_KB, rss_before // 100), f"{grown} KB more"
    leaked = max(0, descriptors(server) - descriptors_before - 2)
    assert server.stop() == 0, server.tail()  # what nothing points to is told at the end
    return Result(ctx.count, {"requests": done}, {"grown by KB": grown}, leaked=leaked)


CASES = [Case("G29", "good, wrong and broken off", "thousand requests", run, short=5, one=100,
              full=1000, round=1000, minutes=0.5)]
