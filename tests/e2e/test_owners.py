"""Owners: nobody learns of another's things, by any route. The routes come from src/api/routes.def,
so that a new one cannot be forgotten: a test fails that does not know how to call it."""

import contextlib
import json
import pathlib
import re
import shutil
import tempfile

import pytest

import harness
from test_worker_protocol import Worker, silent_media

ROUTE = re.compile(r'^ROUTE\((\w+), "([^"]+)", \w+, (\w+), ([^,]+), ([^,]+),', re.MULTILINE)
ROUTES = [(method, pattern, scope, flags)
          for method, pattern, scope, flags, _ in
          ROUTE.findall((harness.ROOT / "src" / "api" / "routes.def").read_text())]

TUS = {"Tus-Resumable": "1.0.0"}
# The member that holds the sentence of an error, of other servers' calls.
COMPAT = {"/inference": "error", "/asr": "detail", "/detect-language": "detail"}
# Patterns of things that have no owner.
SHARED = ("/api/formats/", "/api/queue/", "/v1/models/", "/ws/")
# Bodies and queries that a route needs before it looks for the thing. {id} is filled in.
BODIES = {
    ("POST", "/api/transcripts/{id}/export"): {"format": "txt"},
    ("PUT", "/api/transcripts/{id}"): {"text": "taken"},
    ("POST", "/api/transcripts/{id}/edit"): {
        "operations": [{"op": "insert", "start": 0, "end": 1, "text": "taken"}]},
    ("POST", "/api/transcripts/{id}/replace"): {"find": "a", "replace": "taken"},
    ("POST", "/api/transcripts/{id}/prune"): {"keep": 1},
    ("PATCH", "/api/jobs/{id}"): {"name": "taken"},
    ("PATCH", "/api/files/{id}"): {"notes": "taken"},
    ("PATCH", "/api/transcripts/{id}"): {"notes": "taken"},
    ("PATCH", "/api/webhooks/{id}"): {"description": "taken"},
    ("PATCH", "/api/searches/{id}"): {"name": "taken"},
    ("POST", "/api/worker/tasks/{id}/segments"): {
        "worker_id": "WORKER", "epoch": "EPOCH", "first": 0,
        "segments": [{"start": 0, "end": 0.1, "text": "taken"}]},
    ("POST", "/api/worker/tasks/{id}/complete"): {"worker_id": "WORKER", "epoch": "EPOCH"},
    ("POST", "/api/worker/tasks/{id}/fail"): {"worker_id": "WORKER", "epoch": "EPOCH",
                                              "code": "ENGINE_ERROR"},
    ("POST", "/api/worker/tasks/{id}/release"): {"worker_id": "WORKER", "epoch": "EPOCH"},
}
# What stands for the names of a pattern beside {id}: something that the first owner's thing has.
NAMES = {"v": "1", "n": "1"}
QUERIES = {
    ("GET", "/api/worker/tasks/{id}/input"): "?worker_id=WORKER&epoch=EPOCH",
}


class House:
    """A server on TCP with tokens of two owners, and things that belong to the first."""

    def __init__(self, server, port):
        self.server = server
        self.port = port
        self.ann = self.client("ann", ["read", "write", "admin"])
        self.bob = self.client("bob", ["read", "write", "admin"])
        self.work = self.client("local", ["work"])
        self.other_work = self.client("local", ["work"])
        self.anns_token = self.ann.made["id"]
        # Its test is the delivery 1: what NAMES says.
        self.webhook = self.ann.post("/api/webhooks", {"url": "https://anns.example.invalid/"}).json
        self.ann.post(f"/api/webhooks/{self.webhook['id']}/test")
        self.search = self.ann.post("/api/searches", {"name": "anns", "search": {"q": "a"}}).json
        self.piece = self.ann.request("POST", "/api/uploads", headers={
            **TUS, "Upload-Length": "100"}).headers["Location"].rpartition("/")[2]
        # By the scope that each lacks.
        everything = ["read", "write", "admin"]
        self.scoped = {s: self.client("eve", [x for x in everything if x != s])
                       for s in [*everything, "work"]}
        self.worker = Worker(self.work)
        self.job = self.upload("anns secret.wav", 1, key="shared-key")
        self.worker.complete(self.worker.claim(wait_ms=30000)[0])
        self.job = self.ann.wait_job(self.job["job_id"])
        assert self.job["status"] == "completed", self.job
        # One more, which the worker keeps in hand.
        self.held_job = self.upload("anns other.wav", 2)
        self.task = self.worker.claim(wait_ms=30000)[0]

    def upload(self, name, seed, **more):
        reply = self.ann.upload(harness.noise_wav(2, seed), name=name, engine="null", vad="off",
                                **more)
        assert reply.status == 201, reply
        return reply.json

    def client(self, owner, scopes, **more):
        reply = self.server.client.post("/api/tokens", {"name": f"of {owner}", "owner": owner,
                                                        "scopes": scopes, **more})
        assert reply.status == 201, reply
        client = harness.Client(port=self.port, token=reply.json["token"])
        client.made = reply.json
        return client

    def thing(self, pattern):
        """(id of the first owner's, one that never was, the stranger's client)."""
        if pattern.startswith("/api/files/"):
            return str(self.job["file_id"]), "9", self.bob
        if pattern.startswith("/api/jobs/"):
            # Of the same shape: an id from another time.
            return self.job["job_id"], "01932d6e-7c8b-7c3a-9f41-3d2a5be1c7aa", self.bob
        if pattern.startswith("/api/uploads/"):
            return self.piece, "01932d6e-7c8b-7c3a-9f41-3d2a5be1c7aa", self.bob
        if pattern.startswith("/api/transcripts/"):
            return str(self.job["transcript_id"]), "9", self.bob
        if pattern.startswith("/api/tokens/"):
            return str(self.anns_token), "9", self.bob
        if pattern.startswith("/api/searches/"):
            return str(self.search["id"]), "9", self.bob
        if pattern.startswith("/api/webhooks/"):
            return str(self.webhook["id"]), "9", self.bob
        if pattern.startswith("/api/worker/tasks/"):
            return str(self.task["task_id"]), "9", self.other_work
        return None


