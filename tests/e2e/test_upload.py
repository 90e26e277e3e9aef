"""POST /api/upload and /api/files/upload, GET /api/files: what comes in, and what must not."""

import gzip
import hashlib
import io
import os
import pathlib
import shutil
import struct
import subprocess
import wave

import pytest

from harness import (Client, bursts_wav, cli, multipart, noise_wav, null_words, silence_wav,
                     tone_wav, wait_until, wav)

JOB_FIELDS = {
    "job_id", "file_id", "file_name", "name", "pipeline", "engine", "engine_version", "model",
    "task", "language", "detected_language", "priority", "priority_order", "settings", "status",
    "stage", "progress", "eta_seconds", "queue_position", "chunks_total", "chunks_completed",
    "retry_count", "dead_letter", "duration_seconds", "processing_time", "error_code",
    "error_message", "error_stage", "error_chunk", "transcript_id", "created_at", "started_at",
    "completed_at", "updated_at", "run_after", "campaign_id", "compute_type", "device", "worker_id",
    "input_file_path", "chunks_dir_path", "converted_chunks_dir_path", "output_file_path",
}
FILE_FIELDS = {
    "id", "file_hash", "original_name", "file_path", "size_bytes", "format", "codec",
    "duration_seconds", "sample_rate", "channels", "bit_rate", "metadata", "tags", "notes",
    "uploaded_at", "archived_at",
}


def wait_for_no_temp(server):
    """What was spooled goes with its request, a moment after the answer."""
    wait_until(lambda: not list(server.data.glob("temp/*")), 10, "temp is empty")


@pytest.mark.threads
def test_upload_makes_a_job_that_ends_in_the_exact_text(client):
    reply = client.upload(noise_wav(7, 1), engine="null", vad="off")
    assert reply.status == 201
    assert reply.headers["Content-Type"].startswith("application/json")
    made = reply.json
    assert made["duplicate"] is False
    assert made["status"] in ("pending", "processing")
    assert JOB_FIELDS <= set(made), JOB_FIELDS - set(made)
    job = client.wait_job(made["job_id"])
    assert (job["status"], job["progress"]) == ("completed", 100)
    assert client.transcript(job)["text"].split() == null_words(7)


@pytest.mark.parametrize("seconds", [1, 29, 30, 31, 59, 60, 100])
def test_every_second_is_said_once_across_seams(client, seconds):
    job = client.wait_job(client.upload_null(seconds, seed=seconds + 1000)["job_id"])
    assert job["status"] == "completed", job
    assert client.transcript(job)["text"].split() == null_words(seconds)
    assert abs(job["duration_seconds"] - seconds) < 0.1


def test_the_same_work_is_answered_with_the_earlier_job(client):
    first = client.upload(noise_wav(3, 2), engine="null", vad="off")
    again = client.upload(noise_wav(3, 2), engine="null", vad="off", name="other-name.wav")
    assert (first.status, again.status) == (201, 200)
    assert again.json["job_id"] == first.json["job_id"]
    assert again.json["duplicate"] is True
    client.wait_job(first.json["job_id"])
    after = client.upload(noise_wav(3, 2), engine="null", vad="off")
    assert (after.status, after.json["job_id"]) == (200, first.json["job_id"])


def test_other_options_or_force_make_another_job_of_the_same_file(client):
    first = client.upload(noise_wav(3, 3), engine="null", vad="off").json
    other = client.upload(noise_wav(3, 3), engine="null", vad="on")
    forced = client.upload(noise_wav(3, 3), engine="null", vad="off", force="true")
    assert (other.status, forced.status) == (201, 201)
    assert len({first["job_id"], other.json["job_id"], forced.json["job_id"]}) == 3
    assert {first["file_id"], other.json["file_id"], forced.json["file_id"]} == {first["file_id"]}
    assert other.json["duplicate"] is True


def test_fields_may_come_in_any_order(client):
    before = client.upload(noise_wav(2, 4), engine="null", vad="off", priority="high")
    after = client.upload(noise_wav(2, 5), file_first=True, engine="null", vad="off",
                          priority="high")
    for reply in (before, after):
        assert reply.status == 201
        assert reply.json["engine"] == "null"
        assert reply.json["priority"] == "high"


