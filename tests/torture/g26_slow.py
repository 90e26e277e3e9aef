"""G26: two thousand clients that are slow with headers, with bodies and with reading."""

import contextlib
import resource
import socket
import statistics
import time

from frame import Case, Result

HEADER_S = 10  # headers that have not come by then are cut off
ASKED = 300
FORM = (b"POST /api/upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000000\r\n"
        b"Content-Type: multipart/form-data; boundary=x\r\n\r\n")
LIST = b"GET /api/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"


def connect(server, first):
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(str(server.socket))  # waits while the server has too many to accept
    sock.settimeout(60)
    sock.sendall(first)
    return sock


def p99_ms(client):
    """Of small reads by somebody who is not slow."""
    took = []
    for _ in range(ASKED):
        begun = time.perf_counter()
        assert client.get("/api/health/live").status == 200
        took.append(1000 * (time.perf_counter() - begun))
    return statistics.quantiles(took, n=100)[98]


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
    idle = p99_ms(server.client)
    begun = time.monotonic()
    headers, others = [], []
    for number in range(ctx.count):
        if number % 3 == 0:
            headers.append(connect(server, b"GET /api/jobs HTTP/1.1\r\nX: "))
        else:
            others.append(connect(server, FORM if number % 3 == 1 else LIST * 20))
    busy = p99_ms(server.client)
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
    return Result(ctx.count, most={"slowest of 100 reads ms, alone": round(idle, 1),
                                   "beside them ms": round(busy, 1),
                                   "headers cut off after s": round(cut_s, 1)})


CASES = [Case("G26", "slow with headers, bodies and reading", "clients", run, short=0, one=2000,
              full=2000, minutes=1, alone=True)]
