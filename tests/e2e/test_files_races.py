"""Deleting, archiving, restoring, cleaning and mending all at once, and a data folder that holds
what nobody put there for us."""

import hashlib
import os
import pathlib
import random
import threading

import pytest

from harness import noise_wav, wait_until
from test_archive import clean, recovered
from remains import count, recount, rows
from test_removal import NULL, delete

UUID = "01932d6e-7c8b-7c3a-9f41-3d2a5be1c7a%d"
KINDS = ("orphans", "temp", "work", "archive")


def tree(path):
    """{name: what is there} of all below, links not followed."""
    return {str(p.relative_to(path)): (p.lstat().st_mode, p.lstat().st_size)
            for p in sorted(pathlib.Path(path).rglob("*"))}


def plant(data, outside):
    """Links and foreign things wherever the server looks; the links. What lies outside looks
    like ours, so that who followed a link would take it."""
    (outside / "11").mkdir(parents=True)
    blob = hashlib.sha256(b"foreign").hexdigest() + ".wav"
    for name in (blob, ".tmp-000000000000000000000000.part", "secret.txt", "11/" + blob):
        (outside / name).write_bytes(b"not yours")
        os.utime(outside / name, (1, 1))
    mark = hashlib.sha256(b"mark").hexdigest()
    links = {
        "audio/uploads/1999": outside,
        "audio/uploads/2026/1": outside,
        f"audio/uploads/{blob}": outside / blob,
        f"audio/archive/{UUID % 0}": outside,
        f"audio/archive/transcripts/{UUID % 1}": outside,
        f"audio/peaks/{mark}.peaks": outside / "secret.txt",
        f"audio/arriving/{mark}": "scripta.db",
        f"audio/arriving/{mark[::-1]}": f"../../{outside.name}/secret.txt",
        f"transcripts/{UUID % 2}": outside,
        "transcripts/elsewhere": outside,
        f"work/{UUID % 3}": outside,
        f"logs/jobs/{UUID % 4}": outside,
        "temp/.tmp-111111111111111111111111.part": outside / "secret.txt",
        "temp/folder": outside,
    }
    for name, target in links.items():
        path = data / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(target)
        os.utime(path, (1, 1), follow_symlinks=False)
    # A folder of a job that has gone, with a link in it: it goes, what the link names stays.
    for below in ("transcripts", "work", "logs/jobs"):
        (data / below / (UUID % 9)).mkdir(parents=True)
        (data / below / (UUID % 9) / "link").symlink_to(outside)
    os.mkfifo(data / "audio" / "uploads" / (hashlib.sha256(b"fifo").hexdigest() + ".wav"))
    (data / "transcripts" / "notes.txt").write_text("mine", encoding="utf-8")
    (data / "audio" / "uploads" / "readme").write_text("mine", encoding="utf-8")
    return links


def test_nothing_outside_the_data_folder_is_touched(make_server):
    server = make_server()
    client = server.client
    job = client.wait_job(client.upload_null(2, seed=50)["job_id"])
    server.stop()
    outside = server.data.parent / (server.data.name + "-outside")
    plant(server.data, outside)
    before = tree(outside)
    server.start()
    told = recovered(server)
    assert told["missing"] == 0, told
    assert not (server.data / "work" / (UUID % 9)).exists()
    for kind in KINDS:
        clean(server, kind, older_than_days=0, dry_run=False)
    assert client.post(f"/api/jobs/{job['job_id']}/archive").status == 200
    assert client.post(f"/api/jobs/{job['job_id']}/restore").status == 200
    assert client.get(f"/api/files/{job['file_id']}/download").body == noise_wav(2, 50)
    assert delete(client, f"/api/files/{job['file_id']}?force=1").status == 200
    assert tree(outside) == before
    assert (server.data / "scripta.db").exists()
    for mine in ("transcripts/notes.txt", "transcripts/elsewhere", "audio/uploads/readme"):
        assert os.path.lexists(server.data / mine), mine


