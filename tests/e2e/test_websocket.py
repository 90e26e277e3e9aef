"""GET /ws/{client_id}: what is told, to whom, from where on, and how it ends."""

import contextlib
import json
import shutil
import socket
import subprocess
import threading

import pytest

import harness
from websocket import BINARY, PING, PONG, Refused, WebSocket, frame


def follow(client, query="", name="me", **headers):
    return WebSocket(client, f"/ws/{name}{query}", headers)


def is_end(job_id):
    return lambda m: m["job_id"] == job_id and m["type"] in ("job_complete", "job_error",
                                                             "job_cancelled")


# What is told of text; the log has none.
SEGMENTS = ("segment", "segment_provisional")


def logged(messages):
    """The cursors of those that are in the log, which segments are not."""
    return [m["id"] for m in messages if m["type"] not in SEGMENTS]


def refused(client, path, headers=None):
    with pytest.raises(Refused) as answer:
        WebSocket(client, path, headers)
    api = harness.api()
    reply = harness.Response(answer.value.status, {"Content-Type": "application/json"},
                             answer.value.body)
    api.check("GET", path.partition("?")[0], reply)
    return answer.value


# ---- what is told ----


def test_a_job_is_told_from_its_making_to_its_end(client):
    with follow(client) as ws:
        job = client.upload_null(3, seed=81)
        end = ws.wait(is_end(job["job_id"]))
        told = [m for m in ws.passed + [end] if m["job_id"] == job["job_id"]]
    for message in told:
        harness.api().check_event(message)
    assert logged(told) == [e["id"] for e in client.events(job["job_id"])]
    kinds = [m["type"] for m in told]
    assert kinds[0] == "job_created" and kinds[-1] == "job_complete"
    progress = next(m for m in told if m["type"] == "job_progress")
    assert {"type", "job_id", "status", "stage", "progress", "eta_seconds",
            "message"} <= progress.keys()
    assert progress["message"] == f"{progress['progress']} % done"
    done = client.job(job["job_id"])
    assert end["transcription_id"] == done["transcript_id"]
    assert end["duration"] == done["duration_seconds"] == 3
    assert end["processing_time"] == done["processing_time"]
    assert end["status"] == "completed"


def test_a_failure_is_told_with_its_code(client):
    with follow(client) as ws:
        job = client.upload_null(1, seed=82, model="fail_rate=1")
        end = ws.wait(is_end(job["job_id"]))
    harness.api().check_event(end)
    why = client.wait_job(job["job_id"])
    assert (end["type"], end["status"]) == ("job_error", "failed")
    assert (end["error"], end["error_code"]) == (why["error_message"], why["error_code"])


def test_streams_tell_the_same(client):
    stream = harness.EventStream(client)
    with follow(client) as ws:
        job = client.upload_null(2, seed=83)
        end = ws.wait(is_end(job["job_id"]))
        told = [m for m in ws.passed + [end] if m["job_id"] == job["job_id"]]
    stream.wait(lambda kind, data: is_end(job["job_id"])(data))
    stream.close()
    heard = [json.loads(e["data"]) for e in stream.events]
    heard = [e for e in heard if e["job_id"] == job["job_id"]]

    def plain(events):  # how long it still takes is of the moment at which it is asked
        return [{k: v for k, v in e.items() if k != "eta_seconds"} for e in events]
    assert plain(heard) == plain(told)


def pieces(messages):
    return [(m["start"], m["end"], m["text"]) for m in messages if m["type"] == "segment"]


