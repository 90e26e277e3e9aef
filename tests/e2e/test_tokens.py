"""Tokens: what they open, how they end, who may make them; and what is open without."""

import http.client
import re
import select
import subprocess
import threading

import pytest

from harness import (MEDIA, PATIENCE, Client, EventStream, clean_environment, cli, cli_json,
                     free_port, noise_wav, wait_until)


@pytest.fixture
def tcp(make_server):
    """(server, port): open on loopback."""
    port = free_port()
    return make_server({"SCRIPTA_WORKERS": 1}, ["--listen", f"127.0.0.1:{port}"]), port


def make(server, port, scopes=("read", "write"), owner="ann", **more):
    reply = server.client.post("/api/tokens", {"name": "t", "owner": owner,
                                               "scopes": list(scopes), **more})
    assert reply.status == 201, reply
    client = Client(port=port, token=reply.json["token"])
    client.made = reply.json
    return client


def test_the_command_line(tcp):
    server, port = tcp
    done = cli("token", "create", "laptop", "--owner", "ann", "--scope", "read,write",
               "--expires", "90d", data=server.data, check=0)
    token = done.stdout.strip()
    assert re.fullmatch(r"scripta_[a-z2-7]{32}", token)
    assert "not shown again" in done.stderr and token not in done.stderr
    row = cli_json("token", "list", data=server.data)["tokens"][0]
    assert row["owner"] == "ann" and row["scopes"] == ["read", "write"]
    assert row["status"] == "active" and row["expires_at"] and row["last_used_at"] is None
    url = f"http://127.0.0.1:{port}"
    env = {"SCRIPTA_TOKEN": token}
    assert cli("--server", url, "jobs", "list", env=env, check=0)
    assert cli_json("token", "list", data=server.data)["tokens"][0]["last_used_at"]
    refused = cli("--server", url, "token", "list", env=env)
    assert refused.returncode == 10 and "'admin'" in refused.stderr, refused
    assert cli("token", "revoke", row["id"], data=server.data, check=0).stdout == \
        f"{row['id']} revoked\n"
    refused = cli("--server", url, "jobs", "list", env=env)
    assert refused.returncode == 10 and "revoked" in refused.stderr, refused
    table = cli("token", "list", data=server.data, check=0).stdout
    assert "revoked" in table and "laptop" in table and token not in table
    nobody = cli("token", "revoke", "laptop", data=server.data)
    assert nobody.returncode == 3 and "`scripta token list`" in nobody.stderr, nobody


@pytest.mark.parametrize("body,field,words", [
    ({}, "name", "name"),
    ({"name": "x\n"}, "name", "control"),
    ({"name": ""}, "name", "name"),
    ({"name": "x", "owner": "a b"}, "owner", "letters"),
    ({"name": "x", "owner": ".hidden"}, "owner", "letters"),
    ({"name": "x", "scopes": []}, "scopes", "empty"),
    ({"name": "x", "scopes": ["root"]}, "scopes", "'root'"),
    ({"name": "x", "scopes": ["read write"]}, "scopes", "no scope"),
    ({"name": "x", "scopes": [7]}, "scopes", "no scope"),
    ({"name": "x", "scopes": ["work", "read"]}, "scopes", "alone"),
    ({"name": "x", "expires_in": 0}, "expires_in", "expires_in"),
    ({"name": "x", "hash": "y"}, "hash", "hash"),
])
def test_a_token_that_cannot_be_made(client, body, field, words):
    reply = client.post("/api/tokens", body)
    assert reply.status == 400 and reply.error["field"] == field, reply
    assert words in reply.error["message"], reply


def test_nobody_gives_what_he_has_not(tcp):
    server, port = tcp
    boss = make(server, port, ["read", "admin"])
    assert boss.post("/api/tokens", {"name": "x", "scopes": ["read"]}).json["owner"] == "ann"
    for body, field in [({"scopes": ["write"]}, "scopes"), ({"scopes": ["work"]}, "scopes"),
                        ({"scopes": ["read"], "owner": "bob"}, "owner"),
                        ({"scopes": ["read"], "owner": "local"}, "owner"), ({}, "scopes")]:
        reply = boss.post("/api/tokens", {"name": "x", **body})
        assert reply.status == 403 and reply.error["field"] == field, (body, reply)
    make(server, port, ["read"], owner="bob")
    assert {t["owner"] for t in boss.get("/api/tokens").json["tokens"]} == {"ann"}
    everybody = server.client.get("/api/tokens").json["tokens"]
    assert {t["owner"] for t in everybody} == {"ann", "bob"}


