"""scripta fsck: what is damaged is refused, found, named and, where that can be, restored."""

import contextlib
import json
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import tempfile

import pytest

from harness import (PATIENCE, SCRIPTA, Client, Server, clean_environment, cli, free_port,
                     has_faults, noise_wav, null_words, processes, wait_until)
from remains import rows


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
        "status": "ok", "problems": [], "damaged": 0, "repaired": 0, "repairable": 0,
        "accepted": 0, "orphans": 0,
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
    status, found = fsck(server.data)
    assert (status, len(found["problems"])) == (7, 1), "what is known is told again"
    assert "when it was read last" in found["problems"][0]["message"]
    assert found["problems"][0]["remedy"] == "upload the recording again"
    blob.write_bytes(sound[:-1])
    assert "as long" in fsck(server.data)[1]["problems"][0]["message"]
    blob.unlink()
    assert "gone" in fsck(server.data)[1]["problems"][0]["message"]
    blob.write_bytes(sound)
    spare = blob.with_name("ab" * 32 + ".wav")
    spare.write_bytes(noise_wav(1))
    status, found = fsck(server.data, "--audio")
    assert (status, found["orphans"], found["problems"][0]["kind"]) == (0, 1, "orphan"), found
    spare.rename(spare.with_name("stranger.wav"))
    status, found = fsck(server.data)  # and that the recording is sound again was noted
    assert (status, found["orphans"], len(found["problems"])) == (0, 1, 1), found
    assert "stranger.wav is no file of the server's" in found["problems"][0]["message"]
    assert "move it away" in found["problems"][0]["remedy"]


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
    assert post("/api/db/fsck", {"after": "files:1:2"}).error["field"] == "after"
    within = post("/api/db/fsck", {"after": "transcripts:1:1"}).json
    assert (within["phase"], within["checked"], within["problems"]) == ("transcripts", 1, []), within
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
        out, why = run.communicate(timeout=PATIENCE)
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


# ---- what the versions and exports of a transcript give back ----


SAID = "the mining committee has met twice"
CORRECTED = "the mining committee has met three times"


