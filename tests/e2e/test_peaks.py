"""/api/files/{id}/peaks and `scripta files peaks`."""

import array

import pytest

from harness import cli, cli_json, noise_wav, wait_until, wav

RATE = 16000


def swelling(seconds):
    """A square wave that is louder each second."""
    pcm = []
    for second in range(seconds):
        high = 1000 * (second + 1)
        pcm += ([high] * 50 + [-high] * 50) * (RATE // 100)
    return wav(array.array("h", pcm).tobytes()), pcm


def expected(pcm, row):
    return [(min(pcm[i:i + row]) >> 8, max(pcm[i:i + row]) >> 8) for i in range(0, len(pcm), row)]


def pairs(channel):
    return list(zip(channel["min"], channel["max"]))


@pytest.fixture(scope="module")
def recording(shared):
    data, pcm = swelling(12)
    reply = shared.client.upload(data, path="/api/files/upload")
    assert reply.status == 201, reply
    return reply.json, pcm


def stored(server, file):
    return server.data / "audio" / "peaks" / f"{file['file_hash']}.peaks"


def test_they_are_computed_when_asked_for_and_kept(server, client, recording):
    file, pcm = recording
    url = f"/api/files/{file['file_id']}/peaks"
    assert not stored(server, file).exists()
    reply = client.get(f"{url}?zoom=0")
    assert reply.status == 200, reply
    peaks = reply.json
    assert (peaks["points"], peaks["seconds_per_point"]) == (1200, 0.01)
    assert (peaks["start"], peaks["end"], peaks["duration_seconds"]) == (0, 12, 12)
    assert [c["channel"] for c in peaks["channels"]] == [None]
    assert pairs(peaks["channels"][0]) == expected(pcm, 160)
    assert stored(server, file).exists()
    assert pairs(client.get(f"{url}?zoom=1").json["channels"][0]) == expected(pcm, 2560)
    wait_until(lambda: not list((server.data / "temp").iterdir()), 20, "temp is empty")


def test_points_span_the_range(client, recording):
    file, pcm = recording
    url = f"/api/files/{file['file_id']}/peaks"
    peaks = client.get(f"{url}?points=100&start=3&end=4").json
    assert (peaks["points"], peaks["start"], peaks["end"]) == (100, 3, 4)
    assert pairs(peaks["channels"][0]) == expected(pcm[3 * RATE:4 * RATE], 160)
    # Whole rows of the zoom that suffices, told as they are.
    peaks = client.get(f"{url}?points=3&start=3&end=6").json
    assert (peaks["points"], peaks["start"], peaks["end"]) == (3, 2.88, 6.08)
    assert [high for _, high in pairs(peaks["channels"][0])] == [15, 19, 27]
    behind = client.get(f"{url}?start=90")
    assert (behind.status, behind.error["field"]) == (400, "start")


def test_what_is_damaged_is_made_again(server, client, recording):
    file, pcm = recording
    url = f"/api/files/{file['file_id']}/peaks?zoom=2"
    good = client.get(url).json
    path = stored(server, file)
    path.write_bytes(path.read_bytes()[:-3])
    assert client.get(url).json == good
    path.write_bytes(b"x" * 50)
    assert client.get(url).json == good


def test_bytes_that_are_not_on_the_disk_get_no_name(make_server):
    """The first fsync is of the recording, the second of its peaks."""
    server = make_server({"SCRIPTA_FAULT": "file.sync:fail:2"})
    file = server.client.upload(noise_wav(2, 31), path="/api/files/upload").json
    url = f"/api/files/{file['file_id']}/peaks"
    reply = server.client.get(url)
    assert (reply.status, reply.error["code"]) == (500, "IO_ERROR"), reply
    assert not stored(server, file).exists()
    assert server.client.get(url).status == 200 and stored(server, file).exists()


def test_a_job_makes_them_in_its_own_pass(server, client):
    data, pcm = swelling(3)
    job = client.wait_job(client.upload(data, engine="null", vad="off").json["job_id"])
    assert job["status"] == "completed"
    file = client.get(f"/api/files/{job['file_id']}").json
    made = stored(server, file).stat()
    peaks = client.get(f"/api/files/{job['file_id']}/peaks?zoom=0").json
    assert pairs(peaks["channels"][0]) == expected(pcm, 160)
    assert stored(server, file).stat().st_mtime_ns == made.st_mtime_ns


@pytest.mark.parametrize("query, field", [
    ("zoom=4", "zoom"), ("zoom=x", "zoom"), ("points=0", "points"), ("points=20001", "points"),
    ("zoom=1&points=9", "points"), ("start=-1", "start"), ("start=nan", "start"),
    ("start=2&end=1", "end"), ("colour=red", "colour"),
])
def test_bad_questions_are_refused_by_name(client, recording, query, field):
    file, _ = recording
    reply = client.get(f"/api/files/{file['file_id']}/peaks?{query}")
    assert reply.status == 400 and reply.error["field"] == field, reply


def test_files_that_are_not_there(client):
    reply = client.get("/api/files/999999/peaks")
    assert (reply.status, reply.error["code"]) == (404, "FILE_NOT_FOUND")


def test_the_command_draws_them(server, recording):
    file, _ = recording
    run = cli("files", "peaks", str(file["file_id"]), "--points", "12", data=server.data, check=0)
    lines = run.stdout.splitlines()
    assert lines[0] == "▁▁▁▁▂▂▂▂▂▃▃▃" and lines[1] == "0:00 to 0:12, 1.00 s each"
    peaks = cli_json("files", "peaks", str(file["file_id"]), "--zoom", "3", data=server.data)
    assert peaks["zoom"] == 3 and peaks["points"] == 1
