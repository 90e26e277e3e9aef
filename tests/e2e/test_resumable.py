"""/api/uploads: recordings in pieces, cut anywhere, as the clients of the tus protocol send them."""

import base64
import contextlib
import hashlib
import http.client
import json
import pathlib
import random
import socket
import subprocess
import threading

import pytest

from harness import PATIENCE, ROOT, SCALE, Client, cli, noise_wav, null_words, wait_until

NODE = ROOT / "tests" / "node"
TUS = {"Tus-Resumable": "1.0.0"}
PIECE = "application/offset+octet-stream"


def metadata(**values):
    return ",".join(f"{k} {base64.b64encode(str(v).encode()).decode()}" for k, v in values.items())


def begin(client, size, headers=None, body=None, **values):
    """The address of a new upload."""
    own = {**TUS, "Upload-Length": str(size), **(headers or {})}
    if values:
        own["Upload-Metadata"] = metadata(**values)
    if body is not None:
        own["Content-Type"] = PIECE
    reply = client.request("POST", "/api/uploads", body=body, headers=own)
    assert reply.status == 201, reply
    return reply.headers["Location"]


def piece(client, place, offset, data, headers=None):
    return client.request("PATCH", place, body=data,
                          headers={**TUS, "Content-Type": PIECE, "Upload-Offset": str(offset),
                                   **(headers or {})})


def offset_of(client, place):
    """Where to go on, once nobody else has it in hand."""
    def ask():
        reply = client.request("HEAD", place, headers=TUS)
        assert reply.status in (200, 423), reply
        return reply.status == 200 and reply.headers

    return int(wait_until(ask, 30, "the upload is free")["Upload-Offset"])


def send_cut(client, place, offset, data, send):
    """A piece of which only `send` bytes come before its client is gone."""
    connection = client.connect()
    connection.connect()
    head = (f"PATCH {place} HTTP/1.1\r\nHost: localhost\r\nTus-Resumable: 1.0.0\r\n"
            f"Content-Type: {PIECE}\r\nUpload-Offset: {offset}\r\n"
            f"Content-Length: {len(data)}\r\n\r\n").encode()
    connection.sock.sendall(head + data[:send])
    connection.close()


class CuttingProxy:
    """Hands connections on to a port; those that bring enough bytes of the client are cut, in turn
    at the numbers given. Some clients make a connection for each request, some keep one."""

    def __init__(self, port, after, on_cut=lambda: None):
        self.port = port
        self.after = list(after)
        self.on_cut = on_cut
        self.cuts = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.own = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                server = socket.create_connection(("127.0.0.1", self.port))
                limit = self.after[0] if self.after else None
                threading.Thread(target=self._pump, args=(client, server, limit),
                                 daemon=True).start()
                threading.Thread(target=self._pump, args=(server, client, None),
                                 daemon=True).start()

    def _pump(self, source, target, limit):
        left = limit
        with contextlib.suppress(OSError):
            while (part := source.recv(65536 if left is None else min(65536, left))):
                target.sendall(part)
                left = None if left is None else left - len(part)
                if left == 0:
                    self.cuts += 1
                    self.after.pop(0)
                    self.on_cut()
                    break
        # The other thread wakes; then whoever still writes must hear that nobody reads any more.
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def close(self):
        self.listener.close()


def tus_client(port, path, **order):
    """What tus-js-client makes of a file (tests/node/tus.mjs)."""
    if not (NODE / "node_modules" / "tus-js-client").exists():
        pytest.skip("the tus client is not here: make node")
    order = {"endpoint": f"http://127.0.0.1:{port}/api/uploads", "file": str(path), **order}
    done = subprocess.run(["node", str(NODE / "tus.mjs")], input=json.dumps(order),
                          capture_output=True, text=True, timeout=PATIENCE, check=True)
    return json.loads(done.stdout)


def tcp_port(server):
    return int((server.data / "run" / "listen").read_text().rpartition(":")[2])


def left_over(server):
    """Bytes that no upload has any more."""
    return [*server.data.glob("incoming/*"), *server.data.glob("temp/*"),
            *server.data.glob("audio/arriving/*")]


def test_what_is_offered(client):
    reply = client.request("OPTIONS", "/api/uploads")
    assert (reply.status, reply.body) == (204, b"")
    assert reply.headers["Tus-Version"] == "1.0.0"
    assert "checksum" in reply.headers["Tus-Extension"].split(",")
    assert reply.headers["Tus-Checksum-Algorithm"] == "sha256,sha1,md5"
    assert int(reply.headers["Tus-Max-Size"]) == 20 << 30


