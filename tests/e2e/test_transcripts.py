"""/api/transcripts and their exports."""

import json
import re

import pytest

from harness import noise_wav, null_words, wait_until


@pytest.fixture(scope="module")
def done(shared):
    """A finished job of 65 s and its transcript."""
    job = shared.client.wait_job(shared.client.upload_null(65, seed=31)["job_id"])
    assert job["status"] == "completed", job
    return job, shared.client.transcript(job)


def test_a_transcript_has_its_text_segments_and_words(done):
    job, transcript = done
    assert transcript["job_id"] == job["job_id"] and transcript["file_id"] == job["file_id"]
    assert (transcript["status"], transcript["version"]) == ("complete", 1)
    assert transcript["segment_count"] == len(transcript["segments"])
    assert transcript["word_count"] == 65
    words = [w for s in transcript["segments"] for w in s["words"]]
    assert [w["word"] for w in words] == null_words(65)
    for i, w in enumerate(words):
        assert abs(w["start"] - i) < 0.002 and abs(w["end"] - (i + 1)) < 0.002, w
    starts = [s["start"] for s in transcript["segments"]]
    assert starts == sorted(starts)
    assert len({s["id"] for s in transcript["segments"]}) == len(transcript["segments"])
    for s in transcript["segments"]:
        assert s["start"] <= s["end"] and s["text"].split() == [w["word"] for w in s["words"]]


def test_lists_leave_out_the_text(client, done):
    job, transcript = done
    for query in (f"job_id={job['job_id']}", f"file_id={job['file_id']}"):
        rows = client.get(f"/api/transcripts?{query}").json["transcripts"]
        assert [r["id"] for r in rows] == [transcript["id"]]
        assert "segments" not in rows[0] and "text" not in rows[0]
    rows = client.get("/api/transcripts?limit=1").json
    assert len(rows["transcripts"]) == 1


@pytest.mark.parametrize("query", ["job_id=nonsuch", "file_id=999999"])
def test_lists_of_nothing(client, query):
    reply = client.get(f"/api/transcripts?{query}")
    assert reply.status in (200, 400, 404)
    if reply.status == 200:
        assert reply.json["transcripts"] == []


def test_export_txt(client, done):
    _, transcript = done
    reply = client.get(f"/api/transcripts/{transcript['id']}/export.txt")
    assert reply.status == 200
    assert reply.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert reply.text.split() == null_words(65) and reply.text.endswith("\n")


def test_export_srt(client, done):
    _, transcript = done
    reply = client.get(f"/api/transcripts/{transcript['id']}/export.srt")
    assert reply.status == 200 and reply.headers["Content-Type"].startswith("application/x-subrip")
    cues = re.findall(r"(\d+)\r?\n(\d\d):(\d\d):(\d\d),(\d{3}) --> (\d\d):(\d\d):(\d\d),(\d{3})\r?\n"
                      r"((?:.+\r?\n)+)", reply.text)
    assert [int(c[0]) for c in cues] == list(range(1, len(cues) + 1))
    assert " ".join(c[9] for c in cues).split() == null_words(65)
    times = [(3600 * int(c[1]) + 60 * int(c[2]) + int(c[3]) + int(c[4]) / 1000,
              3600 * int(c[5]) + 60 * int(c[6]) + int(c[7]) + int(c[8]) / 1000) for c in cues]
    assert all(a <= b for a, b in times) and times == sorted(times)
    assert abs(times[-1][1] - 65) < 0.01


def test_export_json(client, done):
    _, transcript = done
    reply = client.get(f"/api/transcripts/{transcript['id']}/export.json")
    assert reply.status == 200 and reply.headers["Content-Type"].startswith("application/json")
    value = json.loads(reply.text)
    assert [w["word"] for s in value["segments"] for w in s["words"]] == null_words(65)


def test_an_export_is_a_download(client, done):
    _, transcript = done
    for ext in ("txt", "srt", "json"):
        headers = client.get(f"/api/transcripts/{transcript['id']}/export.{ext}").headers
        assert headers["Content-Disposition"].startswith("attachment")
        assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path, status", [
    ("/api/transcripts/999999", 404), ("/api/transcripts/abc", 404),
    ("/api/transcripts/999999/export.txt", 404), ("/api/transcripts/%00", 400),
])
def test_unknown_transcripts(client, path, status):
    reply = client.get(path)
    assert reply.status in (status, 404, 400), reply
    if reply.status == 404:
        assert reply.error["code"] in ("TRANSCRIPT_NOT_FOUND", "NOT_FOUND")


@pytest.mark.parametrize("ext", ["exe", "TXT", "tx", ""])
def test_unknown_formats(client, done, ext):
    reply = client.get(f"/api/transcripts/{done[1]['id']}/export.{ext}")
    assert reply.status in (400, 404), reply


@pytest.mark.threads
def test_a_partial_transcript_can_be_read_while_work_goes_on(client):
    for delay_ms in (700, 7000, 70000):  # so that the busiest machine does not look too late
        reply = client.upload(noise_wav(240, 32), engine="null", vad="off",
                              model=f"delay_ms={delay_ms}")
        job_id = reply.json["job_id"]
        wait_until(lambda j=job_id: client.job(j)["chunks_completed"] >= 1, 30, "a chunk")
        job = client.job(job_id)
        assert job["transcript_id"] is not None
        partial = client.transcript(job)
        if partial["status"] != "complete":
            break
    assert (partial["status"], partial["version"]) == ("partial", 0)
    assert set(partial["text"].split()) <= set(null_words(240)) and partial["text"]
    job = client.wait_job(job_id, 600)
    whole = client.transcript(job)
    assert (whole["status"], whole["version"]) == ("complete", 1)
    assert whole["id"] == partial["id"]
    assert whole["text"].split() == null_words(240)


def test_captions_are_written_on_completion(server, client, done):
    job, _ = done
    path = server.data / "transcripts" / job["job_id"] / "transcript.srt"
    wait_until(path.exists, 10, str(path))
    shown = client.get(f"/api/transcripts/{job['transcript_id']}/export.srt").body
    assert path.read_bytes() == shown
