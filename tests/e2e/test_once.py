"""Idempotency-Key on every POST that would make or do something twice (docs/api.md)."""

import concurrent.futures
import json
import re

import pytest

import harness

ROUTE = re.compile(r'^ROUTE\(POST, "([^"]+)", (\w+), (\w+), ([^,]+),', re.MULTILINE)
ROUTES = ROUTE.findall((harness.ROOT / "src" / "api" / "routes.def").read_text())
# Why a POST takes no key: calls of workers are fenced by the epoch of their task, and these come to
# the same when they are done again.
REPEATABLE = {"queue_pause", "queue_resume", "job_clean", "files_clean", "db_check", "db_fsck",
              "jobs_retry"}
# Those whose key is written with the job or file that they make.
OWN = {"upload_job", "upload_file", "resumable_create", "job_create", "openai_transcribe",
       "openai_translate", "compat_inference", "compat_asr", "compat_detect_language"}
# What each route of api/once.c is called with, and what tells how often it was carried out.
CALLS = {
    "/api/files/verify": ({"file_ids": ["FILE"]}, None),
    "/api/files/{id}/verify": (None, None),
    "/api/files/{id}/archive": (None, None),
    "/api/files/{id}/restore": (None, None),
    "/api/jobs/{id}/cancel": (None, None),
    "/api/jobs/{id}/archive": (None, None),
    "/api/jobs/{id}/restore": (None, None),
    "/api/jobs/{id}/retry": (None, None),
    "/api/transcripts/{id}/export": ({"format": "txt"}, "/api/transcripts/{id}/exports"),
    "/api/transcripts/{id}/edit": (
        {"operations": [{"op": "insert", "start": 0, "end": 0.1, "text": "first"}]},
        "/api/transcripts/{id}/versions"),
    "/api/transcripts/{id}/replace": ({"find": "first", "replace": "last"},
                                      "/api/transcripts/{id}/versions"),
    "/api/transcripts/{id}/undo": (None, "/api/transcripts/{id}/versions"),
    "/api/transcripts/{id}/rollback/{v}": (None, "/api/transcripts/{id}/versions"),
    "/api/transcripts/{id}/prune": ({"keep": 9}, "/api/transcripts/{id}/versions"),
    "/api/transcripts/{id}/import": ("1\n00:00:00,000 --> 00:00:00,500\nold words\n",
                                     "/api/transcripts/{id}/versions"),
    "/api/files/{id}/transcripts": ("1\n00:00:00,000 --> 00:00:00,500\nnew words\n",
                                    "/api/transcripts"),
    "/api/searches": ({"name": "words", "search": {"q": "words"}}, "/api/searches"),
    "/api/webhooks": ({"url": "https://hooks.example.invalid/x"}, "/api/webhooks"),
    "/api/webhooks/{id}/test": (None, "/api/webhooks/{id}/deliveries"),
    "/api/webhooks/{id}/deliveries/{n}/replay": (None, None),
    "/api/tokens": ({"name": "phone"}, "/api/tokens"),
}
SECRET = ("/api/webhooks", "/api/tokens")
# What names the thing that an answer shows, the narrower one first.
NAMES = ("export_id", "verify_id", "job_id", "id")


class Things:
    """A server, and one thing of each kind."""

    def __init__(self, client):
        self.client = client
        job = client.upload_null(1, 7)
        self.done = client.wait_job(job["job_id"])
        self.archived = client.wait_job(client.upload_null(1, 8)["job_id"])
        assert client.post(f"/api/jobs/{self.archived['job_id']}/archive").status == 200
        self.open = client.post("/api/jobs", {"pipeline": "noop", "run_after": "1d"}).json
        self.ended = client.post("/api/jobs", {"pipeline": "noop", "run_after": "1d"}).json
        assert client.post(f"/api/jobs/{self.ended['job_id']}/cancel").status == 200
        self.hook = client.post("/api/webhooks", {"url": "https://hooks.example.invalid/"}).json
        self.delivery = client.post(f"/api/webhooks/{self.hook['id']}/test").json

    def fill(self, pattern):
        job = {"cancel": self.open, "retry": self.ended,
               "restore": self.archived}.get(pattern.rpartition("/")[2], self.done)
        number = {"files": job.get("file_id"), "transcripts": job.get("transcript_id"),
                  "webhooks": self.hook["id"]}.get(pattern.split("/")[2], job["job_id"])
        return pattern.replace("{id}", str(number)).replace(
            "{n}", str(self.delivery["id"])).replace("{v}", "1")

    def body(self, pattern):
        body = CALLS[pattern][0]
        if isinstance(body, str):
            return body
        return json.loads(json.dumps(body).replace('"FILE"', str(self.done["file_id"])))