def test_a_model_that_nobody_has_is_refused_before_the_first_piece(client):
    reply = client.request("POST", "/api/uploads", headers={
        **TUS, "Upload-Length": "1000000",
        "Upload-Metadata": metadata(engine="pocketsphinx", model="whisper-1")})
    assert (reply.status, reply.error["code"], reply.error["field"]) == (
        400, "MODEL_ERROR", "model"), reply


def test_pieces_become_a_file_and_its_job(client, server):
    data = noise_wav(7, 4100)
    place = begin(client, len(data), filename="näme.wav", engine="null", vad="off")
    at = 0
    for size in (1, 4096, 50000, len(data)):
        reply = piece(client, place, at, data[at:at + size])
        at = min(len(data), at + size)
        assert (reply.status, int(reply.headers["Upload-Offset"])) == (204, at)
        assert reply.headers["Tus-Resumable"] == "1.0.0"
        assert "GMT" in reply.headers["Upload-Expires"]
    job = client.wait_job(reply.headers["Scripta-Job-Id"])
    assert client.transcript(job)["text"].split() == null_words(7)
    assert job["file_name"] == "näme.wav"
    shown = client.get(place).json
    assert (shown["state"], shown["job_id"]) == ("completed", job["job_id"])
    assert (shown["file_id"], shown["duplicate"]) == (job["file_id"], False)
    assert shown["offset_bytes"] == shown["size_bytes"] == len(data)
    assert offset_of(client, place) == len(data)
    file = client.get(f"/api/files/{job['file_id']}").json
    assert file["file_hash"] == hashlib.sha256(data).hexdigest()
    assert not list(server.data.glob("incoming/*"))
    late = piece(client, place, 0, b"x")
    assert (late.status, late.error["code"]) == (409, "UPLOAD_OFFSET")


def test_without_a_job_the_file_is_kept(client):
    data = noise_wav(1, 4101)
    place = begin(client, len(data), body=data, filename="a.wav", filetype="audio/wav")
    shown = client.get(place).json
    assert (shown["state"], shown["job_id"], shown["job_options"]) == ("completed", None, None)
    again = begin(client, len(data), body=data[:100])
    reply = piece(client, again, 100, data[100:])
    assert reply.headers["Scripta-Duplicate"] == "true"
    assert int(reply.headers["Scripta-File-Id"]) == shown["file_id"]
    assert "Scripta-Job-Id" not in reply.headers


def test_the_length_may_come_later(client):
    data = noise_wav(1, 4102)
    own = {**TUS, "Upload-Defer-Length": "1", "Upload-Metadata": metadata(job="true", engine="null")}
    reply = client.request("POST", "/api/uploads", headers=own)
    place = reply.headers["Location"]
    assert reply.status == 201 and reply.json["size_bytes"] is None
    assert piece(client, place, 0, data[:1000]).status == 204
    head = client.request("HEAD", place, headers=TUS)
    assert head.headers["Upload-Defer-Length"] == "1" and "Upload-Length" not in head.headers
    wrong = piece(client, place, 1000, b"x", {"Upload-Length": "5"})
    assert (wrong.status, wrong.error["field"]) == (400, "Upload-Length")
    last = piece(client, place, 1000, data[1000:], {"Upload-Length": str(len(data))})
    assert last.status == 204 and last.headers["Scripta-Job-Id"]


@pytest.mark.parametrize("headers, status, code", [
    ({"Tus-Resumable": "0.2.2"}, 412, "TUS_VERSION"),
    ({"Upload-Length": "-1"}, 400, "INVALID_VALUE"),
    ({"Upload-Length": "+5"}, 400, "INVALID_VALUE"),
    ({"Upload-Length": str(21 << 30)}, 413, "FILE_TOO_LARGE"),
    ({"Upload-Length": "9" * 30}, 400, "INVALID_VALUE"),
    ({"Upload-Defer-Length": "1"}, 400, "INVALID_VALUE"),
    ({"Upload-Metadata": "filename a.wav"}, 400, "INVALID_VALUE"),
    ({"Upload-Metadata": "a YQ==,a YQ=="}, 400, "INVALID_VALUE"),
    ({"Upload-Metadata": metadata(filename="a.wav\0.txt")}, 400, "INVALID_VALUE"),
    ({"Upload-Metadata": metadata(engine="none-such")}, 400, "ENGINE_UNAVAILABLE"),
    ({"Upload-Metadata": metadata(langauge="de")}, 400, "INVALID_VALUE"),
])
def test_what_cannot_begin(client, headers, status, code):
    reply = client.request("POST", "/api/uploads", headers={**TUS, "Upload-Length": "5", **headers})
    assert (reply.status, reply.error["code"]) == (status, code)
    assert reply.headers["Tus-Resumable"] == "1.0.0"


