"""G41: does the time of a refusal tell how much of a token was right?"""

import random
import socket
import statistics
import time

from frame import Case, Result
from harness import free_port

T_MOST = 4.5  # of Welch's t: beyond, two means differ but for one case in 100,000
SLOWEST = 0.1  # of the times are left out: what else the machine does makes them


def changed(token, at):
    """The token with another letter at one place."""
    return token[:at] + ("b" if token[at] == "a" else "a") + token[at + 1:]


def ask(sock, token):
    """Seconds until the refusal is there."""
    request = (f"GET /api/jobs HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n"
               .encode())
    begun = time.perf_counter()
    sock.sendall(request)
    reply = sock.recv(4096)
    took = time.perf_counter() - begun
    assert reply.startswith(b"HTTP/1.1 401 "), reply
    return took


def mean_and_error(times):
    """The mean without the slowest ones, and its squared error. Where they are cut off is chance
    too, so in the error they count as slow as the slowest that is kept (Yuen)."""
    times = sorted(times)
    kept = times[:int(len(times) * (1 - SLOWEST))]
    even = kept + kept[-1:] * (len(times) - len(kept))
    mean = statistics.fmean(even)
    spread = sum((x - mean) ** 2 for x in even)
    return statistics.fmean(kept), spread / (len(kept) - 1) / len(kept)


def run(ctx):
    port = free_port()
    server = ctx.server({"SCRIPTA_WORKERS": -1, "SCRIPTA_LISTEN": f"127.0.0.1:{port}",
                         "SCRIPTA_HTTP_TOKEN_FAILURES": 0})
    token = server.client.post("/api/tokens", {"name": "t", "scopes": ["read"]}).json["token"]
    first = token.index("_") + 1
    wrong = {"first": changed(token, first), "last": changed(token, len(token) - 1)}
    times = {name: [] for name in wrong}
    order = random.Random(ctx.seed)
    with socket.create_connection(("127.0.0.1", port)) as sock:
        for number in range(ctx.count + 200):
            for name in order.sample(sorted(wrong), 2):
                took = ask(sock, wrong[name])
                if number >= 200:  # caches are warm by then
                    times[name].append(took)
    (one, one_error), (other, other_error) = map(mean_and_error, times.values())
    t = (one - other) / (one_error + other_error) ** 0.5
    result = Result(ctx.count, most={"us, wrong at its first letter": round(one * 1e6, 2),
                                     "us, wrong at its last": round(other * 1e6, 2),
                                     "Welch's t": round(abs(t), 2)})
    assert abs(t) < T_MOST, result
    return result


CASES = [Case("G41", "with a token wrong at its first or its last letter", "pairs", run, short=0,
              one=20000, full=100000, minutes=1, alone=True)]
