"""Deleting files and jobs: nothing is left of them, nobody finds them meanwhile, and a kill anywhere
only delays what is left to do (F5, S4)."""

import http.client
import os
import subprocess
import threading

import pytest

from harness import (PATIENCE, SCRIPTA, Client, clean_environment, cli, free_port, noise_wav,
                     wait_until)
from remains import assert_nothing_left, count, files_below, recount

NULL = {"engine": "null", "vad": "off"}


def delete(client, path):
    return client.request("DELETE", path)


def full_house(server, seconds=65):
    """A file with a completed job, its exports, its peaks and a key."""
    made = server.client.upload(noise_wav(seconds, 5), key="k", **NULL)
    assert made.status == 201, made
    job = server.client.wait_job(made.json["job_id"])
    assert job["status"] == "completed", job
    exports = f"/api/transcripts/{job['transcript_id']}/exports"
    wait_until(lambda: server.client.get(exports).json["exports"], 20, "the automatic export")
    assert server.client.get(f"/api/files/{made.json['file_id']}/peaks?points=10").status == 200
    return job


EXPORTS = {"SCRIPTA_AUTO_EXPORT": "srt,txt"}


def test_a_file_with_jobs_is_refused_and_goes_with_force(make_server):
    server = make_server(EXPORTS)
    client = server.client
    job = full_house(server)
    path = f"/api/files/{job['file_id']}"
    reply = delete(client, path)
    assert reply.status == 409 and reply.error["message"].startswith("1 job "), reply
    assert client.get(path).status == 200
    reply = delete(client, path + "?force=perhaps")
    assert reply.status == 400 and reply.error["field"] == "force", reply
    reply = delete(client, path + "?force=1")
    assert reply.status == 200, reply
    assert reply.json == {"id": job["file_id"], "deleted": True, "jobs": 1, "kept_transcripts": 0}
    for gone in (path, f"/api/jobs/{job['job_id']}", f"/api/transcripts/{job['transcript_id']}"):
        assert client.get(gone).status == 404
    assert_nothing_left(server)
    # Whoever repeats the call because the answer was lost meets nothing, also after new uploads.
    made = full_house(server)
    assert made["file_id"] > job["file_id"] and made["transcript_id"] > job["transcript_id"]
    assert delete(client, path).status == 404


def test_a_job_goes_and_its_recording_stays(make_server):
    server = make_server(EXPORTS)
    client = server.client
    job = full_house(server)
    reply = delete(client, f"/api/jobs/{job['job_id']}")
    assert reply.status == 200 and reply.json == {"job_id": job["job_id"], "deleted": True}, reply
    assert client.get(f"/api/transcripts/{job['transcript_id']}").status == 404
    assert files_below(server, "work", "transcripts", "logs/jobs") == []
    recount(server)
    # Unused now, so it goes without force; its key and its work are free again.
    again = client.upload(noise_wav(65, 5), key="k", **NULL)
    assert again.status == 201 and again.json["duplicate"], again
    assert again.json["job_id"] != job["job_id"]
    client.wait_job(again.json["job_id"])
    delete(client, f"/api/jobs/{again.json['job_id']}")
    assert delete(client, f"/api/files/{job['file_id']}").status == 200
    assert_nothing_left(server)


