"""Health, queue, engines, events, routes: what the server says about itself; its life and death."""

import os
import re
import shutil
import signal
import socket
import sqlite3
import stat
import subprocess

import pytest

from harness import (PATIENCE, SCRIPTA, Client, EventStream, cli, clean_environment, free_port,
                     noise_wav, null_words, processes, wait_until)


def test_health(client):
    live, ready, whole = (client.get(p) for p in
                          ("/api/health/live", "/api/health/ready", "/api/health"))
    assert (live.status, ready.status, whole.status) == (200, 200, 200)
    health = whole.json
    assert {"status", "version", "store", "workers", "uptime_seconds"} <= set(health)
    assert health["status"] == "ok"


def test_engines(client):
    engines = {e["name"]: e for e in client.get("/api/engines").json["engines"]}
    assert {"pocketsphinx", "null"} <= set(engines)
    assert engines["null"]["usable"] and engines["null"]["max_chunk_s"] == 30
    assert engines["pocketsphinx"]["languages"] == ["en"]


def test_queue_view(client):
    queue = client.get("/api/queue").json
    assert [q["name"] for q in queue["queues"]] == ["high", "normal", "low"]
    for q in queue["queues"]:
        assert {"paused", "pending", "running", "failed", "workers", "oldest_age_seconds",
                "max_concurrent"} <= set(q)
    assert {"queued", "active", "max_concurrent"} <= set(queue["totals"])
    client.wait_job(client.upload_null(2, seed=41)["job_id"])
    workers = client.get("/api/queue").json["workers"]
    assert workers and {"id", "name", "host", "pid", "device", "current_job",
                        "last_heartbeat"} <= set(workers[0])
    os.kill(workers[0]["pid"], 0)


@pytest.mark.threads
def test_a_paused_queue_holds_its_jobs(make_server):
    client = make_server().client
    reply = client.post("/api/queue/normal/pause")
    assert reply.status == 200, reply
    assert client.get("/api/queue").json["queues"][1]["paused"] is True
    held = client.post("/api/jobs", {"pipeline": "noop"}).json["job_id"]
    passes = client.post("/api/jobs", {"pipeline": "noop", "priority": "high"}).json["job_id"]
    assert client.wait_job(passes)["status"] == "completed"
    assert client.job(held)["status"] == "pending"
    assert client.post("/api/queue/normal/pause").status == 200
    assert client.post("/api/queue/normal/resume").status == 200
    assert client.wait_job(held)["status"] == "completed"


@pytest.mark.parametrize("verb", ["pause", "resume"])
def test_unknown_queues(client, verb):
    reply = client.post(f"/api/queue/nonsuch/{verb}")
    assert (reply.status, reply.error["code"]) == (404, "QUEUE_NOT_FOUND"), reply


def test_a_pause_outlives_the_server(make_server):
    server = make_server()
    server.client.post("/api/queue/low/pause")
    server.stop()
    server.start()
    assert server.client.get("/api/queue").json["queues"][2]["paused"] is True


ROUTES = [("GET", "/api/jobs"), ("GET", "/api/files"), ("GET", "/api/transcripts"),
          ("GET", "/api/queue"), ("GET", "/api/engines"), ("GET", "/api/health"),
          ("POST", "/api/upload"), ("POST", "/api/files/upload"), ("GET", "/api/db/info"),
          ("POST", "/api/worker/claim")]


@pytest.mark.parametrize("method, path", ROUTES)
def test_other_methods_are_refused_with_a_list(client, method, path):
    reply = client.request("PUT", path)
    assert (reply.status, reply.error["code"]) == (405, "METHOD_NOT_ALLOWED"), reply
    assert method in reply.headers["Allow"]


@pytest.mark.parametrize("path", ["/", "/api", "/api/", "/api/nonsuch", "/api/jobs/", "/x" * 2000,
                                  "/api/../etc/passwd", "//api/jobs", "/api/jobs/%2e%2e/files"])
