"""Filters, orders and pages of the list of jobs, over HTTP and on the command line."""

import pytest

from harness import cli, cli_json, noise_wav


def ids(client, query):
    """All ids that a filter lets through, page by page."""
    out, cursor = [], ""
    while True:
        reply = client.get(f"/api/jobs?limit=2&{query}" + (f"&cursor={cursor}" if cursor else ""))
        assert reply.status == 200, reply
        out += [job["job_id"] for job in reply.json["jobs"]]
        cursor = reply.json["next_cursor"]
        if not cursor:
            return out


@pytest.fixture(scope="module")
def jobs(shared):
    """Five jobs that differ: three empty ones, a transcription, one that failed."""
    client = shared.client
    made = [client.post("/api/jobs", {"pipeline": "noop", "name": f"Empty {i}",
                                      "priority": p}).json["job_id"]
            for i, p in enumerate(("high", "normal", "low"))]
    made.append(client.upload(noise_wav(2, 4), name="talk.wav", engine="null", vad="off",
                              language="de").json["job_id"])
    made.append(client.upload(noise_wav(1, 5), name="bad.wav", engine="null", vad="off",
                              model="fail_rate=1", max_retries=0).json["job_id"])
    for job in made:
        client.wait_job(job)
    return made


def test_filters(client, jobs):
    a, b, c, talk, bad = jobs
    file_id = client.job(talk)["file_id"]
    for query, wanted in [
        ("pipeline=noop", [c, b, a]),
        ("pipeline=noop&sort=created_at", [a, b, c]),
        ("priority=low", [c]),
        ("engine=null", [bad, talk]),
        ("engine=null&status=failed", [bad]),
        ("model=fail_rate%3D1", [bad]),
        ("stage=noop&priority=high", [a]),
        ("language=de", [talk]),
        ("language=DEU", [talk]),
        ("language=german", [talk]),
        ("language=auto", [bad, c, b, a]),
        (f"file_id={file_id}", [talk]),
        ("name=Empty%201", [b]),
        ("name=talk.wav", [talk]),
        ("search=EMPTY&priority=normal", [b]),
        ("error_code=ENGINE_ERROR", [bad]),
        ("status=ERROR", [bad]),
        ("status=NEW", []),
        ("tag=none", []),
        ("created_since=1h&search=wav", [bad, talk]),
        ("created_until=2020-01-01", []),
        ("created_until=1970-01-01", []),
        ("updated_since=2020-01-01T00:00:00Z&search=talk", [talk]),
        ("updated_until=1d", []),
        ("sort=-duration_seconds", [talk, bad]),
        ("sort=duration_seconds", [bad, talk]),
    ]:
        assert ids(client, query) == wanted, query
    assert ids(client, "sort=completed_at") == ids(client, "sort=-completed_at")[::-1]
    assert sorted(ids(client, "sort=completed_at")) == sorted(jobs)


@pytest.mark.parametrize("query,field", [
    ("stage=chunk", "stage"), ("priority=urgent", "priority"), ("sort=name", "sort"),
    ("error_code=OOPS", "error_code"), ("tag=", "tag"), ("created_since=soon", "created_since"),
    ("limit=501", "limit"), ("colour=red", "colour"), ("sort=created_at&cursor=j5", "cursor"),
])
def test_what_is_wrong_is_named(client, query, field):
    reply = client.get(f"/api/jobs?{query}")
    assert (reply.status, reply.error["field"]) == (400, field), reply


def test_a_search_that_takes_long_says_so_and_goes_on(make_server):
    """The fault stands for the 50 ms that a search may take."""
    server = make_server({"SCRIPTA_FAULT": "jobs.list:fail:3"})
    client = server.client
    made = [client.post("/api/jobs", {"pipeline": "noop", "name": f"n{i}"}).json["job_id"]
            for i in range(6)]
    page = client.get("/api/jobs?search=n0").json
    assert page["jobs"] == [] and page["partial"] is True and page["next_cursor"], page
    rest = client.get(f"/api/jobs?search=n0&cursor={page['next_cursor']}").json
    assert [job["job_id"] for job in rest["jobs"]] == made[:1]
    assert rest["partial"] is False and rest["next_cursor"] is None


def test_the_command_line_has_every_filter(server, jobs):
    a, _, _, talk, bad = jobs
    for args, wanted in [
        (["--search", "talk", "--engine", "null"], [talk]),
        (["--priority", "high", "--pipeline", "noop", "--stage", "noop"], [a]),
        (["--error-code", "ENGINE_ERROR", "--created-since", "1d"], [bad]),
        (["--sort=-duration_seconds", "-n", "1"], [talk]),
        (["--language", "de", "--updated-since", "1d", "--name", "talk.wav"], [talk]),
        (["--tag", "x"], []),
    ]:
        listed = cli_json("jobs", "list", *args, data=server.data)["jobs"]
        assert [job["job_id"] for job in listed] == wanted, args
    assert "no jobs" in cli("jobs", "list", "--tag", "x", data=server.data, check=0).stderr