@pytest.mark.parametrize("how", ["job", "file", "clean", "kept"])
def test_exports_go_wherever_they_are(make_server, how):
    server = make_server({"SCRIPTA_AUTO_EXPORT": ""})
    client = server.client
    job = client.wait_job(client.upload_null(2, seed=40)["job_id"])
    places = {"txt": "talks/2026/monday.txt", "srt": "talks/all.srt", "vtt": None}
    for form, place in places.items():
        body = {"format": form} if place is None else {"format": form, "output_path": place}
        reply = client.post(f"/api/transcripts/{job['transcript_id']}/export", body)
        assert reply.status == 201, reply
    foreign = server.data / "transcripts" / "talks" / "notes"
    foreign.write_text("not ours", encoding="utf-8")
    if how == "kept":
        assert client.post("/api/jobs/clean", {"older_than_days": 0}).json["jobs"] == 1
        assert len(files_below(server, "transcripts")) == 7
        assert delete(client, f"/api/files/{job['file_id']}?force=1").status == 200
    elif how == "clean":
        assert client.post("/api/jobs/clean", {"older_than_days": 0, "dry_run": False,
                                               "with_transcripts": True}).json["jobs"] == 1
    elif how == "file":
        assert delete(client, f"/api/files/{job['file_id']}?force=1").status == 200
    else:
        assert delete(client, f"/api/jobs/{job['job_id']}").status == 200
    wait_until(lambda: count(server, "SELECT count(*) FROM jobs") == 0, 30, "the sweeper")
    wait_until(lambda: count(server, "SELECT count(*) FROM export_history") == 0, 30, "the sweeper")
    assert files_below(server, "transcripts") == ["transcripts/talks", "transcripts/talks/notes"]


def test_an_export_that_has_become_anothers_stays(make_server):
    server = make_server({"SCRIPTA_AUTO_EXPORT": ""})
    client = server.client
    one, two = (client.wait_job(client.upload_null(2, seed=s)["job_id"]) for s in (41, 42))
    body = {"format": "txt", "output_path": "shared/a.txt"}
    assert client.post(f"/api/transcripts/{one['transcript_id']}/export", body).status == 201
    (server.data / "transcripts" / "shared" / "a.txt").unlink()
    assert client.post(f"/api/transcripts/{two['transcript_id']}/export", body).status == 201
    assert delete(client, f"/api/jobs/{one['job_id']}").status == 200
    wait_until(lambda: count(server, "SELECT count(*) FROM jobs") == 1, 30, "the sweeper")
    assert files_below(server, "transcripts") == [
        "transcripts/shared", "transcripts/shared/a.txt"]


def test_a_running_job_is_refused_or_cancelled(make_server):
    server = make_server({"SCRIPTA_WORKERS": 1})
    client = server.client
    made = client.upload_null(300, seed=1, model="hang_at=0")
    wait_until(lambda: client.job(made["job_id"])["status"] == "processing", 20, "the start")
    reply = delete(client, f"/api/jobs/{made['job_id']}")
    assert reply.status == 409 and "processing" in reply.error["message"], reply
    assert delete(client, f"/api/jobs/{made['job_id']}?force=1").status == 200
    assert client.get(f"/api/jobs/{made['job_id']}").status == 404
    made = client.upload_null(300, seed=1, model="hang_at=0")
    wait_until(lambda: client.job(made["job_id"])["status"] == "processing", 20, "the start")
    assert delete(client, f"/api/files/{made['file_id']}").status == 409
    assert delete(client, f"/api/files/{made['file_id']}?force=1").status == 200
    assert_nothing_left(server)
    # The worker has let go of both and does other work.
    other = client.wait_job(client.upload_null(3, seed=2)["job_id"], 30)
    assert other["status"] == "completed"


def test_bytes_stay_while_another_owner_has_them(make_server):
    port = free_port()
    server = make_server(args=["--listen", f"127.0.0.1:{port}"])
    client = server.client
    token = client.post("/api/tokens", {"name": "b", "owner": "bob",
                                        "scopes": ["read", "write"]}).json["token"]
    bob = Client(port=port, token=token)
    data = noise_wav(2, 3)
    mine = client.upload(data, path="/api/files/upload").json["file_id"]
    bobs = bob.upload(data, path="/api/files/upload").json["file_id"]
    assert mine != bobs
    assert delete(client, f"/api/files/{mine}").status == 200
    assert len(files_below(server, "audio/uploads")) == 1
    recount(server)
    assert bob.get(f"/api/files/{bobs}/download").body == data
    assert delete(bob, f"/api/files/{bobs}").status == 200
    assert_nothing_left(server)