def test_a_file_alone_is_kept_without_a_job(client):
    data = noise_wav(2, 6)
    first = client.upload(data, path="/api/files/upload", name="only file.wav")
    again = client.upload(data, path="/api/files/upload")
    assert (first.status, again.status) == (201, 200)
    assert (first.json["duplicate"], again.json["duplicate"]) == (False, True)
    assert first.json["file_id"] == again.json["file_id"]
    shown = client.get(f"/api/files/{first.json['file_id']}").json
    assert FILE_FIELDS <= set(shown), FILE_FIELDS - set(shown)
    assert shown["file_hash"] == hashlib.sha256(data).hexdigest()
    assert shown["original_name"] == "only file.wav"
    assert (shown["size_bytes"], shown["format"]) == (len(data), "wav")
    assert (shown["sample_rate"], shown["channels"]) == (8000, 1)
    assert client.get(f"/api/jobs?file_id={shown['id']}").json["jobs"] == []


def test_the_bytes_lie_under_their_hash(server, client):
    data = noise_wav(2, 7)
    made = client.upload(data, path="/api/files/upload", name="x.mp3").json
    found = [p for p in server.data.glob("audio/uploads/*/*/*")
             if p.name == hashlib.sha256(data).hexdigest() + ".wav"]
    assert len(found) == 1 and found[0].read_bytes() == data
    assert made["file_path"].endswith(found[0].name)


def test_files_are_listed_newest_first_page_by_page(client):
    made = [client.upload(noise_wav(1, 100 + i), path="/api/files/upload").json["file_id"]
            for i in range(5)]
    seen, cursor = [], ""
    while True:
        page = client.get("/api/files?limit=2" + (f"&cursor={cursor}" if cursor else "")).json
        assert len(page["files"]) <= 2
        seen += [f["id"] for f in page["files"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen[:5] == made[::-1]
    assert len(seen) == len(set(seen))


def encode(folder, name, *options):
    """A 3 s tone through Debian's ffmpeg; its bytes."""
    source, target = folder / "in.wav", folder / name
    source.write_bytes(tone_wav(3))
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", "-i", str(source), *options,
                    str(target)], check=True, stdin=subprocess.DEVNULL)
    return target.read_bytes()


needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")


@needs_ffmpeg
@pytest.mark.parametrize("name, options", [
    ("a.mp3", ["-b:a", "64k"]), ("a.flac", []), ("a.ogg", ["-c:a", "libvorbis"]),
    ("a.opus", []), ("a.m4a", ["-c:a", "aac"]), ("a.webm", ["-c:a", "libopus"]),
    ("a.mkv", ["-c:a", "flac"]), ("a.aiff", []), ("a.wma", []), ("a.aac", []),
    ("a.wav", ["-ar", "44100", "-ac", "2", "-c:a", "pcm_s24le"]),
    ("a.wav", ["-c:a", "pcm_mulaw", "-ar", "8000"]), ("a.au", []), ("a.caf", []),
])
def test_what_ffmpeg_writes_is_taken(client, folder, name, options):
    # Misnamed on purpose: the content decides.
    reply = client.upload(encode(folder, name, *options), name="recording.xyz", engine="null",
                          vad="off", force="true")
    assert reply.status == 201, reply
    job = client.wait_job(reply.json["job_id"])
    assert job["status"] == "completed", job
    assert abs(job["duration_seconds"] - 3) < 0.15
    assert client.transcript(job)["text"].split()[:3] == null_words(3)


@needs_ffmpeg
def test_video_with_sound_is_taken_and_without_is_refused(client, folder):
    picture = ["-f", "lavfi", "-i", "color=c=red:s=64x64:d=3", "-shortest"]
    reply = client.upload(encode(folder, "v.mp4", *picture), engine="null", vad="off")
    assert reply.status == 201, reply
    assert client.get(f"/api/files/{reply.json['file_id']}").json["format"] == "mp4"
    mute = client.upload(encode(folder, "m.mp4", *picture, "-an"), engine="null")
    assert (mute.status, mute.error["code"]) == (400, "FILE_FORMAT")


def lying_wav(data_bytes):
    """A header that promises data_bytes of PCM and brings 100 ms."""
    head = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", min(data_bytes + 36, 0xffffffff), b"WAVE",
                       b"fmt ", 16, 1, 1, 8000, 16000, 2, 16, b"data", min(data_bytes, 0xffffffff))
    return head + bytes(1600)


