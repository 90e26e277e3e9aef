"""HTTP, beside nginx

nginx serves a file of the same size from the same machine, `wrk` asks both in turns over loopback,
with 16 connections that stay open: the JSON of a job (`GET /api/jobs/{id}`, whose answer is kept
until something is committed), the same while another job changes twenty times a second, and
`GET /api/health/live`, which touches memory alone. A recording of a gigabyte is fetched with
`Range: bytes=1-` from the page cache, of both servers the very same file, by a client that takes
what it gets into memory of its own; and it is sent as a form, which nginx takes with
`client_body_in_file_only`, neither hashing nor decoding nor syncing it. The slowest of a hundred
small reads is told while eight clients write, each twenty times a second, each write synced. At
last a million requests: what the server's memory grows by behind the first tenth of them.
"""

import contextlib
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import threading
import time

from bench import upload
from bench.common import Skip, cpu_s, pairs, ratios, rss_kb, timed

LIMIT_S = 600
MIB = 1 << 20
CONNECTIONS = 16
WRITERS = 8

TRIED = """
In instructions of the server (callgrind), a GET of health/live went from 98.8 to 71 thousand, of a
job from 225 to 127; 36.8 of each are the zeroing of a connection's memory by libmicrohttpd, which
counts a byte as an instruction. What was paid for: the path compared with all routes (12.8
thousand, now 2.9), names of columns searched in rows (29.9, now 3.3), JSON put together from pieces
and times by `printf` (52.5, now 16.4), a request of 5 KB that made the allocator tidy its lists
(8.1, now 0.5). What is left of a job's GET: SQLite 20 (4 us with the two locks of its read
transaction), the row 11, JSON 16, libmicrohttpd some 20 with the ten headers of an answer. What
gained nothing: two threads of the pool instead of four (fewer requests); reading without BEGIN and
ROLLBACK (0.2 us). Transactions of readers that stay open from read to read would gain 1.1 us for
the locks, but the log could not be begun anew meanwhile. With all that 0.48 to 0.52 x of nginx was
reached, on a busy machine; an answer is kept now until the store says that something has been
committed.
Of an upload's processor time for a gigabyte 0.7 s are the hash, 0.3 to 0.4 copying out of the
socket, 0.2 the search for the boundary and copying into blocks. Writing took 0.9 s while all went
through the page cache; since what is behind the first 32 MiB goes past it (`O_DIRECT`), it takes
0.2 s. Of six uploads of each in turns, on a busy machine, the median is 1.00 x of nginx where the
page cache gave 0.78; of four another time, on one still busier, 1.06 where it gave 0.69. Writing up
to four or eight blocks of 256 KiB at once, not two, gained nothing more (0.91 to 1.06), and nothing
at all without `O_DIRECT` (0.67). From its last byte to the answer 75 ms pass, of a megabyte as of a
gigabyte: that is the start of the decoder; the fsync finds nearly all of it on the disk.
A download is sendfile in pieces of 128 KiB, with a turn of epoll between two of them, which is what
libmicrohttpd does; the bytes of an answer pass by nothing of ours. A client that throws away what
it gets (`MSG_TRUNC`) is done with a piece before the next one comes, sleeps, and has to be woken
for each, or it is a little slower and never sleeps: either server then gives out some 3,600 MiB/s
or some 9,000, as the two cores happen to fall into step, and their ratio was anything from 0.38 to
2.1. A client that copies, as every real one does, sets the pace itself. Pieces of 2 MiB, tried by
putting them under libmicrohttpd, took 0.21 s of processor time for a gigabyte where those of 128
KiB take 0.24 and nginx 0.17; they would need a sendfile that sends more than it is asked for.
"""

NGINX = """
daemon off; user root; worker_processes auto; pid {folder}/pid; error_log {folder}/error.log crit;
events {{ worker_connections 256; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000; default_type audio/wav;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  client_max_body_size 0; open_file_cache max=100;
  server {{
    listen 127.0.0.1:{port} reuseport; root {folder}/www;
    location /up {{ client_body_in_file_only clean; proxy_pass_request_body off;
      proxy_set_header Content-Length ""; proxy_pass http://127.0.0.1:{port}/taken; }}
    location /taken {{ return 201; }}
  }}
}}
"""


class Nginx:
    def __init__(self, ctx):
        self.folder = ctx.folder / "nginx"
        self.www = self.folder / "www"
        self.www.mkdir(parents=True)
        self.port = ctx.harness.free_port()
        config = self.folder / "nginx.conf"
        config.write_text(NGINX.format(folder=self.folder, port=self.port), encoding="utf-8")
        self.process = subprocess.Popen([shutil.which("nginx") or "/usr/sbin/nginx", "-c", config,
                                         "-p", self.folder, "-e", self.folder / "error.log"])

    def __enter__(self):
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and self.process.poll() is None:
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self
            time.sleep(0.02)
        raise RuntimeError("nginx does not start: " + (self.folder / "error.log").read_text())

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def pids(self):
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children",
                  encoding="ascii") as f:
            return [self.process.pid, *map(int, f.read().split())]