def test_segments_come_while_the_job_runs_and_are_its_text(client):
    """Chunks that overlap, done in any order by several workers."""
    with follow(client) as ws:
        job = client.upload_null(400, seed=88)
        end = ws.wait(is_end(job["job_id"]))
        told = [m for m in ws.passed if m["job_id"] == job["job_id"]]
    text = [(s["start"], s["end"], s["text"])
            for s in client.transcript(client.job(job["job_id"]))["segments"]]
    assert pieces(told) == text and len(text) > 5
    chunks = [m["chunk"] for m in told if m["type"] == "task_completed" and m["chunk"] is not None]
    assert len(chunks) > 3
    assert told.index(next(m for m in told if m["type"] == "segment")) < \
        len(told) - told[::-1].index(next(m for m in told[::-1] if m["type"] == "task_claimed"))
    for message in told:
        harness.api().check_event(message)
        assert (message["id"] is None) == (message["type"] in SEGMENTS)
    # Whoever connects again within is told what comes behind its cursor, and nothing twice.
    for stop in [i for i, m in enumerate(told) if m["id"]]:
        if told[stop]["type"] != "task_completed" and stop > 0:
            continue
        with follow(client, f"?job_id={job['job_id']}&since={told[stop]['id']}") as ws:
            ws.wait(is_end(job["job_id"]))
            assert pieces(ws.passed) == pieces(told[stop + 1:]), stop
    stream = harness.EventStream(client, f"/api/events?job_id={job['job_id']}")
    stream.wait(lambda kind, data: kind == end["type"])
    stream.close()
    heard = [json.loads(e["data"]) for e in stream.events]
    assert pieces(heard) == text
    assert all(("id" in e) == (e["event"] not in SEGMENTS) for e in stream.events)


def test_one_job_from_its_first_event_also_when_it_has_ended(client):
    job, other = client.upload_null(1, seed=84), client.upload_null(1, seed=85)
    client.wait_job(job["job_id"])
    client.wait_job(other["job_id"])
    with follow(client, f"?job_id={job['job_id']}") as ws:
        end = ws.wait(is_end(job["job_id"]))
        assert logged(ws.passed + [end]) == [e["id"] for e in client.events(job["job_id"])]
        ws.say(type="ping")
        assert ws.hear() == {"type": "pong"}


def test_a_cursor_goes_on_where_the_client_was(client):
    with follow(client) as ws:
        job = client.upload_null(1, seed=86)
        seen = ws.hear()
    client.wait_job(job["job_id"])
    events = client.events(job["job_id"])
    with follow(client, f"?since={seen['id']}") as ws:
        ws.wait(is_end(job["job_id"]))
        told = [m for m in ws.passed if m["job_id"] == job["job_id"]]
    assert logged(told) == [e["id"] for e in events[1:-1]]


def test_nothing_is_missed_over_a_restart(make_server):
    server = make_server()
    client = server.client
    with follow(client) as ws:
        first = client.upload_null(1)
        ws.wait(is_end(first["job_id"]))
        cursor = ws.passed[-1]["id"]
        server.stop()
        assert ws.wait_closed().code == 1001
    server.start()
    second = server.client.upload_null(1, seed=2)
    server.client.wait_job(second["job_id"])
    with follow(server.client, f"?since={cursor}") as ws:
        assert ws.hear()["type"] == "job_complete"
        ws.wait(is_end(second["job_id"]))
        told = [m for m in ws.passed if m["job_id"] == second["job_id"]]
    assert logged(told) == [e["id"] for e in server.client.events(second["job_id"])[:-1]]


# ---- what clients say ----


def test_subscriptions_come_and_go(client):
    jobs = [client.upload_null(1, seed=90 + i)["job_id"] for i in range(3)]
    for job in jobs:
        client.wait_job(job)
    with follow(client) as ws:
        for job in jobs[:2]:
            ws.say(type="subscribe", job_id=job)
            assert ws.wait(lambda m: m["type"] == "subscribed") == \
                {"type": "subscribed", "all": False, "job_id": job}
            ws.wait(is_end(job))
        ws.say(type="unsubscribe", job_id=jobs[0])
        assert ws.hear() == {"type": "unsubscribed", "all": False, "job_id": jobs[0]}
        client.post(f"/api/jobs/{jobs[1]}/archive")
        ws.say(type="subscribe", all=True, since=client.events(jobs[2])[-2]["id"])
        assert ws.wait(lambda m: m["type"] == "subscribed") == {"type": "subscribed", "all": True}
        assert ws.wait(is_end(jobs[2]))
        ws.say(type="unsubscribe", all=True)
        assert ws.wait(lambda m: m["type"] == "unsubscribed")
        client.wait_job(client.upload_null(1, seed=95)["job_id"])
        ws.say(type="ping")
        assert ws.hear() == {"type": "pong"}


