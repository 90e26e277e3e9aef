"""docs/api.md: made of the API's description, and every curl example of it works as it stands.

They run from top to bottom against one server, as a reader would run them. What an example needs
that those before it do not leave behind is in PREPARED; numbers that are another reader's (of a
token, a worker, a task) are replaced by those that there are.
"""

import os
import re
import subprocess
import sys

import harness
from test_worker_protocol import silent_media

PAGE = harness.ROOT / "docs" / "api.md"
HEADING = re.compile(r"^### `([A-Z]+) (/\S*)`$")
# Runs curl, with the headers of its answer and what it wrote to standard output kept aside.
WRAPPER = """#!/bin/bash
exec {curl} -sS --max-time 60 --dump-header "$HEADERS" "$@"
"""
# What is answered where it is not a success: jobs that make text have no output; the file still has a job; `null` translates nothing and
# tells no language.
EXPECTED = {
    "curl $S http://localhost/ws/me": 426,
    "curl $S http://localhost/api/jobs/$JOB/output": 404,
    "curl $S -X DELETE http://localhost/api/files/1": 409,
    "curl $S -F file=@memo.mp3 -F model=whisper-1 http://localhost/v1/audio/translations": 400,
    "curl $S -F audio_file=@memo.mp3 http://localhost/detect-language": 404,
}
QUEUED = {"PATCH /api/jobs/{id}", "POST /api/jobs/{id}/cancel"}
# Before these the worker claims a task; the others speak of the same one.
CLAIMED = {"POST /api/worker/heartbeat", "POST /api/worker/tasks/{id}/fail",
           "POST /api/worker/tasks/{id}/release"}


def examples():
    """Yields (heading, command) of the page, in its order."""
    heading, command = None, []
    for line in PAGE.read_text().splitlines():
        mark = HEADING.match(line)
        heading = f"{mark[1]} {mark[2]}" if mark else heading
        if line.startswith("    curl $S") or command:
            command.append(line.strip().removesuffix("\\"))
            if not line.endswith("\\"):
                yield heading, " ".join(command)
                command = []


