"""scripta fsck: what is damaged is refused, found, named and, where that can be, restored."""

import json
import signal
import sqlite3
import subprocess

import pytest

from harness import (SCRIPTA, clean_environment, has_faults, noise_wav, null_words, processes,
                     wait_until)


def fsck(data, *args):
    done = subprocess.run([SCRIPTA, "--data", data, "fsck", "--json", *args], capture_output=True,
                          text=True, check=False, env=clean_environment(), timeout=120)
    return done.returncode, json.loads(done.stdout or done.stderr)


def alter(server, sql):
    db = sqlite3.connect(server.data / "scripta.db")
    with db:
        assert db.execute(sql).rowcount == 1
    db.close()


@pytest.fixture
def finished(make_server):
    """A server with one finished job."""
    server = make_server()
    job = server.client.wait_job(server.client.upload_null(4, seed=1)["job_id"])
    assert job["status"] == "completed"
    return server, job


def test_a_damaged_transcript_is_refused_and_restored(finished):
    server, job = finished
    assert fsck(server.data) == (0, {
        "status": "ok", "problems": [], "damaged": 0, "repaired": 0, "repairable": 0, "orphans": 0,
        "checked": {"store": 1, "transcripts": 1, "chunks": 1, "index": 0, "files": 1, "bytes": 1}})
    server.stop()
    alter(server, "UPDATE segments SET text = 't0 t1 T2 t3'")
    # Without a server, on the folder itself.
    status, found = fsck(server.data)
    assert (status, found["status"], found["damaged"], found["repairable"]) == (7, "damaged", 1, 1)
    assert found["problems"][0]["kind"] == "segment"
    assert found["problems"][0]["job_id"] == job["job_id"]
    assert "--repair" in found["problems"][0]["remedy"]
    # Nobody says the wrong word: the transcript, its exports, its versions.
    server.start()
    where = f"/api/transcripts/{job['transcript_id']}"
    for path in (where, where + "/export.txt", where + "/export.json", where + "/versions/1"):
        reply = server.client.get(path)
        assert (reply.status, reply.error["code"]) == (500, "TRANSCRIPT_DAMAGED"), reply
        assert job["job_id"] in reply.error["message"]
        assert "scripta fsck" in reply.error["message"]
    # The same through the server.
    assert fsck(server.data)[0] == 7
    status, found = fsck(server.data, "--repair")
    assert (status, found["status"], found["repaired"]) == (0, "repaired", 1), found
    assert server.client.transcript(job)["text"].split() == null_words(4)
    assert fsck(server.data)[0] == 0


def test_a_damaged_chunk_is_not_listed(finished):
    server, job = finished
    where = f"/api/jobs/{job['job_id']}/chunks"
    assert server.client.get(where).json["chunks"][0]["text"]
    server.stop()
    alter(server, "UPDATE chunks SET text = 't0 t1 t2 t7'")
    server.start()
    reply = server.client.get(where)
    assert (reply.status, reply.error["code"]) == (500, "TRANSCRIPT_DAMAGED"), reply
    assert job["job_id"] in reply.error["message"]
    status, found = fsck(server.data, "--repair")  # 3 and 7 are one bit apart
    assert (status, found["problems"][0]["kind"]) == (0, "chunk"), found
    assert server.client.get(where).json["chunks"][0]["text"].split() == null_words(4)


def test_what_cannot_be_restored_is_said(finished):
    server, job = finished
    server.stop()
    alter(server, "UPDATE segments SET text = 'x', words = NULL")
    alter(server, "UPDATE chunks SET text = 'x'")
    status, found = fsck(server.data, "--repair")
    assert (status, found["status"], found["repaired"]) == (7, "damaged", 1)  # the text index
    segment = next(p for p in found["problems"] if p["kind"] == "segment")
    assert segment["job_id"] == job["job_id"] and "transcribe" in segment["remedy"]


