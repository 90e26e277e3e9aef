"""Figures: kept counters seen from outside, grouped, on the command line, in the queue."""

import pytest

from harness import cli, cli_json, noise_wav, wait_until


@pytest.fixture(scope="module")
def stats(shared):
    """What the shared server says after two recordings, one of them brought twice."""
    client = shared.client
    before = client.get("/api/stats").json
    for seconds, seed in ((4, 91), (2, 92), (4, 91)):
        made = client.upload(noise_wav(seconds, seed), engine="null", vad="off", language="nl")
        job = client.wait_job(made.json["job_id"])
        assert job["status"] == "completed", job
    bad = client.upload(noise_wav(1, 93), engine="null", vad="off", model="fail_rate=1",
                        max_retries=0).json["job_id"]
    assert client.wait_job(bad)["status"] == "failed"
    return before, client.get("/api/stats").json


def test_the_overview(stats):
    before, after = stats
    assert after["total_files"] == before["total_files"] + 3
    assert after["total_duration_seconds"] == before["total_duration_seconds"] + 7
    assert after["jobs_by_status"]["completed"] == before["jobs_by_status"]["completed"] + 2
    assert after["jobs_by_status"]["failed"] == before["jobs_by_status"]["failed"] + 1
    assert after["total_jobs"] == before["total_jobs"] + 3
    assert after["duplicates"] == {"hashes": before["duplicates"]["hashes"] + 1,
                                   "uploads": before["duplicates"]["uploads"] + 1}
    size = len(noise_wav(4, 91))
    assert after["storage"]["saved_bytes"] == before["storage"]["saved_bytes"] + size
    assert after["average_speed"] > 0 and after["average_processing_time"] > 0
    dutch = [x for x in after["languages"] if x["language"] == "nl"]
    assert [(x["jobs"], x["duration_seconds"]) for x in dutch] == [(2, 6.0)], after["languages"]
    failing = [x for x in after["models"] if x["model"] == "fail_rate=1"]
    assert [(x["engine"], x["jobs"], x["completed"], x["speed"]) for x in failing] == [
        ("null", 1, 0, None)]
    assert sum(day["jobs"] for day in after["days"]) == after["total_jobs"]
    assert after["queue"]["throughput"]["hour"]["jobs"] >= 2


def test_queries(client, stats):
    rows = client.get("/api/stats/query?group_by=language,status").json
    assert rows["group_by"] == ["language", "status"] and rows["measure"] == "jobs"
    assert {"language": "nl", "status": "completed", "value": 2} in rows["rows"], rows
    rows = client.get("/api/stats/query?group_by=language&measure=duration_seconds&since=1d").json
    assert {"language": "nl", "value": 6.0} in rows["rows"], rows
    for until in ("2020-01-01", "1970-01-01"):
        rows = client.get(f"/api/stats/query?group_by=month&until={until}").json["rows"]
        assert rows == []
    assert client.get("/api/stats/query").json["rows"] == [{"value": stats[1]["total_jobs"]}]


@pytest.mark.parametrize("query,field", [
    ("group_by=owner", "group_by"), ("group_by=day,day", "group_by"),
    ("group_by=day,status,model", "group_by"), ("measure=cost", "measure"),
    ("since=never", "since"), ("by=day", "by"),
])
def test_what_is_wrong_is_named(client, query, field):
    reply = client.get(f"/api/stats/query?{query}")
    assert (reply.status, reply.error["field"]) == (400, field), reply


def test_the_command_line(server, stats):
    out = cli("stats", data=server.data, check=0).stdout
    assert "x real time" in out and "saved by duplicates" in out and "LANGUAGE" in out, out
    assert cli_json("stats", data=server.data)["total_jobs"] == stats[1]["total_jobs"]
    out = cli("stats", "query", "--group-by", "language,status", data=server.data, check=0).stdout
    assert ["nl", "completed", "2"] in [line.split() for line in out.splitlines()], out
    assert cli("stats", "query", "--measure", "x", data=server.data).returncode == 2


def test_throughput_of_the_queue(client, stats):
    def hour():
        return client.get("/api/queue").json["throughput"]["hour"]

    before = hour()
    client.wait_job(client.post("/api/jobs", {"pipeline": "noop"}).json["job_id"])
    after = wait_until(lambda: (h := hour())["jobs"] > before["jobs"] and h, 5, "one more job")
    assert after["jobs"] == before["jobs"] + 1


def test_the_queue_on_the_command_line(make_server):
    server = make_server()
    server.client.wait_job(server.client.upload_null(3)["job_id"])
    server.client.post("/api/queue/high/pause")
    server.client.upload_null(1, seed=1, priority="high")
    out = cli("queue", data=server.data, check=0).stdout
    assert "last hour   1 completed, 0:03 of audio\n" in out, out
    assert "high is paused: `scripta queue resume high` goes on" in out and "\033" not in out
    assert "local-1" in out and "SEEN" in out