@pytest.fixture(scope="module")
def history():
    """A data folder without a server: transcript 1 of two segments was corrected (version 2), a
    speaker was named (3), the correction taken back (4 equals 2), a segment added (5); version 1 was
    exported to a file."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="sc-"))
    server = Server(folder / "d", {"SCRIPTA_AUTO_EXPORT": ""}).start()
    client = server.client
    try:
        file = client.upload(noise_wav(8, 1), path="/api/files/upload").json["file_id"]
        made = client.request("POST", f"/api/files/{file}/transcripts", body=json.dumps([
            {"start": 0, "end": 3, "text": SAID}, {"start": 4, "end": 6, "text": "nobody objected"}]),
            headers={"Content-Type": "application/json"})
        assert made.status == 201, made
        assert client.post("/api/transcripts/1/export", {"format": "json"}).status == 201

        def edit(**operation):
            reply = client.post("/api/transcripts/1/edit", {"operations": [operation]})
            assert reply.status == 200, reply
        edit(op="text", segment=1, text=CORRECTED)
        edit(op="speaker", segment=1, speaker="Ann")
        assert client.post("/api/transcripts/1/rollback/2").status == 200
        edit(op="insert", start=7, end=8, text="that is all")
        versions = client.get("/api/transcripts/1/versions").json["versions"]
        assert [v["version_number"] for v in versions] == [5, 4, 3, 2, 1], versions
        server.stop()
        yield folder / "d"
    finally:
        server.destroy()
        shutil.rmtree(folder)


@pytest.fixture
def spoilt(history, folder):
    """spoilt(sql): a copy of it in which that was done."""
    def spoil(sql):
        shutil.copytree(history, folder / "d")
        db = sqlite3.connect(folder / "d" / "scripta.db")
        with db:
            done = db.execute(sql).rowcount
        db.close()
        assert done > 0
        return folder / "d"
    return spoil


def versions_of(data):
    """{version: text} of what is stored, read as the rows say it."""
    db = sqlite3.connect(data / "scripta.db")
    try:
        return {v: [tuple(r) for r in db.execute(
            "SELECT start_ms, end_ms, text, speaker FROM segments WHERE born <= ? AND "
            "coalesce(died, dies, 1 << 60) > ? ORDER BY start_ms, ord", (v, v))]
            for v, in db.execute("SELECT version FROM versions ORDER BY version")}
    finally:
        db.close()


def changes_of(data, kind):
    db = sqlite3.connect(data / "scripta.db")
    try:
        return db.execute("SELECT count(*) FROM changes WHERE kind = ?", (kind,)).fetchone()[0]
    finally:
        db.close()


@pytest.mark.parametrize("sql, kind, words, source", [
    # The text of version 1, which a file alone has still; its words have gone too.
    ("UPDATE segments SET text = 'the mini', words = NULL WHERE id = 1", "segment", "the mini", "json"),
    # A row that is born in 2 and equal to that of 4.
    ("UPDATE segments SET text = 'x', words = NULL, end_ms = 9 WHERE born = 2", "segment", "x",
     "version 4"),
    # Text of 3, which the same segment has in other versions; the speaker is its own.
    ("UPDATE segments SET text = 'x', words = NULL WHERE born = 3", "segment", "x", "version"),
    ("UPDATE segments SET words = x'00' WHERE born = 3", "segment", CORRECTED, "version"),
    # Rows that are gone.
    ("DELETE FROM segments WHERE id = 1", "segment", SAID, "export"),
    ("DELETE FROM segments WHERE born = 2", "segment", CORRECTED, "version 4"),
    ("DELETE FROM segments WHERE born = 4", "segment", CORRECTED, "version 2"),
    # Rows in versions that are not theirs.
    ("UPDATE segments SET died = 4 WHERE born = 2", "version", None, "checksums"),
    ("UPDATE segments SET born = 2 WHERE born = 5", "version", None, "checksums"),
    ("UPDATE segments SET died = 5 WHERE id = 2", "version", None, "checksums"),
    # Figures and checksums.
    ("UPDATE versions SET word_count = 99 WHERE version = 3", "version", None, "its segments"),
    ("UPDATE transcripts SET segment_count = 99", "transcript", None, "its versions"),
    ("UPDATE versions SET is_current = 0", "transcript", None, "the transcript's row"),
])
def test_what_versions_and_exports_have_is_restored_from_them(history, spoilt, sql, kind, words, source):
    data = spoilt(sql)
    status, found = fsck(data)
    first = found["problems"][0]
    assert (status, found["repairable"] > 0, first["kind"]) == (7, True, kind), found
    assert first["repairable"] and source in first["source"] and first["words"] == words, first
    if words:
        assert first["start"] == 0 and first["end"] is not None, first
    told = cli("fsck", data=data, check=7).stdout
    assert first["source"] in told and (words or "") in told, told
    status, found = fsck(data, "--repair")
    assert (status, found["status"]) == (0, "repaired"), found
    assert versions_of(data) == versions_of(history)
    assert changes_of(data, "transcript.repaired") > 0
    assert fsck(data)[:1] == (0,)


@pytest.mark.parametrize("sql, version, text", [
    ("UPDATE segments SET text = 'that is', words = NULL WHERE born = 5", 5, "that is"),
    ("UPDATE segments SET text = CAST(x'61ff0062' AS TEXT), words = NULL, start_ms = 7000 WHERE born = 5", 5,
     "a� b"),
    ("UPDATE segments SET words = x'0102ff' WHERE born = 5", 5, "that is all"),
    ("DELETE FROM segments WHERE born = 5", 5, None),
    ("UPDATE versions SET content_hash = 'nothing' WHERE version = 5", 5, "that is all"),
])
def test_damage_is_taken_as_it_is_when_that_is_asked_for(spoilt, make_server, sql, version, text):
    data = spoilt(sql)
    assert fsck(data, "--repair")[1]["status"] == "damaged"
    server = make_server(data=data)
    reply = server.client.get(f"/api/transcripts/1/versions/{version}")
    assert (reply.status, reply.error["code"]) == (500, "TRANSCRIPT_DAMAGED"), reply
    refused = server.client.post("/api/db/fsck", {"accept": True})
    assert (refused.status, refused.error["field"]) == (400, "accept"), refused
    status, found = fsck(data, "--accept")
    assert (status, found["status"]) == (0, "accepted"), found
    assert found["accepted"] == 1 and any(p["accepted"] for p in found["problems"]), found
    shown = server.client.get(f"/api/transcripts/1/versions/{version}").json["segments"]
    assert [s["text"] for s in shown] == [CORRECTED, "nobody objected"] + ([text] if text else [])
    change, = server.client.get("/api/changes?kind=transcript.damage_accepted").json["changes"]
    assert (change["transcript_id"], change["version"], change["by"]) == (1, version, "local"), change
    # It is a transcript like any other from here on.
    assert server.client.post("/api/transcripts/1/undo").status == 200
    assert fsck(data) == (0, {**fsck(data)[1], "status": "ok", "problems": []})


@pytest.mark.parametrize("sql, also, message, remedy", [
    ("DELETE FROM versions WHERE version = 5", None, "has lost its current version", "makes it again"),
    ("DELETE FROM versions", None, "has lost its current version", "makes it again"),
    # Two damages: nothing says which one it was.
    ("UPDATE versions SET is_current = 0", "UPDATE transcripts SET current_version = 3",
     "has lost the mark of its current version", "takes the newest"),
    ("UPDATE versions SET is_current = 0", "UPDATE transcripts SET state = 0",
     "has lost the mark of its current version", "takes the newest"),
])
def test_a_lost_current_version_is_made_again(history, spoilt, make_server, sql, also, message, remedy):
    data = spoilt(sql)
    if also:
        db = sqlite3.connect(data / "scripta.db")
        with db:
            db.execute(also)
        db.close()
    for option in ((), ("--repair",)):
        status, found = fsck(data, *option)
        problem, = found["problems"]
        assert (status, found["status"], problem["version"]) == (7, "damaged", 5), found
        assert problem["message"] == f"the complete transcript {message}", problem
        assert not problem["repairable"] and remedy in problem["remedy"], problem
    status, found = fsck(data, "--accept")
    assert (status, found["status"], found["accepted"]) == (0, "accepted", 1), found
    assert versions_of(data)[5] == versions_of(history)[5]
    assert fsck(data)[:1] == (0,)
    client = make_server(data=data).client
    change, = client.get("/api/changes?kind=transcript.damage_accepted").json["changes"]
    assert (change["transcript_id"], change["version"]) == (1, 5), change
    newest = client.get("/api/transcripts/1/versions").json["versions"][0]
    with contextlib.closing(sqlite3.connect(history / "scripta.db")) as db:
        was = db.execute(
            "SELECT segment_count, word_count FROM versions WHERE version = 5").fetchone()
    assert (newest["version_number"], newest["segment_count"], newest["word_count"]) == (5, *was), newest
    edited = client.post("/api/transcripts/1/edit", {"operations": [
        {"op": "text", "segment": 1, "text": "again"}]})
    assert edited.json["version_number"] == 6, edited


@pytest.mark.parametrize("lost, restorable, source", [
    # Words that nothing else has, and a row that is equal to that of version 4.
    ("UPDATE segments SET text = 'that is', words = NULL WHERE born = 5",
     "DELETE FROM segments WHERE born = 2", "version 4"),
    # A row that version 3 alone had, and one in a version too few behind it.
    ("DELETE FROM segments WHERE born = 3", "UPDATE segments SET died = 5 WHERE id = 2", "checksums"),
])
def test_what_can_be_restored_is_before_the_rest_is_taken_as_it_is(spoilt, lost, restorable, source):
    data = spoilt(lost)
    left = versions_of(data)
    db = sqlite3.connect(data / "scripta.db")
    with db:
        assert db.execute(restorable).rowcount == 1
    db.close()
    assert versions_of(data) != left
    status, found = fsck(data, "--accept")
    assert (status, found["status"]) == (0, "accepted"), found
    told = [p for p in found["problems"] if p["kind"] in ("segment", "version")]
    assert sorted(p["accepted"] for p in told) == [False, True], told
    repaired, = [p for p in told if p["repaired"]]
    assert source in repaired["source"], repaired
    assert versions_of(data) == left
    assert fsck(data)[:1] == (0,)


@pytest.fixture
def told_by(make_server):
    """told_by(data): who made which words, of each version."""
    def blame(data):
        server = make_server(data=data)
        found = server.client.get("/api/transcripts/1/versions").json["versions"]
        out = {v["version_number"]: [
            (r["text"], r["engine"], r["model"], r["by"], r["version"])
            for r in server.client.get(f"/api/transcripts/1/blame?version={v['version_number']}").json["runs"]]
            for v in found}
        server.stop()
        return out
    return blame


@pytest.mark.parametrize("lost", ["id = 1", "born = 2", "born = 4"])
def test_a_restored_row_is_by_whom_it_was(history, spoilt, told_by, lost):
    """As the row tells that it is equal to; all of a first version is made by one."""
    data = spoilt(f"DELETE FROM segments WHERE {lost}")
    assert fsck(data, "--repair")[0] == 0
    copy = data.with_name("whole")
    shutil.copytree(history, copy)
    assert told_by(data) == told_by(copy)


def test_what_an_export_alone_has_is_by_nobody_known(spoilt, told_by, make_server):
    """Exports do not tell who made their words: not whoever made those beside them."""
    data = spoilt("UPDATE transcripts SET notes = 'n'")
    server = make_server(data=data)
    assert server.client.post("/api/transcripts/1/export", {
        "format": "json", "output_path": "five.json"}).status == 201
    server.stop()
    db = sqlite3.connect(data / "scripta.db")
    with db:
        assert db.execute("DELETE FROM segments WHERE born = 5").rowcount == 1
    db.close()
    assert fsck(data, "--repair")[0] == 0
    last = told_by(data)[5][-1]
    assert last == ("that is all", "restored", "json", None, None), last


def test_what_is_known_of_later_versions_is_restored_whatever_is_lost_before(history, spoilt):
    """Nothing has what version 3 alone said; version 4 is equal to 2."""
    data = spoilt("DELETE FROM segments WHERE born IN (3, 4)")
    for args, done in ((), "repairable"), (("--repair",), "repaired"):
        status, found = fsck(data, *args)
        told = {p["version"]: p[done] for p in found["problems"] if p["kind"] != "database"}
        assert (status, told) == (7, {3: False, 4: True}), found
    was, now = versions_of(history), versions_of(data)
    assert [v for v in was if now[v] != was[v]] == [3]
    status, found = fsck(data, "--accept")
    assert (status, found["accepted"]) == (0, 1), found
    assert versions_of(data) == now
    assert fsck(data)[0] == 0


@pytest.fixture(scope="module")
def chorus():
    """A data folder: five segments, of which the middle three start at the same time, exported."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="sc-"))
    server = Server(folder / "d", {"SCRIPTA_AUTO_EXPORT": ""}).start()
    client = server.client
    try:
        file = client.upload(noise_wav(8, 1), path="/api/files/upload").json["file_id"]
        made = client.request("POST", f"/api/files/{file}/transcripts", body=json.dumps([
            {"start": s, "end": s + 1, "text": text} for s, text in
            [(0, "before"), (1, "hear hear"), (1, "order"), (1, "shame"), (2, "after")]]),
            headers={"Content-Type": "application/json"})
        assert made.status == 201, made
        assert client.post("/api/transcripts/1/export", {"format": "json"}).status == 201
        server.stop()
        yield folder / "d"
    finally:
        server.destroy()
        shutil.rmtree(folder)