def test_recordings_are_held_against_their_hash(finished):
    server, _ = finished
    blob = next((server.data / "audio" / "uploads").rglob("*.wav"))
    sound = blob.read_bytes()
    blob.write_bytes(sound[:1000] + bytes([sound[1000] ^ 1]) + sound[1001:])
    assert fsck(server.data)[0] == 0
    for running in (True, False):
        status, found = fsck(server.data, "--audio")
        assert (status, found["problems"][0]["kind"]) == (7, "file"), found
        assert "checksum" in found["problems"][0]["message"]
        if running:
            server.stop()
    blob.write_bytes(sound[:-1])
    assert "as long" in fsck(server.data)[1]["problems"][0]["message"]
    blob.unlink()
    assert "gone" in fsck(server.data)[1]["problems"][0]["message"]
    blob.write_bytes(sound)
    spare = blob.with_name("ab" * 32 + ".wav")
    spare.write_bytes(noise_wav(1))
    status, found = fsck(server.data, "--audio")
    assert (status, found["orphans"], found["problems"][0]["kind"]) == (0, 1, "orphan"), found


@pytest.mark.parametrize("local", [True, False])
def test_the_remedy_for_an_altered_recording_works(finished, local):
    """Whoever has it: bytes that fsck found altered are not taken for those that come again."""
    server, job = finished
    path = server.client.get(f"/api/files/{job['file_id']}").json["file_path"]
    blob = server.data / path
    sound = blob.read_bytes()
    blob.write_bytes(sound[:1000] + bytes([sound[1000] ^ 1]) + sound[1001:])
    if local:
        server.stop()
    status, found = fsck(server.data, "--audio")
    assert (status, found["problems"][0]["remedy"]) == (7, "upload the recording again"), found
    if local:
        server.start()
    assert server.client.get("/api/files?damaged=true").json["files"][0]["damage"] == "altered"
    server.client.upload_null(4, seed=1)
    assert blob.read_bytes() == sound
    assert server.client.get("/api/files?damaged=true").json["files"] == []
    assert fsck(server.data, "--audio")[0] == 0


def test_the_route_checks_its_fields(finished):
    server, _ = finished
    post = server.client.post
    reply = post("/api/db/fsck", {"after": "x"})
    assert (reply.status, reply.error["field"]) == (400, "after")
    first = post("/api/db/fsck", {}).json
    assert (first["phase"], first["next"], first["problems"]) == ("store", "transcripts:0", [])
    last = post("/api/db/fsck", {"after": "bytes:0"}).json
    assert (last["phase"], last["next"], last["percent"]) == ("bytes", None, 100)


@pytest.mark.parametrize("local", [True, False])
def test_broken_off_it_says_what_it_has_done(finished, local):
    """Ctrl-C while it stands before its third slice."""
    server, job = finished
    if not has_faults():
        pytest.skip("built without -Dfaults=true")
    alter(server, "UPDATE segments SET text = 't0 t1 T2 t3'")
    if local:
        server.stop()
    with subprocess.Popen([SCRIPTA, "--data", server.data, "fsck", "--json", "--repair"], text=True,
                          env=clean_environment({"SCRIPTA_FAULT": "fsck.slice:stop:3"}),
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        wait_until(lambda: processes()[run.pid][1] == "T", 60, "the check to stand still")
        run.send_signal(signal.SIGINT)
        run.send_signal(signal.SIGCONT)
        out, why = run.communicate(timeout=60)
    done = json.loads(out)
    assert (done["status"], done["stopped_in"], done["repaired"]) == ("stopped", "chunks", 1), done
    assert [p["job_id"] for p in done["problems"]] == [job["job_id"]]
    assert done["checked"] == {"store": 1, "transcripts": 1, "chunks": 0, "index": 0, "files": 0,
                               "bytes": 0}
    assert json.loads(why)["error"]["code"] == "CANCELLED" and run.returncode == 130, why


def test_a_store_that_cannot_be_opened_is_said(finished):
    server, _ = finished
    server.stop()
    with open(server.data / "scripta.db", "r+b") as f:
        f.write(bytes(100))
    status, found = fsck(server.data)
    assert (status, found["error"]["code"]) == (7, "STORE_DAMAGED")