def test_revoking_ends_calls_streams_and_waiting_claims(tcp):
    server, port = tcp
    reader, worker = make(server, port), make(server, port, ["work"], owner="local")
    stream = EventStream(reader)
    number = worker.post("/api/worker/register", {"name": "w", "host": "h", "pid": 1,
                                                  "engines": ["x"]}).json["worker_id"]
    claims = []
    thread = threading.Thread(target=lambda: claims.append(worker.post(
        "/api/worker/claim", {"worker_id": number, "lanes": ["engine:x"], "max": 1,
                              "wait_ms": 60000})))
    thread.start()
    assert reader.get("/api/jobs").status == 200
    for token in (reader, worker):
        gone = server.client.request("DELETE", f"/api/tokens/{token.made['id']}")
        assert gone.status == 200 and gone.json["status"] == "revoked", gone
        assert token.get("/api/jobs").status == 401
    assert stream.closed.wait(PATIENCE), "the stream goes on"
    # The claim may have come after the end of its token: refused as well.
    thread.join()
    assert claims and claims[0].status == 401, claims
    stream.close()
    again = server.client.request("DELETE", f"/api/tokens/{reader.made['id']}")
    assert again.status == 200 and again.json["revoked_at"], again
    never = server.client.request("DELETE", "/api/tokens/77")
    assert never.status == 404 and never.error["code"] == "TOKEN_NOT_FOUND", never


