"""Nothing in the store can be changed by a user without a version or an event that says so: each
route that writes, and each command, is called, and the store is read before and after it. What it
changed must be told by a new row of the trail. Routes come from src/api/routes.def, commands from
`scripta help`, so that a new one cannot be forgotten."""

import json
import pathlib
import re
import sqlite3

import pytest

import harness
from harness import cli, noise_wav, wait_until
from remains import beside
from test_worker_protocol import Worker, silent_media

ROUTES = re.findall(r'^ROUTE\((POST|PUT|PATCH|DELETE), "([^"]+)"',
                    (harness.ROOT / "src" / "api" / "routes.def").read_text(), re.MULTILINE)
# Tables whose rows say what was done. Nothing changes them afterwards but a deletion.
TRAIL = {
    "changes": "kind", "job_events": "kind", "versions": "version", "export_history": "format_name",
    "uploads": "file_id", "webhook_deliveries": "kind",
}
# What no user has made: the queue's own work, figures, indexes, answers kept for a repetition. Bytes
# under way in pieces are in no library yet: `uploads` has their arrival.
OWN = re.compile(r"^(sqlite_|intakes$|meta$|counters$|idempotency$|tasks$|workers$|chunks$|job_stats$|job_days$|"
                 r"job_minutes$|job_changes$|file_stats$|queue_stats$|segments_fts|segments_parts|names_fts|origins$)")
# Columns that move by themselves: a use, a figure, a place in a queue.
MOVING = {"last_used_ms", "rest_until_ms", "failures", "failing_ms", "delivered_ms", "next_ms",
          "verified_ms", "damage", "exports_due", "queued", "srt_path"}

TUS = {"Tus-Resumable": "1.0.0"}
SRT = "1\n00:00:00,000 --> 00:00:00,500\nold words\n"


