"""The archive, cleaning, and the pass that mends the data folder after a kill (F4)."""

import hashlib
import http.client
import json
import os
import pathlib
import random
import time

import pytest

from harness import Client, cli, free_port, noise_wav, wait_until
from remains import count, files_below, recount, rows
from test_removal import EXPORTS, NULL, delete, full_house

DATA = noise_wav(65, 5)


def recovered(server):
    return wait_until(lambda: (r := server.client.get("/api/files/recovery").json)["finished_at"]
                      and r, 20, "the recovery pass")


def clean(server, kind, **more):
    reply = server.client.post("/api/files/clean", {"kind": kind, **more})
    assert reply.status == 200, reply
    return reply.json["files"], reply.json["bytes"]


def bring(server, seed=1):
    return server.client.upload(noise_wav(1, seed), path="/api/files/upload").json["file_id"]


def age(path, days):
    then = time.time() - days * 86400
    os.utime(path, (then, then))


def test_into_the_archive_and_back(make_server):
    server = make_server(EXPORTS)
    client = server.client
    job = full_house(server)
    reply = client.post(f"/api/jobs/{job['job_id']}/archive")
    assert reply.status == 200 and reply.json["archived_at"], reply
    assert files_below(server, "audio/uploads") == [] and files_below(server, "transcripts") == []
    kept = files_below(server, "audio/archive")
    assert len(kept) == 3, kept  # the recording and two exports
    file = client.get(f"/api/files/{job['file_id']}").json
    assert file["archived_at"] and file["file_path"].startswith("audio/archive/")
    exports = client.get(f"/api/transcripts/{job['transcript_id']}/exports").json["exports"]
    assert all(e["file_path"] in kept for e in exports), (exports, kept)
    # Reading goes on, also by a new job; once more changes nothing.
    assert client.get(f"/api/files/{job['file_id']}/download").body == DATA
    assert client.get(f"/api/transcripts/{job['transcript_id']}").json["text"]
    again = client.post("/api/jobs", {"file_id": job["file_id"], "force": True, **NULL}).json
    assert client.wait_job(again["job_id"])["status"] == "completed"
    assert client.post(f"/api/jobs/{job['job_id']}/archive").json["archived_at"] == \
        reply.json["archived_at"]
    reply = client.post(f"/api/jobs/{job['job_id']}/restore")
    assert reply.status == 200 and reply.json["archived_at"] is None, reply
    assert client.get(f"/api/files/{job['file_id']}").json["archived_at"] is None
    assert client.get(f"/api/files/{job['file_id']}/download").body == DATA
    assert not [p for p in files_below(server, "audio/archive") if job["job_id"] in p]
    recount(server)


def test_exports_in_the_archive_are_nobody_s_orphans(make_server):
    server = make_server(EXPORTS)
    client = server.client
    job = full_house(server)
    path = f"transcripts/{job['job_id']}/{'ab' * 32}.srt"  # called as recordings are
    reply = client.post(f"/api/transcripts/{job['transcript_id']}/export",
                        {"format": "srt", "output_path": path})
    assert reply.status == 201, reply
    assert client.post(f"/api/jobs/{job['job_id']}/archive").status == 200
    kept = [server.data / p for p in files_below(server, f"audio/archive/transcripts/{job['job_id']}")]
    assert len(kept) == 3, kept
    for export in kept:
        age(export, 40)
    found = json.loads(cli("fsck", "--json", data=server.data, check=0).stdout)
    assert (found["orphans"], found["problems"]) == (0, []), found
    assert clean(server, "orphans", dry_run=False) == (0, 0) and all(p.exists() for p in kept)
    server.stop()
    server.start()
    assert recovered(server)["orphans"] == 0


def test_the_command_line_moves_jobs_there_and_back(make_server):
    server = make_server(EXPORTS)
    job = full_house(server)
    for verb, where, behind in (("archive", "audio/archive", "audio/uploads"),
                                ("restore", "audio/uploads", "audio/archive")):
        cli("jobs", verb, job["job_id"], data=server.data, check=0)
        archived = server.client.job(job["job_id"])["archived_at"]
        assert (archived is not None) == (verb == "archive")
        assert files_below(server, where) and not files_below(server, behind)
        gone = cli("jobs", verb, "01932d6e-7c8b-7c3a-9f41-3d2a5be1c7aa", data=server.data, check=3)
        assert "no such job" in gone.stderr, gone


def test_a_running_job_keeps_its_recording(make_server):
    server = make_server({"SCRIPTA_WORKERS": 1})
    client = server.client
    made = client.upload_null(300, model="hang_at=0")
    for path in (f"/api/files/{made['file_id']}", f"/api/jobs/{made['job_id']}"):
        reply = client.post(path + "/archive")
        assert reply.status == 409 and "has not ended" in reply.error["message"], reply
    assert files_below(server, "audio/archive") == []


