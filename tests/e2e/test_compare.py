"""Comparing transcripts: GET /api/transcripts/{id}/compare and `scripta transcripts compare`."""

import pytest

from harness import cli, cli_json, null_words


@pytest.fixture(scope="module")
def done(shared):
    """A finished job of 12 s and its transcript."""
    job = shared.client.wait_job(shared.client.upload_null(12, seed=77)["job_id"])
    assert job["status"] == "completed", job
    return shared.client.transcript(job)


def test_a_transcript_does_not_differ_from_itself(client, done):
    t = done["id"]
    found = client.get(f"/api/transcripts/{t}/compare?with={t}").json
    assert found["from"] == found["to"] == {"transcript_id": t, "version": 1}
    assert found["words"] == {"from": 12, "to": 12, "same": 12, "replaced": 0, "added": 0,
                              "removed": 0, "error_rate": 0}
    run, = found["word_operations"]
    assert run["op"] == "same" and run["from"] == run["to"]
    assert run["to"]["text"] == " ".join(null_words(12))
    assert {o["op"] for o in found["segment_operations"]} == {"same"}
    reply = client.get(f"/api/transcripts/{t}/compare?with={t}&format=html")
    assert reply.headers["Content-Type"] == "text/html; charset=utf-8"
    assert reply.text.startswith('<div class="scripta-compare"')
    assert client.get(f"/api/transcripts/{t}/compare?with={t}&format=unified").text == ""


@pytest.mark.parametrize("query, status, code, field", [
    ("", 404, "VERSION_NOT_FOUND", "v1"),
    ("?v2=2", 404, "VERSION_NOT_FOUND", "v2"),
    ("?v1=2", 404, "VERSION_NOT_FOUND", "v1"),
    ("?with=999999", 404, "TRANSCRIPT_NOT_FOUND", "with"),
    ("?format=pdf", 400, "INVALID_VALUE", "format"),
    ("?context=-1", 400, "INVALID_VALUE", "context"),
])
def test_what_cannot_be_compared_is_refused(client, done, query, status, code, field):
    reply = client.get(f"/api/transcripts/{done['id']}/compare{query}")
    assert (reply.status, reply.json["error"]["code"]) == (status, code), reply.text
    assert reply.json["error"]["field"] == field


def test_another_recording_is_refused(client, done, shared):
    job = client.wait_job(client.upload_null(3, seed=78)["job_id"])
    other = client.transcript(job)["id"]
    reply = client.get(f"/api/transcripts/{done['id']}/compare?with={other}")
    assert reply.status == 400 and reply.json["error"]["field"] == "with"
    assert "another recording" in reply.json["error"]["message"]


def test_the_command_line_compares(done, shared):
    t = done["id"]
    shown = cli("transcripts", "compare", t, "--with", t, data=shared.data, check=0).stdout
    assert shown == (f"transcript {t} version 1 -> transcript {t} version 1\n"
                     "no differences\n")
    found = cli_json("transcripts", "diff", t, "--with", t, data=shared.data)
    assert found["words"]["same"] == 12
    failed = cli("transcripts", "diff", t, "--word-diff", "x", data=shared.data, check=2)
    assert "plain or color" in failed.stderr
    failed = cli("transcripts", "diff", t, data=shared.data, check=3)
    assert "no version before 1" in failed.stderr