class Reader:
    """Whoever runs the examples."""

    def __init__(self, make_server, folder):
        self.make_server = make_server
        self.server = make_server(env={"SCRIPTA_ENGINE_DEFAULT": "null"})
        self.client = self.server.client
        self.folder = folder / "desk"
        self.folder.mkdir()
        (self.folder / "memo.mp3").write_bytes(harness.beats_wav(95))
        self.bin = folder / "bin"
        self.bin.mkdir()
        wrapper = self.bin / "curl"
        wrapper.write_text(WRAPPER.format(curl="/usr/bin/curl"))
        wrapper.chmod(0o755)
        self.job = self.upload = "none"
        self.names = {}  # what stands in the page -> what there is
        self.worker = None
        self.claims = 0

    def prepare(self, heading):
        if heading in QUEUED:
            reply = self.client.post("/api/jobs", {"pipeline": "noop", "run_after": "1h"})
            self.job = reply.json["job_id"]
        elif heading == "POST /api/jobs/{id}/retry":
            self.job = self.cancelled
        elif heading == "GET /api/jobs/{id}/events":
            self.job = self.first
        elif heading in ("POST /api/jobs/{id}/archive", "DELETE /api/jobs/{id}",
                         "GET /api/transcripts", "GET /api/events"):
            self.job = self.first
            self.settle()
        elif heading == "DELETE /api/tokens/{id}":
            self.names["/tokens/3"] = f"/tokens/{self.token}"
        elif heading == "DELETE /api/transcripts/{id}":
            file_id = self.client.upload(harness.noise_wav(1, 1),
                                         path="/api/files/upload").json["file_id"]
            made = self.client.request("POST", f"/api/files/{file_id}/transcripts", body=b"yes",
                                       headers={"Content-Type": "application/octet-stream"})
            self.names["/transcripts/2"] = f"/transcripts/{made.json['transcript_id']}"
        elif heading == "POST /api/worker/register":
            self.without_workers()
        elif heading in CLAIMED:
            task = self.claim()
            self.names["/tasks/7"] = f"/tasks/{task['task_id']}"
            self.names['"task_id":7'] = f'"task_id":{task["task_id"]}'

    def settle(self):
        """All work on recordings has ended."""
        for job in self.client.get("/api/jobs").json["jobs"]:
            if job["file_id"] is not None:
                self.client.wait_job(job["job_id"])

    def without_workers(self):
        """The same folder, served by nobody who would take the example's task. What an example lets
        fail does not come back before the next one claims."""
        assert self.server.stop() == 0
        self.server = self.make_server(data=self.server.data, env={
            "SCRIPTA_ENGINE_DEFAULT": "null", "SCRIPTA_WORKERS": 1, "SCRIPTA_QUEUE_BACKOFF": "5m",
            "SCRIPTA_MEDIA": silent_media(self.folder)})
        self.client = self.server.client

    def claim(self):
        """A task that is claimed for the first time: its epoch is that of the examples. One that
        an earlier example reported as failed may come before it."""
        self.claims += 1
        job = self.client.upload_null(1, seed=self.claims)["job_id"]
        while True:
            reply = self.client.post("/api/worker/claim", {
                "worker_id": self.worker, "lanes": ["engine:null"], "max": 1, "wait_ms": 30000})
            assert reply.json["tasks"], reply
            if reply.json["tasks"][0]["job_id"] == job:
                return reply.json["tasks"][0]

    def run(self, heading, command):
        """The answer to one example, held against the description like every other."""
        text = command.replace("engine=pocketsphinx", "engine=null")
        for there, here in self.names.items():
            text = text.replace(there, here)
        headers = self.folder / "headers"
        env = {"PATH": f"{self.bin}:{os.environ['PATH']}", "HEADERS": str(headers),
               "DATA": str(self.server.data), "JOB": self.job, "UPLOAD": self.upload, "HOME": str(self.folder),
               "LC_ALL": "C.UTF-8"}
        done = subprocess.run(
            ["bash", "-c", f"S=--unix-socket\\ $DATA/run/scripta.sock\n{text}"], env=env,
            cwd=self.folder, capture_output=True, timeout=harness.PATIENCE, check=False)
        assert done.returncode == 0, (text, done)
        head = headers.read_bytes().decode("latin-1").strip().split("\r\n\r\n")[-1].split("\r\n")
        fields = dict(line.split(": ", 1) for line in head[1:])
        reply = harness.Response(int(head[0].split()[1]), fields, done.stdout)
        method, path = called(text)
        if "-o " not in text and "-OJ" not in text:
            path = path.replace("$JOB", self.job).replace("$UPLOAD", self.upload)
            harness.api().check(method, path, reply)
        assert heading is None or method == heading.split()[0], text
        assert heading is None or harness.api().find(path) == heading.split()[1], text
        assert reply.status == EXPECTED.get(command, reply.status), (text, reply)
        assert command in EXPECTED or 200 <= reply.status < 300, (text, reply)
        return reply

    def note(self, heading, command, reply):
        """What later examples speak of."""
        if heading == "POST /api/upload" and reply.status == 201:
            self.job = self.first = reply.json["job_id"]
            self.client.wait_job(self.job)
        elif heading == "POST /api/uploads":
            self.upload = reply.json["upload_id"]
        elif heading == "POST /api/jobs/{id}/cancel":
            self.cancelled = self.job
        elif heading == "POST /api/files/verify":
            self.names["/verify/1795283303042"] = f"/verify/{reply.json['verify_id']}"
        elif heading == "POST /api/tokens":
            self.token = reply.json["id"]
        elif heading == "POST /api/worker/register":
            self.worker = reply.json["worker_id"]
            self.names['"worker_id":1'] = f'"worker_id":{self.worker}'
            self.names["worker_id=1"] = f"worker_id={self.worker}"
        elif " -o talk.mp3" in command and "-C" not in command:
            talk = self.folder / "talk.mp3"
            whole = talk.read_bytes()
            assert whole == (self.folder / "memo.mp3").read_bytes()
            talk.write_bytes(whole[:1000])  # so that there is something to go on with


def called(command):
    """(method, path) of a command of curl."""
    method = re.search(r"-X ([A-Z]+)", command)
    sends = re.search(r" (-d|-F|--data-binary) ", command)
    path = re.search(r"http://localhost(/[^'\"\s]*)", command)[1]
    return method[1] if method else "POST" if sends else "GET", path


def test_every_example_works_as_it_stands(make_server, folder):
    reader = Reader(make_server, folder)
    done = set()
    for heading, command in examples():
        reader.prepare(heading)
        reply = reader.run(heading, command)
        reader.note(heading, command, reply)
        done.add(heading)
    whole = (reader.folder / "talk.mp3").read_bytes()
    assert whole == (reader.folder / "memo.mp3").read_bytes()
    paths = harness.api().document["paths"]
    missing = {f"{m.upper()} {p}" for p, methods in paths.items() for m in methods} - done
    assert not missing, f"no example of {sorted(missing)}"


def test_the_page_is_what_the_description_says():
    said = harness.cli("help", "--openapi", check=0).stdout
    done = subprocess.run([sys.executable, str(harness.ROOT / "tools" / "api-page.py")], input=said,
                          capture_output=True, check=True, encoding="utf-8")
    assert done.stdout == PAGE.read_text(), \
        "run: build-san/scripta help --openapi | tools/api-page.py > docs/api.md"