def begin_upload(port, token, method, path, size, headers):
    """A request whose body is still to come."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.putrequest(method, path)
    for name, value in {"Authorization": f"Bearer {token}", "Content-Length": str(size),
                        **headers}.items():
        connection.putheader(name, value)
    connection.endheaders()
    return connection


def send_until_told(connection, data):
    """Goes on sending until the answer is there; the server cuts it off then."""
    while not select.select([connection.sock], [], [], 0)[0]:
        connection.send(data)
    return connection.getresponse()


def test_an_upload_ends_with_its_token(tcp):
    server, port = tcp
    token, other = make(server, port), make(server, port)
    tus, size, data = {"Tus-Resumable": "1.0.0"}, 1 << 28, bytes(1 << 16)
    made = token.request("POST", "/api/uploads", headers={**tus, "Upload-Length": str(size)})
    assert made.status == 201, made
    path = made.headers["Location"]
    piece = begin_upload(port, token.made["token"], "PATCH", path, size, {
        "Content-Type": "application/offset+octet-stream", "Upload-Offset": "0", **tus})
    whole = begin_upload(port, token.made["token"], "POST", "/api/files/upload", size,
                         {"Content-Type": "application/octet-stream"})
    for connection in (piece, whole):
        connection.send(data)
    wait_until(lambda: other.request("HEAD", path, headers=tus).status == 423, 30,
               "the piece to begin")
    assert not select.select([piece.sock, whole.sock], [], [], 0)[0]
    server.client.request("DELETE", f"/api/tokens/{token.made['id']}")
    for connection in (piece, whole):
        answer = send_until_told(connection, data)
        assert answer.status == 401 and b"while the upload came" in answer.read(), answer
        connection.close()
    # What came in pieces stays with its owner, who goes on with another token.
    wait_until(lambda: other.request("HEAD", path, headers=tus).status == 200, 30,
               "the upload to be free")
    assert other.get("/api/files").json["files"] == []
    assert other.request("DELETE", path, headers=tus).status == 204


def test_a_token_expires(tcp):
    server, port = tcp
    brief = make(server, port, expires_in=1)
    wait_until(lambda: brief.get("/api/jobs").status == 401, 5, "the end of the token")
    row = server.client.get("/api/tokens").json["tokens"][0]
    assert row["status"] == "expired" and row["expires_at"] > row["created_at"]


def test_streams_end_with_their_token(tcp):
    """Though nothing happens that they could tell of; those of other tokens go on."""
    server, port = tcp
    lasting = EventStream(make(server, port, expires_in=1000))
    brief = EventStream(make(server, port, expires_in=2))
    briefer = EventStream(make(server, port, expires_in=1))
    try:
        assert brief.closed.wait(PATIENCE) and briefer.closed.wait(PATIENCE), "the stream goes on"
        assert lasting.status == 200 and not lasting.closed.is_set()
    finally:
        for stream in (lasting, brief, briefer):
            stream.close()


def test_a_stream_of_v1_ends_with_its_token(tcp):
    """Its job waits, and goes on without it."""
    server, port = tcp
    server.client.post("/api/queue/high/pause")
    for seconds in (2, 10, 50):  # a busy machine may need the first for the upload
        brief = make(server, port, expires_in=seconds)
        reply = brief.upload(noise_wav(1, seconds), path="/v1/audio/transcriptions", model="null",
                             stream="true", timeout=100)
        if reply.status == 200:
            break
    assert reply.status == 200 and "transcript.text.done" not in reply.text, reply
    assert brief.get("/api/jobs").status == 401
    assert server.client.get("/api/queue").json["totals"]["queued"] >= 1


def test_a_worker_speaks_for_itself_alone(tcp):
    server, port = tcp
    one, two = (make(server, port, ["work"], owner="local") for _ in range(2))
    body = {"name": "w", "host": "h", "pid": 1, "engines": ["x"]}
    number = one.post("/api/worker/register", body).json["worker_id"]
    beat = {"worker_id": number, "tasks": []}
    assert one.post("/api/worker/heartbeat", beat).status == 200
    for call, more in (("heartbeat", {"tasks": []}),
                       ("claim", {"lanes": ["noop"], "max": 1, "wait_ms": 0}),
                       ("tasks/1/complete", {"epoch": 1}), ("tasks/1/release", {"epoch": 1}),
                       ("tasks/1/fail", {"epoch": 1, "code": "ENGINE_ERROR"})):
        theirs = two.post(f"/api/worker/{call}", {"worker_id": number, **more})
        never = two.post(f"/api/worker/{call}", {"worker_id": 99, **more})
        # Before the rest of the body is looked at.
        rubbish = two.post(f"/api/worker/{call}", {"worker_id": number, "segments": [1]})
        assert rubbish.error["message"] == theirs.error["message"]
        assert theirs.status == never.status == 404
        assert theirs.error["message"].replace(str(number), "99") == never.error["message"]


def test_a_worker_on_another_machine_needs_its_token_alone(make_server):
    """As packaging/scripta-worker.service starts it; until its token ends."""
    port = free_port()
    server = make_server({"SCRIPTA_WORKERS": -1}, ["--listen", f"0.0.0.0:{port}"])
    token = make(server, port, ["work"], owner="local")
    worker = subprocess.Popen(
        [MEDIA, "worker", "--server", f"http://127.0.0.1:{port}", "--name", "away"],
        stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
        env=clean_environment({"SCRIPTA_TOKEN": token.made["token"]}))
    try:
        job = server.client.upload_null(3)
        assert server.client.wait_job(job["job_id"])["status"] == "completed"
        server.client.request("DELETE", f"/api/tokens/{token.made['id']}")
        assert worker.wait(PATIENCE) != 0
        assert b"token" in worker.stderr.read()
    finally:
        worker.kill()
        worker.communicate()


def test_the_store_holds_no_token(tcp):
    server, port = tcp
    token = make(server, port)
    token.get("/api/jobs")
    for path in server.data.rglob("*"):
        if path.is_file():
            assert token.made["token"].encode() not in path.read_bytes(), path


# ---- without a token ----


@pytest.mark.parametrize("headers,refusal", [
    ({}, None),
    ({"Host": "localhost"}, None),
    ({"Host": "rebound.example"}, 403),
    ({"Host": "127.0.0.1.rebound.example:8000"}, 403),
    ({"Origin": "http://evil.example"}, 403),
    ({"Origin": "null"}, 403),
    ({"X-Forwarded-For": "127.0.0.1"}, 401),
    ({"Sec-Fetch-Site": "cross-site"}, 403),
    ({"Sec-Fetch-Site": "same-site"}, 403),
    ({"Sec-Fetch-Site": "same-origin"}, None),
    ({"Sec-Fetch-Site": "none"}, None),
])
def test_loopback_is_open_for_who_speaks_for_himself(tcp, headers, refusal):
    client = Client(port=tcp[1])
    for reply in (client.get("/api/jobs", headers=headers),
                  client.post("/api/jobs", {"pipeline": "noop"}, headers=headers)):
        assert (reply.status in (200, 201)) == (refusal is None), reply
        assert refusal is None or reply.status == refusal, reply
    if refusal:
        # A web page's form: a type that browsers send anywhere without asking.
        content = {"Content-Type": "multipart/form-data; boundary=x", **headers}
        reply = client.request("POST", "/api/upload", body=b"--x--", headers=content)
        assert reply.status == refusal, reply


@pytest.mark.parametrize("lines", [
    ["Bearer\tTOKEN"], ["TOKEN"], ["Basic TOKEN"], ["Bearer x, Bearer TOKEN"],
    ["Bearer TOKEN", "Bearer TOKEN"], ["Bearer TOKEN", "Basic eDp5"], ["Basic eDp5", "Basic eDp5"],
    ["Bearer \"TOKEN\""], ["Bearer TOKEN x"],
])
def test_a_token_that_cannot_be_read_is_nobody(tcp, lines):
    """Whoever sends one means to be somebody else than the local owner, who may everything."""
    token = make(*tcp).made["token"]
    connection = http.client.HTTPConnection("127.0.0.1", tcp[1], timeout=10)
    connection.putrequest("GET", "/api/tokens")
    for line in lines:
        connection.putheader("Authorization", line.replace("TOKEN", token))
    connection.endheaders()
    reply = connection.getresponse()
    said = reply.read().decode()
    assert reply.status == 401 and "send 'Authorization: Bearer TOKEN'" in said, (reply.status, said)
    assert "is not read" in said and token not in said


@pytest.mark.parametrize("line", ["Basic eDp5", "sk-123", "Bearer sk-123", "Bearer", ""])
def test_keys_of_other_services_are_passed_over(tcp, line):
    assert Client(port=tcp[1]).get("/api/jobs", headers={"Authorization": line}).status == 200


def test_loopback_can_be_shut(make_server):
    port = free_port()
    server = make_server({"SCRIPTA_AUTH_LOOPBACK_OPEN": "off"}, ["--listen", f"127.0.0.1:{port}"])
    assert Client(port=port).get("/api/jobs").status == 401
    assert Client(port=port).get("/api/health").status == 200
    assert make(server, port).get("/api/jobs").status == 200


def test_another_address_is_shut(make_server):
    """Also for this machine: what comes over a loopback address may have come through a proxy."""
    port = free_port()
    server = make_server(args=["--listen", f"0.0.0.0:{port}"])
    wait_until(lambda: "token create" in server.log.read_text(), 30, "how to make a token")
    reply = Client(port=port).get("/api/jobs", headers={"X-Forwarded-For": "127.0.0.1"})
    assert reply.status == 401 and "token create" in reply.error["message"], reply
    assert Client(port=port).get("/api/health/ready").status == 200
    token = make(server, port)
    assert token.get("/api/jobs").status == 200
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("POST", "/api/upload", headers={"Expect": "100-continue",
                                                       "Content-Length": "1000000000"})
    assert connection.getresponse().status == 401, "before a byte of the body"
    connection.close()


# ---- logs ----


def test_logs_hold_neither_tokens_nor_text_nor_control_signs(make_server):
    port = free_port()
    server = make_server({"SCRIPTA_LOG_LEVEL": "debug", "SCRIPTA_WORKERS": 1},
                         ["--listen", f"127.0.0.1:{port}"])
    token = make(server, port)
    name = "a\x1b[31mred\nINFO forged: line\x07\u202e.wav"
    job = token.upload(noise_wav(3), name=name, engine="null", vad="off").json
    job = token.wait_job(job["job_id"])
    assert job["status"] == "completed", job
    text = token.transcript(job)["text"]
    assert text.startswith("t0 t1")
    wrong = "scripta_" + "z" * 32
    for _ in range(5):
        refused = Client(port=port).get(f"/api/jobs?cursor=%1b%0a{wrong}",
                                        headers={"Authorization": f"Bearer {wrong}",
                                                 "User-Agent": "x"})
        assert refused.status == 401
    Client(port=port).get("/api/%1b%5b31m%0aforged", headers={"Authorization": f"Bearer {wrong}"})
    server.stop()
    logs = [server.log, *(server.data / "logs").rglob("*.log")]
    assert len(logs) > 1
    for path in logs:
        log = path.read_bytes()
        assert token.made["token"].encode() not in log and wrong.encode() not in log, path
        assert b"\x1b" not in log and b"\x07" not in log and "\u202e".encode() not in log, path
        assert b"\nINFO forged" not in log and text[:8].encode() not in log, path
    lines = [x for x in server.log.read_text().splitlines() if "refused" in x and "127.0.0.1" in x]
    assert len(lines) == 1, lines
