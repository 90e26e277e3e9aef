"""G18: random calls about the same recordings and jobs, several at once: cancel while it finishes,
delete while it is exported, retry, archive, upload again, with a kill of the server now and then. A
model follows the answers; at the end of each sequence everything must be as they said."""

import concurrent.futures
import dataclasses
import http.client

from frame import Case, Result
from harness import noise_wav, null_words, wait_until
from remains import assert_nothing_left, beside

LENGTHS = (2, 3, 5, 33, 64)
DELAYS = (0, 5, 40)
AT_ONCE = 4


@dataclasses.dataclass
class File:
    id: int
    data: bytes = dataclasses.field(repr=False)
    seconds: int
    gone: str = "no"  # "maybe": a call for it was never answered


@dataclasses.dataclass
class Job:
    id: str
    file: File
    gone: str = "no"
    cancelled: str = "no"

    def missing(self):
        """'yes', 'maybe', 'no': whether nobody may find it."""
        both = {self.gone, self.file.gone}
        return "yes" if "yes" in both else "maybe" if "maybe" in both else "no"


class Sequence:
    """One recording or two, their jobs, and what is done to them."""

    def __init__(self, server, rng, number):
        self.server = server
        self.client = server.client
        self.rng = rng
        self.number = number
        self.files = []
        self.jobs = {}  # id -> Job
        self.history = []  # of what was called, and answered

    # ---- what can be done: each gives (path of the call, effect when it was done) ----

    def call(self, method, path, value=None):
        """The answer, or None when the server died before it came."""
        try:
            if method == "POST":
                return self.client.post(path, value)
            return self.client.request(method, path)
        except (OSError, http.client.HTTPException):
            return None

    def upload(self, file):
        model = f"delay_ms={self.rng.choice(DELAYS)}"
        force = self.rng.choice(["true", "false"])
        try:
            return self.client.upload(file.data, engine="null", vad="off", model=model, force=force)
        except (OSError, http.client.HTTPException):
            return None

    def choose(self):
        """One call to be made: (kind, object, function that makes it)."""
        rng = self.rng
        file = rng.choice(self.files)
        kind = rng.choice(["upload", "again", "cancel", "cancel", "retry", "delete", "delete",
                           "force", "file", "edit", "export", "archive", "restore", "read"])
        if kind == "upload":
            return kind, file, lambda: self.upload(file)
        if kind == "again":
            body = {"file_id": file.id, "engine": "null", "vad": False, "force": True}
            return kind, file, lambda: self.call("POST", "/api/jobs", body)
        if kind == "file":
            force = rng.choice(["", "?force=1"])
            return kind, file, lambda: self.call("DELETE", f"/api/files/{file.id}{force}")
        job = rng.choice(list(self.jobs.values()))
        path = f"/api/jobs/{job.id}"
        calls = {
            "delete": lambda: self.call("DELETE", path),
            "force": lambda: self.call("DELETE", path + "?force=1"),
            "read": lambda: self.call("GET", path + "/chunks"),
            "export": lambda: self.export(job),
            "edit": lambda: self.edit(path),
        }
        return kind, job, calls.get(kind, lambda: self.call("POST", f"{path}/{kind}"))

    def edit(self, path):
        try:
            return self.client.request("PATCH", path, body='{"priority": "high"}',
                                       headers={"Content-Type": "application/json"})
        except (OSError, http.client.HTTPException):
            return None

    def export(self, job):
        reply = self.call("GET", f"/api/jobs/{job.id}")
        if reply is None or reply.status != 200 or reply.json["transcript_id"] is None:
            return reply
        return self.call("POST", f"/api/transcripts/{reply.json['transcript_id']}/export",
                         {"format": "srt"})

    # ---- what the answers say ----

    def learn(self, calls):
        """calls: [(kind, object, answer)], made at the same time."""
        for kind, thing, reply in calls:
            status = None if reply is None else reply.status
            assert status is None or status < 500, (kind, reply)
            assert status in (None, 200, 201, 404, 409), (kind, reply)
            done = "maybe" if status is None else "yes" if status in (200, 201) else "no"
            if kind in ("delete", "force", "file") and done != "no" and thing.gone != "yes":
                thing.gone = done
        for kind, thing, reply in calls:
            if reply is not None and kind in ("upload", "again") and reply.status in (200, 201):
                self.add(reply.json, thing)
            if reply is not None and reply.status == 404:
                lost = thing.missing() if isinstance(thing, Job) else thing.gone
                assert lost != "no", f"{kind}: {thing} is not found"
        for job in self.jobs.values():
            self.learn_end(job, [(k, r) for k, t, r in calls if t is job])

    @staticmethod
    def learn_end(job, calls):
        done = {k for k, r in calls if r is not None and r.status == 200}
        perhaps = {k for k, r in calls if r is None} | done
        if {"cancel", "retry"} <= perhaps:
            job.cancelled = "maybe"
        elif "cancel" in done:
            job.cancelled = "yes"
        elif "retry" in done:
            job.cancelled = "no"
        elif perhaps & {"cancel", "retry"}:
            job.cancelled = "maybe"

    def add(self, answer, file):
        """An acknowledged job. New bytes after a deletion are a new file."""
        found = next((f for f in self.files if f.id == answer["file_id"]), None)
        if found is None:
            assert file.gone != "no", f"a second file of the same bytes: {answer}"
            found = File(answer["file_id"], file.data, file.seconds)
            self.files.append(found)
        self.jobs.setdefault(answer["job_id"], Job(answer["job_id"], found))

    # ---- a sequence ----

    def begin(self):
        for i in range(self.rng.choice([1, 1, 2])):
            seconds = self.rng.choice(LENGTHS)
            file = File(0, noise_wav(seconds, self.number * 10 + i), seconds, "yes")
            reply = self.upload(file)
            assert reply is not None and reply.status == 201, reply
            self.add(reply.json, file)

    def step(self, pool):
        chosen = [self.choose() for _ in range(self.rng.randint(1, AT_ONCE))]
        running = [pool.submit(make) for _, _, make in chosen]
        dies = self.rng.random() < 0.01
        if dies:
            self.server.kill()
        replies = [r.result() for r in running]
        if dies:
            self.server.check_database()
            self.server.start()
        calls = [(kind, thing, reply) for (kind, thing, _), reply in zip(chosen, replies)]
        self.history.append([(kind, thing.id, reply and reply.status)
                             for kind, thing, reply in calls])
        self.learn(calls)
        return len(chosen)

    def check(self):
        """Everything is as it was answered; (jobs lost, jobs found that are deleted)."""
        lost = found = 0
        for job in self.jobs.values():
            reply = self.client.get(f"/api/jobs/{job.id}")
            missing = job.missing()
            if reply.status == 404:
                lost += missing == "no"
                continue
            found += missing == "yes"
            if missing != "yes":
                self.check_end(job)
        for file in self.files:
            status = self.client.get(f"/api/files/{file.id}").status
            lost += status == 404 and file.gone == "no"
            found += status == 200 and file.gone == "yes"
        return lost, found

    def check_end(self, job):
        ended = self.client.wait_job(job.id, 120)
        allowed = {"yes": {"cancelled"}, "no": {"completed"}, "maybe": {"cancelled", "completed"}}
        assert ended["status"] in allowed[job.cancelled], (job, ended)
        if ended["status"] == "completed":
            transcript = self.client.transcript(ended)
            assert transcript["status"] == "complete", transcript
            assert transcript["text"].split() == null_words(job.file.seconds), job

    def delete_all(self):
        for file in self.files:
            reply = self.call("DELETE", f"/api/files/{file.id}?force=1")
            assert reply.status in (200, 404), reply