WRONG = [
    ({"type": "frob"}, "INVALID_VALUE", "type", "'frob'"),
    ({}, "INVALID_VALUE", "type", "type"),
    ({"type": "subscribe"}, "INVALID_VALUE", "job_id", "all"),
    ({"type": "subscribe", "job_id": "x", "all": True}, "INVALID_VALUE", "job_id", "either"),
    ({"type": "subscribe", "job_id": "x"}, "JOB_NOT_FOUND", None, "x"),
    ({"type": "subscribe", "all": True, "since": "j1"}, "INVALID_VALUE", "since", "since"),
    ({"type": "ping", "colour": 1}, "INVALID_VALUE", "colour", "colour"),
]


def test_what_is_wrong_is_named_and_the_socket_stays(client):
    with follow(client) as ws:
        for value, code, field, words in WRONG:
            ws.say(**value)
            answer = ws.wait(lambda m: m["type"] == "error")
            assert (answer["code"], answer["field"]) == (code, field), answer
            assert words in answer["message"]
        ws.send(frame(1, "{no json"))
        assert ws.wait(lambda m: m["type"] == "error")["code"] == "INVALID_REQUEST"
        ws.say(type="ping")
        assert ws.wait(lambda m: m["type"] == "pong")


def test_a_socket_follows_64_jobs_at_most(client):
    job = client.upload_null(1, seed=96)
    client.wait_job(job["job_id"])
    jobs = [client.post("/api/jobs", {"file_id": job["file_id"], "engine": "null",
                                      "run_after": "2099-01-01T00:00:00Z",
                                      "model": f"fail_rate=0.{i + 1}"}).json["job_id"] for i in range(65)]
    assert len(set(jobs)) == 65
    with follow(client, f"?job_id={jobs[0]}") as ws:
        for one in jobs[1:64]:
            ws.say(type="subscribe", job_id=one)
            ws.wait(lambda m, one=one: m["type"] == "job_created" and m["job_id"] == one)
        ws.say(type="subscribe", job_id=jobs[64])
        assert ws.wait(lambda m: m["type"] == "error")["code"] == "RATE_LIMITED"
        ws.say(type="subscribe", job_id=jobs[5])
        ws.wait(lambda m: m["type"] == "subscribed")
    for one in jobs:
        client.request("DELETE", f"/api/jobs/{one}")


def test_what_is_no_text_or_too_long_closes(client):
    with follow(client) as ws:
        ws.send(frame(BINARY, b"{}"))
        assert ws.wait_closed().code == 1003
    with follow(client) as ws:
        ws.send(frame(1, b" " * 5000))
        assert ws.wait_closed().code == 1009


# ---- who may ----


def test_handshakes_that_are_refused(client):
    assert refused(client, "/ws/bad%20name").error["field"] == "client_id"
    assert refused(client, "/ws/" + "x" * 65).error["field"] == "client_id"
    assert refused(client, "/ws/me?since=zzz").error["field"] == "since"
    assert refused(client, "/ws/me?colour=1").error["field"] == "colour"
    assert refused(client, "/ws/me?job_id=zzz").error["code"] == "JOB_NOT_FOUND"
    assert client.get("/ws/me").status == 426
    assert client.get("/ws/me").error["code"] == "UPGRADE_REQUIRED"


@pytest.fixture(scope="module")
def tcp(tmp_path_factory):
    """A server on TCP that wants tokens."""
    path = tmp_path_factory.mktemp("ws")
    port = harness.free_port()
    server = harness.Server(path / "d", {
        **harness.SETTINGS, "SCRIPTA_LISTEN": f"127.0.0.1:{port}",
        "SCRIPTA_AUTH_LOOPBACK_OPEN": "false", "SCRIPTA_EVENTS_SOCKETS": 3,
        "SCRIPTA_EVENTS_STREAMS": 2, "SCRIPTA_HTTP_CORS_ORIGINS": "https://app.example"})
    try:
        server.start()
        server.port = port
        yield server
        assert not server.sanitizer_reports(), server.sanitizer_reports()
    finally:
        server.destroy()


def token(server, name, **options):
    reply = server.client.post("/api/tokens", {"name": name, "owner": name, **options})
    assert reply.status == 201, reply
    return reply.json


def at(server, secret=None):
    return harness.Client(port=server.port, token=secret)