@pytest.mark.parametrize("lost", ["2, 3", "3, 4", "2, 4", "2, 3, 4", "1, 2, 3, 4, 5"])
def test_lost_neighbours_that_start_together_stand_as_they_stood(chorus, folder, lost):
    shutil.copytree(chorus, folder / "d")
    db = sqlite3.connect(folder / "d" / "scripta.db")
    with db:
        db.execute(f"DELETE FROM segments WHERE id IN ({lost})")
    assert fsck(folder / "d", "--repair")[0] == 0
    assert versions_of(folder / "d") == versions_of(chorus)
    places = db.execute("SELECT start_ms, ord FROM segments").fetchall()
    assert len(set(places)) == 5, places
    db.close()
    assert fsck(folder / "d")[0] == 0


def test_words_of_another_owner_are_not_told(spoilt, make_server):
    data = spoilt("UPDATE segments SET text = 'that is' WHERE born = 5")
    port = free_port()
    server = make_server({}, ["--listen", f"127.0.0.1:{port}"], data=data)
    token = server.client.post("/api/tokens", {"name": "t", "owner": "eve", "scopes": ["admin"]}).json
    eve = Client(port=port, token=token["token"])
    for client, words in ((server.client, "that is"), (eve, None)):
        problem, = client.post("/api/db/fsck", {"after": "transcripts:0"}).json["problems"]
        assert (problem["words"], problem["start"], problem["end"]) == (words, 7, 8), problem