def test_unknown_addresses(client, path):
    reply = client.get(path)
    assert reply.status in (400, 404, 414), reply
    if reply.status == 404:
        assert reply.error["code"] in ("NOT_FOUND", "JOB_NOT_FOUND")
        assert re.fullmatch(r"[\w-]{4,}", reply.error["request_id"])


def test_head_is_get_without_a_body(client):
    reply = client.request("HEAD", "/api/health")
    assert reply.status == 200 and reply.body == b""


@pytest.mark.threads
@pytest.mark.parametrize("data", [
    b"GET / HTTP/1.1\r\n\r\n", b"\x00\x01\x02\r\n\r\n", b"GET\r\n\r\n", b"GET /api/jobs\r\n\r\n",
    b"POST /api/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    b"POST /api/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n{}",
    b"POST /api/jobs HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
    b"GET /api/jobs HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 100000 + b"\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
], ids=range(9))
def test_broken_requests_do_no_harm(client, data):
    answer = client.raw(data, timeout=1)
    assert not answer or re.match(rb"HTTP/1\.[01] [45]\d\d", answer), answer[:200]
    assert client.get("/api/health").status == 200


def test_database_over_http(client):
    info = client.get("/api/db/info")
    assert info.status == 200 and info.json["schema_version"] >= 1, info
    check = client.post("/api/db/check")
    assert check.status == 200, check
    assert check.json == {"problems": [], "status": "ok"}


@pytest.mark.threads
def stored_events(stream, job_id):
    """Of one job. Segments come beside them, without an id."""
    return [e for e in stream.events if job_id in e.get("data", "") and "id" in e]


def test_events_arrive_while_they_happen_and_a_cursor_misses_nothing(client):
    stream = EventStream(client)
    try:
        assert stream.status == 200 and stream.content_type.startswith("text/event-stream")
        job_id = client.upload_null(3, seed=42)["job_id"]
        stream.wait(lambda kind, data: kind == "job_complete" and data["job_id"] == job_id)
        mine = stored_events(stream, job_id)
        assert [e["event"] for e in mine][0] == "job_created"
    finally:
        stream.close()
    cut = mine[2]["id"]
    stored = [e["id"] for e in client.events(job_id)]
    later = EventStream(client, f"/api/events?job_id={job_id}&since={cut}")
    try:
        later.wait(lambda kind, data: kind == "job_complete")
        assert [e["id"] for e in stored_events(later, job_id)] == stored[stored.index(cut) + 1:]
    finally:
        later.close()


def test_a_stream_of_one_job_holds_no_other(client):
    mine = client.upload(noise_wav(60, 43), engine="null", vad="off", model="delay_ms=300").json
    stream = EventStream(client, f"/api/events?job_id={mine['job_id']}")
    try:
        other = client.upload_null(2, seed=44)["job_id"]
        client.wait_job(other)
        stream.wait(lambda kind, data: kind == "job_complete")
        assert not [e for e in stream.events if other in e.get("data", "")]
    finally:
        stream.close()
    assert client.get("/api/events?job_id=nonsuch").status in (400, 404)
    assert client.get("/api/events?since=bogus").status == 400


@pytest.mark.threads
def test_many_streams_at_once(client):
    streams = [EventStream(client) for _ in range(50)]
    try:
        job_id = client.upload_null(2, seed=45)["job_id"]
        for stream in streams:
            stream.wait(lambda kind, data: kind == "job_complete" and data["job_id"] == job_id)
    finally:
        for stream in streams:
            stream.close()
    assert client.get("/api/health").status == 200


# ---- its life ----


def test_only_the_owner_can_talk_through_the_socket(server):
    mode = stat.S_IMODE(os.stat(server.socket).st_mode)
    assert mode == 0o600, oct(mode)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")