@pytest.mark.parametrize("point", ["delete.marked", "clean.slice:2", "purge.folders", "purge.bytes",
                                   "purge.row"])
def test_a_kill_anywhere_only_delays(make_server, point):
    name, _, nth = point.partition(":")
    server = make_server({**EXPORTS, "SCRIPTA_FAULT": f"{name}:kill:{nth or 1}"})
    client = server.client
    job = full_house(server)
    with pytest.raises((OSError, http.client.HTTPException)):
        delete(client, f"/api/files/{job['file_id']}?force=1")
    server.kill()
    server.check_database()
    assert count(server, "SELECT count(*) FROM files") == 1
    del server.env["SCRIPTA_FAULT"]
    server.start()
    # Nobody finds it even before it has been removed, and its bytes may come again at once.
    assert client.get(f"/api/files/{job['file_id']}").status == 404
    assert client.get(f"/api/jobs/{job['job_id']}").status == 404
    again = client.upload(noise_wav(65, 5), path="/api/files/upload")
    assert again.status == 201 and not again.json["duplicate"], again
    wait_until(lambda: count(server, "SELECT count(*) FROM files") == 1, 20, "the sweeper")
    reply = client.get(f"/api/files/{again.json['file_id']}/download")
    assert reply.status == 200 and reply.body == noise_wav(65, 5)
    recount(server)
    assert delete(client, f"/api/files/{again.json['file_id']}").status == 200
    assert_nothing_left(server)


def test_the_same_bytes_come_and_go_at_once(make_server):
    """Uploads and deletions of the same bytes: whatever is acknowledged can be read."""
    server = make_server()
    data = noise_wav(1, 8)
    stop = threading.Event()
    trouble = []

    def remover():
        while not stop.is_set():
            for f in server.client.get("/api/files").json["files"]:
                delete(server.client, f"/api/files/{f['id']}")

    def bringer():
        for _ in range(25):
            made = server.client.upload(data, path="/api/files/upload")
            if made.status not in (200, 201):
                trouble.append(made)
                continue
            got = server.client.get(f"/api/files/{made.json['file_id']}/download")
            if got.status not in (200, 404) or got.status == 200 and got.body != data:
                trouble.append(got)
            if got.status == 404 and "gone" in got.error["message"] and \
                    server.client.get(f"/api/files/{made.json['file_id']}").status == 200:
                trouble.append(got)

    threads = [threading.Thread(target=bringer) for _ in range(3)]
    sweeper = threading.Thread(target=remover)
    for t in (*threads, sweeper):
        t.start()
    for t in threads:
        t.join()
    stop.set()
    sweeper.join()
    assert not trouble, trouble[:3]
    made = server.client.upload(data, path="/api/files/upload")
    assert server.client.get(f"/api/files/{made.json['file_id']}/download").body == data
    recount(server)


def brought(client, file_id, text=b"one line"):
    """The id of a transcript that is read from a text."""
    reply = client.request("POST", f"/api/files/{file_id}/transcripts", body=text,
                           headers={"Content-Type": "application/octet-stream"})
    assert reply.status in (200, 201), reply
    return reply.json["transcript_id"]