def test_exports_do_not_leave_through_a_link(make_server):
    """A job's folder that is a link: its exports are neither written nor removed behind it."""
    server = make_server({"SCRIPTA_AUTO_EXPORT": ""})
    client = server.client
    job = client.wait_job(client.upload_null(2, seed=51)["job_id"])
    outside = server.data.parent / (server.data.name + "-outside")
    outside.mkdir()
    (outside / "transcript.txt").write_text("not yours", encoding="utf-8")
    (server.data / "transcripts").mkdir(exist_ok=True)
    (server.data / "transcripts" / job["job_id"]).symlink_to(outside)
    reply = client.post(f"/api/transcripts/{job['transcript_id']}/export", {"format": "txt"})
    assert reply.status in (409, 500), reply
    for verb in ("archive", "restore"):
        client.post(f"/api/jobs/{job['job_id']}/{verb}")
    delete(client, f"/api/jobs/{job['job_id']}")
    assert (outside / "transcript.txt").read_text(encoding="utf-8") == "not yours"
    assert [p.name for p in outside.iterdir()] == ["transcript.txt"]


class Storm:
    """Threads that do random things to the same few recordings; keeps the answers that none of
    them may get."""

    def __init__(self, server, rng):
        self.server = server
        self.seed = rng.randrange(1 << 30)
        self.trouble = []
        self.bodies = {}

    def data(self, n):
        return noise_wav(1, 60 + n)

    def say(self, reply, *allowed):
        if reply.status not in (*allowed, 404, 409, 503):
            self.trouble.append(reply)

    def act(self, client, rng):
        what = rng.choice(["bring", "bring", "bring", "job", "job", "job", "delete", "force",
                           "archive", "restore", "archive job", "archive job", "clean", "clean",
                           "clean jobs", "download", "peaks", "export", "export", "retry",
                           "list"])
        files = client.get("/api/files?limit=20").json["files"]
        jobs = client.get("/api/jobs?limit=20").json["jobs"]
        file = rng.choice(files)["id"] if files else 1
        job = rng.choice(jobs) if jobs else {"job_id": UUID % 0, "transcript_id": 1}
        if what == "bring":
            self.say(client.upload(self.data(rng.randrange(3)), path="/api/files/upload"), 200, 201)
        elif what == "job":
            self.say(client.post("/api/jobs", {"file_id": file, "force": True, **NULL}), 200, 201)
        elif what == "delete":
            self.say(delete(client, f"/api/jobs/{job['job_id']}?force={rng.randrange(2)}"), 200)
        elif what == "force":
            self.say(delete(client, f"/api/files/{file}?force=1"), 200)
        elif what in ("archive", "restore"):
            self.say(client.post(f"/api/files/{file}/{what}"), 200)
        elif what == "archive job":
            verb = rng.choice(["archive", "restore"])
            self.say(client.post(f"/api/jobs/{job['job_id']}/{verb}"), 200)
        elif what == "clean":
            # Not the archive: its bytes would have to come again.
            self.say(client.post("/api/files/clean", {
                "kind": rng.choice(KINDS[:3]), "older_than_days": 0, "dry_run": False}), 200)
        elif what == "clean jobs":
            self.say(client.post("/api/jobs/clean", {
                "older_than_days": 0, "with_transcripts": rng.random() < 0.5,
                "status": rng.choice(["completed", "cancelled"])}), 200)
        elif what == "download":
            reply = client.get(f"/api/files/{file}/download")
            self.say(reply, 200)
            if reply.status == 200 and reply.body not in [self.data(n) for n in range(3)]:
                self.trouble.append(reply)
        elif what == "peaks":
            self.say(client.get(f"/api/files/{file}/peaks?points=10"), 200)
        elif what == "export":
            number = job["transcript_id"] or 1
            self.say(client.post(f"/api/transcripts/{number}/export", {
                "format": "txt", "output_path": f"shared/{number}.txt"}), 201)
        elif what == "retry":
            self.say(client.post(f"/api/jobs/{job['job_id']}/retry"), 200)
        else:
            self.say(client.get(f"/api/jobs/{job['job_id']}/log"), 200)
            self.say(client.get("/api/files/usage"), 200)

    def run(self, threads, steps):
        def work(n):
            rng = random.Random(self.seed + n)
            for _ in range(steps * int(os.environ.get("SCALE", "1"))):
                self.act(self.server.client, rng)

        crew = [threading.Thread(target=work, args=(n,)) for n in range(threads)]
        for t in crew:
            t.start()
        for t in crew:
            t.join()