def test_another_user_is_refused_even_when_the_socket_lets_him_in(make_server, folder):
    server = make_server()
    os.chmod(folder, 0o755)
    for path in (server.data, server.data / "run"):
        os.chmod(path, 0o755)
    os.chmod(server.socket, 0o777)
    code = ("import socket,sys; s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]);"
            "s.sendall(b'GET /api/jobs HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n');"
            "print(s.recv(200).decode())")
    done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                           "/usr/bin/python3", "-c", code, str(server.socket)],
                          capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert "200" not in done.stdout.splitlines()[:1] and " 200 " not in done.stdout[:20], done


def test_a_second_server_on_the_folder_says_who_holds_it(server):
    done = cli("serve", data=server.data)
    assert done.returncode == 7, done
    assert str(server.pid) in done.stderr, done.stderr


@pytest.mark.threads
def test_sigterm_stops_it_and_nothing_is_lost(make_server):
    server = make_server()
    job_id = server.client.upload_null(240, seed=1, model="delay_ms=500")["job_id"]
    wait_until(lambda: server.client.job(job_id)["chunks_completed"] >= 1, 30, "a chunk")
    children = server.children()
    assert server.stop() == 0
    wait_until(lambda: not set(children) & set(processes()), 5, "children are gone")
    assert not server.socket.exists()
    server.start()
    job = server.client.wait_job(job_id, 90)
    assert server.client.transcript(job)["text"].split() == null_words(240)
    interrupted = [e for e in server.client.events(job_id) if e["type"] == "task_failed"]
    assert not interrupted


def test_children_go_when_the_server_is_killed(make_server):
    server = make_server()
    server.client.upload_null(120, seed=1, model="hang_at=0")
    children = server.wait_workers(2)
    server.kill()
    wait_until(lambda: not set(children) & set(processes()), 5, "workers are gone")
    server.start()


def test_it_listens_on_tcp_beside_the_socket(make_server):
    port = free_port()
    server = make_server(args=["--listen", f"127.0.0.1:{port}"])
    assert Client(port=port).get("/api/health").status == 200
    assert server.client.get("/api/health").status == 200


def test_a_taken_port_is_named(make_server, folder):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = cli("serve", "--listen", f"127.0.0.1:{port}", data=folder / "d", timeout=PATIENCE)
    assert done.returncode not in (0, 70) and str(port) in done.stderr, done


@pytest.mark.parametrize("address", ["nonsense", "127.0.0.1:99999", ":", "127.0.0.1"])
def test_bad_addresses(folder, address):
    done = cli("serve", "--listen", address, data=folder / "d", timeout=PATIENCE)
    assert done.returncode in (2, 12) and address in done.stderr, done


def test_a_long_path_to_the_data_folder(make_server, folder):
    long = folder / ("a" * 60) / ("b" * 60) / "data"
    long.parent.mkdir(parents=True)
    server = make_server(data=long, start=False)
    server.start(wait=False)
    wait_until(lambda: (long / "run" / "scripta.sock").exists(), 20, "the socket")
    handle = os.open(long / "run", os.O_PATH)
    try:
        client = Client(f"/proc/self/fd/{handle}/scripta.sock")
        wait_until(lambda: client.get("/api/health/ready").status == 200, 20, "ready")
        assert cli("jobs", "list", data=long, check=0)
    finally:
        os.close(handle)


def corrupt(path):
    raw = bytearray(path.read_bytes())
    raw[:100] = b"\xa5" * 100
    path.write_bytes(raw)


def test_a_damaged_database_is_refused_clearly(make_server):
    server = make_server()
    server.client.upload_null(2)
    server.stop()
    corrupt(server.data / "scripta.db")
    before = (server.data / "scripta.db").read_bytes()
    done = cli("serve", data=server.data, timeout=PATIENCE)
    assert done.returncode == 7 and "scripta.db" in done.stderr, done
    assert (server.data / "scripta.db").read_bytes() == before


