"""HTTP, beside nginx

nginx serves a file of the same size from the same machine, `wrk` asks both in turns over loopback,
with 16 connections that stay open: the JSON of a job (`GET /api/jobs/{id}`, read from the store for
each request) and `GET /api/health/live`, which touches memory alone. A recording of a gigabyte is
fetched with `Range: bytes=1-` from the page cache, and sent as a form; nginx, which takes it with
`client_body_in_file_only`, neither hashes nor decodes nor syncs it. The slowest of a hundred small
reads is told while eight clients write without a pause, each write synced. At last a million
requests: what the server's memory grows by behind the first tenth of them.
"""

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
from bench.common import Skip, pairs, ratios, rss_kb, timed

LIMIT_S = 600
MIB = 1 << 20
CONNECTIONS = 16
WRITERS = 8

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
    """Takes all but the first byte of a file, and looks at none of it."""
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
        while n := s.recv_into(room, MIB, socket.MSG_TRUNC):
            got += n
    if got != size - 1:
        raise RuntimeError(f"{got} of {size - 1} bytes came")


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


def small_reads(ctx, port, nginx):
    job = json.loads(ask(port, "/api/jobs", "POST", '{"pipeline": "noop"}'))["job_id"]
    seconds = ctx.pick(4, 1)
    for path, name in ((f"/api/jobs/{job}", "a job"), ("/api/health/live", "health/live")):
        small = f"/{len(ctx.figures)}"  # a file of its own: nginx keeps what it has open
        (nginx.www / small[1:]).write_bytes(ask(port, path))
        wrk(port, path, 1)
        ours, theirs = pairs(ctx.runs, lambda p=path: wrk(port, p, seconds)[0],
                             lambda p=small: wrk(nginx.port, p, seconds)[0])
        ctx.figure(f"GET of {name}", ours, "requests/s")
        ctx.figure("nginx, a file of that size", theirs, "requests/s")
        ctx.figure("by each other", ratios(ours, theirs), "x", at_least=0.5)
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
    shutil.copy(source, nginx.www / "big")
    fetch(port, path, size)
    fetch(nginx.port, "/big", size)
    ours, theirs = pairs(ctx.runs, lambda: timed(lambda: fetch(port, path, size)),
                         lambda: timed(lambda: fetch(nginx.port, "/big", size)))
    ctx.figure("download of a range", [size / MIB / x for x in ours], "MiB/s")
    ctx.figure("nginx gives it out", [size / MIB / x for x in theirs], "MiB/s")
    ctx.figure("by each other", ratios(theirs, ours), "x", at_least=0.8)


def under_writes(ctx, port, job):
    stop, counts = threading.Event(), [0] * WRITERS

    def write(n):
        mine = json.loads(ask(port, "/api/jobs", "POST", '{"pipeline": "noop"}'))["job_id"]
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
    """Good requests, wrong ones, and what must be refused."""
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
        job = small_reads(ctx, port, nginx)
        bulk(ctx, port, nginx, server)
        under_writes(ctx, port, job)
        memory(ctx, port, server, job)