def test_a_token_is_needed_and_read_is_enough(tcp):
    assert refused(at(tcp), "/ws/me").status == 401
    assert refused(at(tcp, "scripta_wrong"), "/ws/me").status == 401
    writer = token(tcp, "writer", scopes=["write"])
    assert refused(at(tcp, writer["token"]), "/ws/me").status == 403
    reader = token(tcp, "reader", scopes=["read"])
    with follow(at(tcp, reader["token"])) as ws:
        assert ws.close() == 1000


def test_browsers_send_their_token_as_a_protocol(tcp):
    secret = token(tcp, "browser", scopes=["read"])["token"]
    offer = {"Sec-WebSocket-Protocol": f"scripta, bearer.{secret}"}
    with WebSocket(at(tcp), "/ws/tab", offer) as ws:
        assert ws.headers["sec-websocket-protocol"] == "scripta"
        ws.say(type="ping")
        assert ws.hear() == {"type": "pong"}
    assert refused(at(tcp), "/ws/tab",
                   {"Sec-WebSocket-Protocol": "scripta, bearer.scripta_no"}).status == 401
    assert refused(at(tcp), f"/ws/tab?token={secret}").status == 401
    assert secret not in tcp.tail(1 << 20)


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1.evil.example",
                                    "https://localhost:1", "file://"])
def test_pages_of_other_origins_are_refused_whatever_they_bring(tcp, origin):
    secret = token(tcp, f"o{hash(origin)}", scopes=["read"])["token"]
    answer = refused(at(tcp, secret), "/ws/me", {"Origin": origin})
    assert (answer.status, answer.error["code"]) == (403, "FORBIDDEN")
    assert refused(at(tcp), "/ws/me", {"Origin": origin}).status == 403


def test_a_page_of_our_own_is_let_in(tcp):
    secret = token(tcp, "page", scopes=["read"])["token"]
    for host, origin in (("localhost", "http://localhost"), ("a.example:8000", "https://a.example:8000"),
                         ("localhost", "https://app.example")):
        with WebSocket(at(tcp, secret), "/ws/me", {"Host": host, "Origin": origin}) as ws:
            assert ws.close() == 1000


