"""Health: what stops work is told by name, and that it has gone."""

import os
import subprocess

import pytest

from harness import MEDIA, Client, noise_wav, wait_until

STAND_IN = """#!/bin/sh
if [ "$1" = {command} ] && [ -e "{broken}" ]; then
    exit 1
fi
exec "{media}" "$@"
"""


def stand_in(folder, command):
    """(program, mark): a scripta-media whose command fails while the mark is there."""
    media, broken = folder / "scripta-media", folder / "broken"
    media.write_text(STAND_IN.format(command=command, broken=broken, media=MEDIA))
    media.chmod(0o755)
    broken.touch()
    return media, broken


def checks(client, path="/api/health"):
    return {c["name"]: c for c in client.get(path).json["checks"]}


def wait_ready(client, status, timeout=60):
    """The answer once it has that status."""
    return wait_until(lambda: (r := client.get("/api/health/ready")).status == status and r,
                      timeout, f"ready answers {status}")


def assert_told(client, reply, name, code):
    """One check failed, for that reason, in each place where it is told."""
    ready = reply.json
    assert ready["status"] == "not_ready"
    row = {c["name"]: c for c in ready["checks"]}[name]
    assert (row["status"], row["code"]) == ("failed", code)
    assert {"code": code, "message": row["message"]} in ready["reasons"]
    assert ready["error"]["code"] == code and ready["error"]["request_id"]
    assert client.get("/api/health/live").json == {"status": "live"}
    assert client.get("/api/health").json["status"] == "degraded"


def test_all_is_well(make_server):
    server = make_server({"SCRIPTA_WORKERS": 1})
    client = server.client
    client.wait_job(client.upload_null(2)["job_id"])
    ready = client.get("/api/health/ready").json
    assert ready["status"] == "ready" and ready["reasons"] == [] and "error" not in ready
    assert ready["checks"] == [{"name": n, "status": "ok"}
                               for n in ("store", "disk", "workers", "decoder")]
    assert client.get("/api/health").json["status"] == "ok"


def test_workers_that_do_not_run(make_server, folder):
    media, broken = stand_in(folder, "worker")
    server = make_server({"SCRIPTA_MEDIA": media, "SCRIPTA_WORKERS": 1})
    client = server.client
    assert checks(client)["workers"] == {"name": "workers", "status": "ok"}  # none was needed yet
    job = client.upload_null(2)
    assert_told(client, wait_ready(client, 503), "workers", "WORKER_CRASHED")
    broken.unlink()
    assert client.wait_job(job["job_id"])["status"] == "completed"
    wait_ready(client, 200)


def test_a_decoder_that_does_not_run(make_server, folder):
    """Nobody uploads anything: it is tried because somebody asks."""
    media, broken = stand_in(folder, "decode")
    server = make_server({"SCRIPTA_MEDIA": media})
    client = server.client
    assert checks(client)["decoder"]["status"] in ("unknown", "failed")
    assert_told(client, wait_ready(client, 503), "decoder", "JAIL_UNAVAILABLE")
    broken.unlink()
    wait_ready(client, 200)
    assert checks(client)["decoder"]["status"] == "ok"


def test_workers_that_are_elsewhere_may_still_come(make_server):
    server = make_server({"SCRIPTA_WORKERS": -1})
    client = server.client
    ready = client.get("/api/health/ready")
    assert ready.status == 200 and ready.json["reasons"] == []
    row = checks(client, "/api/health/ready")["workers"]
    assert (row["status"], row["code"]) == ("warning", "ENGINE_UNAVAILABLE")
    assert "workers=-1" in row["message"]
    assert client.get("/api/health").json["status"] == "degraded"
    made = client.post("/api/worker/register", {"name": "w", "host": "h", "pid": 1,
                                                "engines": ["null"]}).json
    client.post("/api/worker/claim", {"worker_id": made["worker_id"], "lanes": ["engine:null"],
                                      "max": 1, "wait_ms": 0})
    assert checks(client)["workers"]["status"] == "ok"
    assert client.get("/api/health").json["status"] == "ok"


def test_a_disk_below_its_reserve(make_server):
    server = make_server({"SCRIPTA_UPLOAD_RESERVE": "900000T"}, start=False)
    server.start(wait=False)
    wait_until(lambda: server.socket.exists(), 30, "the socket")
    client = Client(server.socket)
    reply = wait_until(lambda: answer(client), 30, "an answer")
    assert reply.status == 503
    assert_told(client, reply, "disk", "NO_SPACE")
    assert client.upload(noise_wav(1), engine="null").error["code"] == "NO_SPACE"


def answer(client):
    try:
        return client.get("/api/health/ready")
    except OSError:
        return None


@pytest.fixture
def small_disk(folder):
    path = folder / "disk"
    path.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(path)],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"cannot mount a tmpfs: {done.stderr.strip()}")
    yield path
    subprocess.run(["umount", "-l", str(path)], check=False)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount a tmpfs")
def test_a_store_that_cannot_be_written(make_server, small_disk):
    server = make_server({"SCRIPTA_UPLOAD_RESERVE": "0"}, data=small_disk / "d")
    client = server.client
    with open(small_disk / "ballast", "wb", buffering=0) as ballast:
        try:
            while True:
                ballast.write(bytes(1 << 16))
        except OSError:
            pass
    wait_until(lambda: client.post("/api/jobs", {"pipeline": "noop"}).status == 507, 60, "full")
    reply = wait_ready(client, 503)
    assert_told(client, reply, "store", "NO_SPACE")
    (small_disk / "ballast").unlink()
    wait_ready(client, 200)
    assert client.post("/api/jobs", {"pipeline": "noop"}).status == 201