def store(server):
    """{table: {key: row}} of what users have made."""
    out = {}
    with beside(server) as db:
        tables = [name for name, in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        for table in tables:
            if OWN.match(table):
                continue
            cursor = db.execute(f"SELECT * FROM {table}")
            names = [c[0] for c in cursor.description]
            rows = [dict(zip(names, row)) for row in cursor]
            for row in rows:
                for name in MOVING & set(names):
                    del row[name]
            out[table] = sorted(map(repr, rows)) if table not in TRAIL else rows
    return out


def told(before, after):
    """Kinds of the rows that the trail has more, and tables that have changed otherwise."""
    new = set()
    for table, column in TRAIL.items():
        known = [repr(row) for row in before[table]]
        new |= {f"{table}:{row[column]}" for row in after[table] if repr(row) not in known}
    return new, {t for t in after if t not in TRAIL and after[t] != before[t]}


class House:
    """A server whose tasks are the test's, and things to be changed."""

    def __init__(self, server):
        self.server = server
        self.client = server.client
        self.seed = 0
        self.worker = Worker(self.client)

    def post(self, path, value=None, **more):
        return self.client.post(path, value, **more)

    def call(self, method, path, value=None):
        return self.client.request(method, path, body=None if value is None else json.dumps(value),
                                   headers={"Content-Type": "application/json"} if value else {})

    def queued(self):
        """A job whose only task the test holds."""
        self.seed += 1
        made = self.client.upload_null(2, self.seed)
        task, = wait_until(lambda: self.worker.claim(1, 1000), 30, "a task")
        return made, task

    def job(self, words="good morning"):
        made, task = self.queued()
        start = [{"word": w, "start": k, "end": k + 1, "confidence": 1}
                 for k, w in enumerate(words.split())]
        reply = self.worker.say(task, "complete", processing_ms=1, segments=[
            {"start": 0, "end": 2, "text": words, "words": start}])
        assert reply.status == 200, reply
        done = self.client.wait_job(made["job_id"])
        assert done["status"] == "completed", done
        # What is exported unasked is behind the end.
        wait_until(lambda: self.client.get(f"/api/transcripts/{done['transcript_id']}/exports")
                   .json["exports"], 30, "the export")
        return done

    def file(self):
        return self.client.get(f"/api/files/{self.job()['file_id']}").json["id"]

    def text(self):
        return self.job()["transcript_id"]

    def edited(self):
        number = self.text()
        reply = self.call("PUT", f"/api/transcripts/{number}", {"text": "good evening"})
        assert reply.status == 200, reply
        wait_until(lambda: len(self.client.get(f"/api/transcripts/{number}/exports")
                               .json["exports"]) == 2, 30, "the export")
        return number

    def imported(self):
        reply = self.client.request("POST", f"/api/files/{self.file()}/transcripts", body=SRT,
                                    headers={"Content-Type": "application/x-subrip"})
        assert reply.status == 201, reply
        return reply.json["id"] if "id" in reply.json else reply.json["transcript_id"]

    def waiting(self):
        return self.post("/api/jobs", {"pipeline": "noop", "run_after": "1d"}).json["job_id"]

    def ended(self):
        job = self.waiting()
        assert self.post(f"/api/jobs/{job}/cancel").status == 200
        return job

    def archived(self, kind):
        job = self.job()
        number = job["file_id"] if kind == "files" else job["job_id"]
        assert self.post(f"/api/{kind}/{number}/archive").status == 200
        return number

    def upload(self, path, key="file", **fields):
        """A form of the calls that wait for their text: of noise, in which nobody hears any."""
        content_type, body = harness.multipart([*fields.items(), (key, ("a.wav", self.noise()))])
        return self.client.request("POST", path, body=body, headers={"Content-Type": content_type})

    def hook(self):
        return self.post("/api/webhooks", {"url": "https://hooks.example.invalid/"}).json["id"]

    def search(self):
        self.seed += 1
        return self.post("/api/searches", {"name": f"s{self.seed}", "search": {"q": "a"}}).json["id"]

    def token(self):
        return self.post("/api/tokens", {"name": "phone"}).json["id"]

    def piece(self, size=4):
        return self.client.request("POST", "/api/uploads", headers={
            **TUS, "Upload-Length": str(size)}).headers["Location"]

    def noise(self):
        self.seed += 1
        return noise_wav(1, 1000 + self.seed)


# ---- routes ----

def on(kind, method, path, body=None):
    """A call on a new thing: {} is its id."""
    def call(house):
        number = getattr(house, kind)()
        return lambda: house.call(method, path.replace("{}", str(number)), body)
    return call


def at_once(call):
    """A call that needs nothing to be there."""
    return lambda house: lambda: call(house)


def archived(kind):
    def call(house):
        number = house.archived(kind)
        return lambda: house.post(f"/api/{kind}/{number}/restore")
    return call


def read_in(kind, path):
    def call(house):
        number = getattr(house, kind)()
        return lambda: house.client.request("POST", path.replace("{}", str(number)), body=SRT,
                                            headers={"Content-Type": "application/x-subrip"})
    return call


def job_id(kind, path, body=None, method="POST"):
    def call(house):
        made = getattr(house, kind)()
        made = made["job_id"] if isinstance(made, dict) else made
        return lambda: house.call(method, path.replace("{}", made), body)
    return call


def last_piece(house):
    data = house.noise()
    place = house.piece(len(data))
    return lambda: house.client.request("PATCH", place, body=data, headers={
        **TUS, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"})


def undone(house):
    number = house.edited()
    return lambda: house.post(f"/api/transcripts/{number}/undo")


def replayed(house):
    hook = house.hook()
    made = house.post(f"/api/webhooks/{hook}/test").json["id"]
    wait_until(lambda: house.client.get(f"/api/webhooks/{hook}/deliveries/{made}").json["attempts"],
               30, "the attempt")
    return lambda: house.post(f"/api/webhooks/{hook}/deliveries/{made}/replay")


def told_by_worker(verb, **more):
    def call(house):
        _, task = house.queued()
        return lambda: house.worker.say(task, verb, **more)
    return call


def begun(house):
    house.seed += 1
    house.client.upload_null(1, house.seed)
    return lambda: house.post("/api/worker/claim", {
        "worker_id": house.worker.id, "lanes": house.worker.lanes, "max": 1, "wait_ms": 30000})


def cleaned_jobs(house):
    house.job()
    return lambda: house.post("/api/jobs/clean", {"older_than_days": 0, "dry_run": False})


def cleaned_files(house):
    house.archived("files")
    return lambda: house.post("/api/files/clean", {"kind": "archive", "older_than_days": 0,
                                                   "dry_run": False})


EVENT = {name: f"job_events:{number}" for number, name in enumerate(
    ["created", "started", "progress", "completed", "failed", "cancelled", "retried", "stage_started",
     "stage_completed", "claimed", "task_completed", "task_failed", "interrupted", "released", "gap",
     "changed"])}
# How each is called, and the row of the trail that must tell of it.
CALLS = {
    ("POST", "/api/upload"): (
        at_once(lambda h: h.client.upload(h.noise(), engine="null", vad="off")), EVENT["created"]),
    ("POST", "/api/files/upload"): (
        at_once(lambda h: h.client.upload(h.noise(), path="/api/files/upload")), "uploads"),
    ("PATCH", "/api/uploads/{id}"): (last_piece, "uploads"),
    ("PATCH", "/api/files/{id}"): (
        on("file", "PATCH", "/api/files/{}", {"notes": "n"}), "changes:file.marked"),
    ("POST", "/api/files/verify"): (
        at_once(lambda h: h.post("/api/files/verify")), "changes:files.verified"),
    ("POST", "/api/files/{id}/verify"): (
        on("file", "POST", "/api/files/{}/verify"), "changes:files.verified"),
    ("POST", "/api/files/{id}/archive"): (
        on("file", "POST", "/api/files/{}/archive"), "changes:file.archived"),
    ("POST", "/api/files/{id}/restore"): (archived("files"), "changes:file.restored"),
    ("POST", "/api/jobs"): (
        at_once(lambda h: h.post("/api/jobs", {"pipeline": "noop", "run_after": "1d"})),
        EVENT["created"]),
    ("PATCH", "/api/jobs/{id}"): (
        job_id("waiting", "/api/jobs/{}", {"priority": "high"}, "PATCH"), EVENT["changed"]),
    ("POST", "/api/jobs/{id}/cancel"): (job_id("waiting", "/api/jobs/{}/cancel"), EVENT["cancelled"]),
    ("POST", "/api/jobs/{id}/archive"): (job_id("job", "/api/jobs/{}/archive"), "changes:job.archived"),
    ("POST", "/api/jobs/{id}/restore"): (archived("jobs"), "changes:job.restored"),
    ("POST", "/api/jobs/{id}/retry"): (job_id("ended", "/api/jobs/{}/retry"), EVENT["retried"]),
    ("PATCH", "/api/transcripts/{id}"): (
        on("text", "PATCH", "/api/transcripts/{}", {"notes": "n"}), "changes:transcript.marked"),
    ("PUT", "/api/transcripts/{id}"): (
        on("text", "PUT", "/api/transcripts/{}", {"text": "good night"}), "versions"),
    ("POST", "/api/transcripts/{id}/edit"): (
        on("text", "POST", "/api/transcripts/{}/edit",
           {"operations": [{"op": "insert", "start": 0, "end": 0.1, "text": "first"}]}), "versions"),
    ("POST", "/api/transcripts/{id}/replace"): (
        on("text", "POST", "/api/transcripts/{}/replace", {"find": "good", "replace": "bad"}),
        "versions"),
    ("POST", "/api/transcripts/{id}/undo"): (undone, "versions"),
    ("POST", "/api/transcripts/{id}/rollback/{v}"): (
        on("edited", "POST", "/api/transcripts/{}/rollback/1"), "versions"),
    ("POST", "/api/transcripts/{id}/prune"): (
        on("edited", "POST", "/api/transcripts/{}/prune", {"keep": 1}), "changes:transcript.pruned"),
    ("POST", "/api/transcripts/{id}/export"): (
        on("text", "POST", "/api/transcripts/{}/export", {"format": "txt"}), "export_history:txt"),
    ("POST", "/api/transcripts/{id}/import"): (
        read_in("text", "/api/transcripts/{}/import"), "versions"),
    ("POST", "/api/files/{id}/transcripts"): (
        read_in("file", "/api/files/{}/transcripts"), "changes:transcript.imported"),
    ("POST", "/api/searches"): (
        at_once(lambda h: h.post("/api/searches", {"name": "new", "search": {"q": "a"}})),
        "changes:search.saved"),
    ("PATCH", "/api/searches/{id}"): (
        on("search", "PATCH", "/api/searches/{}", {"name": "renamed"}), "changes:search.changed"),
    ("DELETE", "/api/searches/{id}"): (
        on("search", "DELETE", "/api/searches/{}"), "changes:search.forgotten"),
    ("PATCH", "/api/formats/{format}"): (
        at_once(lambda h: h.call("PATCH", "/api/formats/ass", {"is_active": False})),
        "changes:format.switched"),
    ("POST", "/api/webhooks"): (
        at_once(lambda h: h.post("/api/webhooks", {"url": "https://hooks.example.invalid/"})),
        "changes:webhook.created"),
    ("PATCH", "/api/webhooks/{id}"): (
        on("hook", "PATCH", "/api/webhooks/{}", {"description": "d"}), "changes:webhook.changed"),
    ("POST", "/api/webhooks/{id}/test"): (
        on("hook", "POST", "/api/webhooks/{}/test"), "webhook_deliveries:-1"),
    ("POST", "/api/webhooks/{id}/deliveries/{n}/replay"): (replayed, "webhook_deliveries:-1"),
    ("DELETE", "/api/webhooks/{id}"): (
        on("hook", "DELETE", "/api/webhooks/{}"), "changes:webhook.removed"),
    ("POST", "/api/queue/{name}/pause"): (
        at_once(lambda h: h.post("/api/queue/low/pause")), "changes:queue.paused"),
    ("POST", "/api/queue/{name}/resume"): (
        at_once(lambda h: h.post("/api/queue/low/resume")), "changes:queue.resumed"),
    ("POST", "/v1/audio/transcriptions"): (
        at_once(lambda h: h.upload("/v1/audio/transcriptions", model="null")), EVENT["created"]),
    ("POST", "/inference"): (at_once(lambda h: h.upload("/inference", model="null")), EVENT["created"]),
    ("POST", "/asr"): (at_once(lambda h: h.upload("/asr", "audio_file")), EVENT["created"]),
    ("POST", "/api/jobs/clean"): (cleaned_jobs, "changes:job.deleted"),
    ("DELETE", "/api/jobs/{id}"): (
        job_id("job", "/api/jobs/{}", method="DELETE"), "changes:job.deleted"),
    ("DELETE", "/api/transcripts/{id}"): (
        on("imported", "DELETE", "/api/transcripts/{}"), "changes:transcript.deleted"),
    ("POST", "/api/files/clean"): (cleaned_files, "changes:files.cleaned"),
    ("DELETE", "/api/files/{id}"): (
        on("file", "DELETE", "/api/files/{}?force=1"), "changes:file.deleted"),
    ("POST", "/api/tokens"): (
        at_once(lambda h: h.post("/api/tokens", {"name": "phone"})), "changes:token.created"),
    ("DELETE", "/api/tokens/{id}"): (
        on("token", "DELETE", "/api/tokens/{}"), "changes:token.revoked"),
    ("POST", "/api/worker/claim"): (begun, EVENT["claimed"]),
    ("POST", "/api/worker/tasks/{id}/complete"): (
        told_by_worker("complete", processing_ms=1, segments=[]), EVENT["task_completed"]),
    ("POST", "/api/worker/tasks/{id}/fail"): (
        told_by_worker("fail", code="ENGINE_ERROR"), EVENT["task_failed"]),
    ("POST", "/api/worker/tasks/{id}/release"): (told_by_worker("release"), EVENT["released"]),
}
# What changes nothing that a user has made, and why it is a call that could.
NOTHING = {
    ("POST", "/api/uploads"): at_once(lambda h: h.client.request(
        "POST", "/api/uploads", headers={**TUS, "Upload-Length": "4"})),
    ("DELETE", "/api/uploads/{id}"): lambda h: (
        lambda place: lambda: h.client.request("DELETE", place, headers=TUS))(h.piece()),
    ("DELETE", "/api/files/verify/{id}"): lambda h: (
        lambda run: lambda: h.call("DELETE", f"/api/files/verify/{run}"))(
            h.post("/api/files/verify").json["verify_id"]),
    ("POST", "/api/jobs/retry"): at_once(lambda h: h.post("/api/jobs/retry", {"dry_run": True})),
    ("POST", "/api/db/check"): at_once(lambda h: h.post("/api/db/check")),
    ("POST", "/api/db/fsck"): at_once(lambda h: h.post("/api/db/fsck", {"repair": True})),
    ("POST", "/api/worker/register"): at_once(lambda h: Worker(h.client) and h.post("/api/db/check")),
    ("POST", "/api/worker/heartbeat"): at_once(lambda h: h.post(
        "/api/worker/heartbeat", {"worker_id": h.worker.id, "tasks": []})),
    # kept in memory, and shown to nobody but those who listen
    ("POST", "/api/worker/tasks/{id}/segments"): told_by_worker(
        "segments", first=0, segments=[{"start": 0, "end": 0.1, "text": "hm"}]),
}
# As another route of its handler: the translation needs an engine that can, the language one that tells.
LIKE = {
    ("POST", "/v1/audio/translations"): ("POST", "/v1/audio/transcriptions"),
    ("POST", "/detect-language"): ("POST", "/asr"),
}


@pytest.fixture
def house(make_server, folder):
    return House(make_server({"SCRIPTA_WORKERS": 1, "SCRIPTA_MEDIA": silent_media(folder),
                              "SCRIPTA_QUEUE_LEASE": "10m", "SCRIPTA_ENGINE_DEFAULT": "null",
                              "SCRIPTA_ASR_VAD": "off"}))


def sleeps(server):
    """Whether no thread of the server has anything to do, or waits for a processor to do it."""
    try:
        stats = [path.read_text("utf-8", "replace")
                 for path in pathlib.Path(f"/proc/{server.pid}/task").glob("*/stat")]
    except OSError:  # one of them has just ended
        return False
    return {text.rpartition(")")[2].split()[0] for text in stats} == {"S"}


def settled(house):
    """The store once nothing moves in it any more."""
    seen = []

    def still():
        seen.append(store(house.server) if sleeps(house.server) else None)
        return len(seen) > 1 and seen[-1] is not None and seen[-1] == seen[-2]
    wait_until(still, 30, "the store to come to rest", 0.1)
    return seen[-1]


def test_every_writing_route_is_known():
    assert set(ROUTES) == set(CALLS) | set(NOTHING) | set(LIKE)


@pytest.mark.parametrize("route", CALLS, ids=" ".join)
def test_what_a_route_changes_is_told(house, route):
    make, kind = CALLS[route]
    call = make(house)
    before = settled(house)
    reply = call()
    assert reply.status < 300, reply
    new, changed = told(before, settled(house))
    assert any(row == kind or row.startswith(f"{kind}:") for row in new), (new, changed)


@pytest.mark.parametrize("route", NOTHING, ids=" ".join)
def test_what_tells_nothing_changes_nothing(house, route):
    call = NOTHING[route](house)
    before = settled(house)
    reply = call()
    assert reply.status < 300, reply
    assert told(before, settled(house)) == (set(), set())


def test_commands_change_the_store_by_routes_alone():
    """But for those that open it themselves: of these `fsck` tells what it does (test_fsck.py), and
    `db init` and `db migrate` make it and its schema, which holds the row of each migration."""
    sources = (harness.ROOT / "src" / "cli").glob("*.c")
    opens = {p.name for p in sources if "sc_local_store_open(" in p.read_text("utf-8")}
    assert opens == {"local-store.c", "cmd-db.c", "cmd-fsck.c"}


def test_a_repair_is_told(house):
    number = house.text()
    house.server.stop()
    db = sqlite3.connect(house.server.data / "scripta.db")
    with db:
        db.execute("UPDATE segments SET text = 'x' WHERE transcript_id = ?", (number,))
    db.close()
    house.server.start()
    before = settled(house)
    assert house.post("/api/db/fsck", {"after": "transcripts:0", "repair": True}).status == 200
    assert "changes:transcript.repaired" in told(before, settled(house))[0]