def test_a_chunk_is_taken_as_it_is(finished):
    server, job = finished
    server.stop()
    alter(server, "UPDATE segments SET text = 'x', words = NULL")
    alter(server, "UPDATE chunks SET text = 'y'")
    status, found = fsck(server.data, "--accept")
    assert (status, found["accepted"]) == (0, 2), found
    server.start()
    assert server.client.transcript(job)["text"] == "x"
    assert server.client.get(f"/api/jobs/{job['job_id']}/chunks").json["chunks"][0]["text"] == "y"
    kinds = [c["kind"] for c in server.client.get("/api/changes").json["changes"]]
    assert sorted(kinds) == ["job.damage_accepted", "transcript.damage_accepted"], kinds


def one_file(server):
    row = server.client.get("/api/files").json["files"][0]
    return row, server.data / row["file_path"]


def clean_orphans(server):
    done = cli("--data", str(server.data), "files", "clean", "--kind", "orphans", "--older-than",
               "0", "--yes")
    assert done.returncode == 0, done
    return done.stdout


def test_a_damaged_hash_makes_no_orphan_of_a_recording(finished):
    """The row still names the bytes: they are nobody's to remove, and the name restores the hash."""
    server, _ = finished
    row, blob = one_file(server)
    sound = blob.read_bytes()
    server.stop()
    alter(server, "UPDATE files SET file_hash = 'zz' || substr(file_hash, 3)")
    for args in ((), ("--audio",)):
        status, found = fsck(server.data, *args)
        problem, = found["problems"]
        assert (status, found["orphans"], found["repairable"]) == (7, 0, 1), found
        assert (problem["kind"], problem["file_id"]) == ("file", row["id"])
        assert "its bytes are sound" in problem["message"] and "--repair" in problem["remedy"]
    server.start()
    assert "0 files" in clean_orphans(server) and blob.read_bytes() == sound
    told = wait_until(lambda: (r := server.client.get("/api/files/recovery").json)["finished_at"]
                      and r, 30, "the recovery pass")
    assert (told["checksums"], told["orphans"], told["missing"]) == (1, 0, 0), told
    doctor = json.loads(cli("--data", str(server.data), "doctor", "--json").stdout)
    said = next(c for c in doctor["checks"] if "checksum" in c["detail"])
    assert "fsck --repair" in said["fix"], said
    done = cli("--data", str(server.data), "files", "verify")
    assert done.returncode == 1 and "its bytes are sound" in done.stdout, done
    assert "upload" not in done.stdout and "fsck --repair" in done.stdout, done
    run = server.client.post(f"/api/files/{row['id']}/verify").json
    assert (run["checksums"], run["altered"], run["problems"][0]["damage"]) == (1, 0, "checksum")
    assert server.client.get("/api/files?damaged=true").json["files"] == []
    status, found = fsck(server.data, "--repair")
    assert (status, found["repaired"]) == (0, 1), found
    assert one_file(server)[0]["file_hash"] == row["file_hash"]
    kinds = [c["kind"] for c in server.client.get("/api/changes").json["changes"]]
    assert "file.repaired" in kinds, kinds
    assert fsck(server.data, "--audio")[0] == 0
    assert cli("--data", str(server.data), "files", "verify").returncode == 0


