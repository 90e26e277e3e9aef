"""PATCH /api/jobs/{id} and scripta jobs edit."""

import json

import pytest

from harness import PATIENCE, cli, cli_json, noise_wav


def patch(client, job_id, value):
    return client.request("PATCH", f"/api/jobs/{job_id}", body=json.dumps(value),
                          headers={"Content-Type": "application/json"})


def scheduled(client, seed=1, **options):
    reply = client.upload(noise_wav(2, seed), engine="null", vad="off", run_after="1h", **options)
    assert reply.status == 201, reply
    return reply.json["job_id"]


def changes(client, job_id):
    return [e["message"] for e in client.events(job_id) if e["type"] == "job_changed"]


def test_marks_at_any_time(client):
    job_id = client.post("/api/jobs", {"pipeline": "noop"}).json["job_id"]
    client.wait_job(job_id)
    reply = patch(client, job_id, {"name": "n", "notes": "one\ntwo", "tags": ["b", "a", "b"]})
    assert reply.status == 200, reply
    assert (reply.json["name"], reply.json["notes"], reply.json["tags"]) == (
        "n", "one\ntwo", ["a", "b"])
    assert job_id in [j["job_id"] for j in client.get("/api/jobs?tag=b").json["jobs"]]
    reply = patch(client, job_id, {"tags": [], "notes": None, "name": None})
    assert (reply.json["name"], reply.json["notes"], reply.json["tags"]) == (None, None, [])
    assert changes(client, job_id) == ["name, notes, tags", "name, notes, tags"]
    assert client.get("/api/jobs?tag=b").json["jobs"] == []
    for field, value in (("priority", "high"), ("timeout", 60), ("run_after", "1h"),
                         ("settings", {})):
        reply = patch(client, job_id, {field: value})
        assert (reply.status, reply.error["code"], reply.error["field"]) == (
            409, "CONFLICT", field), reply


def test_a_scheduled_job_is_moved_in_time_and_place(client):
    job_id = scheduled(client, 61)
    job = patch(client, job_id, {"priority": "low", "priority_order": -5, "timeout": "90s",
                                 "run_after": "2h"}).json
    assert (job["priority"], job["priority_order"], job["timeout_seconds"]) == ("low", -5, 90.0)
    assert job["status"] == "pending" and job["run_after"] > job["updated_at"]
    job = patch(client, job_id, {"timeout": None, "run_after": None}).json
    assert (job["timeout_seconds"], job["run_after"]) == (None, None)
    assert client.wait_job(job_id)["status"] == "completed"


def test_who_waits_is_answered_from_a_completed_job_or_pulls_the_scheduled_one(client):
    done = client.wait_job(client.upload_null(2, seed=64)["job_id"])
    later = scheduled(client, 64, force="true")
    assert client.job(later)["status"] == "pending" and client.job(later)["eta_seconds"] > 3000
    waiting = {"path": "/api/upload?waiting=1", "engine": "null", "vad": "off"}
    assert client.upload(noise_wav(2, 64), **waiting).json["job_id"] == done["job_id"]
    assert client.job(later)["run_after"] and changes(client, later) == []
    # Other settings: nothing is there yet.
    later = scheduled(client, 64, priority="low", chunk_length="10")
    reply = client.upload(noise_wav(2, 64), priority="high", chunk_length="10", **waiting)
    assert (reply.status, reply.json["job_id"]) == (200, later)
    assert (reply.json["priority"], reply.json["run_after"]) == ("high", None)
    assert changes(client, later) == ["priority, run_after: asked for by /api/upload"]
    assert client.wait_job(later)["status"] == "completed"


def test_a_call_of_v1_does_not_wait_for_a_later_time(client):
    later = client.upload(noise_wav(2, 65), engine="null", priority="low",
                          run_after="1h").json["job_id"]
    reply = client.upload(noise_wav(2, 65), path="/v1/audio/transcriptions", model="null",
                          timeout=PATIENCE)
    assert (reply.status, reply.headers["X-Scripta-Job"]) == (200, later), reply
    assert changes(client, later) == ["priority, run_after: asked for by /v1/audio/transcriptions"]


def test_a_waiting_job_is_put_off(make_server):
    server = make_server({"SCRIPTA_QUEUE_MAX_CONCURRENT_NORMAL": 1})
    client = server.client
    client.post("/api/queue/normal/pause")
    first, second = (client.upload_null(1, seed=i)["job_id"] for i in range(2))
    assert client.job(second)["queue_position"] == 0
    assert patch(client, first, {"run_after": "1h"}).status == 409  # its turn has come
    assert patch(client, second, {"run_after": "1h"}).json["queue_position"] is None
    client.post("/api/queue/normal/resume")
    assert client.wait_job(first)["status"] == "completed"
    assert client.job(second)["status"] == "pending"
    assert patch(client, second, {"run_after": "0"}).status == 200
    assert client.wait_job(second)["status"] == "completed"