def odd_wav(rate=8000, channels=1, width=2, frames=b"\0" * 1600):
    out = io.BytesIO()
    with wave.open(out, "wb") as f:
        f.setnchannels(channels)
        f.setsampwidth(width)
        f.setframerate(rate)
        f.writeframes(frames)
    return out.getvalue()


NOT_AUDIO = {
    "empty": b"",
    "one byte": b"R",
    "text": b"This is a letter, not a recording.\n" * 50,
    "only a header": odd_wav(frames=b""),
    "half a header": odd_wav()[:20],
    "png": b"\x89PNG\r\n\x1a\n" + bytes(500),
    "html": b"<html><body>hello</body></html>" * 20,
    "hls playlist": b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile:///etc/passwd\n",
    "hls with audio": b"#EXTM3U\n#EXTINF:10,\nhttp://127.0.0.1:1/a.mp3\n#EXT-X-ENDLIST\n",
    "ffconcat": b"ffconcat version 1.0\nfile '/etc/passwd'\n",
    "sdp": b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=audio 5004 RTP/AVP 0\n",
    "gzip bomb": gzip.compress(bytes(1 << 20)),
    "zeros": bytes(20000),
}


@pytest.mark.parametrize("kind", NOT_AUDIO)
def test_what_is_no_audio_is_refused_and_not_kept(server, client, kind):
    before = client.get("/api/files?limit=100").json["files"]
    for path in ("/api/upload", "/api/files/upload"):
        options = {"engine": "null"} if path == "/api/upload" else {}
        reply = client.upload(NOT_AUDIO[kind], name="speech.wav", path=path, **options)
        assert (reply.status, reply.error["code"]) == (400, "FILE_FORMAT"), reply
        assert reply.error["message"] and reply.error["request_id"]
    assert client.get("/api/files?limit=100").json["files"] == before
    wait_for_no_temp(server)


def test_a_header_that_promises_too_much_is_refused_or_cut_to_what_is_there(client):
    reply = client.upload(lying_wav(0xfffffff0), engine="null", vad="off")
    if reply.status == 201:
        job = client.wait_job(reply.json["job_id"])
        assert job["status"] in ("completed", "failed")
        if job["status"] == "completed":
            assert job["duration_seconds"] < 1
    else:
        assert reply.status in (400, 413), reply


@pytest.mark.parametrize("samples, rate, milliseconds", [
    (1, 16000, 0), (2, 16000, 0), (17, 16000, 1), (1, 48000, 0), (2, 8000, 0), (40, 44100, 0),
    (1, 96000, 0), (400, 192000, 2),
])
def test_the_shortest_recordings_have_a_length(server, client, folder, samples, rate, milliseconds):
    """Also those that are shorter than the filter of what brings them to 16 kHz."""
    sound = wav(b"\x10\x20" * samples, rate)
    reply = client.upload(sound, engine="null")
    assert reply.status == 201, reply
    assert reply.json["duration_seconds"] in (milliseconds / 1000, (milliseconds + 1) / 1000)
    job = client.wait_job(reply.json["job_id"])
    assert (job["status"], job["error_code"]) == ("completed", None)
    text = client.get(f"/api/transcripts?job_id={job['job_id']}").json["transcripts"][0]
    for thing in (job, client.get(f"/api/files/{job['file_id']}").json, text):
        assert thing["duration_seconds"] == milliseconds / 1000, thing
    path = folder / f"{samples}-{rate}.wav"
    path.write_bytes(sound)
    shown = cli("add", "--dry-run", "--json", "-e", "null", path, data=server.data, check=0).stdout
    assert f'"duration_seconds":{milliseconds / 1000:.3f}' in shown.replace(" ", "")


@pytest.mark.parametrize("options, field", [
    ({"engine": "nonsuch"}, "engine"), ({"vad": "sometimes"}, "vad"),
    ({"priority": "urgent"}, "priority"), ({"colour": "red"}, "colour"),
    ({"pipeline": "nonsuch"}, "pipeline"), ({"force": "perhaps"}, "force"),
    ({"language": "x" * 200}, "language"), ({"engine": ""}, "engine"),
])
def test_bad_options_are_refused_by_name(client, options, field):
    options = {"engine": "null", **options}
    if options["engine"] == "":
        del options["engine"]
        options["task"] = "sing"
        field = "task"
    reply = client.upload(noise_wav(1, 8), **options)
    assert reply.status == 400, reply
    assert reply.error["code"] in ("INVALID_VALUE", "ENGINE_UNAVAILABLE"), reply
    assert field in reply.error.get("field", "") or field in reply.error["message"], reply