def test_the_client_of_node_follows_a_job(tcp):
    node = harness.ROOT / "tests" / "node"
    if not (node / "node_modules" / "ws").exists() or shutil.which("node") is None:
        pytest.skip("the npm package ws is not here: make node")
    secret = token(tcp, "node", scopes=["read", "write"])["token"]
    job = at(tcp, secret).upload_null(2)["job_id"]
    at(tcp, secret).wait_job(job)
    done = subprocess.run(["node", str(node / "websocket.mjs"), f"ws://127.0.0.1:{tcp.port}",
                           secret, job], capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done
    out = json.loads(done.stdout)
    heard = [e for e in out["second"]["heard"] if e["type"] != "pong"]
    assert logged(heard) == [e["id"] for e in at(tcp, secret).events(job)][1:]
    for part in (out["first"], out["second"]):
        assert (part["code"], part["protocol"], part["extensions"]) == (1000, "scripta", "")


@pytest.mark.threads
def test_sockets_that_come_and_go_while_jobs_run(make_server):
    server = make_server({"SCRIPTA_QUEUE_MAX_CONCURRENT_NORMAL": 8})
    client = server.client
    jobs = [client.upload_null(20, seed=i)["job_id"] for i in range(6)]

    def come_and_go(number):
        for i in range(10):
            with follow(client, f"?job_id={jobs[(number + i) % 6]}") as ws:
                ws.say(type="subscribe", all=True)
                ws.wait(lambda m: m["type"] == "subscribed")
                if i % 2:
                    ws.close()
    threads = [threading.Thread(target=come_and_go, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for job in jobs:
        client.wait_job(job)
    for thread in threads:
        thread.join()
    with follow(client) as ws:
        server.stop()
        assert ws.wait_closed().code == 1001


def test_owners_hear_of_their_own_alone(tcp):
    ann, bob = (at(tcp, token(tcp, n, scopes=["read", "write"])["token"]) for n in ("ann", "bob"))
    with follow(ann) as hers, follow(bob) as his:
        job = ann.upload_null(1)["job_id"]
        assert hers.wait(is_end(job))
        other = bob.upload_null(1)["job_id"]
        end = his.wait(is_end(other))
        assert {m["job_id"] for m in his.passed + [end]} == {other}
        his.say(type="subscribe", job_id=job)
        assert his.wait(lambda m: m["type"] == "error")["code"] == "JOB_NOT_FOUND"
    assert refused(bob, f"/ws/bob?job_id={job}").status == 404


def test_a_revoked_token_closes_its_sockets_alone(tcp):
    first, second = (token(tcp, n, scopes=["read"]) for n in ("first", "second"))
    with follow(at(tcp, first["token"])) as gone, follow(at(tcp, second["token"])) as stays:
        assert tcp.client.request("DELETE", f"/api/tokens/{first['id']}").status == 200
        end = gone.wait_closed()
        assert (end.code, end.reason) == (1008, "the token has ended")
        stays.say(type="ping")
        assert stays.hear() == {"type": "pong"}


def test_a_token_that_expires_closes_its_sockets(tcp):
    secret = token(tcp, "short", scopes=["read"], expires_in=1)["token"]
    with contextlib.suppress(Refused), follow(at(tcp, secret)) as ws:  # a slow machine: too late
        assert ws.wait_closed().code == 1008


def test_a_principal_holds_so_many_and_no_more(tcp):
    client = at(tcp, token(tcp, "many", scopes=["read"])["token"])
    with contextlib.ExitStack() as stack:
        open_ones = [stack.enter_context(follow(client)) for _ in range(3)]
        answer = refused(client, "/ws/four")
        assert answer.status == 429 and answer.error["code"] == "RATE_LIMITED"
        assert answer.headers["retry-after"] == "5"
        with follow(tcp.client):  # somebody else
            pass
        open_ones[0].close()

        def again():
            with contextlib.suppress(Refused):
                return stack.enter_context(follow(client))
        harness.wait_until(again, 30, "room for another socket")
    streams = [harness.EventStream(client) for _ in range(2)]
    reply = client.get("/api/events")
    assert (reply.status, reply.error["code"]) == (429, "RATE_LIMITED")
    for stream in streams:
        stream.close()


# ---- how it ends ----


def test_the_server_asks_for_signs_of_life(make_server):
    server = make_server({"SCRIPTA_EVENTS_PING": "100ms"})
    with follow(server.client) as ws:
        for _ in range(3):
            opcode, payload = ws.frame()
            assert opcode == PING
            ws.send(frame(PONG, payload))
        text = server.client.get("/metrics").body.decode()
        assert "\nscripta_websockets 1\n" in text


def test_a_slow_reader_misses_nothing_when_it_is_not_far_behind(make_server):
    told = slow_reader(make_server, backlog=10000)
    assert "gap" not in [m["type"] for m in told]


def test_a_reader_that_is_far_behind_is_told_of_a_gap(make_server):
    told = slow_reader(make_server, backlog=50)
    gaps = [m for m in told if m["type"] == "gap"]
    assert gaps and gaps[0]["message"] and gaps[0]["id"]
    ids = [int(cursor[1:], 16) for cursor in logged(told)]
    assert ids == sorted(set(ids)), "an event was told twice"
    harness.api().check_event(gaps[0])


def slow_reader(make_server, backlog):
    """What a socket is told that reads nothing until more has happened than its buffers hold."""
    server = make_server({"SCRIPTA_EVENTS_BACKLOG": backlog})
    client = server.client
    first = client.upload_null(1)
    client.wait_job(first["job_id"])
    with follow(client) as ws:
        ws.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        fill_log(client, first)
        marker = client.upload_null(1, seed=77)["job_id"]
        client.wait_job(marker)
        end = ws.wait(lambda m: m["type"] == "gap" or m["job_id"] == marker and
                      m["type"] == "job_complete", timeout=harness.PATIENCE)
        told = ws.passed + [end]
        if end["type"] == "gap":
            client.upload_null(1, seed=78)
            ws.wait(lambda m: m["type"] == "job_complete")
            told += ws.passed
        return told


def fill_log(client, job):
    """More events than a Unix socket holds and what we keep for it."""
    spare = client.post("/api/jobs", {"file_id": job["file_id"], "engine": "null", "name": "spare",
                                      "run_after": "2099-01-01T00:00:00Z"}).json["job_id"]
    for i in range(450):
        reply = client.request("PATCH", f"/api/jobs/{spare}", json.dumps({"notes": str(i)}),
                               {"Content-Type": "application/json"})
        assert reply.status == 200, reply
