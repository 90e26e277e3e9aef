"""Cleaning says what it will do and does what it said; the archive and versions of a text do not
know of each other (F4, T1)."""

import hashlib
import os
import time

import pytest

from harness import Client, cli, free_port, noise_wav, wait_until
from remains import files_below, recount
from test_archive import bring, clean
from test_removal import EXPORTS, full_house

KINDS = ("temp", "work", "orphans", "archive")


def lying(server):
    """What lies in the data folder, without the store, logs and locks: path -> bytes."""
    return {p: (server.data / p).stat().st_size
            for p in files_below(server, "audio", "work", "temp", "transcripts")
            if (server.data / p).is_file()}


def old(path, data=b"0123456789"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    then = time.time() - 90 * 86400
    os.utime(path, (then, then))


def litter(server):
    """Something of every kind, of which some must stay."""
    client = server.client
    job = full_house(server, 20)
    for seed in (11, 12, 13):
        assert client.post(f"/api/files/{bring(server, seed)}/archive").status == 200
    assert client.post(f"/api/jobs/{job['job_id']}/archive").status == 200
    bring(server, 14)
    for n in range(3):
        name = hashlib.sha256(b"%d" % n).hexdigest() + ".wav"
        old(server.data / "audio/uploads/2020/01" / name, bytes(100 + n))
    old(server.data / "audio/archive/2020/01" / (hashlib.sha256(b"a").hexdigest() + ".wav"), bytes(50))
    old(server.data / "temp/left", b"12345")
    (server.data / "temp/link").symlink_to(server.data / "scripta.db")
    failed = client.wait_job(client.upload_null(3, seed=15, model="fail_at=0", max_retries=0)["job_id"])
    assert failed["status"] == "failed", failed


@pytest.mark.parametrize("days", [0, 30])
def test_a_dry_run_tells_what_the_real_one_takes(make_server, days):
    server = make_server(EXPORTS)
    litter(server)
    seen = {}
    for kind in KINDS:
        before = lying(server)
        told = clean(server, kind, older_than_days=days)
        assert lying(server) == before, "it was said that nothing would go"
        assert clean(server, kind, older_than_days=days) == told
        done = clean(server, kind, older_than_days=days, dry_run=False)
        after = lying(server)
        gone = {p: size for p, size in before.items() if p not in after}
        assert done == told == (len(gone), sum(gone.values())), (kind, gone)
        assert not set(after) - set(before)
        assert clean(server, kind, older_than_days=days, dry_run=False) == (0, 0)
        seen[kind] = done[0]
    assert seen["orphans"] == 4 and seen["temp"] == 1
    assert (seen["archive"], seen["work"] > 0) == ((4, True) if days == 0 else (0, False)), seen
    assert (server.data / "scripta.db").is_file()
    recount(server)


def test_bytes_of_two_owners_are_told_and_taken_once(make_server):
    port = free_port()
    server = make_server(args=["--listen", f"127.0.0.1:{port}"])
    token = server.client.post("/api/tokens", {"name": "b", "owner": "bob",
                                               "scopes": ["read", "write"]}).json["token"]
    bob = Client(port=port, token=token)
    mine = bring(server)
    bobs = bob.upload(noise_wav(1, 1), path="/api/files/upload").json["file_id"]
    assert server.client.post(f"/api/files/{mine}/archive").status == 200
    # While one of them uses it, nothing goes, and nothing is said to.
    for dry in (True, False):
        assert clean(server, "archive", older_than_days=0, dry_run=dry) == (0, 0)
    assert bob.post(f"/api/files/{bobs}/archive").status == 200
    size = len(noise_wav(1, 1))
    for dry in (True, False):
        assert clean(server, "archive", older_than_days=0, dry_run=dry) == (1, size)
    assert files_below(server, "audio/archive") == []
    recount(server)


def edit(client, path, text, **more):
    reply = client.post(f"{path}/edit", {"operations": [
        {"op": "text", "segment": client.get(path).json["segments"][0]["id"], "text": text}], **more})
    assert reply.status == 200, reply
    return reply.json["version_number"]


def first(client, path, version=None):
    at = path if version is None else f"{path}/versions/{version}"
    return client.get(at).json["segments"][0]["text"]


def check_store(server):
    """fsck finds nothing, however the recordings lie."""
    recount(server)
    server.stop()
    done = cli("fsck", "--json", data=server.data)
    assert done.returncode == 0, done


def verified(client):
    run = client.post("/api/files/verify", {}).json
    path = f"/api/files/verify/{run['verify_id']}"
    ended = wait_until(lambda: (r := client.get(path).json)["status"] not in ("waiting", "running")
                       and r, 30, "the run")
    return ended


def test_versions_are_made_and_read_wherever_the_recording_lies(make_server):
    server = make_server(EXPORTS)
    client = server.client
    job = full_house(server, 20)
    path, at = f"/api/transcripts/{job['transcript_id']}", f"/api/jobs/{job['job_id']}"
    heard = first(client, path)
    assert edit(client, path, "before the archive") == 2
    assert client.post(f"{at}/archive").status == 200
    assert [first(client, path, v) for v in (1, 2)] == [heard, "before the archive"]
    assert edit(client, path, "in the archive") == 3
    rolled = client.post(f"{path}/rollback/1", {})
    assert rolled.status == 200 and first(client, path) == heard, rolled
    assert client.post(f"{path}/undo", {}).status == 200 and first(client, path) == "in the archive"
    late = client.post(f"{path}/edit", {"base_version": 2, "operations": []})
    assert late.status in (400, 409), late

    def exported():
        rows = client.get(f"{path}/exports").json["exports"]
        text = server.data / f"audio/archive/transcripts/{job['job_id']}/transcript.txt"
        return text.is_file() and "in the archive" in text.read_text() and rows

    wait_until(exported, 30, "the exports follow into the archive")
    assert client.get(f"{path}/export.txt?version=2").text.count("before the archive") == 1
    run = verified(client)
    assert run["status"] == "completed" and run["files_done"] == run["files_total"] == 1, run
    assert run["bytes_done"] == run["bytes_total"] == len(noise_wav(20, 5)) and not run["problems"], run

    assert client.post(f"{at}/restore").status == 200
    assert edit(client, path, "after the archive") == 6
    assert first(client, path, 3) == "in the archive" and first(client, path) == "after the archive"
    text = server.data / f"transcripts/{job['job_id']}/transcript.txt"
    wait_until(lambda: text.is_file() and "after the archive" in text.read_text(), 30, "the exports")
    wait_until(lambda: not [p for p in files_below(server, "audio/archive") if job["job_id"] in p], 30,
               "nothing stays behind")
    rows = client.get(f"{path}/versions").json["versions"]
    assert [(v["version_number"], v["restored_from"]) for v in rows] == \
        [(6, None), (5, 3), (4, 1), (3, None), (2, None), (1, None)], rows
    assert [v["is_current"] for v in rows] == [True] + 5 * [False]
    check_store(server)


def test_a_text_outlives_its_recording(make_server):
    """Cleaned out of the archive: its text is read, corrected and exported, its recording comes back."""
    server = make_server(EXPORTS)
    client = server.client
    job = full_house(server, 20)
    path = f"/api/transcripts/{job['transcript_id']}"
    assert client.post(f"/api/jobs/{job['job_id']}/archive").status == 200
    assert clean(server, "archive", older_than_days=0, dry_run=False)[0] == 1
    assert client.get(f"/api/files/{job['file_id']}/download").status == 404
    assert edit(client, path, "without its recording") == 2
    assert "without its recording" in client.get(f"{path}/export.txt").text
    run = verified(client)
    assert run["status"] == "completed" and (run["purged"], run["missing"]) == (1, 0), run
    reply = client.post(f"/api/jobs/{job['job_id']}/restore")
    assert reply.status == 409 and "upload it again" in reply.error["message"], reply
    again = client.upload(noise_wav(20, 5), path="/api/files/upload")
    assert again.status == 200 and again.json["file_id"] == job["file_id"], again
    assert first(client, path) == "without its recording"
    assert client.get(f"/api/files/{job['file_id']}/download").body == noise_wav(20, 5)
    assert client.post(f"/api/jobs/{job['job_id']}/restore").status == 200
    assert not [p for p in files_below(server, "audio/archive") if job["job_id"] in p]
    assert edit(client, path, "with it again") == 3
    check_store(server)