@pytest.fixture(scope="module")
def things(shared):
    return Things(shared.client)


def once(client, path, body, key, **more):
    headers = {"Idempotency-Key": key}
    if isinstance(body, str):
        headers["Content-Type"] = "application/x-subrip"
        return client.request("POST", path, body=body, headers=headers, **more)
    return client.post(path, body, headers=headers, **more)


def rows(client, path):
    (page,) = [v for v in client.get(path).json.values() if isinstance(v, list)]
    return len(page)


def test_every_post_takes_a_key_or_says_why_not():
    by_table = {handler for _, handler, _, flags in ROUTES if "SC_ROUTE_ONCE" in flags}
    workers = {handler for _, handler, scope, _ in ROUTES if scope == "WORK"}
    assert {handler for _, handler, _, _ in ROUTES} == by_table | OWN | REPEATABLE | workers
    assert {path for path, handler, _, _ in ROUTES if handler in by_table} == set(CALLS)
    document = json.loads(harness.cli("help", "--openapi", check=0).stdout)
    for path, handler, _, _ in ROUTES:
        names = [p["name"] for p in document["paths"][path]["post"]["parameters"]]
        assert ("Idempotency-Key" in names) == (handler in by_table | OWN), path


@pytest.mark.parametrize("pattern", CALLS)
def test_a_request_is_carried_out_once(things, pattern):
    client, path, body = things.client, things.fill(pattern), things.body(pattern)
    count = CALLS[pattern][1] and things.fill(CALLS[pattern][1])
    key = f"once {pattern}"
    first = once(client, path, body, key)
    assert first.status in (200, 201, 202), first
    assert first.headers["Idempotent-Replayed"] is None
    before = count and rows(client, count)
    again = once(client, path, body, key)
    assert again.headers["Idempotent-Replayed"] == "true", again
    if pattern in SECRET:
        assert (again.status, again.error["code"]) == (409, "IDEMPOTENCY_SECRET"), again
        place = first.headers["Location"]
        assert again.headers["Location"] == place and place in again.error["message"]
        shown = client.get(place)
        assert shown.status == 200 and shown.json["id"] == first.json["id"], shown
    else:
        assert again.status in (200, 202), again
        made = dict(first.json)
        if "transcript_id" in made and "export_id" not in made:
            made.setdefault("id", made["transcript_id"])
        named = [k for k in NAMES if k in again.json and k in made]
        assert named and again.json[named[0]] == made[named[0]], again
    assert before == (count and rows(client, count))
    other = once(client, path + "?x=1", body, key)
    assert (other.status, other.error["code"]) == (409, "IDEMPOTENCY_CONFLICT"), other


def test_what_is_told_once_is_kept_nowhere(make_server):
    server = make_server({"SCRIPTA_WORKERS": 0})
    secrets = []
    for path, member in (("/api/tokens", "token"), ("/api/webhooks", "secret")):
        reply = once(server.client, path, CALLS[path][0], "a secret")
        assert reply.status == (201 if path == "/api/tokens" else 409), reply
        reply = once(server.client, path, CALLS[path][0], f"the secret of {path}")
        secrets.append(reply.json[member].encode())
    server.stop()
    # The webhook signs with its own: it stands in its row, and not again.
    kept = b"".join(p.read_bytes() for p in server.data.rglob("*") if p.is_file())
    assert [kept.count(secret) for secret in secrets] == [0, 1]


def test_a_refused_request_leaves_its_key(things):
    path = things.fill("/api/transcripts/{id}/export")
    refused = once(things.client, path, {"format": "nothing"}, "put right")
    assert refused.status == 400, refused
    assert once(things.client, path, {"format": "srt"}, "put right").status == 201
    for key in ("", "x" * 256, "caf\xe9"):
        bad = once(things.client, path, {"format": "srt"}, key)
        assert (bad.status, bad.error["field"]) == (400, "Idempotency-Key"), bad
    job = once(things.client, "/api/jobs", {"pipeline": "noop"}, "put right")
    assert (job.status, job.error["code"]) == (409, "IDEMPOTENCY_CONFLICT"), job