def test_what_does_not_go_on(client):
    data = noise_wav(1, 4103)
    place = begin(client, len(data))
    assert piece(client, place, 0, data[:100]).status == 204
    wrong = piece(client, place, 50, data[50:100])
    assert (wrong.status, wrong.error["code"]) == (409, "UPLOAD_OFFSET")
    assert wrong.headers["Upload-Offset"] == "100"
    assert piece(client, place, 100, data + b"x").status == 413
    plain = piece(client, place, 100, b"x", {"Content-Type": "audio/wav"})
    assert (plain.status, plain.error["code"]) == (415, "UNSUPPORTED_TYPE")
    bare = client.request("PATCH", place, body=b"x", headers={"Content-Type": PIECE,
                                                             "Upload-Offset": "100"})
    assert bare.status == 412 and bare.headers["Tus-Version"] == "1.0.0"
    nowhere = "/api/uploads/0198a5c2-6c1e-7b3a-9a51-3f1f5f0c2d11"
    for address in (nowhere, "/api/uploads/1"):
        reply = piece(client, address, 0, b"x")
        assert (reply.status, reply.error["code"]) == (404, "UPLOAD_NOT_FOUND")
    assert offset_of(client, place) == 100
    assert client.request("DELETE", place, headers=TUS).status == 204
    assert client.request("HEAD", place, headers=TUS).status == 404


@pytest.mark.parametrize("name", ["sha256", "sha1", "md5"])
def test_a_piece_with_a_checksum_counts_whole_or_not_at_all(client, name):
    data = noise_wav(1, 4104)
    place = begin(client, len(data), filename=f"{name}.wav")

    def checksum(body):
        return {"Upload-Checksum":
                f"{name} {base64.b64encode(hashlib.new(name, body).digest()).decode()}"}

    assert piece(client, place, 0, data[:5000], checksum(data[:5000])).status == 204
    wrong = piece(client, place, 5000, data[5000:9000], checksum(b""))
    assert (wrong.status, wrong.error["code"]) == (460, "CHECKSUM_MISMATCH")
    assert offset_of(client, place) == 5000
    unknown = piece(client, place, 5000, b"x", {"Upload-Checksum": "crc32 AAAA"})
    assert (unknown.status, unknown.error["field"]) == (400, "Upload-Checksum")
    last = piece(client, place, 5000, data[5000:], checksum(data[5000:]))
    assert last.status == 204
    file = client.get(f"/api/files/{last.headers['Scripta-File-Id']}").json
    assert file["file_hash"] == hashlib.sha256(data).hexdigest()


def test_what_is_no_recording_is_refused_for_good(client, server):
    place = begin(client, 5, body=b"hel", filename="x.wav", engine="null")
    reply = piece(client, place, 3, b"lo")
    assert (reply.status, reply.error["code"]) == (400, "FILE_FORMAT")
    shown = client.get(place).json
    assert (shown["state"], shown["error_code"]) == ("refused", "FILE_FORMAT") and shown["error"]
    head = client.request("HEAD", place, headers=TUS)
    assert head.status == 410
    gone = piece(client, place, 5, b"x")
    assert (gone.status, gone.error["code"]) == (410, "UPLOAD_REFUSED")
    assert not list(server.data.glob("incoming/*"))


def test_a_key_names_an_unfinished_upload(client):
    data = noise_wav(1, 4105)
    key = {"Idempotency-Key": "the same command again"}
    place = begin(client, len(data), headers=key, filename="k.wav")
    assert piece(client, place, 0, data[:777]).status == 204
    own = {**TUS, **key, "Upload-Length": str(len(data))}
    again = client.request("POST", "/api/uploads",
                           headers={**own, "Upload-Metadata": metadata(filename="k.wav")})
    assert (again.status, again.headers["Location"]) == (200, place)
    assert again.headers["Upload-Offset"] == "777"
    other = client.request("POST", "/api/uploads", headers=own)
    assert (other.status, other.error["code"]) == (409, "IDEMPOTENCY_CONFLICT")
    assert piece(client, place, 777, data[777:]).status == 204
    assert begin(client, len(data), headers=key) != place


