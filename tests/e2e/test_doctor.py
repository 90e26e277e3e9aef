"""scripta doctor: each thing that can be wrong is found, with what to do about it."""

import contextlib
import fcntl
import json
import os
import socket
import time

import pytest

from harness import MEDIA, cli, noise_wav, wait_until


def doctor(data, *args, env=None, code=0):
    """{check: [(status, detail, fix)]} of everything that is not well."""
    done = cli("doctor", "--json", *args, data=data, env=env, check=code)
    value = json.loads(done.stdout)
    assert (value["problems"] > 0) == (code == 1)
    assert value["status"] == ("problems" if value["problems"]
                               else "warnings" if value["warnings"] else "ok")
    out = {}
    for check in value["checks"]:
        if check["status"] in ("warning", "problem"):
            assert check["fix"] or check["check"] == "store", check
            out.setdefault(check["check"], []).append((check["status"], check["detail"],
                                                       check["fix"]))
    return out


@pytest.fixture
def stopped(make_server):
    """The data folder of a server that has stopped, with a store that holds a job."""
    server = make_server()
    job = server.client.upload_null(1)
    server.client.wait_job(job["job_id"])
    assert server.stop() == 0
    return server.data


def harmless(found):
    """tmpfs is a warning of its own; tests run there or not."""
    return {check for check in found if check not in ("disk", "space")}


def test_a_good_installation(data, stopped):
    assert not harmless(doctor(data))
    assert not data.exists()  # it makes nothing
    assert not harmless(doctor(stopped))
    out = cli("doctor", data=stopped, check=0).stdout
    for word in ("programs", "jail", "schema", "no damage found", "engine", "0 problems"):
        assert word in out, out
    assert "\033" not in out
    assert not (stopped / "run" / "scripta.sock").exists()


def test_a_running_server(make_server):
    server = make_server()
    client = server.client
    assert not harmless(doctor(server.data))
    text = cli("doctor", data=server.data, check=0).stdout
    assert "0 queued, 0 active, 0 workers" in text, text
    client.post("/api/queue/low/pause")
    held = client.upload(noise_wav(1, 3), engine="null", vad="off", priority="low").json
    found = doctor(server.data)
    assert found["queue"][0][:2] == ("warning", "low is paused, and 1 job waits")
    assert found["queue"][0][2] == "scripta queue resume low"
    client.post("/api/queue/low/resume")
    job = client.wait_job(held["job_id"])
    (server.data / job["input_file_path"]).unlink()
    found = doctor(server.data, code=1)
    assert found["files"][0][0] == "problem" and job["input_file_path"] in found["files"][0][1]
    out = cli("doctor", "--quiet", data=server.data, check=1).stdout
    assert "missing" in out and "jail" not in out


def test_programs(data, folder):
    found = doctor(data, env={"SCRIPTA_MEDIA": folder / "nothing"}, code=1)
    assert found["programs"][0][0] == "problem" and "nothing" in found["programs"][0][1]
    other = folder / "scripta-media"
    other.write_text(f'#!/bin/sh\n[ "$1" = version ] && echo scripta-media 9.9 && exit\n'
                     f'exec {MEDIA} "$@"\n')
    other.chmod(0o755)
    found = doctor(data, env={"SCRIPTA_MEDIA": other}, code=1)
    assert "9.9" in found["programs"][0][1] and list(harmless(found)) == ["programs"]


def test_a_jail_that_cannot_be_closed(data, folder):
    """A stand-in whose decoder always ends as one without seccomp does."""
    other = folder / "scripta-media"
    other.write_text(f'#!/bin/sh\n[ "$1" = decode ] && exit 12\nexec {MEDIA} "$@"\n')
    other.chmod(0o755)
    found = doctor(data, env={"SCRIPTA_MEDIA": other}, code=1)
    assert found["jail"][0][0] == "problem" and "exit 12" in found["jail"][0][1]


def test_settings(data, folder):
    config = folder / "scripta.yaml"
    config.write_text("workers: 2\ncolour: red\n")
    found = doctor(data, "--config", config, code=1)
    assert f"{config}:2" in found["settings"][0][1] and "colour" in found["settings"][0][1]
    config.write_text("workers: 2\ntoken: abc\n")
    config.chmod(0o644)
    found = doctor(data, "--config", config, env={"SCRIPTA_WORKRES": "3"})
    details = [detail for _, detail, _ in found["settings"]]
    assert any("SCRIPTA_WORKRES" in x for x in details), details
    assert any("token" in x and "others may read" in x for x in details), details
    config.chmod(0o600)
    assert "settings" not in doctor(data, "--config", config)
    # A secret that lies in a file of its own: that file counts, not the one that names it.
    secret = folder / "secret"
    secret.write_text("abc\n")
    secret.chmod(0o644)
    config.write_text(f"token_file: {secret}\n")
    config.chmod(0o644)
    assert str(secret) in doctor(data, "--config", config)["settings"][0][1]
    secret.chmod(0o600)
    assert "settings" not in doctor(data, "--config", config)
    found = doctor(data, env={"SCRIPTA_ENGINE_DEFAULT": "parrot"}, code=1)
    assert "parrot" in found["settings"][0][1]


