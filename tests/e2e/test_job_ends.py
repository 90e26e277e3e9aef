"""What is left of a job: its logs, its transcripts, times-to-live, cleaning."""

import json
import pathlib
import subprocess
import time

import pytest

from harness import PATIENCE, SCRIPTA, clean_environment, cli, cli_json, noise_wav, wait_until


def finished(client, seconds=2, seed=1, **options):
    job = client.wait_job(client.upload_null(seconds, seed=seed, **options)["job_id"])
    assert job["status"] == "completed", job
    return job


def failed(client, seed):
    made = client.upload(noise_wav(1, seed), engine="null", vad="off", model="fail_rate=1",
                         max_retries=0)
    job = client.wait_job(made.json["job_id"])
    assert job["status"] == "failed", job
    return job


def test_logs_and_transcripts_of_a_job(server):
    client = server.client
    job = finished(client, seed=401)
    path = f"/api/jobs/{job['job_id']}"
    logs = client.get(f"{path}/log").json["logs"]
    assert [log["stage"] for log in logs] == ["split", "transcribe", "merge"]
    assert any("decoded" in line for line in logs[0]["lines"]) and not logs[0]["cut"]
    one = client.get(f"{path}/log?stage=merge&lines=1").json["logs"]
    assert [len(log["lines"]) for log in one] == [1] and one[0]["lines"] == logs[2]["lines"][-1:]
    assert client.get(f"{path}/log?stage=convert").json == {"logs": []}
    reply = client.get(f"{path}/log?stage=../../x")
    assert (reply.status, reply.error["field"]) == (400, "stage")
    reply = client.get(f"{path}/log?lines=100000")
    assert (reply.status, reply.error["field"]) == (400, "lines")
    listed = client.get(f"{path}/transcripts").json["transcripts"]
    assert [t["id"] for t in listed] == [job["transcript_id"]]
    out = cli("jobs", "log", job["job_id"], "--stage", "split", data=server.data, check=0).stdout
    assert "split: " in out and "decoded" in out
    assert cli_json("jobs", "log", job["job_id"], data=server.data)["logs"][2]["stage"] == "merge"
    missing = "01932d6e-7c8b-7c3a-9f41-3d2a5be1c7aa"
    for part in ("log", "transcripts"):
        assert client.get(f"/api/jobs/{missing}/{part}").error["code"] == "JOB_NOT_FOUND"


def test_the_log_of_a_stage_as_text_and_in_parts(server):
    client = server.client
    job = finished(client, seed=402)
    path = f"/api/jobs/{job['job_id']}/log?stage=split&format=text"
    whole = client.get(path)
    lines = client.get(f"/api/jobs/{job['job_id']}/log?stage=split").json["logs"][0]["lines"]
    assert whole.status == 200 and whole.text.splitlines() == lines
    assert whole.headers["content-type"] == "text/plain; charset=utf-8"
    assert whole.headers["accept-ranges"] == "bytes"
    size, tag = len(whole.body), whole.headers["etag"]

    def part(value, **headers):
        return client.get(path, headers={"Range": value, **headers})

    for value, first, last in (("bytes=0-0", 0, 0), ("bytes=5-", 5, size - 1),
                               ("bytes=-7", size - 7, size - 1),
                               (f"bytes=3-{size * 9}", 3, size - 1)):
        reply = part(value)
        assert (reply.status, reply.body) == (206, whole.body[first:last + 1]), value
        assert reply.headers["content-range"] == f"bytes {first}-{last}/{size}"
    behind = part(f"bytes={size}-")
    assert (behind.status, behind.headers["content-range"]) == (416, f"bytes */{size}")
    assert behind.error["code"] == "RANGE_NOT_SATISFIABLE"
    # Several ranges, and one of what has changed since: everything.
    for reply in (part("bytes=0-1,4-5"), part("bytes=0-1", **{"If-Range": '"other"'})):
        assert (reply.status, reply.body) == (200, whole.body)
    assert part("bytes=0-1", **{"If-Range": tag}).status == 206
    assert client.get(path, headers={"If-None-Match": tag}).status == 304
    head = client.request("HEAD", path, headers={"Range": "bytes=0-0"})
    assert (head.status, head.headers["content-length"]) == (200, str(size))
    assert client.get(path, headers={"Accept": "image/png"}).status == 406
    # Nothing was noted: no bytes, and no range of them.
    empty = path.replace("split", "convert")
    assert (client.get(empty).status, client.get(empty).body) == (200, b"")
    assert client.get(empty, headers={"Range": "bytes=0-"}).status == 416
    for query, field in (("format=text", "stage"), ("format=xml", "format"),
                         ("format=text&stage=split&lines=3", "lines")):
        reply = client.get(f"/api/jobs/{job['job_id']}/log?{query}")
        assert (reply.status, reply.error["field"]) == (400, field)
    # JSON is made anew each time, and has no parts.
    reply = client.get(f"/api/jobs/{job['job_id']}/log", headers={"Range": "bytes=0-1"})
    assert reply.status == 200 and "accept-ranges" not in reply.headers