def test_a_transcript_goes_and_its_recording_stays(make_server):
    port = free_port()
    server = make_server(args=["--listen", f"127.0.0.1:{port}"])
    client = server.client
    file_id = client.upload(noise_wav(2, 3), path="/api/files/upload").json["file_id"]
    gone, stays = brought(client, file_id, b"walnut"), brought(client, file_id, b"walnut")
    path = f"/api/transcripts/{gone}"
    client.request("PUT", path, body=b'{"text": "walnut tree"}',
                   headers={"Content-Type": "application/json"})
    client.request("PATCH", path, body=b'{"tags": ["wrong"], "notes": "hazel"}',
                   headers={"Content-Type": "application/json"})
    body = {"format": "txt", "output_path": "talks/wrong.txt"}
    assert client.post(f"{path}/export", body).status == 201
    token = client.post("/api/tokens", {"name": "b", "owner": "bob",
                                        "scopes": ["read", "write"]}).json["token"]
    assert delete(Client(port=port, token=token), path).status == 404
    refused = delete(client, f"/api/files/{file_id}")
    assert refused.status == 409 and "2 transcripts without a job" in refused.error["message"]
    stale = client.request("DELETE", path, headers={"If-Match": '"stale"'})
    assert stale.status == 412, stale
    tag = client.get(path).headers["ETag"]
    reply = client.request("DELETE", path, headers={"If-Match": tag})
    assert (reply.status, reply.json) == (200, {"id": gone, "deleted": True}), reply
    for below in ("", "/versions", "/history", "/export.txt"):
        assert client.get(path + below).status == 404
    assert delete(client, path).status == 404
    assert client.get("/api/transcripts").json["transcripts"][0]["id"] == stays
    assert [h["transcript_id"] for h in client.get("/api/search?q=walnut").json["results"]] == [stays]
    assert client.get("/api/search?q=hazel&in=names").json["results"] == []
    assert "wrong" not in client.get("/api/tags").text
    wait_until(lambda: count(server, "SELECT count(*) FROM transcripts") == 1, 30, "the sweeper")
    assert files_below(server, "transcripts") == []
    for table in ("segments", "versions", "segments_fts_docsize"):
        assert count(server, f"SELECT count(*) FROM {table}") == 1
    recount(server)
    assert delete(client, f"/api/transcripts/{stays}").status == 200
    assert delete(client, f"/api/files/{file_id}").status == 200
    assert_nothing_left(server)


@pytest.mark.parametrize("point", ["delete.marked", "clean.slice:2"])
def test_a_kill_only_delays_a_transcript(make_server, point):
    name, _, nth = point.partition(":")
    server = make_server({"SCRIPTA_FAULT": f"{name}:kill:{nth or 1}"})
    client = server.client
    file_id = client.upload(noise_wav(2, 3), path="/api/files/upload").json["file_id"]
    cues = "\n\n".join(f"{i}\n00:00:00,{i:03} --> 00:00:00,{i + 1:03}\nhi" for i in range(1, 300))
    made = brought(client, file_id, cues.encode())
    with pytest.raises((OSError, http.client.HTTPException)):
        delete(client, f"/api/transcripts/{made}")
    server.kill()
    server.check_database()
    assert count(server, "SELECT count(*) FROM transcripts") == 1
    del server.env["SCRIPTA_FAULT"]
    server.start()
    assert client.get(f"/api/transcripts/{made}").status == 404
    wait_until(lambda: count(server, "SELECT count(*) FROM transcripts") == 0, 30, "the sweeper")
    assert delete(client, f"/api/files/{file_id}").status == 200
    assert_nothing_left(server)


def test_the_commands(make_server):
    server = make_server()
    client = server.client
    job = client.wait_job(client.upload_null(2)["job_id"])
    at = ("--data", str(server.data))
    file_id, job_id = str(job["file_id"]), job["job_id"]
    refused = cli(*at, "transcripts", "delete", str(job["transcript_id"]))
    assert refused.returncode != 0 and f"job {job_id}: delete the job" in refused.stderr, refused
    made = str(brought(client, file_id))
    done = cli(*at, "transcripts", "delete", "--yes", made)
    assert done.returncode == 0 and done.stdout == f"{made} deleted\n", done
    refused = cli(*at, "files", "delete", file_id)
    assert refused.returncode != 0 and "1 job " in refused.stderr, refused
    done = cli(*at, "jobs", "delete", job_id)
    assert done.returncode == 0 and done.stdout == f"{job_id} deleted\n", done
    done = cli(*at, "files", "delete", "--yes", file_id)
    assert done.returncode == 0 and done.stdout == f"{file_id} deleted\n", done
    assert_nothing_left(server)


