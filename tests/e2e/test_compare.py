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


def test_the_command_line_shows_what_differs(client, done, shared):
    """Between any two versions, in each form."""
    made = client.request("POST", f"/api/files/{done['file_id']}/transcripts?format=txt",
                          body=b"One, two.\nThree four.\nFive.\n",
                          headers={"Content-Type": "application/octet-stream"})
    made = made.json["transcript_id"]
    segments = [s["id"] for s in client.get(f"/api/transcripts/{made}").json["segments"]]
    assert len(segments) == 3
    for text in ("one two", "one too"):
        cli("transcripts", "edit", "-s", segments[0], "-t", text, made, data=shared.data, check=0)

    def compare(*args):
        return cli("transcripts", "compare", made, *args, data=shared.data, check=0).stdout

    for args, versions, words in (
            ((), (2, 3), "one [-two-]{+too+}"), (("1", "2"), (1, 2), "[-One, two.-]{+one two+}"),
            (("2",), (1, 2), "[-One, two.-]{+one two+}"),
            (("3", "1"), (3, 1), "[-one too-]{+One, two.+}"),
            (("1", "3", "--loose"), (1, 3), "one [-two.-]{+too+}")):
        shown = compare(*args).splitlines()
        assert shown[0] == f"transcript {made} version {versions[0]} -> " \
                           f"transcript {made} version {versions[1]}", shown
        assert shown[1].startswith("~ ") and shown[1].endswith(words), shown
        assert "Three four." in shown[2] and "Five." in shown[3], shown
    assert "no differences" in compare("1", "2", "--loose")
    assert "Three" in compare("-U", "1") and "Five" not in compare("-U", "1")
    assert "Three" not in compare("--context", "0")
    coloured = compare("--word-diff", "color")
    assert "\x1b[" in coloured and "[-" not in coloured
    lines = compare("--unified", "1", "3").splitlines()
    assert lines[0].startswith("--- ") and lines[1].startswith("+++ ")
    assert "-One, two." in lines and "+one too" in lines and " Three four." in lines
    html = compare("--html", "-U", "0")
    assert "<del>two</del>" in html and "<ins>too</ins>" in html and "Three" not in html