def test_a_newer_schema_is_refused(make_server):
    server = make_server()
    server.stop()
    db = sqlite3.connect(server.data / "scripta.db")
    columns = [r[1] for r in db.execute("PRAGMA table_info(schema_migrations)")]
    version = columns[0]
    row = db.execute("SELECT * FROM schema_migrations ORDER BY 1 DESC LIMIT 1").fetchone()
    db.execute(f"INSERT INTO schema_migrations ({', '.join(columns)}) "
               f"VALUES ({', '.join('?' * len(columns))})", (9999, *row[1:]))
    db.commit()
    db.close()
    assert version
    done = cli("serve", data=server.data, timeout=PATIENCE)
    assert done.returncode == 7 and "9999" in done.stderr, done


def test_a_changed_migration_is_refused(make_server):
    server = make_server()
    server.stop()
    db = sqlite3.connect(server.data / "scripta.db")
    columns = [r[1] for r in db.execute("PRAGMA table_info(schema_migrations)")]
    checksum = next(c for c in columns if "sum" in c or "hash" in c)
    db.execute(f"UPDATE schema_migrations SET {checksum} = ?", ("0" * 64,))
    db.commit()
    db.close()
    done = cli("serve", data=server.data, timeout=PATIENCE)
    assert done.returncode == 7, done


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")
def test_a_folder_that_cannot_be_written_is_named(folder):
    os.chmod(folder, 0o755)
    data = folder / "d"
    data.mkdir(mode=0o555)
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv is not installed")
    done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                           str(SCRIPTA), "--data", str(data), "serve"], capture_output=True,
                          text=True, check=False, timeout=PATIENCE, stdin=subprocess.DEVNULL,
                          env=clean_environment())
    if "Permission denied" in done.stderr and str(SCRIPTA) in done.stderr:
        pytest.skip("another user cannot reach the build folder")
    assert done.returncode not in (0, 70) and str(data) in done.stderr, done


def test_settings_from_file_environment_and_flags(folder):
    data = folder / "d"
    data.mkdir()
    (data / "scripta.yaml").write_text("queue:\n  max_failures: 7\n", encoding="utf-8")
    shown = cli("config", "show", data=data, check=0).stdout
    assert re.search(r"queue\.max_failures\S*\s.*\b7\b", shown), shown
    shown = cli("config", "show", data=data, env={"SCRIPTA_QUEUE_MAX_FAILURES": 9}, check=0).stdout
    assert re.search(r"queue\.max_failures\S*\s.*\b9\b", shown), shown


@pytest.mark.parametrize("text, word", [
    ("queue:\n  max_failurs: 7\n", "max_failurs"), ("nonsense: 1\n", "nonsense"),
    ("queue:\n  max_failures: many\n", "max_failures"), ("queue:\n  max_failures: 0\n", "1"),
    ("queue: [\n", "scripta.yaml"), ("log:\n  level: loud\n", "level"),
])
def test_bad_settings_are_named_with_their_line(folder, text, word):
    data = folder / "d"
    data.mkdir()
    (data / "scripta.yaml").write_text(text, encoding="utf-8")
    for command in (["config", "check"], ["serve"]):
        done = cli(*command, data=data, timeout=PATIENCE)
        assert done.returncode == 12 and word in done.stderr, done
        assert re.search(r"scripta\.yaml:\d+", done.stderr), done.stderr


def test_the_log_names_what_happened_and_no_text(make_server):
    server = make_server()
    job_id = server.client.upload_null(3, seed=1)["job_id"]
    server.client.wait_job(job_id)
    server.stop()
    log = (server.data / "logs" / "scripta.log").read_text("utf-8")
    assert re.search(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \[INFO\] \S+: ", log, re.MULTILINE), log[:500]
    assert job_id in log and "t0 t1" not in log


def test_kill_dash_nine_leaves_a_socket_that_the_next_server_replaces(make_server):
    server = make_server()
    server.kill()
    assert server.socket.exists()
    server.start()
    assert server.client.get("/api/health").status == 200


def test_sighup_does_not_end_it(server):
    os.kill(server.pid, signal.SIGHUP)
    for _ in range(10):
        assert server.client.get("/api/health").status == 200
    assert server.client.get("/api/health").status == 200