def test_uploads_are_listed_page_by_page(make_server):
    client = make_server().client
    places = [begin(client, 10, filename=f"{i}.wav") for i in range(5)]
    first = client.get("/api/uploads?limit=3").json
    rest = client.get(f"/api/uploads?limit=3&cursor={first['next_cursor']}").json
    assert [x["name"] for x in first["uploads"] + rest["uploads"]] == [
        f"{i}.wav" for i in (4, 3, 2, 1, 0)]
    assert rest["next_cursor"] is None
    assert places[0].endswith(rest["uploads"][-1]["upload_id"])


def test_cut_anywhere_it_goes_on_at_the_byte(client):
    rng = random.Random(4106)
    data = noise_wav(40, 4106)
    place = begin(client, len(data), filename="cut.wav")
    at = cuts = 0
    while at < len(data):
        size = rng.choice([0, 1, 1000, 65536, 262144, 262145])
        if size >= len(data) - at:
            break
        send_cut(client, place, at, data[at:], size)
        now = offset_of(client, place)
        assert at <= now <= at + size
        at, cuts = now, cuts + 1
    reply = piece(client, place, at, data[at:])
    assert reply.status == 204 and cuts > 3
    file = client.get(f"/api/files/{reply.headers['Scripta-File-Id']}").json
    assert file["file_hash"] == hashlib.sha256(data).hexdigest()


def test_two_pieces_at_once(client):
    data = noise_wav(20, 4107)
    place = begin(client, len(data))
    first = client.connect()
    first.putrequest("PATCH", place)
    for name, value in {**TUS, "Content-Type": PIECE, "Upload-Offset": "0",
                        "Content-Length": str(len(data))}.items():
        first.putheader(name, value)
    first.endheaders()
    first.send(data[:300000])

    def is_locked():
        return client.request("HEAD", place, headers=TUS).status == 423

    wait_until(is_locked, 30, "the first piece has it in hand")
    second = piece(client, place, 0, data)
    assert (second.status, second.error["code"]) == (423, "UPLOAD_LOCKED")
    assert client.request("DELETE", place, headers=TUS).status == 423
    assert client.get(place).json["state"] == "open"
    first.send(data[300000:])
    reply = first.getresponse()
    assert reply.status == 204, reply.read()
    first.close()
    assert client.get(place).json["state"] == "completed"


def test_a_killed_server_costs_no_acknowledged_byte(make_server):
    server = make_server()
    client = server.client
    rng = random.Random(4108)
    data = noise_wav(30, 4108)
    place = begin(client, len(data), filename="k.wav", engine="null", vad="off")
    at = 0
    for _ in range(3):
        size = rng.randrange(1000, 100000)
        assert piece(client, place, at, data[at:at + size]).status == 204
        at += size
        cut = threading.Thread(target=send_cut, args=(client, place, at, data[at:], 50000))
        cut.start()
        server.kill()
        cut.join(PATIENCE)
        server.start()
        now = offset_of(client, place)
        assert now >= at
        at = now
    reply = piece(client, place, at, data[at:])
    assert reply.status == 204, reply
    job = client.wait_job(reply.headers["Scripta-Job-Id"])
    file = client.get(f"/api/files/{job['file_id']}").json
    assert file["file_hash"] == hashlib.sha256(data).hexdigest()
    assert not left_over(server)


@pytest.mark.parametrize("fault", ["arrive.marked", "arrive.put"])
def test_a_kill_at_the_end_makes_it_a_file_all_the_same(make_server, fault):
    server = make_server({"SCRIPTA_FAULT": f"{fault}:kill"})
    data = noise_wav(2, 4109)
    place = begin(server.client, len(data), filename="e.wav", engine="null", vad="off")
    with pytest.raises((OSError, http.client.HTTPException)):
        piece(server.client, place, 0, data)
    server.process.wait(PATIENCE)
    server.process = None
    server.env.pop("SCRIPTA_FAULT")
    server.start()
    shown = wait_until(lambda: (x := server.client.get(place).json)["state"] == "completed" and x,
                       30, "the upload is finished without its client")
    job = server.client.wait_job(shown["job_id"])
    assert server.client.transcript(job)["text"].split() == null_words(2)
    assert offset_of(server.client, place) == len(data)
    assert len(server.client.get("/api/files").json["files"]) == 1
    wait_until(lambda: not left_over(server), 30, "nothing is left over")


