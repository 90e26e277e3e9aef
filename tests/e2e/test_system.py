"""GET /api/system, `scripta system` and `scripta gpu`, with and without the driver of a GPU."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest

from harness import Client, cli, cli_json, free_port, wait_until

FAKE = pathlib.Path(__file__).with_name("fake-nvml.c")


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    """A folder that holds a driver's library."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("there is no C compiler")
    folder = tmp_path_factory.mktemp("nvml")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", folder / "libnvidia-ml.so.1", FAKE],
                   check=True)
    return folder


def test_the_machine(make_server):
    server = make_server({"SCRIPTA_WORKERS": 2})
    client = server.client
    client.wait_job(client.upload_null(2)["job_id"])
    reply = client.get("/api/system")
    assert reply.status == 200
    got = reply.json
    cores = os.cpu_count()
    assert got["cpu"]["cores"] == cores
    assert 1 <= got["cpu"]["usable"] <= cores and len(got["cpu"]["load"]) == 3
    assert got["cpu"]["server_seconds"] > 0 and got["cpu"]["workers_seconds"] > 0
    again = client.get("/api/system").json["cpu"]
    assert all(again[k] >= got["cpu"][k] for k in ("server_seconds", "workers_seconds"))
    counted = float(re.search(r"^scripta_workers_cpu_seconds_total (\S+)$",
                              client.get("/metrics").text, re.M)[1])
    assert counted >= again["workers_seconds"] - 0.001
    memory = got["memory"]
    assert 0 < memory["free_bytes"] <= memory["total_bytes"]
    assert memory["server_bytes"] > 1 << 20 and memory["workers_bytes"] > 1 << 20
    disk = os.statvfs(server.data)
    assert got["disks"][0]["name"] == "data"
    assert got["disks"][0]["total_bytes"] == disk.f_blocks * disk.f_frsize
    assert 0 < got["disks"][0]["free_bytes"] <= got["disks"][0]["total_bytes"]
    assert len(got["disks"]) == 1  # all folders lie on the same disk
    assert got["workers"]["places"] == 2
    assert 1 <= got["workers"]["local"] == got["workers"]["alive"] <= 2
    assert got["host"]["kernel"].startswith("Linux ") and got["host"]["uptime_seconds"] > 0
    assert got["uptime_seconds"] >= 0 and got["started_at"].endswith("Z")
    assert client.get("/api/system?x=1").status == 400


def test_who_may_see_it(make_server):
    port = free_port()
    server = make_server({"SCRIPTA_AUTH_LOOPBACK_OPEN": "off"}, ["--listen", f"127.0.0.1:{port}"])
    token = server.client.post("/api/tokens", {"name": "t", "scopes": ["write"]}).json["token"]
    assert Client(port=port).get("/api/system").status == 401
    assert Client(port=port, token=token).get("/api/system").status == 403


def test_two_devices(make_server, driver):
    server = make_server({"LD_LIBRARY_PATH": driver})
    got = server.client.get("/api/system").json
    assert got["gpu_driver"] == "555.42.06" and got["gpu_note"] is None
    assert got["gpus"] == [
        {"index": 0, "name": "Fake A100", "memory_total_bytes": 80 << 30,
         "memory_free_bytes": 20 << 30, "utilisation_percent": 73, "temperature_celsius": 61},
        {"index": 1, "name": "Fake \033[31mT4", "memory_total_bytes": 16 << 30,
         "memory_free_bytes": 4 << 30, "utilisation_percent": None, "temperature_celsius": None}]
    gpus = sorted(x for x in server.client.get("/metrics").text.splitlines()
                  if x.startswith("scripta_gpu_"))
    assert gpus == ['scripta_gpu_memory_bytes{gpu="0",state="free"} 21474836480',
                    'scripta_gpu_memory_bytes{gpu="0",state="used"} 64424509440',
                    'scripta_gpu_memory_bytes{gpu="1",state="free"} 4294967296',
                    'scripta_gpu_memory_bytes{gpu="1",state="used"} 12884901888',
                    'scripta_gpu_temperature_celsius{gpu="0"} 61',
                    'scripta_gpu_utilisation_ratio{gpu="0"} 0.73']
    text = cli("gpu", data=server.data).stdout
    assert "Fake A100" in text and "555.42.06" in text and "\033" not in text, text
    shown = cli_json("gpu", data=server.data)
    assert shown == {k: got[k] for k in ("gpus", "gpu_driver", "gpu_note")}
    text = cli("system", data=server.data).stdout
    assert "Fake A100" in text and "processor" in text and " free of " in text, text
    assert cli_json("system", data=server.data)["gpus"] == got["gpus"]


@pytest.mark.parametrize("mode, note", [
    ("none", "no GPU: the driver finds none"),
    ("broken", "no GPU: the driver does not start: Driver Not Loaded"),
])
def test_a_driver_without_a_device(make_server, driver, mode, note):
    server = make_server({"LD_LIBRARY_PATH": driver, "FAKE_NVML": mode})
    got = server.client.get("/api/system").json
    assert (got["gpus"], got["gpu_note"]) == ([], note)
    assert note in cli("gpu", data=server.data).stdout


def test_a_library_that_is_none(make_server, folder):
    (folder / "libnvidia-ml.so.1").write_bytes(b"no library")
    server = make_server({"LD_LIBRARY_PATH": folder})
    got = server.client.get("/api/system").json
    assert got["gpus"] == [] and got["gpu_note"].startswith("no GPU: ")


def test_a_program_that_does_not_answer(make_server, folder):
    """The rest of the machine is told all the same."""
    media = folder / "scripta-media"
    media.write_text("#!/bin/sh\nexit 3\n")
    media.chmod(0o755)
    server = make_server({"SCRIPTA_MEDIA": media})
    got = wait_until(lambda: server.client.get("/api/system"), 30, "an answer").json
    assert got["gpus"] == [] and "status" in got["gpu_note"]
    assert got["cpu"]["cores"] == os.cpu_count()