def test_the_data_folder(stopped, folder):
    stopped.chmod(0o755)
    assert "mode 755" in doctor(stopped)["data folder"][0][1]
    stopped.chmod(0o700)
    assert "data folder" not in doctor(stopped)
    found = doctor(stopped, env={"SCRIPTA_UPLOAD_RESERVE": "900T"}, code=1)
    assert found["space"][0][0] == "problem"
    plain = folder / "plain"
    plain.write_text("x")
    assert "data folder" in doctor(plain, code=1)


def test_the_clock(stopped):
    later = time.time() + 7200
    os.utime(stopped / "scripta.db", (later, later))
    found = doctor(stopped)
    assert "minutes later" in found["clock"][0][1]


def test_a_damaged_store(stopped):
    with open(stopped / "scripta.db", "r+b") as f:
        f.seek(4096 * 3)
        f.write(os.urandom(4096 * 20))
    found = doctor(stopped, code=1)
    assert found["store"][0][0] == "problem" and "backup" in found["store"][0][2]
    for garbage in (b"x" * 10000, b"hi"):
        (stopped / "scripta.db").write_bytes(garbage)
        status, detail, fix = doctor(stopped, code=1)["store"][0]
        assert status == "problem" and "is not a store, or its start is damaged" in detail
        assert "backups/" in fix and "move it away" in fix
    (stopped / "run" / "lock").unlink()
    assert "is not a store" in doctor(stopped, code=1)["store"][0][1]


def test_what_the_start_found(make_server):
    server = make_server()
    uploads = server.data / "audio" / "uploads" / "2020" / "01"
    job = server.client.upload_null(1)
    server.client.wait_job(job["job_id"])
    assert server.stop() == 0
    uploads.mkdir(parents=True)
    (uploads / ("0" * 64 + ".wav")).write_bytes(b"x" * 1000)
    server.start()
    wait_until(lambda: server.client.get("/api/files/recovery").json["finished_at"], 30,
               "the pass is through")
    value = json.loads(cli("doctor", "--json", data=server.data, check=0).stdout)
    found = [(c["status"], c["detail"], c["fix"]) for c in value["checks"]
             if c["check"] == "recovery"]
    assert found[0][:2] == ("ok", "nothing had to be mended at the start"), found
    assert found[1][0] == "note" and found[1][1] == "1 file of 1.0 kB belongs to no recording"
    assert "files clean --kind orphans" in found[1][2]
    server.stop()
    for sound in (server.data / "audio" / "uploads").rglob("*.wav"):
        sound.unlink()
    (server.data / "logs" / "jobs" / "00000000-0000-7000-8000-000000000000").mkdir(parents=True)
    server.start()
    wait_until(lambda: server.client.get("/api/files/recovery").json["finished_at"], 30,
               "the pass is through")
    details = [detail for _, detail, _ in doctor(server.data, code=1)["recovery"]]
    assert details == ["at the start the bytes of 1 recording were missing"]
    shown = cli("doctor", data=server.data, check=1).stdout
    assert "at the start: 1 leftover of deleted work removed" in shown, shown


def test_a_folder_that_somebody_holds(stopped):
    with open(stopped / "run" / "lock", "r+b") as f:
        fcntl.lockf(f, fcntl.LOCK_EX)
        found = doctor(stopped, code=1)
    assert "no server answers" in found["server"][0][1]


def test_the_address(data):
    with contextlib.closing(socket.socket()) as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        port = s.getsockname()[1]
        found = doctor(data, env={"SCRIPTA_LISTEN": f"127.0.0.1:{port}"}, code=1)
        assert str(port) in found["address"][0][1]
    assert "address" not in doctor(data, env={"SCRIPTA_LISTEN": "127.0.0.1:0"})
    assert doctor(data, env={"SCRIPTA_LISTEN": "0.0.0.0:0"})["address"][0][0] == "warning"


def test_a_server_elsewhere_that_does_not_answer(data):
    found = doctor(data, env={"SCRIPTA_SERVER": "http://127.0.0.1:9"}, code=1)
    assert found["server"][0][0] == "problem"
