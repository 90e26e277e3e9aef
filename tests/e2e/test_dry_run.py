"""What a job would cost, and what is said when nothing will happen."""

import pytest

from harness import cli, cli_json, noise_wav, silence_wav, wait_until


def counts(client):
    stats = client.get("/api/stats").json
    return stats["total_files"], stats["total_jobs"]


def test_an_upload_that_is_only_a_question_keeps_nothing(server, client):
    before = counts(client)
    data = noise_wav(65, seed=501)
    reply = client.upload(data, path="/api/upload?dry_run=1", engine="null", vad="off")
    assert reply.status == 200, reply
    cost = reply.json
    assert cost["dry_run"] and not cost["duplicate"]
    assert (cost["file_id"], cost["job_id"]) == (None, None)
    assert (cost["duration_seconds"], cost["chunks_expected"], cost["streams"]) == (65, 3, 1)
    assert cost["storage_bytes"] == len(data)
    assert cost["bytes_needed"] == cost["storage_bytes"] + cost["work_bytes"] > len(data)
    assert counts(client) == before
    wait_until(lambda: not list((server.data / "temp").iterdir()), 5, "the spooled bytes to go")
    job = client.wait_job(client.upload(data, engine="null", vad="off").json["job_id"])
    again = client.upload(data, path="/api/upload?dry_run=1", engine="null", vad="off").json
    assert again["duplicate"] and again["file_id"] == job["file_id"]
    assert again["job_id"] == job["job_id"] and again["storage_bytes"] == 0
    body = {"file_id": job["file_id"], "engine": "null", "force": True}
    forced = client.post("/api/jobs?dry_run=1", body).json
    assert forced["job_id"] is None and forced["estimated_seconds"] is not None
    assert counts(client)[1] == before[1] + 1


@pytest.mark.parametrize("query, options, field", [
    ("dry_run=1", {"engine": "parrot"}, "engine"),
    ("dry_run=1", {"engine": "null", "channels": "2"}, "channels"),
    ("dry_run=perhaps", {"engine": "null"}, "dry_run"),
])
def test_a_question_is_refused_as_the_upload_would_be(client, query, options, field):
    reply = client.upload(silence_wav(1), path=f"/api/upload?{query}", **options)
    assert reply.status == 400 and reply.error["field"] == field, reply


def test_the_command_tells_the_cost(server, folder):
    (folder / "a.wav").write_bytes(noise_wav(61, seed=502))
    before = counts(server.client)
    run = cli("add", "--dry-run", "--engine", "null", "--vad", "off", folder / "a.wav",
              data=server.data, check=0)
    assert run.stdout.startswith("a.wav: new, 1:01 long, 3 chunks"), run.stdout
    cost = cli_json("add", "--dry-run", "--engine", "null", folder / "a.wav", data=server.data)
    assert cost["duration_seconds"] == 61 and cost["model_checked"]
    run = cli("add", "--dry-run", "--engine", "null", "--model", "delay_ms=1", folder / "a.wav",
              data=server.data, check=0)
    assert run.stdout.endswith("; whether it has the model shows when it runs\n"), run.stdout
    # A path is the worker's to open: the server does not say of any whether a model lies there.
    for path in ("/nonsuch.bin", folder / "a.wav"):
        cost = cli_json("add", "--dry-run", "--engine", "whisper", "--model", path,
                        folder / "a.wav", data=server.data)
        assert not cost["model_checked"], cost
    assert counts(server.client) == before


def test_a_paused_class_is_told(make_server, folder):
    server = make_server()
    server.client.post("/api/queue/normal/pause")
    (folder / "a.wav").write_bytes(noise_wav(1, seed=503))
    run = cli("add", "--engine", "null", folder / "a.wav", data=server.data, check=0)
    assert "class normal is paused: `scripta queue resume normal`" in run.stderr, run.stderr
    run = cli("add", "--engine", "null", "--priority", "low", folder / "a.wav", "--force",
              data=server.data, check=0)
    assert "paused" not in run.stderr
    server.client.post("/api/queue/high/pause")
    server.client.post("/api/queue/high/resume")
    run = cli("transcribe", "--engine", "null", "--force", folder / "a.wav", data=server.data,
              check=0)
    assert "paused" not in run.stderr