def wrk(port, path, seconds, connections=CONNECTIONS):
    """(requests a second, the 99th percentile in milliseconds, requests)."""
    done = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency",
                           f"http://127.0.0.1:{port}{path}"], capture_output=True, text=True,
                          check=True)
    if "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
        raise RuntimeError(done.stdout)
    rate = float(re.search(r"Requests/sec: +([\d.]+)", done.stdout).group(1))
    p99, unit = re.search(r"99% +([\d.]+)(us|ms|s)", done.stdout).groups()
    return (rate, float(p99) * {"us": 0.001, "ms": 1, "s": 1000}[unit],
            int(re.search(r"(\d+) requests in", done.stdout).group(1)))


def ask(port, path, method="GET", body=None):
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request(method, path, body=body, headers={"Content-Type": "application/json"})
    reply = connection.getresponse()
    out = reply.read()
    connection.close()
    if reply.status >= 300:
        raise RuntimeError(f"{method} {path}: {reply.status} {out[:300]!r}")
    return out


def fetch(port, path, size):
    """Takes all but the first byte of a file."""
    with socket.create_connection(("127.0.0.1", port)) as s:
        s.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nRange: bytes=1-\r\n"
                  "Connection: close\r\n\r\n".encode())
        head = b""
        while b"\r\n\r\n" not in head:
            head += s.recv(4096)
        if b" 206 " not in head.split(b"\r\n", 1)[0]:
            raise RuntimeError(f"{head[:300]!r}")
        got = len(head) - head.index(b"\r\n\r\n") - 4
        room = bytearray(MIB)
        while n := s.recv_into(room):
            got += n
    if got != size - 1:
        raise RuntimeError(f"{got} of {size - 1} bytes came")


def fetch_timed(port, path, size, pids, costs):
    """The seconds it took; adds to costs the processor seconds of pids."""
    before = sum(map(cpu_s, pids))
    took = timed(lambda: fetch(port, path, size))
    costs.append(sum(map(cpu_s, pids)) - before)
    return took


def send(port, method, path, head, source, tail):
    """Sends head, the file, tail; the answer."""
    size = os.path.getsize(source)
    with socket.create_connection(("127.0.0.1", port)) as s, open(source, "rb") as f:
        s.sendall((f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                   f"Content-Type: multipart/form-data; boundary={upload.BOUNDARY}\r\n"
                   f"Content-Length: {len(head) + size + len(tail)}\r\n\r\n").encode() + head)
        s.sendfile(f)
        s.sendall(tail)
        reply = b""
        while chunk := s.recv(65536):
            reply += chunk
    if b" 201 " not in reply.split(b"\r\n", 1)[0]:
        raise RuntimeError(f"{reply[:600]!r}")
    return reply.partition(b"\r\n\r\n")[2]


def ask_many(port, path, seconds, pids, costs):
    """Requests a second; adds to costs the processor seconds of pids for 100,000 of them."""
    before = sum(map(cpu_s, pids))
    rate, _, count = wrk(port, path, seconds)
    costs.append((sum(map(cpu_s, pids)) - before) * 1e5 / count)
    return rate


@contextlib.contextmanager
def changes(port, job, notes):
    """Changes the job twenty times a second meanwhile, each time to what it has not been."""
    stop = threading.Event()

    def change():
        while not stop.wait(0.05):
            notes[0] += 1
            ask(port, f"/api/jobs/{job}", "PATCH", json.dumps({"notes": str(notes[0])}))

    thread = threading.Thread(target=change)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def read_between_changes(ctx, port, job, other, seconds):
    notes, rates = [0], []
    for _ in range(ctx.runs):
        with changes(port, other, notes):
            rates.append(wrk(port, f"/api/jobs/{job}", seconds)[0])
    ctx.figure("GET of a job, another one changing twenty times a second", rates, "requests/s")


def make_job(port):
    return json.loads(ask(port, "/api/jobs", "POST", '{"pipeline": "noop"}'))["job_id"]