def test_the_same_option_twice_is_refused(client):
    content_type, body = multipart([("engine", "null"), ("engine", "pocketsphinx"),
                                    ("file", ("a.wav", noise_wav(1, 9)))])
    reply = client.request("POST", "/api/upload", body, {"Content-Type": content_type})
    assert (reply.status, reply.error["code"]) == (400, "INVALID_VALUE"), reply


def test_requests_that_are_no_upload_are_refused(client):
    content_type, body = multipart([("engine", "null")])
    reply = client.request("POST", "/api/upload", body, {"Content-Type": content_type})
    assert reply.status == 400 and "file" in reply.error["message"]
    reply = client.request("POST", "/api/upload", b"{}", {"Content-Type": "application/json"})
    assert (reply.status, reply.error["code"]) == (415, "UNSUPPORTED_TYPE")
    reply = client.request("POST", "/api/upload", b"RIFF", {"Content-Type": "audio/wav"})
    assert reply.status == 415
    reply = client.request("POST", "/api/upload", b"--x", {"Content-Type": "multipart/form-data"})
    assert reply.status in (400, 415)
    reply = client.request("POST", "/api/upload", b"",
                           {"Content-Type": "multipart/form-data; boundary=xyz"})
    assert reply.status == 400
    assert client.get("/api/upload").status == 405


@pytest.mark.parametrize("boundary", ["x", "'()+_,-./:=? '", "0123456789" * 7])
def test_any_boundary_is_taken(client, boundary):
    data = noise_wav(1, 210000 + len(boundary))
    _, body = multipart([("file", ("a.wav", data))], boundary=boundary)
    reply = client.request("POST", "/api/files/upload", body, {
        "Content-Type": f'multipart/form-data; boundary="{boundary}"'})
    assert reply.status == 201, reply
    assert client.get(f"/api/files/{reply.json['file_id']}").json["size_bytes"] == len(data)


@pytest.mark.threads
def test_an_upload_that_breaks_off_leaves_nothing(server, client):
    content_type, body = multipart([("engine", "null"), ("file", ("a.wav", noise_wav(20, 10)))])
    before = client.get("/api/files?limit=100").json["files"]
    for part in (10, 200, len(body) // 2, len(body) - 3):
        connection = client.connect(5)
        connection.putrequest("POST", "/api/upload")
        connection.putheader("Content-Type", content_type)
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body[:part])
        connection.close()
    # The next whole upload finds a server that works; what was begun is gone by then or soon.
    assert client.upload(noise_wav(1, 11), engine="null", vad="off").status == 201
    files = client.get("/api/files?limit=100").json["files"]
    assert len(files) == len(before) + 1
    wait_for_no_temp(server)


def test_a_body_cut_short_of_its_boundary_is_refused(client):
    content_type, body = multipart([("engine", "null"), ("file", ("a.wav", noise_wav(1, 12)))])
    reply = client.request("POST", "/api/upload", body[:-30], {"Content-Type": content_type})
    assert reply.status == 400, reply


NAMES = ["two\nlines.wav", "quote\".wav", "it's.wav", "$(touch pwned).wav", "`id`.wav",
         "\x1b[31mred\x1b[0m.wav", "../../../etc/passwd", "/etc/passwd", "a" * 251 + ".wav",
         "-rf.wav", "会議の録音.wav", "e\u0301\u202e.wav", "%s%n.wav", " .wav", "null\\.wav"]


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_hostile_names_are_data(server, client, name):
    reply = client.upload(noise_wav(1, 200000 + NAMES.index(name)), name=name, engine="null",
                          vad="off")
    assert reply.status == 201, reply
    shown = client.get(f"/api/files/{reply.json['file_id']}").json["original_name"]
    # Quotes and line ends arrive as %22 and %0A, which is undone; folders are left out.
    assert shown in (name, pathlib.PurePosixPath(name).name), shown
    # os.walk, unlike glob, takes it calmly when a job's work folder goes meanwhile.
    assert not [n for _, dirs, files in os.walk(server.data) for n in dirs + files if "pwned" in n]
    assert not pathlib.Path("pwned").exists()
    listing = cli("jobs", "list", data=server.data, check=0).stdout
    assert "\x1b" not in listing and "\u202e" not in listing