def test_another_owner_finds_nothing(make_server):
    server = make_server({"SCRIPTA_AUTH_LOOPBACK_OPEN": "false", "SCRIPTA_LISTEN": "127.0.0.1:0"})
    port = tcp_port(server)
    tokens = [server.client.post("/api/tokens", {"name": n, "owner": n}).json["token"]
              for n in ("ann", "bob")]
    ann, bob = (Client(port=port, token=t) for t in tokens)
    place = begin(ann, 10, body=b"12345")
    answers = [bob.request("HEAD", place, headers=TUS), piece(bob, place, 5, b"x"),
               bob.request("DELETE", place, headers=TUS), bob.get(place)]
    assert [x.status for x in answers] == [404] * 4
    assert bob.get("/api/uploads").json["uploads"] == []
    assert offset_of(ann, place) == 5


def test_open_uploads_count_into_the_quota(make_server):
    server = make_server({"SCRIPTA_UPLOAD_QUOTA": "100000"})
    client = server.client
    data = noise_wav(1, 4110)  # 16,044 bytes
    place = begin(client, 90000)
    over = client.request("POST", "/api/uploads", headers={**TUS, "Upload-Length": "20000"})
    assert (over.status, over.error["code"]) == (507, "STORAGE_QUOTA")
    assert client.upload(data, path="/api/files/upload").status == 507
    assert client.request("DELETE", place, headers=TUS).status == 204
    own = begin(client, len(data))
    assert piece(client, own, 0, data).status == 204
    begin(client, 100000 - len(data))


def test_what_nobody_goes_on_with_expires(make_server):
    server = make_server({"SCRIPTA_UPLOADS_EXPIRY": "1s"})
    place = begin(server.client, 10, body=b"12345")

    def is_gone():
        return server.client.request("HEAD", place, headers=TUS).status == 404

    wait_until(is_gone, 30, "the upload has expired")
    assert server.client.get("/api/uploads").json["uploads"] == []
    server.stop()
    server.start()
    wait_until(lambda: not list(server.data.glob("incoming/*")), 30, "its bytes are swept")


def test_cut_uploads_leave_nothing(make_server):
    """G27: aborts at a random byte, of forms, of bare bodies and of pieces."""
    server = make_server()
    client = server.client
    rng = random.Random(4111)
    data = noise_wav(5, 4111)
    fds = pathlib.Path(f"/proc/{server.pid}/fd")
    place = begin(client, len(data))
    offset_of(client, place)
    before = len(list(fds.iterdir()))
    for i in range(int(20 * SCALE)):
        if i % 3 == 0:
            at = offset_of(client, place)
            send_cut(client, place, at, data[at:], rng.randrange(len(data) - at))
            continue
        connection = client.connect()
        connection.connect()
        kind = "audio/wav" if i % 3 == 1 else "multipart/form-data; boundary=b"
        path = "/api/files/upload" if i % 3 == 1 else "/api/upload"
        head = (f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n"
                f"Content-Length: {len(data)}\r\n\r\n").encode()
        body = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
        body = data if i % 3 == 1 else body + data
        connection.sock.sendall(head + body[:rng.randrange(len(data))])
        connection.close()
    assert client.request("DELETE", place, headers=TUS).status in (204, 423)
    wait_until(lambda: client.request("DELETE", place, headers=TUS).status == 404, 30, "it is free")
    wait_until(lambda: not left_over(server), 30, "nothing is left over")
    wait_until(lambda: len(list(fds.iterdir())) <= before, 30, "no descriptor is left open")
    assert client.get("/api/files").json["files"] == client.get("/api/jobs").json["jobs"] == []
    assert not list(server.data.glob("audio/uploads/*/*/*"))