def settled(server):
    """Nothing is open, and nothing is left to remove."""
    wait_until(lambda: count(server, "SELECT count(*) FROM jobs WHERE admission <> 3") == 0, 60,
               "the end of all jobs")
    wait_until(lambda: count(server, "SELECT count(*) FROM files WHERE owner_id = -1") == 0 and
               count(server, "SELECT count(*) FROM jobs WHERE purge > 0") == 0, 60, "the sweeper")


def assert_rows_and_bytes_agree(server):
    recount(server)
    there = {str(p.relative_to(server.data)) for f in ("uploads", "archive")
             for p in (server.data / "audio" / f).rglob("*.wav")}
    assert there == {path for path, in rows(server, "SELECT DISTINCT file_path FROM files")}
    for number, path in rows(server, "SELECT id, file_path FROM files"):
        body = server.client.get(f"/api/files/{number}/download").body
        assert hashlib.sha256(body).hexdigest() == pathlib.Path(path).stem
    kept = {path for path, in rows(server, "SELECT file_path FROM export_history "
                                           "WHERE file_path IS NOT NULL")}
    assert {p for p in kept if not (server.data / p).exists()} == set()
    exports = {str(p.relative_to(server.data)) for f in ("transcripts", "audio/archive/transcripts")
               for p in (server.data / f).rglob("*.txt")}
    assert exports <= kept
    assert rows(server, "PRAGMA foreign_key_check") == []
    wait_until(lambda: not [p for p in (server.data / "temp").iterdir() if p.name != "uploads"], 20,
               "temp is empty")


@pytest.mark.threads
def test_everything_at_once(make_server):
    seed = int(os.environ.get("SEED", "0")) or random.SystemRandom().randrange(1, 1 << 31)
    print(f"SEED={seed}")
    server = make_server({"SCRIPTA_WORKERS": 1, "SCRIPTA_AUTO_EXPORT": "",
                          "SCRIPTA_QUEUE_RESULT_TTL": "50ms", "SCRIPTA_QUEUE_FAILURE_TTL": "50ms"})
    storm = Storm(server, random.Random(seed))
    storm.run(4, 15)
    assert not storm.trouble, storm.trouble[:3]
    settled(server)
    assert_rows_and_bytes_agree(server)
    # The pass of the next start, while the next storm already blows.
    server.stop()
    plant(server.data, server.data.parent / (server.data.name + "-outside"))
    before = tree(server.data.parent / (server.data.name + "-outside"))
    server.start()
    storm.run(3, 5)
    assert not storm.trouble, storm.trouble[:3]
    recovered(server)
    settled(server)
    assert tree(server.data.parent / (server.data.name + "-outside")) == before


@pytest.mark.threads
def test_two_who_delete_the_same(make_server):
    server = make_server({"SCRIPTA_WORKERS": 1})
    client = server.client
    for n in range(4):
        made = client.upload_null(3, seed=70 + n, model="delay_ms=20")
        paths = [f"/api/jobs/{made['job_id']}?force=1", f"/api/files/{made['file_id']}?force=1"] * 2
        replies = []
        crew = [threading.Thread(target=lambda p=p: replies.append(delete(client, p)))
                for p in paths]
        for t in crew:
            t.start()
        for t in crew:
            t.join()
        assert {r.status for r in replies} <= {200, 404}, replies
        assert sum(r.status == 200 and b'"jobs"' in r.body for r in replies) == 1, replies
    settled(server)
    assert count(server, "SELECT count(*) FROM files") == 0
    assert not list((server.data / "audio").rglob("*.wav"))


@pytest.mark.threads
def test_peaks_are_asked_for_by_many(make_server):
    server = make_server()
    file = server.client.upload(noise_wav(20, 80), path="/api/files/upload").json
    replies = []
    crew = [threading.Thread(target=lambda: replies.append(
        server.client.get(f"/api/files/{file['file_id']}/peaks?points=50"))) for _ in range(8)]
    for t in crew:
        t.start()
    for t in crew:
        t.join()
    # More than a few do not wait for the one who draws them: they are told to come again.
    assert {r.status for r in replies} <= {200, 503, 504}, replies
    assert len({r.body for r in replies if r.status == 200}) == 1
    assert [p.name for p in (server.data / "audio" / "peaks").iterdir()] == [
        f"{file['file_hash']}.peaks"]
    assert not list((server.data / "temp").glob(".tmp-*"))