def test_bytes_stay_while_another_owner_uses_them(make_server):
    port = free_port()
    server = make_server(args=["--listen", f"127.0.0.1:{port}"])
    token = server.client.post("/api/tokens", {"name": "b", "owner": "bob",
                                               "scopes": ["read", "write"]}).json["token"]
    bob = Client(port=port, token=token)
    mine = bring(server)
    bobs = bob.upload(noise_wav(1, 1), path="/api/files/upload").json["file_id"]
    assert server.client.post(f"/api/files/{mine}/archive").json["archived_at"]
    assert files_below(server, "audio/archive") == []
    assert bob.get(f"/api/files/{bobs}").json["archived_at"] is None
    assert bob.post(f"/api/files/{bobs}/archive").status == 200
    assert files_below(server, "audio/uploads") == []
    assert clean(server, "archive", older_than_days=0, dry_run=False)[0] == 1
    recount(server)
    assert bob.get(f"/api/files/{bobs}/download").status == 404
    # Whoever brings them again brings them back for both.
    assert bob.upload(noise_wav(1, 1), path="/api/files/upload").json["duplicate"]
    assert server.client.get(f"/api/files/{mine}/download").body == noise_wav(1, 1)
    assert bob.get(f"/api/files/{bobs}").json["purged_at"] is None
    recount(server)


@pytest.mark.parametrize("verb", ["archive", "restore"])
@pytest.mark.parametrize("point", ["archive.copied", "archive.recorded"])
def test_a_kill_leaves_one_copy_after_the_next_start(make_server, verb, point):
    nth = 1 if verb == "archive" else 2
    server = make_server({**EXPORTS, "SCRIPTA_FAULT": f"{point}:kill:{nth}"})
    client = server.client
    job = full_house(server)
    if verb == "restore":
        assert client.post(f"/api/jobs/{job['job_id']}/archive").status == 200
    with pytest.raises((OSError, http.client.HTTPException)):
        client.post(f"/api/jobs/{job['job_id']}/{verb}")
    server.kill()
    assert len([p for p in files_below(server, "audio") if p.endswith(".wav")]) == 2
    del server.env["SCRIPTA_FAULT"]
    server.start()
    assert client.get(f"/api/files/{job['file_id']}/download").body == DATA
    told = recovered(server)
    assert told["half_moved"] == 1 and told["missing"] == told["orphans"] == 0, told
    path = client.get(f"/api/files/{job['file_id']}").json["file_path"]
    assert [p for p in files_below(server, "audio") if p.endswith(".wav")] == [path]
    archived = client.job(job["job_id"])["archived_at"] is not None
    assert path.startswith("audio/archive/") == archived
    assert archived == (point == "archive.recorded") ^ (verb == "restore")
    exports = client.get(f"/api/transcripts/{job['transcript_id']}/exports").json["exports"]
    assert exports and all((server.data / e["file_path"]).is_file() for e in exports), exports
    assert client.get(f"/api/files/{job['file_id']}/download").body == DATA


@pytest.mark.parametrize("point", ["arrive.marked", "arrive.put"])
def test_an_upload_that_a_kill_cut_off_leaves_nothing(make_server, point):
    server = make_server({"SCRIPTA_FAULT": f"{point}:kill"})
    with pytest.raises((OSError, http.client.HTTPException)):
        server.client.upload(DATA, path="/api/files/upload")
    server.kill()
    del server.env["SCRIPTA_FAULT"]
    server.start()
    assert recovered(server)["arrivals_removed"] == (1 if point == "arrive.put" else 0)
    assert files_below(server, "audio") == []
    assert list((server.data / "audio" / "arriving").iterdir()) == []


def test_cleaning_tells_first_and_takes_what_it_says(make_server):
    server = make_server()
    client = server.client
    kept = bring(server)
    folder = server.data / "audio" / "uploads" / "2020" / "01"
    folder.mkdir(parents=True)
    orphan = folder / f"{hashlib.sha256(b'x').hexdigest()}.wav"
    orphan.write_bytes(b"0123456789")
    assert clean(server, "orphans") == (0, 0)  # it is too young
    age(orphan, 31)
    assert clean(server, "orphans") == (1, 10) and orphan.exists()
    done = cli("--data", str(server.data), "files", "clean", "--kind", "orphans")
    assert done.stdout == "1 file, 10 B would be removed\n" and "--yes" in done.stderr, done
    done = cli("--data", str(server.data), "files", "clean", "--kind", "orphans", "--yes")
    assert done.stdout == "1 file, 10 B removed\n" and not orphan.exists(), done

    temp = server.data / "temp" / "left"
    temp.write_bytes(b"12345")
    assert clean(server, "temp", older_than_days=0) == (0, 0)  # somebody may be writing it
    age(temp, 1)
    assert clean(server, "temp", older_than_days=0, dry_run=False) == (1, 5) and not temp.exists()

    failed = client.wait_job(client.upload_null(3, model="fail_at=0", max_retries=0)["job_id"])
    assert failed["status"] == "failed", failed
    assert clean(server, "work") == (0, 0)
    found = clean(server, "work", older_than_days=0)
    assert found[0] >= 1 and clean(server, "work", older_than_days=0, dry_run=False) == found
    assert files_below(server, "work") == []

    assert client.post(f"/api/files/{kept}/archive").status == 200
    assert clean(server, "archive") == (0, 0)
    size = len(noise_wav(1, 1))
    assert clean(server, "archive", older_than_days=0) == (1, size)
    assert client.get(f"/api/files/{kept}/download").status == 200
    assert clean(server, "archive", older_than_days=0, dry_run=False) == (1, size)
    reply = client.get(f"/api/files/{kept}/download")
    assert reply.status == 404 and "upload it again" in reply.error["message"], reply
    assert client.post("/api/jobs", {"file_id": kept, **NULL}).status == 404
    assert client.post(f"/api/files/{kept}/restore").status == 409
    recount(server)
    assert bring(server) == kept
    assert client.get(f"/api/files/{kept}/download").status == 200
    recount(server)
    told = [(c["kind"], c["by"], c["file_id"], c["detail"]) for c in
            client.get("/api/changes").json["changes"] if c["kind"] != "file.archived"]
    assert told[:2] == [
        ("files.cleaned", "local", None, {"kind": "archive", "files": 1, "bytes": size}),
        ("file.purged", "local", kept, {})], told
    assert [row[3]["kind"] for row in told[2:]] == ["work", "temp", "orphans"], told
    reply = client.post("/api/files/clean", {"kind": "everything"})
    assert reply.status == 400 and reply.error["field"] == "kind", reply


