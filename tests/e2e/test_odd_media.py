"""What people, broken disks and attackers hand in: each file ends as a good system would have it."""

import concurrent.futures
import os
import re
import shutil
import subprocess
import time

import pytest

import odd_media
from harness import MEDIA, PATIENCE, clean_environment, cli, wait_until

# Of every refusal: it must say what to do.
REMEDIES = ("upload", "convert", "export", "copy", "record it", "unpack", "render",
            "send")


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    kitchen = odd_media.Kitchen(tmp_path_factory.mktemp("odd"))
    return {name: (data, outcome) for name, data, outcome in odd_media.cases(kitchen)}


def check_refusal(name, outcome, code, message):
    assert "refused" in outcome, (name, code, message)
    assert code == outcome["code"] and outcome["refused"] in message, (name, code, message)
    assert any(word in message for word in REMEDIES), (name, message)
    # The words of a library are no help to anybody.
    assert not re.search(r"AVERROR|[Ii]nvalid data|0x[0-9a-f]{4}|errno", message), (name, message)


def check_job(client, name, outcome, made):
    job = client.wait_job(made["job_id"], timeout=120)
    if "refused" in outcome:
        assert job["status"] == "failed" and job["retry_count"] == 0, (name, job)
        check_refusal(name, outcome, job["error_code"], job["error_message"])
        return
    assert job["status"] == "completed", (name, job["error_code"], job["error_message"])
    assert abs(job["duration_seconds"] - outcome["seconds"]) <= outcome["off"], (name, job)
    assert bool(job["warnings"]) == outcome.get("warned", False), (name, job["warnings"])
    words = client.transcript(job)["text"].split()
    assert (not words) == outcome.get("silent", False), (name, words)


def test_a_hundred_odd_files(make_server, table):
    server = make_server(env={"SCRIPTA_QUEUE_MAX_CONCURRENT_NORMAL": 8})
    client, pid = server.client, server.pid

    wrong = []

    def hand_in(item):
        try:
            hand_in_one(*item)
        except AssertionError as e:
            wrong.append(str(e).splitlines()[0])

    def hand_in_one(name, case):
        data, outcome = case
        vad = "on" if outcome.get("silent") else "off"
        reply = client.upload(data, name=name, engine="null", vad=vad, timeout=120)
        if reply.status >= 400:
            assert reply.status in (400, 413), (name, reply)
            error = reply.json["error"]
            check_refusal(name, outcome, error["code"], error["message"])
        else:
            check_job(client, name, outcome, reply.json)

    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        list(pool.map(hand_in, table.items()))
    assert not wrong, "\n".join(wrong)
    assert len(table) >= 100
    assert server.pid == pid and server.is_ready()
    wait_until(lambda: not list(server.data.glob("temp/*")), 10, "temp is empty")
    assert not list(server.data.glob("work/*/chunks/*"))


def test_a_folder_of_them_is_handed_in(make_server, folder, table):
    server = make_server(env={"SCRIPTA_QUEUE_MAX_CONCURRENT_NORMAL": 8})
    odd = folder / "odd"
    odd.mkdir()
    for name, (data, _) in table.items():
        (odd / name).write_bytes(data)
    done = cli("add", "-e", "null", odd, data=server.data, timeout=300)
    jobs, last = done.stdout.split(), done.stderr.splitlines()[-1]
    refusals = {name: done.stderr.split(f"{odd}/{name}: ")[1].splitlines()[0]
                for name in table if f"{odd}/{name}: " in done.stderr}
    assert len(jobs) + len(refusals) == len(table) and f"{len(refusals)} refused" in last, last
    for name, sentence in refusals.items():
        check_refusal(name, table[name][1], table[name][1].get("code"), sentence)
    for job_id in set(jobs):
        job = server.client.wait_job(job_id, timeout=120)
        outcome = table[job["file_name"]][1]
        assert (job["status"] == "failed") == ("refused" in outcome), job
    by_name = {server.client.job(i)["file_name"] for i in jobs}
    assert len(by_name) > 40 and not by_name & set(refusals)


def decode(path, *args):
    """(exit code, peak memory in MiB, seconds) of one decode; its output goes nowhere."""
    start = time.monotonic()
    with open(path, "rb") as f:
        process = subprocess.Popen([str(MEDIA), "decode", "--fd", str(f.fileno()), *args],
                                   pass_fds=[f.fileno()], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   env=clean_environment())
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, usage.ru_maxrss // 1024, time.monotonic() - start


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
@pytest.mark.parametrize("name", ["hls.mp3", "concat.wav", "dash.mp4", "sdp.wav", "reference.mov",
                                  "linked.mkv", "music.vgz", "joined.ts"])
def test_nothing_is_opened_and_nobody_called(folder, table, name):
    path, log = folder / name, folder / "trace"
    path.write_bytes(table[name][0])
    with open(path, "rb") as f:
        subprocess.run(["strace", "-f", "-o", str(log), "-e",
                        "trace=%file,%network,seccomp,prctl,execve", str(MEDIA), "decode", "--fd",
                        str(f.fileno())], pass_fds=[f.fileno()], stdin=subprocess.DEVNULL,
                       capture_output=True, check=False, timeout=PATIENCE,
                       env=clean_environment({"ASAN_OPTIONS": "detect_leaks=0"}))
    lines = log.read_text("utf-8", "replace").splitlines()
    walls = [i for i, x in enumerate(lines) if "SECCOMP_SET_MODE_FILTER" in x and "= 0" in x
             or "PR_SET_SECCOMP" in x and "= 0" in x]
    assert walls, lines[-5:]
    touched = [x for x in lines[walls[-1] + 1:] if re.search(r"\) += [0-9]", x)]
    assert not touched, touched


def test_days_of_sound_in_a_few_bytes(make_server, folder):
    """What the header claims is not believed, for so few bytes; what comes out is counted."""
    server = make_server(env={"SCRIPTA_UPLOAD_MAX_DURATION": "10m"})
    for claimed in (True, False):
        bomb = odd_media.flac_bomb(72 * 3600, claimed=claimed)
        assert len(bomb) < 150000
        made = server.client.upload(bomb, name="bomb.flac", engine="null")
        job = server.client.wait_job(made.json["job_id"])
        assert (job["status"], job["error_code"]) == ("failed", "FILE_TOO_LARGE"), job
        assert job["retry_count"] == 0
    wait_until(lambda: not list(server.data.glob("work/*/chunks/*")), 10, "chunks are gone")

    (folder / "bomb.flac").write_bytes(bomb)
    code, megabytes, _ = decode(folder / "bomb.flac", "--max-seconds", "3600")
    assert code not in (0, 70) and megabytes < 256, (code, megabytes)


def test_memory_does_not_grow_with_the_recording(folder, table):
    """The same decoder for three seconds and for two hours."""
    (folder / "short.flac").write_bytes(table["silence.flac"][0])
    (folder / "long.flac").write_bytes(odd_media.flac_bomb(2 * 3600))
    _, little, _ = decode(folder / "short.flac")
    code, much, _ = decode(folder / "long.flac")
    assert code == 0 and much - little < 16, (little, much)
