"""G26: two thousand clients that are slow with headers, with bodies and with reading."""

import contextlib
import os
import resource
import socket
import statistics
import time

from frame import Case, Result
from harness import wait_until

HEADER_S = 10  # headers that have not come by then are cut off
ASKED = 300
LOOKS = 9
TIMES = 2
BESIDE_MS = 5  # below, twice as slow is what the rest of a busy machine makes of two equal servers
FORM = (b"POST /api/upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000000\r\n"
        b"Content-Type: multipart/form-data; boundary=x\r\n\r\n")
LIVE = b"GET /api/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"
LIST = b"GET /api/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"


def connect(server, first):
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(str(server.socket))  # waits while the server has too many to accept
    sock.settimeout(60)
    sock.sendall(first)
    return sock


def p99_ms(server):
    """Of small reads by somebody who is not slow, each over a connection of its own."""
    took = []
    for _ in range(ASKED):
        begun = time.perf_counter()
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(str(server.socket))
            sock.settimeout(60)
            sock.sendall(LIVE)
            assert sock.recv(4096).startswith(b"HTTP/1.1 200 ")
        took.append(1000 * (time.perf_counter() - begun))
    return statistics.quantiles(took, n=100)[98]


def cpu_s(server):
    with open(f"/proc/{server.pid}/stat", encoding="ascii") as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def is_at_rest(server):
    before = cpu_s(server)
    time.sleep(0.3)
    return cpu_s(server) - before < 0.02


def compare(alone, beside):
    """The same of both servers, in turn, so that whatever else the machine does hinders both."""
    looks = [(p99_ms(alone), p99_ms(beside)) for _ in range(LOOKS)]
    return (statistics.median(look[i] for look in looks) for i in (0, 1))


def is_cut(sock):
    """A byte more, if it is still taken."""
    try:
        sock.sendall(b"a")
        return sock.recv(1, socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def run(ctx):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, ctx.count + 500)), hard))
    server = ctx.server({"SCRIPTA_WORKERS": -1})
    alone = ctx.server({"SCRIPTA_WORKERS": -1})
    others = [connect(server, FORM if number % 2 else LIST * 20)
              for number in range(ctx.count * 2 // 3)]
    wait_until(lambda: is_at_rest(server), 60, "what the readers asked for waits for them")
    begun = time.monotonic()
    headers = [connect(server, b"GET /api/jobs HTTP/1.1\r\nX: ")
               for _ in range(ctx.count - len(others))]
    idle, busy = compare(alone, server)
    while headers:
        headers = [s for s in headers if not is_cut(s) or s.close()]
        with contextlib.suppress(OSError):
            for sock in others:
                sock.send(b"-", socket.MSG_DONTWAIT)
        assert time.monotonic() - begun < ctx.patient(HEADER_S + 5), f"{len(headers)} still there"
        time.sleep(0.2)
    cut_s = time.monotonic() - begun
    for sock in others:
        sock.close()
    assert server.client.post("/api/jobs", {"pipeline": "noop"}).status == 201
    assert busy <= max(TIMES * idle, ctx.patient(BESIDE_MS)), f"{idle} ms alone, {busy} ms beside"
    return Result(ctx.count, most={"read p99 ms, alone": round(idle, 2),
                                   "read p99 ms, beside them": round(busy, 2),
                                   "times slower": round(busy / idle, 2),
                                   "headers cut off after s": round(cut_s, 1)})


CASES = [Case("G26", "slow with headers, bodies and reading", "clients", run, short=0, one=2000,
              full=2000, minutes=1, alone=True)]