def test_the_start_mends_and_reports(make_server):
    server = make_server(EXPORTS)
    client = server.client
    job = full_house(server)
    lost = bring(server)
    path = server.data / client.get(f"/api/files/{lost}").json["file_path"]
    server.stop()
    orphan = path.with_name(hashlib.sha256(b"y").hexdigest() + ".wav")
    path.rename(orphan)
    gone = "01932d6e-7c8b-7c3a-9f41-3d2a5be1c7aa"
    for below in ("transcripts", "logs/jobs", "work"):
        (server.data / below / gone).mkdir(parents=True)
    server.start()
    told = recovered(server)
    assert (told["missing"], told["orphans"]) == (1, 1), told
    assert client.get(f"/api/files/{lost}").json["damage"] == "missing"
    assert orphan.exists()  # reported, never removed unasked
    assert not [p for p in files_below(server, "transcripts", "logs/jobs", "work") if gone in p]
    assert [p for p in files_below(server, "transcripts") if job["job_id"] in p]
    server.stop()
    orphan.rename(path)
    server.start()
    assert recovered(server)["missing"] == 0
    assert client.get(f"/api/files/{lost}").json["damage"] is None


def test_counters_stay_right_over_random_operations(make_server):
    seed = int(os.environ.get("SEED", "0")) or random.SystemRandom().randrange(1, 1 << 31)
    print(f"SEED={seed}")
    rng = random.Random(seed)
    server = make_server({**EXPORTS, "SCRIPTA_WORKERS": 1})
    client = server.client
    model = {}  # file id -> [hash number, bytes are there]
    for _ in range(60):
        what = rng.choice(["bring", "bring", "job", "delete", "force", "archive", "restore",
                           "clean", "drop"])
        some = rng.choice(list(model)) if model else None
        if what == "bring":
            n = rng.randrange(4)
            made = client.upload(noise_wav(1, 40 + n), path="/api/files/upload")
            known = [f for f in model if model[f][0] == n]
            assert made.json["duplicate"] == bool(known), made
            model[made.json["file_id"]] = [n, True]
        elif what == "clean":
            clean(server, "archive", older_than_days=0, dry_run=False)
            for f in model:
                model[f][1] = client.get(f"/api/files/{f}").json["purged_at"] is None
        elif some is None:
            continue
        elif what == "job":
            made = client.post("/api/jobs", {"file_id": some, "force": True, **NULL})
            assert (made.status == 201) == model[some][1], made
            if made.status == 201 and rng.random() < 0.5:
                client.wait_job(made.json["job_id"])
        elif what == "drop":
            for job in client.get(f"/api/jobs?file_id={some}").json["jobs"][:1]:
                assert delete(client, f"/api/jobs/{job['job_id']}?force=1").status == 200
        elif what in ("archive", "restore"):
            assert client.post(f"/api/files/{some}/{what}").status in (200, 409)
        else:
            reply = delete(client, f"/api/files/{some}" + ("?force=1" if what == "force" else ""))
            assert reply.status == 200 or what == "delete" and reply.status == 409, reply
            if reply.status == 200:
                del model[some]
        assert {f["id"] for f in client.get("/api/files").json["files"]} == set(model)
        for f, (n, there) in model.items():
            got = client.get(f"/api/files/{f}/download")
            assert (got.status == 200 and got.body == noise_wav(1, 40 + n)) == there, (f, got)
    wait_until(lambda: count(server, "SELECT count(*) FROM files WHERE owner_id = -1") == 0 and
               count(server, "SELECT count(*) FROM jobs WHERE purge > 0") == 0, 20, "the sweeper")
    recount(server)
    there = {n for n, bytes_there in model.values() if bytes_there}
    assert len([p for p in files_below(server, "audio") if p.endswith(".wav")]) == len(there)
    assert rows(server, "PRAGMA foreign_key_check") == []
    assert pathlib.Path(server.data).exists()