def test_too_large_a_file_is_refused_at_once(make_server):
    server = make_server({"SCRIPTA_UPLOAD_MAX_SIZE": "64k"})
    reply = server.client.upload(noise_wav(20, 1), engine="null")
    assert (reply.status, reply.error["code"]) == (413, "FILE_TOO_LARGE"), reply
    assert server.client.upload(noise_wav(3, 1), engine="null").status == 201
    wait_for_no_temp(server)


def test_an_upload_is_told_how_often_it_came(make_server):
    client = make_server().client
    for times in (1, 2, 3):
        made = client.upload(noise_wav(1, 7), path="/api/files/upload").json
        assert made["upload_count"] == times
        assert client.get(f"/api/files/{made['id']}").json["upload_count"] == times


def test_the_quota_holds(make_server):
    server = make_server({"SCRIPTA_UPLOAD_QUOTA": "100k"})
    assert server.client.upload(noise_wav(4, 1), engine="null", vad="off").status == 201
    reply = server.client.upload(noise_wav(4, 2), engine="null", vad="off")
    assert (reply.status, reply.error["code"]) == (507, "STORAGE_QUOTA"), reply
    # Known bytes take no more room.
    assert server.client.upload(noise_wav(4, 1), engine="null", vad="on").status == 201


def test_too_long_a_recording_does_not_become_a_transcript(make_server):
    server = make_server({"SCRIPTA_UPLOAD_MAX_DURATION": "10s"})
    reply = server.client.upload(noise_wav(30, 1), engine="null", vad="off")
    if reply.status == 201:
        job = server.client.wait_job(reply.json["job_id"])
        assert job["status"] == "failed" and job["error_code"], job
    else:
        assert reply.status in (400, 413), reply
    assert server.client.upload_null(5, seed=2)["job_id"]


def test_idempotency_keys_of_uploads(client):
    data = noise_wav(2, 13)
    first = client.upload(data, key="key-1", engine="null", vad="off")
    again = client.upload(data, key="key-1", engine="null", vad="off")
    assert first.status == 201 and again.status in (200, 201)
    assert again.json["job_id"] == first.json["job_id"]
    other = client.upload(data, key="key-1", engine="null", vad="on")
    assert (other.status, other.error["code"]) == (409, "IDEMPOTENCY_CONFLICT")
    other = client.upload(noise_wav(2, 14), key="key-1", engine="null", vad="off")
    assert (other.status, other.error["code"]) == (409, "IDEMPOTENCY_CONFLICT")


def test_silence_gives_an_empty_transcript(client):
    reply = client.upload(silence_wav(5), engine="null", vad="on")
    assert reply.status == 201, reply
    job = client.wait_job(reply.json["job_id"])
    assert job["status"] == "completed", job
    assert client.transcript(job)["text"] == ""


def test_vad_says_only_what_lies_in_speech_and_in_order(client):
    reply = client.upload(bursts_wav(45, 3), engine="null", vad="on", music="keep")
    job = client.wait_job(reply.json["job_id"])
    assert job["status"] == "completed", job
    words = [int(w[1:]) for w in client.transcript(job)["text"].split()]
    assert words == sorted(set(words)) and words and words[-1] < 45


@pytest.mark.parametrize("path, code", [
    ("/api/files/999999", "FILE_NOT_FOUND"), ("/api/files/abc", "FILE_NOT_FOUND"),
    ("/api/files/-1", "FILE_NOT_FOUND"), ("/api/files/99999999999999999999", "FILE_NOT_FOUND"),
])
def test_unknown_files(client, path, code):
    reply = client.get(path)
    assert reply.status in (400, 404), reply
    if reply.status == 404:
        assert reply.error["code"] == code


def test_uploads_over_tcp(make_server):
    from harness import free_port
    port = free_port()
    make_server(args=["--listen", f"127.0.0.1:{port}"])
    client = Client(port=port)
    job = client.wait_job(client.upload_null(3)["job_id"])
    assert client.transcript(job)["text"].split() == null_words(3)