def test_settings_before_work_begins(client):
    job_id = scheduled(client, 62, language="de")
    job = patch(client, job_id, {"settings": {"language": "fr", "model": "delay_ms=1"}}).json
    assert (job["language"], job["model"], job["engine"]) == ("fr", "delay_ms=1", "null")
    assert job["settings"]["vad"] is False, job
    # The same work is found again under the new settings, and no longer under the old ones.
    same = client.upload(noise_wav(2, 62), engine="null", vad="off", language="fr",
                         model="delay_ms=1")
    assert (same.status, same.json["job_id"]) == (200, job_id)
    other = client.upload(noise_wav(2, 62), engine="null", vad="off", language="de",
                          run_after="1h")
    assert other.status == 201
    clash = patch(client, other.json["job_id"], {"settings": {"language": "fr",
                                                              "model": "delay_ms=1"}})
    assert (clash.status, clash.error["code"]) == (409, "CONFLICT") and job_id in clash.text
    # Another engine: its own default model, the job's other settings.
    bad = patch(client, job_id, {"settings": {"engine": "nonesuch"}})
    assert (bad.status, bad.error["code"]) == (400, "ENGINE_UNAVAILABLE")
    patch(client, job_id, {"run_after": None})
    assert client.wait_job(job_id)["language"] == "fr"


def test_settings_are_taken_away(server):
    client = server.client
    job_id = scheduled(client, 6401, language="de", model="delay_ms=1", chunk_length="9s")
    job = patch(client, job_id, {"settings": {"language": None, "vad": None,
                                              "chunk_length": None}}).json
    assert (job["language"], job["model"], job["settings"]["vad"]) == ("auto", "delay_ms=1", True)
    assert "chunk_length" not in job["settings"]
    cli("jobs", "edit", job_id, "--setting", "model=", "--setting", "vad=off", data=server.data,
        check=0)
    assert client.job(job_id)["model"] is None or "delay" not in client.job(job_id)["model"]
    bad = patch(client, job_id, {"settings": {"colour": None}})
    assert (bad.status, bad.error["field"]) == (400, "colour")
    same = client.upload(noise_wav(2, 6401), engine="null", vad="off")
    assert (same.status, same.json["job_id"]) == (200, job_id)
    patch(client, job_id, {"run_after": None})
    assert client.wait_job(job_id)["status"] == "completed"


@pytest.mark.parametrize("value,fields", [
    ({"status": "completed"}, ["status"]),
    ({"priority": "urgent", "owner_id": 2, "tags": "a"}, ["priority", "owner_id", "tags"]),
    ({"timeout": "fast", "notes": 5}, ["timeout", "notes"]),
    ({"tags": [" a"]}, ["tags"]), ({"tags": [1]}, ["tags"]), ({"priority": None}, ["priority"]),
    ({"settings": {"priority": "low", "colour": "red"}}, ["priority", "colour"]),
    ({"settings": {"pipeline": "noop"}}, ["pipeline"]), ({"settings": 1}, ["settings"]),
])
def test_every_bad_field_is_named(client, value, fields):
    job_id = client.post("/api/jobs", {"pipeline": "noop", "run_after": "1h"}).json["job_id"]
    before = client.job(job_id)
    reply = patch(client, job_id, value)
    assert (reply.status, reply.error["code"], reply.error["field"]) == (
        400, "INVALID_VALUE", fields[0]), reply
    assert all(field in reply.error["message"] for field in fields), reply
    assert {**client.job(job_id), "eta_seconds": 0} == {**before, "eta_seconds": 0}
    client.post(f"/api/jobs/{job_id}/cancel")


def test_nothing_to_change_and_nobody_to_change(client):
    job_id = client.post("/api/jobs", {"pipeline": "noop"}).json["job_id"]
    assert patch(client, job_id, {}).error["code"] == "INVALID_REQUEST"
    missing = "01932d6e-7c8b-7c3a-9f41-3d2a5be1c7aa"
    assert patch(client, missing, {"name": "x"}).error["code"] == "JOB_NOT_FOUND"


def test_the_command_line(server):
    job_id = scheduled(server.client, 63)
    done = cli("jobs", "edit", job_id, "--tags", "a, b", "--notes", "n", "--priority", "low",
               "--setting", "language=nl", "--setting", "model=delay_ms=2", data=server.data,
               check=0)
    assert f"{job_id} changed" in done.stderr
    job = cli_json("jobs", "edit", job_id, "--timeout", "5m", data=server.data)
    assert (job["tags"], job["notes"], job["priority"], job["language"], job["model"],
            job["timeout_seconds"]) == (["a", "b"], "n", "low", "nl", "delay_ms=2", 300.0)
    job = cli_json("jobs", "edit", job_id, "--tags", "", "--run-after", "", data=server.data)
    assert job["tags"] == [] and job["run_after"] is None
    server.client.wait_job(job_id)
    out = cli("jobs", "chunks", job_id, data=server.data, check=0).stdout
    assert "CHUNK" in out and "t0 t1" in out, out
    assert cli("jobs", "edit", job_id, data=server.data).returncode == 2
    assert cli("jobs", "edit", job_id, "--setting", "x", data=server.data).returncode == 2
