"""Verifying what is stored."""

import os
import pty
import signal
import subprocess

import pytest

from harness import (PATIENCE, SCRIPTA, Server, clean_environment, cli, cli_json, noise_wav,
                     wait_until)


@pytest.fixture
def house(tmp_path):
    server = Server(tmp_path / "data").start()
    yield server
    server.destroy()


def bring(server, seed, seconds=1):
    return server.client.upload(noise_wav(seconds, seed), name=f"{seed}.wav",
                                path="/api/files/upload").json


def damage(server, file):
    blob = server.data / file["file_path"]
    data = bytearray(blob.read_bytes())
    data[len(data) // 2] ^= 1
    blob.write_bytes(data)


def test_one_flipped_bit_and_one_lost_file_are_found_and_mended(house):
    good, flipped, lost = (bring(house, seed) for seed in (1, 2, 3))
    damage(house, flipped)
    (house.data / lost["file_path"]).unlink()
    done = cli("files", "verify", data=house.data)
    assert done.returncode == 1, done
    assert f"{flipped['id']}  2.wav: altered, " in done.stdout
    assert f"{lost['id']}  3.wav: missing, " in done.stdout
    assert "3 files verified, 2 damaged" in done.stdout and "1.wav" not in done.stdout
    rows = {f["id"]: f for f in house.client.get("/api/files").json["files"]}
    assert [rows[f["id"]]["damage"] for f in (good, flipped, lost)] == [None, "altered", "missing"]
    assert all(f["verified_at"] for f in rows.values())
    listed = house.client.get("/api/files?damaged=true&sort=uploaded_at").json["files"]
    assert [f["id"] for f in listed] == [flipped["id"], lost["id"]]
    for seed, file in ((2, flipped), (3, lost)):
        again = bring(house, seed)
        assert again["id"] == file["id"] and again["duplicate"] and again["damage"] is None
        body = house.client.get(f"/api/files/{file['id']}/download").body
        assert body == noise_wav(1, seed)
    assert "3 files verified, all sound" in cli("files", "verify", data=house.data, check=0).stdout
    assert house.client.get("/api/files?damaged=true").json["files"] == []


def test_named_files_only(house):
    good, bad = bring(house, 1), bring(house, 2)
    damage(house, bad)
    run = cli_json("files", "verify", good["id"], data=house.data)
    assert (run["status"], run["files_total"], run["files_done"]) == ("completed", 1, 1)
    assert run["bytes_done"] == run["bytes_total"] == good["size_bytes"] and run["problems"] == []
    assert cli("files", "verify", good["id"], bad["id"], data=house.data).returncode == 1
    assert cli("files", "verify", 99, data=house.data).returncode == 3
    assert cli("files", "verify", "x", data=house.data).returncode == 3
    one = house.client.post(f"/api/files/{bad['id']}/verify")
    assert one.status == 200 and one.json["altered"] == 1
    assert one.json["problems"][0]["damage"] == "altered"
    assert one.headers["Location"] == f"/api/files/verify/{one.json['verify_id']}"
    assert house.client.get(one.headers["Location"]).json == one.json
    assert house.client.post("/api/files/99/verify").error["code"] == "FILE_NOT_FOUND"


def test_what_was_cleaned_out_of_the_archive_is_no_sound_file(house):
    kept, gone = bring(house, 1), bring(house, 2)
    cli("files", "archive", gone["id"], data=house.data, check=0)
    cli("files", "clean", "--kind", "archive", "--older-than", 0, "--yes", data=house.data, check=0)
    purged = house.client.get(f"/api/files/{gone['id']}").json["purged_at"]
    rows = cli("files", "list", data=house.data, check=0).stdout.splitlines()
    assert rows[1].split()[-1] == purged and rows[2].split()[-1] == "-", rows
    done = cli("files", "verify", gone["id"], data=house.data, check=0)
    assert done.stdout == "0 files verified; 1 without bytes: cleaned out of the archive\n"
    done = cli("files", "verify", gone["id"], kept["id"], data=house.data, check=0)
    assert done.stdout.startswith("1 file verified, all sound; 1 without bytes"), done.stdout


@pytest.mark.parametrize("body,field", [({"file_ids": []}, "file_ids"), ({"files": [1]}, "files"),
                                        ({"file_ids": ["1"]}, "file_ids"),
                                        ({"file_ids": [1] * 501}, "file_ids")])
def test_bad_requests_are_named(house, body, field):
    reply = house.client.post("/api/files/verify", body)
    assert reply.status == 400 and reply.error["field"] == field, reply


def test_a_run_is_followed_cancelled_and_forgotten(house):
    big = house.data.parent / "big.wav"
    with open(big, "wb") as f:
        f.write(noise_wav(1, 9))
        for i in range(40):
            f.write(os.urandom(1 << 20))
    cli("add", "-e", "null", "--run-after", "1h", big, data=house.data, check=0)
    run = house.client.post("/api/files/verify")
    assert run.status == 202 and run.json["status"] in ("waiting", "running")
    second = house.client.post("/api/files/verify")
    path = run.headers["Location"]
    ended = house.client.request("DELETE", path)
    assert ended.status == 200 and ended.json["status"] in ("cancelled", "completed")
    wait_until(lambda: house.client.get(second.headers["Location"]).status == 200, 30, "the second")
    assert house.client.get(second.headers["Location"]).json["status"] == "completed"
    assert house.client.get("/api/files/verify/999").error["code"] == "NOT_FOUND"
    # While it reads, the server answers.
    house.client.post("/api/files/verify")
    for _ in range(20):
        assert house.client.get("/api/jobs").status == 200
    house.kill()
    house.start()
    assert house.client.get(path).error["code"] == "NOT_FOUND"


def test_ctrl_c_ends_the_run(house):
    big = house.data.parent / "big.wav"
    with open(big, "wb") as f:
        f.write(noise_wav(1, 9))
        for _ in range(100):
            f.write(os.urandom(1 << 20))
    cli("add", "-e", "null", "--run-after", "1h", big, data=house.data, check=0)
    # One that takes long goes before it.
    first = house.client.post("/api/files/verify", {"file_ids": [1] * 50}).json["verify_id"]
    master, slave = pty.openpty()
    with subprocess.Popen([str(SCRIPTA), "--data", str(house.data), "files", "verify"],
                          stdout=subprocess.PIPE, stderr=slave, env=clean_environment()) as p:
        os.close(slave)
        shown = b""
        while b"verify" not in shown:
            shown += os.read(master, 4096)
        p.send_signal(signal.SIGINT)
        assert p.wait(PATIENCE) == 130
    os.close(master)
    assert house.client.get(f"/api/files/verify/{first}").json["status"] == "running"
    assert house.client.get(f"/api/files/verify/{first + 1}").json["status"] == "cancelled"
    assert house.client.request("DELETE", f"/api/files/verify/{first}").status == 200


def test_no_number_is_given_again_after_a_restart(make_server):
    server = make_server()
    server.client.upload(noise_wav(1, 5))
    earlier = server.client.post("/api/files/verify").headers["Location"]
    assert server.stop() == 0
    server.start()
    later = server.client.post("/api/files/verify").headers["Location"]
    assert later != earlier and server.client.get(later).status in (200, 202)
    assert server.client.get(earlier).error["code"] == "NOT_FOUND"