def test_a_damaged_hash_with_altered_bytes_is_no_sound_recording(finished):
    server, _ = finished
    row, blob = one_file(server)
    blob.write_bytes(blob.read_bytes()[:-1] + b"x")
    server.stop()
    alter(server, "UPDATE files SET file_hash = 'zz' || substr(file_hash, 3)")
    status, found = fsck(server.data, "--repair")
    problem, = found["problems"]
    assert (status, found["repaired"], found["repairable"]) == (7, 0, 0), found
    assert "does not match its checksum" in problem["message"], problem
    server.start()
    run = server.client.post(f"/api/files/{row['id']}/verify").json
    assert (run["checksums"], run["altered"]) == (0, 1), run


def test_bytes_that_came_again_stay_when_one_of_their_files_goes(finished):
    """The second upload does not know the damaged row: they share the bytes all the same."""
    server, _ = finished
    row, blob = one_file(server)
    server.stop()
    alter(server, "UPDATE files SET file_hash = 'zz' || substr(file_hash, 3)")
    server.start()
    server.client.upload_null(4, seed=1)
    twin = one_file(server)[0]["id"]
    assert twin != row["id"]
    status, found = fsck(server.data, "--repair")
    assert (status, found["repairable"]) == (7, 0), found
    assert f"file {twin} has the same bytes" in found["problems"][0]["remedy"]
    done = cli("--data", str(server.data), "files", "delete", str(twin), "--force", "--yes")
    assert done.returncode == 0, done
    wait_until(lambda: not rows(server, "SELECT 1 FROM files WHERE id = ?", twin), 30,
               "the rows to go")
    assert blob.exists()
    assert fsck(server.data, "--repair")[0] == 0 and fsck(server.data, "--audio")[0] == 0


def test_a_damaged_path_makes_no_orphan_of_a_recording(finished):
    server, _ = finished
    _, blob = one_file(server)
    server.stop()
    alter(server, "UPDATE files SET file_path = replace(file_path, 'uploads', 'upl-ads')")
    server.start()
    assert "0 files" in clean_orphans(server) and blob.exists()