def test_times_to_live(make_server):
    """Rows of the queue, work files and logs end; job, transcript, export and upload stay."""
    server = make_server({"SCRIPTA_QUEUE_RESULT_TTL": "200ms", "SCRIPTA_KEEP_CHUNKS": "on",
                          "SCRIPTA_QUEUE_FAILURE_TTL": "200ms", "SCRIPTA_LOG_MAX_AGE": "1s"})
    client = server.client
    good, bad = finished(client, seed=2), failed(client, 3)
    for job in (good, bad):
        wait_until(lambda j=job: not (server.data / "logs" / "jobs" / j["job_id"]).exists(), 20,
                   "the logs have gone")
        wait_until(lambda j=job: not (server.data / "work" / j["job_id"]).exists(), 20,
                   "the work files have gone")
    assert client.get(f"/api/jobs/{good['job_id']}/log").json == {"logs": []}
    assert client.transcript(good)["text"] == "t0 t1"
    wait_until((server.data / "transcripts" / good["job_id"] / "transcript.srt").exists, 20,
               "the automatic export")
    assert (server.data / good["input_file_path"]).exists()
    chunks = client.get(f"/api/jobs/{good['job_id']}/chunks").json["chunks"]
    assert [(c["status"], c["text"]) for c in chunks] == [("done", "t0 t1")]
    reply = client.post(f"/api/jobs/{bad['job_id']}/retry")
    assert (reply.status, reply.error["code"]) == (409, "CONFLICT")
    # The same work is still answered by the job that did it.
    again = client.upload(noise_wav(2, 2), engine="null", vad="off")
    assert (again.status, again.json["job_id"]) == (200, good["job_id"])


def test_clean(make_server):
    server = make_server()
    client = server.client
    good, bad = finished(client, seed=4), failed(client, 5)
    waits = client.post("/api/jobs", {"pipeline": "noop", "run_after": "1h"}).json["job_id"]
    srt = f"transcripts/{good['job_id']}/transcript.srt"
    wait_until(lambda: client.transcript(good)["srt_path"] == srt, 60, "the automatic export")
    clean = ["jobs", "clean", "--older-than", "0"]
    assert cli("jobs", "clean", data=server.data).returncode == 2
    # Nobody can be asked here, so nothing goes without a word.
    unsure = cli(*clean, data=server.data)
    assert unsure.returncode == 2 and "--yes" in unsure.stderr and "--dry-run" in unsure.stderr
    assert cli("jobs", "clean", "--older-than", "1", "--yes",
               data=server.data).stdout == "0 jobs removed\n"
    out = cli(*clean, "--dry-run", data=server.data, check=0).stdout
    assert out == "2 jobs would be removed\n"
    assert cli_json(*clean, "--status", "failed", "-y", data=server.data) == {"jobs": 1,
                                                                        "dry_run": False}
    assert client.get(f"/api/jobs/{bad['job_id']}").status == 404
    assert cli(*clean, "-y", data=server.data, check=0).stdout == "1 job removed\n"
    assert [j["job_id"] for j in client.get("/api/jobs").json["jobs"]] == [waits]
    # Its transcript stays, without it; the same work is done anew.
    transcript = client.transcript(good)
    assert transcript["text"] == "t0 t1" and transcript["job_id"] is None
    # Its exports stay as they are: nobody writes them again.
    assert transcript["srt_path"] is None and (server.data / srt).exists()
    again = client.upload(noise_wav(2, 4), engine="null", vad="off")
    assert again.status == 201 and again.json["duplicate"] is True
    again = client.wait_job(again.json["job_id"])
    assert cli(*clean, "--with-transcripts", "-y", data=server.data,
               check=0).stdout == "1 job removed\n"
    assert client.get(f"/api/transcripts/{again['transcript_id']}").status == 404
    assert not (server.data / "transcripts" / again["job_id"]).exists()
    assert client.get(f"/api/files/{good['file_id']}").status == 200
    assert client.get("/api/stats").json["jobs_by_status"]["completed"] == 0
    assert server.stop() == 0
    server.check_database()