def test_a_bare_body_is_the_recording(client):
    data = noise_wav(2, 4112)
    sums = hashlib.sha256(data).hexdigest()
    reply = client.request("POST", "/api/files/upload?name=b%C3%A4r.wav", body=data,
                           headers={"Content-Type": "audio/wav"})
    assert (reply.status, reply.json["file_hash"]) == (201, sums)
    assert reply.json["original_name"] == "bär.wav"
    named = client.request(
        "POST", "/api/files/upload", body=noise_wav(2, 4113),
        headers={"Content-Type": "application/octet-stream",
                 "Content-Disposition": "attachment; filename=\"x\"; filename*=UTF-8''n%C3%A4.wav"})
    assert (named.status, named.json["original_name"]) == (201, "nä.wav")
    text = client.request("POST", "/api/files/upload", body=b"a=b",
                          headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert (text.status, text.error["code"]) == (415, "UNSUPPORTED_TYPE")
    empty = client.request("POST", "/api/files/upload", body=b"",
                           headers={"Content-Type": "audio/wav"})
    assert empty.status == 400


@pytest.mark.parametrize("chunk", [None, 300_000])
def test_the_client_of_others_goes_on_after_cuts(make_server, folder, chunk):
    server = make_server({"SCRIPTA_LISTEN": "127.0.0.1:0"})
    path = folder / "memo.wav"
    path.write_bytes(noise_wav(90, 4114))
    proxy = CuttingProxy(tcp_port(server), [200_000, 150_000, 100_000])
    try:
        told = tus_client(proxy.own, path, chunkSize=chunk, metadata={
            "filename": "memo.wav", "filetype": "audio/wav", "engine": "null", "vad": "off"})
    finally:
        proxy.close()
    assert proxy.cuts == 3 and "error" not in told, told
    file = server.client.get(f"/api/files/{told['file']}").json
    assert file["file_hash"] == hashlib.sha256(path.read_bytes()).hexdigest()
    job = server.client.wait_job(told["job"])
    assert server.client.transcript(job)["text"].split() == null_words(90)
    heads = [a for a in told["answers"] if a[0] == "HEAD" and a[1] == 200]
    assert any(int(a[2]) > 0 for a in heads), "nothing that came before a cut was kept"


def test_the_client_of_others_hears_what_is_refused(make_server, folder):
    server = make_server({"SCRIPTA_LISTEN": "127.0.0.1:0"})
    path = folder / "memo.wav"
    path.write_bytes(b"no recording at all")
    told = tus_client(tcp_port(server), path, metadata={"filename": "memo.wav"})
    assert told["status"] == 400 and "FILE_FORMAT" in told["body"]


def test_add_goes_on_after_cuts_and_after_itself(make_server, folder):
    """The command line, against a server that is not its own."""
    server = make_server({"SCRIPTA_LISTEN": "127.0.0.1:0"})
    path = folder / "memo.wav"
    path.write_bytes(noise_wav(300, 4115))  # 4.8 MB: worth it
    size = path.stat().st_size

    def add(port, check=0):
        return cli("add", "--server", f"http://127.0.0.1:{port}", "--engine", "null", "--vad",
                   "off", "--json", str(path), check=check, timeout=PATIENCE)

    proxy = CuttingProxy(tcp_port(server), [1_500_000, 1_000_000])
    try:
        done = add(proxy.own)
    finally:
        proxy.close()
    assert proxy.cuts == 2
    made = json.loads(done.stdout)
    job = server.client.wait_job(made["job_id"] if "job_id" in made else made[0]["job_id"])
    file = server.client.get(f"/api/files/{job['file_id']}").json
    assert file["file_hash"] == hashlib.sha256(path.read_bytes()).hexdigest()
    upload = server.client.get("/api/uploads").json["uploads"]
    assert [u["size_bytes"] for u in upload] == [size], "one upload, gone on with"


def test_add_goes_on_with_another_token(make_server, folder):
    server = make_server({"SCRIPTA_AUTH_LOOPBACK_OPEN": "false", "SCRIPTA_LISTEN": "127.0.0.1:0"})
    path = folder / "memo.wav"
    path.write_bytes(noise_wav(300, 4116))  # as above
    tokens = [server.client.post("/api/tokens", {"name": "t", "owner": "ann"}).json
              for _ in range(2)]

    def add(port, token, check, *more):
        return cli("add", "--server", f"http://127.0.0.1:{port}", "--engine", "null", "--vad",
                   "off", *more, path, check=check, timeout=PATIENCE,
                   env={"SCRIPTA_TOKEN": token["token"]})

    proxy = CuttingProxy(tcp_port(server), [1_000_000], lambda: server.client.request(
        "DELETE", f"/api/tokens/{tokens[0]['id']}"))
    try:
        gone = add(proxy.own, tokens[0], None)
    finally:
        proxy.close()
    assert gone.returncode != 0 and "revoked" in gone.stderr, gone
    assert "the same command again goes on there" in gone.stderr, gone
    made = json.loads(add(tcp_port(server), tokens[1], 0, "--json").stdout)
    ann = Client(port=tcp_port(server), token=tokens[1]["token"])
    assert ann.wait_job(made["job_id"])["status"] == "completed"
    assert [u["size_bytes"] for u in ann.get("/api/uploads").json["uploads"]] == [
        path.stat().st_size], "one upload, gone on with"