def small_reads(ctx, port, nginx, server):
    job = make_job(port)
    seconds = ctx.pick(4, 1)
    for path, name in ((f"/api/jobs/{job}", "a job"), ("/api/health/live", "health/live")):
        small = f"/{len(ctx.figures)}"  # a file of its own: nginx keeps what it has open
        (nginx.www / small[1:]).write_bytes(ask(port, path))
        wrk(port, path, 1)
        costs = ([], [])
        ours, theirs = pairs(
            ctx.runs, lambda p=path, c=costs[0]: ask_many(port, p, seconds, [server.pid], c),
            lambda p=small, c=costs[1]: ask_many(nginx.port, p, seconds, nginx.pids(), c))
        ctx.figure(f"GET of {name}", ours, "requests/s")
        ctx.figure("nginx, a file of that size", theirs, "requests/s")
        ctx.figure("by each other", ratios(ours, theirs), "x", at_least=0.5)
        ctx.figure("processor time of the server for 100,000", costs[0], "s")
        ctx.figure("processor time of nginx for 100,000", costs[1], "s")
    read_between_changes(ctx, port, job, make_job(port), seconds)
    return job


def bulk(ctx, port, nginx, server):
    source = ctx.folder / "a.wav"
    upload.make(source, ctx.pick(1024, 4) * MIB)
    size = source.stat().st_size

    def up():
        upload.renew(source)
        begun = time.perf_counter()
        reply = send(port, "POST", "/api/files/upload", upload.HEAD, source, upload.TAIL)
        took = time.perf_counter() - begun
        server.client.request("DELETE", f"/api/files/{json.loads(reply)['file_id']}?force=1")
        return took

    ours, theirs = pairs(ctx.runs, up, lambda: timed(
        lambda: send(nginx.port, "POST", "/up", upload.HEAD, source, upload.TAIL)))
    ctx.figure("upload", [size / MIB / x for x in ours], "MiB/s")
    ctx.figure("nginx takes it in", [size / MIB / x for x in theirs], "MiB/s")
    ctx.figure("by each other", ratios(theirs, ours), "x", at_least=0.8)

    reply = send(port, "POST", "/api/files/upload", upload.HEAD, source, upload.TAIL)
    path = f"/api/files/{json.loads(reply)['file_id']}/download"
    stored, = (p for p in server.data.rglob("*") if p.is_file() and p.stat().st_size == size)
    # Not a copy: who wrote a file, and how, decides how it lies in the page cache.
    (nginx.www / "big").symlink_to(stored)
    fetch(port, path, size)
    fetch(nginx.port, "/big", size)
    costs = ([], [])
    ours, theirs = pairs(
        ctx.runs, lambda: fetch_timed(port, path, size, [server.pid], costs[0]),
        lambda: fetch_timed(nginx.port, "/big", size, nginx.pids(), costs[1]))
    ctx.figure("download of a range", [size / MIB / x for x in ours], "MiB/s")
    ctx.figure("nginx gives it out", [size / MIB / x for x in theirs], "MiB/s")
    ctx.figure("by each other", ratios(theirs, ours), "x", at_least=0.8)
    ctx.figure("processor time of the server for it", costs[0], "s")
    ctx.figure("processor time of nginx for it", costs[1], "s")


def under_writes(ctx, port, job):
    stop, counts = threading.Event(), [0] * WRITERS

    def write(n):
        mine = make_job(port)
        while not stop.is_set():
            ask(port, f"/api/jobs/{mine}", "PATCH", json.dumps({"notes": str(counts[n])}))
            counts[n] += 1
            time.sleep(0.05)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(WRITERS)]
    for thread in threads:
        thread.start()
    try:
        p99 = [wrk(port, f"/api/jobs/{job}", ctx.pick(4, 1), 2)[1] for _ in range(ctx.runs)]
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    ctx.figure("99 of 100 reads of a job are done within, while eight clients write", p99, "ms",
               at_most=10)
    ctx.note(f"They wrote {sum(counts):,} times meanwhile.")


def memory(ctx, port, server, job):
    total, done, first = ctx.pick(1_000_000, 2_000), 0, None
    while done < total:
        for path in (f"/api/jobs/{job}", "/api/health/live", "/api/jobs?limit=5"):
            done += wrk(port, path, ctx.pick(4, 1))[2]
        if first is None and done >= total / 10:
            first = rss_kb(server.pid)
    ctx.figure(f"memory grows behind the first tenth of {total:,} requests by",
               (rss_kb(server.pid) - first) / 1024, "MiB", at_most=2)


def run(ctx):
    for program, package in (("wrk", "wrk"), ("nginx", "nginx-light")):
        if not (shutil.which(program) or os.path.exists(f"/usr/sbin/{program}")):
            raise Skip(f"{program} is not installed: the package {package}")
    port = ctx.harness.free_port()
    env = {"SCRIPTA_WORKERS": -1, "SCRIPTA_LISTEN": f"127.0.0.1:{port}"}
    with Nginx(ctx) as nginx, ctx.server(env=env) as server:
        job = small_reads(ctx, port, nginx, server)
        bulk(ctx, port, nginx, server)
        under_writes(ctx, port, job)
        memory(ctx, port, server, job)