def test_a_terminal_is_asked(make_server):
    server = make_server()
    made = server.client.upload(noise_wav(1, 1), path="/api/files/upload").json
    for answer, force, asked, left in (
            ("n", [], f"Delete file {made['file_id']} for good? [y/N]", 1),
            ("n", ["--force"], f"{made['file_id']}, jobs, transcripts and all, for good? [y/N]", 1),
            ("y", [], "for good? [y/N]", 0),
            ("y", [], f"no such file: '{made['file_id']}'", 0)):  # nobody is asked about nothing
        main, terminal = os.openpty()
        try:
            os.write(main, (answer + "\n").encode())
            done = subprocess.run([str(SCRIPTA), "--data", str(server.data), "files", "delete",
                                   *force, str(made["file_id"])], stdin=terminal, capture_output=True,
                                  text=True, timeout=PATIENCE, check=False, env=clean_environment())
        finally:
            os.close(main)
            os.close(terminal)
        assert asked in done.stderr, done
        assert ("for good" in done.stderr) == ("for good" in asked), done
        assert count(server, "SELECT count(*) FROM files") == left


def test_the_history_outlives_what_it_tells_of(make_server):
    server = make_server(EXPORTS)
    client = server.client
    job = full_house(server)
    file = job["file_id"]
    client.request("PATCH", f"/api/jobs/{job['job_id']}", b'{"notes": "secret"}',
                   {"Content-Type": "application/json"})
    for _ in range(2):  # The second time nothing is moved.
        client.post(f"/api/jobs/{job['job_id']}/archive")
    client.post(f"/api/files/{file}/restore")

    def kinds(query=""):
        return [c["kind"] for c in client.get(f"/api/changes{query}").json["changes"]]
    assert kinds(f"?job_id={job['job_id']}") == ["job.archived", "job.marked"]
    assert kinds(f"?file_id={file}") == ["file.restored", "file.archived"]
    assert kinds(f"?job_id={job['job_id']}&kind=job.marked") == ["job.marked"]
    assert kinds("?job_id=01932d6e-7c8b-7c3a-9f41-3d2a5be1c7aa") == []
    assert client.get(f"/api/changes?job_id={job['job_id']}&file_id=1").error["field"] == "job_id"
    assert client.get("/api/changes?kind=job.eaten").error["field"] == "kind"
    page = client.get("/api/changes?limit=1").json
    assert kinds(f"?cursor={page['next_cursor']}&limit=1") == kinds()[1:2]

    assert delete(client, f"/api/jobs/{job['job_id']}").status == 200
    wait_until(lambda: count(server, "SELECT count(*) FROM jobs") == 0, 30, "the sweeper")
    assert kinds() == ["job.deleted", "file.restored", "file.archived"]
    assert delete(client, f"/api/files/{file}?force=1").status == 200
    wait_until(lambda: count(server, "SELECT count(*) FROM files") == 0, 30, "the sweeper")
    gone = client.get("/api/changes").json["changes"]
    assert [(c["kind"], c["detail"]) for c in gone] == [
        ("file.deleted", {"file_id": file, "jobs": 0, "kept_transcripts": 0}),
        ("job.deleted", {"job_id": job["job_id"], "file_id": file})]
    assert all(c["by"] == "local" and c["file_id"] is None and c["job_id"] is None for c in gone)
    shown = cli("history", "--kind", "job.deleted", data=server.data, check=0)
    assert job["job_id"] in shown.stdout and "file.deleted" not in shown.stdout, shown
    assert kinds(f"?file_id={file}") == ["file.deleted", "job.deleted"]
    assert kinds(f"?file_id={file}&kind=job.deleted") == ["job.deleted"]
    assert cli("history", "--file-id", file, data=server.data, check=0).stdout.count("\n") == 3