@pytest.fixture(scope="module")
def house():
    path = pathlib.Path(tempfile.mkdtemp(prefix="sc-"))
    port = harness.free_port()
    media = silent_media(path)
    server = harness.Server(path / "d", {"SCRIPTA_WORKERS": 1, "SCRIPTA_UPLOAD_RESERVE": "0",
                                         "SCRIPTA_QUEUE_LEASE": "10m", "SCRIPTA_MEDIA": media,
                                         "SCRIPTA_HTTP_TOKEN_FAILURES": 0},
                            ["--listen", f"127.0.0.1:{port}"])
    try:
        yield House(server.start(), port)
        assert not server.sanitizer_reports(), server.sanitizer_reports()
    finally:
        server.destroy()
        shutil.rmtree(path, ignore_errors=True)


def call(house, client, method, pattern, thing_id):
    names = {**NAMES, "id": thing_id}
    path = re.sub(r"{(\w+)}", lambda m: names[m[1]], pattern) + QUERIES.get((method, pattern), "")
    path = path.replace("WORKER", str(house.worker.id)).replace("EPOCH", str(house.task["epoch"]))
    body = BODIES.get((method, pattern))
    headers = {}
    if pattern.startswith("/api/uploads"):
        headers |= {**TUS, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    if body is not None:
        fill = {"WORKER": house.worker.id, "EPOCH": house.task["epoch"]}
        body = json.dumps({k: fill.get(str(v), v) for k, v in body.items()})
        headers["Content-Type"] = "application/json"
    return client.request(method, path, body=body, headers=headers)


def shape(reply, thing_id):
    """All that an answer tells, without what differs between any two."""
    headers = sorted((k, v) for k, v in reply.headers.items()
                     if k.lower() not in ("date", "x-request-id", "content-length", "server-timing"))
    body = reply.body
    with contextlib.suppress(ValueError):
        value = reply.json
        value.get("error", {}).pop("request_id", None)
        body = json.dumps(value).encode()
    return reply.status, headers, body.replace(thing_id.encode(), b"ID")


@pytest.mark.parametrize("method,pattern", [
    (m, p) for m, p, _, _ in ROUTES if "{" in p and not p.startswith(SHARED)])
def test_anothers_thing_is_answered_as_a_missing_one(house, method, pattern):
    thing = house.thing(pattern)
    assert thing, f"{method} {pattern}: teach House.thing() what its id is"
    assert set(re.findall(r"{(\w+)}", pattern)) <= {"id", *NAMES}, f"teach NAMES those of {pattern}"
    theirs, missing, stranger = thing
    seen = call(house, stranger, method, pattern, theirs)
    never = call(house, stranger, method, pattern, missing)
    assert never.status == 404, f"{method} {pattern}: teach BODIES or QUERIES what it needs: {never}"
    assert shape(seen, theirs) == shape(never, missing)


@pytest.mark.parametrize("method,pattern,scope", [(m, p, s) for m, p, s, _ in ROUTES if s != "NONE"])
def test_a_token_without_the_scope_is_refused(house, method, pattern, scope):
    path = re.sub(r"{\w+}", "1", pattern)
    without = house.scoped[scope.lower()]
    reply = without.request(method, path)
    assert reply.status == 403, reply
    if path in COMPAT:  # other servers' errors are a sentence alone
        assert f"'{scope.lower()}'" in reply.json[COMPAT[path]], reply
    else:  # below /v1 in lower case, as OpenAI's errors are
        assert reply.error["code"].upper() == "FORBIDDEN", reply
        assert f"'{scope.lower()}'" in reply.error["message"], reply
    nobody = harness.Client(port=house.port)
    reply = nobody.request(method, path, headers={"Authorization": "Bearer scripta_wrong"})
    assert reply.status == 401 and reply.headers["WWW-Authenticate"] == "Bearer", reply


@pytest.mark.parametrize("path", [p for m, p, s, _ in ROUTES
                                  if m == "GET" and "{" not in p and s in ("READ", "ADMIN")
                                  and p != "/api/events"])
def test_lists_and_figures_hold_nothing_of_another(house, path):
    """Whatever it is that a GET without an id answers."""
    reply = house.bob.get(path)
    # 400: the route wants a parameter, and has looked at nothing.
    assert reply.status in (200, 400), reply
    marks = ["anns", house.job["job_id"], house.held_job["job_id"], "t0 t1",
             house.ann.made["name"]]
    found = [mark for mark in marks if mark in reply.text]
    assert not found, (found, reply)


def test_statistics_of_who_has_nothing_are_empty(house):
    """But for the load of the server, which is told to everybody."""
    nobody = house.client("zoe", ["read"])
    stats = nobody.get("/api/stats").json
    stats.pop("queue")

    def numbers(value):
        if isinstance(value, dict):
            return [n for v in value.values() for n in numbers(v)]
        if isinstance(value, list):
            return [n for v in value for n in numbers(v)]
        return [value] if isinstance(value, (int, float)) else []

    assert len(numbers(stats)) > 5 and not any(numbers(stats)), stats
    assert stats["languages"] == stats["models"] == stats["days"] == []
    assert nobody.get("/api/stats/query?group_by=status").json["rows"] == []


def test_the_room_of_all_owners_is_for_administrators(house):
    """Whoever has nothing learns what is left, and nothing else."""
    plain = house.client("zoe", ["read"]).get("/api/files/usage?additional=1").json
    assert plain["used_bytes"] is None and plain["limit_bytes"] is None
    assert plain["own_bytes"] == 0 and plain["available_bytes"] > 0 and plain["fits"] is True
    assert house.bob.get("/api/files/usage").json["used_bytes"] > 0


@pytest.mark.parametrize("path", ["/api/jobs?file_id={}", "/api/transcripts?file_id={}"])
def test_filters_do_not_tell_what_there_is(house, path):
    theirs, missing = str(house.job["file_id"]), "9"
    assert shape(house.bob.get(path.format(theirs)), theirs) == \
        shape(house.bob.get(path.format(missing)), missing)


def test_a_job_of_anothers_file_cannot_be_made(house):
    replies = [house.bob.post("/api/jobs", {"file_id": i, "engine": "null"})
               for i in (house.job["file_id"], 9)]
    assert replies[0].status == 404, replies
    assert shape(replies[0], str(house.job["file_id"])) == shape(replies[1], "9")


def test_the_same_bytes_and_key_of_two_owners_are_two_things(house):
    mine = house.bob.upload(harness.noise_wav(2, 1), name="bobs.wav", engine="null", vad="off",
                            key="shared-key")
    assert mine.status == 201 and not mine.json["duplicate"], mine
    assert mine.headers.get("Idempotent-Replayed") is None
    assert mine.json["job_id"] != house.job["job_id"]
    assert mine.json["file_id"] != house.job["file_id"]
    again = house.ann.upload(harness.noise_wav(2, 1), name="anns secret.wav", engine="null",
                             vad="off", key="shared-key")
    assert again.status == 200 and again.json["job_id"] == house.job["job_id"], again
    # The bytes are shared; what each sees is not.
    assert house.bob.get("/api/files").json["files"][0]["original_name"] == "bobs.wav"


def test_events_go_to_their_owner_alone(house):
    streams = [harness.EventStream(c) for c in (house.ann, house.bob)]
    try:
        job = house.upload("anns cancelled.wav", 3)
        house.ann.post(f"/api/jobs/{job['job_id']}/cancel")
        streams[0].wait(lambda kind, data: data and data["job_id"] == job["job_id"], 10)
        own = house.bob.upload(harness.noise_wav(2, 4), name="b.wav", engine="null", vad="off").json
        streams[1].wait(lambda kind, data: data and data["job_id"] == own["job_id"], 10)
        heard = {json.loads(e["data"])["job_id"] for e in streams[1].events if "data" in e}
        assert heard <= {j["job_id"] for j in house.bob.get("/api/jobs").json["jobs"]}
        theirs = harness.EventStream(house.bob, f"/api/events?job_id={job['job_id']}")
        assert theirs.status == 404
        theirs.close()
    finally:
        for stream in streams:
            stream.close()
