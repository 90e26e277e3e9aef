"""Attacks over HTTP: bodies that are too much (G23), paths that lead elsewhere (G33), clients
that are too many (G30, G54)."""

import contextlib
import http.client
import json
import os
import re
import resource
import socket
import time

import pytest

from harness import BUILD, PATIENCE, Client, free_port, noise_wav, wait_until

SANITIZED = "san" in BUILD.name


def rss_kb(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return next(int(x.split()[1]) for x in f if x.startswith("VmHWM:"))


def stream(server, head, piece, times, tail=b""):
    """A body in pieces, until the server has had enough; its answer."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(str(server.socket))
        sock.settimeout(PATIENCE)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            sock.sendall(head)
            for _ in range(times):
                sock.sendall(piece)
            sock.sendall(tail)
        out = b""
        with contextlib.suppress(ConnectionResetError):
            while chunk := sock.recv(65536):
                out += chunk
    return out


POST = (b"POST /api/jobs HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        b"Content-Type: application/json\r\n")
FORM = (b"POST /api/upload HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        b"Content-Type: multipart/form-data; boundary=x\r\n")
PART = b'--x\r\nContent-Disposition: form-data; name="p"\r\n\r\nv\r\n'
DEEP = b"[" * 100_000
BODIES = {
    "100 MB of JSON": (413, POST + b"Content-Length: 100000000\r\n\r\n", b" " * 1_000_000, 100),
    "100 MB of JSON in chunks": (413, POST + b"Transfer-Encoding: chunked\r\n\r\n",
                                 b"f4240\r\n" + b" " * 1_000_000 + b"\r\n", 100),
    "100,000 brackets": (400, POST + b"Content-Length: %d\r\n\r\n" % len(DEEP), DEEP, 1),
    "200,000 parts": (400, FORM + b"Content-Length: %d\r\n\r\n" % (200_000 * len(PART) + 5),
                      PART * 1000, 200),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_body_that_is_too_much(make_server, name):
    server = make_server()
    status, head, piece, times = BODIES[name]
    server.client.post("/api/jobs", {"pipeline": "noop"})
    before = rss_kb(server.pid)
    answer = stream(server, head, piece, times, b"--x--" if head.startswith(FORM) else b"")
    assert re.match(rb"HTTP/1.1 (413|%d) " % status, answer), answer[:200]
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"]
    grown = rss_kb(server.pid) - before
    assert grown < (64 if SANITIZED else 8) * 1024, grown
    assert server.client.get("/api/health").json["status"] == "ok"


# ---- paths ----

STEPS = ["..", "%2e%2e", "%2E.", "%252e%252e", "..%00", "..;", "..\\", "..%5c", "%c0%ae%c0%ae",
         "%uff0e%uff0e", "....//", "..%2f", "..%252f", "%2e%2e%2f", "/", "//", "%2f", "C:", "~"]
TARGETS = ["etc/passwd", "scripta.db", "run/lock", "logs/scripta.log", "root/.ssh/authorized_keys"]
ROUTES = ["/api/files/{}", "/api/files/{}/download", "/api/jobs/{}", "/api/jobs/{}/log",
          "/api/transcripts/{}", "/api/transcripts/{}/export.txt", "/v1/models/{}",
          "/api/files/verify/{}"]


def payloads():
    for step in STEPS:
        for depth in (1, 3, 9):
            for target in TARGETS:
                yield f"{step}/" * depth + target
                yield (f"{step}%2f" * depth + target.replace("/", "%2f"))


def tree(path):
    """Every name below a folder with its size and time."""
    return {str(p): (p.lstat().st_size, p.lstat().st_mtime_ns)
            for p in path.rglob("*") if not p.is_socket()}


def test_paths_lead_nowhere(make_server, folder):
    server = make_server()
    (folder / "bait").mkdir()
    (folder / "bait" / "secret").write_text("do not touch", encoding="utf-8")
    client = server.client
    made = client.upload_null(1)
    client.wait_job(made["job_id"])
    outside = tree(folder / "bait")
    asked = 0
    connection = client.connect(60)
    for number, payload in enumerate(payloads()):
        path = ROUTES[number % len(ROUTES)].format(payload)
        connection.putrequest("GET", path, skip_host=False)
        connection.endheaders()
        reply = connection.getresponse()
        body = reply.read()
        assert reply.status in (400, 404, 405), (path, reply.status, body[:200])
        assert b"root:" not in body and b"SQLite" not in body, path
        asked += 1
        if reply.will_close:
            connection.close()
            connection = client.connect(60)
    connection.close()
    assert asked >= 500
    for name in ("../../../bait/x.wav", "/etc/x.wav", "..\\..\\x.wav", "a/../../x.wav", "x\0.wav"):
        client.upload(noise_wav(1, asked), name=name, engine="null", vad="off")
        asked += 1
    for place in ("../../bait", "/etc", "..", "a/../../bait"):
        transcript = client.get("/api/transcripts").json["transcripts"][0]
        reply = client.post(f"/api/transcripts/{transcript['id']}/export",
                            {"format": "txt", "output_path": f"{place}/x.txt"})
        assert reply.status == 400 and reply.error["field"] == "output_path", reply
    assert tree(folder / "bait") == outside
    assert not list(folder.glob("*.wav"))


def test_exports_are_downloads(client):
    """G35: no browser shows one as a page."""
    made = client.upload_null(2, seed=77)
    client.wait_job(made["job_id"])
    listed = client.get(f"/api/jobs/{made['job_id']}/transcripts").json["transcripts"]
    transcript = listed[0]["id"]
    for kind, media in (("txt", "text/plain"), ("srt", "application/x-subrip"),
                        ("vtt", "text/vtt"), ("json", "application/json"), ("csv", "text/csv")):
        reply = client.get(f"/api/transcripts/{transcript}/export.{kind}")
        assert reply.headers["Content-Type"].split(";")[0] == media
        assert reply.headers["Content-Disposition"].startswith("attachment"), kind
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in reply.headers["Content-Security-Policy"]
    reply = client.get(f"/api/files/{made['file_id']}/download")
    assert reply.headers["Content-Disposition"].startswith("attachment")
    assert reply.headers["X-Content-Type-Options"] == "nosniff"


# ---- too many, too slow ----


def cpu_s(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def is_at_rest(pid):
    """Does it use less than a tenth of a core for half a second?"""
    before, begun = cpu_s(pid), time.monotonic()
    time.sleep(0.5)
    return cpu_s(pid) - before < 0.1 * (time.monotonic() - begun)


def answers(client):
    try:
        return client.get("/api/health/live").status == 200
    except (OSError, http.client.HTTPException):
        return False


def test_a_server_without_descriptors_waits_and_goes_on(make_server):
    """G30: it accepts no more, does not spin, and recovers."""
    port = free_port()
    server = make_server(args=["--listen", f"127.0.0.1:{port}"], env={"SCRIPTA_WORKERS": -1})
    wait_until(lambda: answers(Client(port=port)), 30, "all that it needs is open")
    used = len(os.listdir(f"/proc/{server.pid}/fd"))
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (used + 8, used + 8))
    held = []
    try:
        for _ in range(60):
            sock = socket.socket()
            sock.settimeout(5)
            sock.connect(("127.0.0.1", port))
            held.append(sock)
        wait_until(lambda: len(os.listdir(f"/proc/{server.pid}/fd")) >= used + 8, 30, "none left")
        wait_until(lambda: is_at_rest(server.pid), 30, "it does not spin")
    finally:
        for sock in held:
            sock.close()
    wait_until(lambda: answers(server.client), 30, "it answers again")


def test_a_crowd_is_turned_away_at_once_or_served(make_server):
    """G54: what is admitted is answered, what is not hears 503 or 429 at once; nothing is lost."""
    server = make_server(env={"SCRIPTA_HTTP_WORKERS": 2})
    client = server.client
    socks = []
    for number in range(200):
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(str(server.socket))
        sock.settimeout(PATIENCE)
        body = b'{"pipeline":"noop","name":"crowd %d"}' % number
        sock.sendall(POST + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        socks.append(sock)
    made = 0
    for sock in socks:
        out = b""
        while chunk := sock.recv(65536):
            out += chunk
        sock.close()
        status = int(out.split(b" ", 2)[1])
        assert status in (201, 503, 429), out
        if status == 201:
            made += 1
        else:
            assert re.search(rb"\r\nRetry-After: \d+", out), out
    assert made > 0
    names = {job["name"] for job in client.jobs()}
    assert len([n for n in names if n.startswith("crowd ")]) == made
    assert client.get("/api/health/live").status == 200
