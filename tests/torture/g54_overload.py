"""G54: twice as many requests as the server can take, for a minute."""

import collections
import json
import re
import selectors
import socket
import statistics
import time

from frame import Case, Result
from harness import wait_until

LATER = {"pipeline": "noop", "run_after": "1d"}
BODY = json.dumps(LATER).encode()
ASK = (b"POST /api/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
       b"Content-Length: %d\r\n\r\n" % len(BODY)) + BODY
CONNECTIONS = 400
LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)
RETRY = re.compile(rb"\r\nretry-after: [1-9]\d*\r\n", re.IGNORECASE)
ADMITTED_S = 0.5
RECOVERY_S = 5


class Crowd:
    """Clients that hold their connections and ask when they are told to, one request each at a
    time. Answers are kept as (status, seconds)."""

    def __init__(self, server, size):
        self.selector = selectors.DefaultSelector()
        self.idle = collections.deque()
        self.busy = 0
        self.answers = []
        self.made = 0
        self.without_retry = 0
        self.socks = []
        for _ in range(size):
            sock = socket.socket(socket.AF_UNIX)
            sock.connect(str(server.socket))
            sock.setblocking(False)
            self.selector.register(sock, selectors.EVENT_READ, [0.0, b""])
            self.idle.append(sock)
            self.socks.append(sock)

    def ask(self, due):
        sock = self.idle.popleft()
        self.selector.get_key(sock).data[:] = [due, b""]
        sock.send(ASK)
        self.busy += 1

    def _take(self, sock, state):
        chunk = sock.recv(65536)
        assert chunk, "the server closed a connection"
        state[1] += chunk
        head, found, body = state[1].partition(b"\r\n\r\n")
        if not found or len(body) < int(LENGTH.search(head + b"\r\n")[1]):
            return
        status = int(head.split(b" ", 2)[1])
        self.answers.append((status, time.monotonic() - state[0]))
        self.made += status == 201
        self.without_retry += status != 201 and not RETRY.search(head + b"\r\n")
        self.busy -= 1
        self.idle.append(sock)

    def wait(self, seconds):
        for key, _ in self.selector.select(max(0, seconds)):
            self._take(key.fileobj, key.data)

    def finish(self, patience):
        end = time.monotonic() + patience
        while self.busy:
            assert time.monotonic() < end, f"{self.busy} requests are not answered"
            self.wait(0.1)

    def close(self):
        for sock in self.socks:
            sock.close()
        self.selector.close()


def capacity(server, seconds):
    """Jobs a second when a few clients ask as fast as they are answered."""
    crowd = Crowd(server, 16)
    begun = time.monotonic()
    while time.monotonic() - begun < seconds:
        while crowd.idle:
            crowd.ask(time.monotonic())
        crowd.wait(0.1)
    crowd.finish(60)
    made = crowd.made
    crowd.close()
    return made / seconds, made


def press(crowd, rate, seconds):
    """So many requests a second by the clock, however they are answered; those for which no
    connection is free wait, and their time counts from when they were due."""
    begun, sent = time.monotonic(), 0
    while (now := time.monotonic() - begun) < seconds:
        while sent < now * rate and crowd.idle:
            crowd.ask(begun + sent / rate)
            sent += 1
        crowd.wait(0.002)
    return sent


def p99_ms(times):
    return 1000 * (statistics.quantiles(times, n=100)[98] if len(times) > 1 else sum(times))


def run(ctx):
    server = ctx.server({"SCRIPTA_WORKERS": -1, "SCRIPTA_HTTP_WORKERS": 1})
    seconds = max(1, ctx.count)
    rate, made = capacity(server, min(5, seconds))
    crowd = Crowd(server, CONNECTIONS)
    sent = press(crowd, 2 * rate, seconds)
    ended = time.monotonic()
    crowd.finish(60)
    # One client in no hurry is served as ever.
    wait_until(lambda: server.client.post("/api/jobs", LATER).status == 201, 60, "it recovers")
    recovery = time.monotonic() - ended
    made += crowd.made + 1
    admitted = [t for status, t in crowd.answers if status == 201]
    refused = [t for status, t in crowd.answers if status in (429, 503)]
    assert len(admitted) + len(refused) == len(crowd.answers) == sent
    assert crowd.without_retry == 0
    crowd.close()
    found = server.client.get("/api/stats").json["total_jobs"]
    result = Result(ctx.count, {"admitted": len(admitted), "turned away": len(refused)},
                    {"jobs a second alone": round(rate), "admitted p99 ms": round(p99_ms(admitted)),
                     "turned away p99 ms": round(p99_ms(refused))},
                    lost=abs(made - found), recovery_s=recovery)
    assert p99_ms(admitted) <= 1000 * ctx.patient(ADMITTED_S), result
    assert p99_ms(refused) <= 1000 * ctx.patient(ADMITTED_S), result
    assert recovery <= ctx.patient(RECOVERY_S), result
    return result


CASES = [Case("G54", "with twice as many requests as it can take", "seconds", run, short=0, one=60,
              full=60, minutes=1.2, alone=True)]