def all_gone(server):
    """Everything was deleted: no row, no word of the index, no file, no folder is left."""
    def swept():
        with beside(server) as db:
            return db.execute("SELECT (SELECT count(*) FROM files) +"
                              " (SELECT count(*) FROM jobs)").fetchone()[0] == 0

    wait_until(swept, 60, "the sweeper")
    wait_until(lambda: not [p for p in server.data.glob("transcripts/*")], 60, "folders to go")
    assert_nothing_left(server)


def run(ctx):
    server = ctx.server({"SCRIPTA_WORKERS": 2, "SCRIPTA_QUEUE_MAX_CONCURRENT_NORMAL": 4,
                         "SCRIPTA_AUTO_EXPORT": "txt"})
    calls = jobs = lost = found = 0
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for number in range(ctx.count):
            sequence = Sequence(server, ctx.rng, number)
            sequence.begin()
            for _ in range(ctx.rng.randint(2, 6)):
                calls += sequence.step(pool)
            gone, there = sequence.check()
            assert not gone and not there, (f"{gone} lost, {there} found", sequence.files,
                                            sequence.jobs, sequence.history)
            lost, found, jobs = lost + gone, found + there, jobs + len(sequence.jobs)
            sequence.delete_all()
    all_gone(server)
    server.check_database()
    return Result(ctx.count, {"calls": calls, "jobs": jobs, "deleted ones found": found}, lost=lost)


CASES = [Case("G18", "of calls that cancel, delete, retry, archive and export at once", "sequences",
              run, short=20, one=1000, full=10000, round=100, minutes=7)]