@pytest.mark.parametrize("value,field", [
    ({"older_than_days": -1}, "older_than_days"), ({"status": "pending"}, "status"),
    ({"status": "CHUNKED"}, "status"), ({"all": True}, "all"), ({"dry_run": 1}, "dry_run"),
])
def test_what_is_wrong_is_named(client, value, field):
    reply = client.post("/api/jobs/clean", value)
    assert (reply.status, reply.error["field"]) == (400, field), reply


@pytest.mark.parametrize("point", ["clean.slice", "purge.folders"])
def test_a_killed_clean_goes_on_at_the_next_start(make_server, point):
    server = make_server({"SCRIPTA_FAULT": f"{point}:kill:1"})
    job = finished(server.client, 3, seed=6)
    done = subprocess.run([str(SCRIPTA), "--data", str(server.data), "jobs", "clean",
                           "--older-than", "0", "--with-transcripts", "-y", "--server",
                           f"unix:{server.socket}"], capture_output=True, timeout=PATIENCE, check=False,
                          env=clean_environment())
    assert done.returncode != 0
    server.process.wait(PATIENCE)
    server.process = None
    server.env.pop("SCRIPTA_FAULT")
    server.start()
    assert server.client.get(f"/api/jobs/{job['job_id']}").status == 404
    # Bytes and folders go before the last row does.
    wait_until(lambda: not (server.data / "transcripts" / job["job_id"]).exists(), 30, "cleaned")
    wait_until(lambda: server.client.get("/api/transcripts").json["transcripts"] == [], 30,
               "the rows are cleaned")
    assert server.stop() == 0
    server.check_database()


def test_an_idle_server_sleeps(make_server):
    """Upkeep is told what is due; nothing wakes it meanwhile."""
    server = make_server()
    finished(server.client, seed=7)

    def switches():
        for task in pathlib.Path(f"/proc/{server.pid}/task").iterdir():
            if (task / "comm").read_text() == "upkeep\n":
                text = (task / "status").read_text()
                return int(text.split("voluntary_ctxt_switches:")[1].split()[0])
        raise AssertionError("no thread of upkeep")

    def sleeps():
        before = switches()
        time.sleep(1.5)
        return switches() - before <= 1  # it was 6 when it looked four times a second

    wait_until(sleeps, 30, "rest")


def test_a_lease_is_still_ended_in_time(make_server):
    """The sweep comes when a lease ends, though nothing wakes the server before."""
    server = make_server({"SCRIPTA_QUEUE_LEASE": "700ms", "SCRIPTA_WORKERS": 1})
    client = server.client
    worker = client.post("/api/worker/register", {"name": "ghost", "host": "far", "pid": 1,
                                                  "local": False, "engines": ["null"],
                                                  "device": "cpu"}).json["worker_id"]
    job_id = client.post("/api/jobs", {"pipeline": "noop", "run_after": "1s"}).json["job_id"]
    claim = client.post("/api/worker/claim", {"worker_id": worker, "lanes": ["noop"], "max": 1,
                                              "wait_ms": 5000}).json["tasks"]
    if claim:  # else the local worker was faster
        assert claim[0]["job_id"] == job_id
    assert client.wait_job(job_id, 15)["status"] == "completed"
    kinds = [e["type"] for e in client.events(job_id)]
    assert not claim or "task_interrupted" in kinds, json.dumps(kinds)