def test_keys_are_of_their_owner(make_server):
    port = harness.free_port()
    server = make_server({"SCRIPTA_WORKERS": 0}, ["--listen", f"127.0.0.1:{port}"])
    made = []
    for owner in ("ann", "bob"):
        token = server.client.post("/api/tokens", {"name": "t", "owner": owner}).json["token"]
        client = harness.Client(port=port, token=token)
        made.append(once(client, "/api/webhooks", CALLS["/api/webhooks"][0], "the same key"))
    assert [r.status for r in made] == [201, 201], made


def test_what_was_deleted_since_is_missing(make_server):
    client = make_server({"SCRIPTA_WORKERS": 0}).client
    job = client.post("/api/jobs", {"pipeline": "noop", "run_after": "1d"}).json["job_id"]
    assert once(client, f"/api/jobs/{job}/cancel", None, "k").json["status"] == "cancelled"
    assert client.request("DELETE", f"/api/jobs/{job}").status == 200
    gone = once(client, f"/api/jobs/{job}/cancel", None, "k")
    assert (gone.status, gone.error["code"]) == (404, "JOB_NOT_FOUND"), gone
    assert gone.headers["Idempotent-Replayed"] == "true"


def test_of_many_at_once_one_is_carried_out(make_server):
    client = make_server({"SCRIPTA_WORKERS": 0}).client

    def ask(_):
        return once(client, "/api/webhooks", CALLS["/api/webhooks"][0], "all at once")

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        replies = list(pool.map(ask, range(16)))
    assert [r.status for r in replies].count(201) == 1
    for reply in replies:
        if reply.status != 201:
            assert reply.status == 409, reply
            waits = reply.error["code"] == "IDEMPOTENCY_OPEN"
            assert waits or reply.error["code"] == "IDEMPOTENCY_SECRET", reply
            assert reply.headers["Retry-After"] == ("1" if waits else None)
    assert len(client.get("/api/webhooks").json["webhooks"]) == 1


def test_nobody_knows_how_far_a_killed_one_came(make_server):
    server = make_server({"SCRIPTA_WORKERS": 0, "SCRIPTA_FAULT": "once.end:kill:2"})
    body = CALLS["/api/webhooks"][0]
    assert once(server.client, "/api/webhooks", body, "told").status == 201
    with pytest.raises((OSError, harness.http.client.HTTPException)):
        once(server.client, "/api/webhooks", body, "cut off")
    server.kill()
    del server.env["SCRIPTA_FAULT"]
    server.start()
    again = once(server.client, "/api/webhooks", body, "cut off")
    assert (again.status, again.error["code"]) == (409, "IDEMPOTENCY_OPEN"), again
    assert again.headers["Retry-After"] is None and "the server ended" in again.error["message"]
    # Before the kill it was carried out to the end: its answer is known.
    assert once(server.client, "/api/webhooks", body, "told").error["code"] == "IDEMPOTENCY_SECRET"
    assert len(server.client.get("/api/webhooks").json["webhooks"]) == 2


def test_an_end_that_was_not_written_comes_with_the_next_request(make_server):
    server = make_server({"SCRIPTA_WORKERS": 0,
                          "SCRIPTA_FAULT": "once.end:fail:1,once.end:fail:2"})
    client, path, body = server.client, "/api/webhooks", CALLS["/api/webhooks"][0]
    made = once(client, path, body, "made")
    assert made.status == 201, made
    other = once(client, path, {**body, "active": False}, "made")
    assert (other.status, other.error["code"]) == (409, "IDEMPOTENCY_CONFLICT"), other
    for _ in range(2):
        again = once(client, path, body, "made")
        assert (again.status, again.error["code"]) == (409, "IDEMPOTENCY_SECRET"), again
        assert again.headers["Location"] == made.headers["Location"]
    refused = once(client, path, {"url": "nothing"}, "refused")
    assert refused.status == 400, refused
    assert once(client, path, body, "refused").status == 201  # put right, as if it were new
    again = once(client, path, body, "refused")
    assert (again.status, again.error["code"]) == (409, "IDEMPOTENCY_SECRET"), again
    assert len(client.get(path).json["webhooks"]) == 2
