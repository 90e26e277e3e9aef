"""The decoder's jail as it is when a server runs it: what it holds, under a unit of systemd, and
what happens where it cannot be had."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

from harness import (BUILD, MEDIA, PATIENCE, ROOT, clean_environment, cli, noise_wav, null_words,
                     tone_wav)

PLAIN = BUILD / "tests" / "unit" / "media" / "scripta-media-plain"
UNITS = BUILD / "packaging"
FILTER = [sys.executable, str(ROOT / "tests" / "e2e" / "unit_filter.py")]
# The leak check of a sanitizer traces its own process, which no unit allows.
NO_LEAK_CHECK = {"ASAN_OPTIONS": "abort_on_error=1:detect_leaks=0"}

needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"),
                                   reason="systemd-analyze is not here")


@pytest.mark.parametrize("program", [MEDIA, PLAIN], ids=["built", "plain"])
def test_a_running_decoder_holds_two_descriptors_and_no_rights(folder, program):
    """It waits inside the jail while nobody reads its samples."""
    path = folder / "long.wav"
    path.write_bytes(tone_wav(60))
    secret = os.open(folder / "secret", os.O_RDWR | os.O_CREAT, 0o600)
    fd = os.open(path, os.O_RDWR)
    process = subprocess.Popen([str(program), "decode", "--fd", str(fd)], pass_fds=[fd, secret],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, env=clean_environment())
    try:
        proc = pathlib.Path(f"/proc/{process.pid}")
        assert process.stdout.read(4) == b"INFO"
        status = dict(x.split(":\t", 1) for x in (proc / "status").read_text().splitlines())
        assert status["Seccomp"] == "2" and status["NoNewPrivs"] == "1"
        assert status["Threads"] == "1"
        held = {int(x.name): os.readlink(x) for x in (proc / "fd").iterdir()}
        assert set(held) == {1, 2, fd} and held[fd] == str(path), held
        limits = (proc / "limits").read_text()
        for name in ("Max open files", "Max file size", "Max processes", "Max core file size"):
            assert re.search(rf"^{name} +0 +0 ", limits, re.MULTILINE), limits
        if program == PLAIN or "san" not in BUILD.name:
            assert re.search(r"^Max address space +536870912 ", limits, re.MULTILINE), limits
    finally:
        process.kill()
        process.communicate()
        os.close(fd)
        os.close(secret)


def test_the_decoder_inherits_neither_keys_nor_the_store(make_server, folder):
    seen = folder / "seen"
    media = folder / "scripta-media"
    media.write_text(f'''#!/bin/sh
if [ "$1" = decode ]; then
    (tr "\\\\0" "\\\\n" < /proc/$$/environ; ls -l /proc/$$/fd) >> "{seen}" 2>&1
fi
exec "{MEDIA}" "$@"
''')
    media.chmod(0o755)
    server = make_server({"SCRIPTA_MEDIA": media, "SCRIPTA_TOKEN": "scripta_verysecret",
                          "AWS_SECRET_ACCESS_KEY": "verysecret"})
    job = server.client.upload_null(2)
    assert server.client.wait_job(job["job_id"])["status"] == "completed"
    text = seen.read_text()
    assert text.count("ASAN_OPTIONS") >= 2, text  # looked at twice: the probe and the split
    assert "verysecret" not in text and "HOME=" not in text, text
    assert "scripta.db" not in text and "/run/" not in text, text
    assert not re.search(r"socket:", text), text


@needs_systemd
@pytest.mark.parametrize("unit", ["scripta.service", "scripta-worker.service"])
def test_units_are_sound_and_closed(folder, unit):
    path = folder / unit
    text = (UNITS / unit).read_text()
    path.write_text(re.sub(r"^ExecStart=\S+/(scripta\S*)", rf"ExecStart={BUILD}/\1", text,
                           flags=re.MULTILINE))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", path], capture_output=True,
                          text=True, check=False, timeout=PATIENCE)
    # Other units of the machine are looked at as well, and may be wrong.
    assert done.returncode == 0 and unit not in done.stderr, done
    done = subprocess.run(["systemd-analyze", "security", "--offline=yes", path],
                          capture_output=True, text=True, check=True, timeout=PATIENCE)
    level = float(re.search(r"exposure level for .*: (\d+\.\d)", done.stdout)[1])
    assert level <= 1.5, done.stdout


@needs_systemd
def test_server_and_decoder_run_under_the_units_filter(make_server):
    server = make_server(NO_LEAK_CHECK, wrapper=[*FILTER, str(UNITS / "scripta.service")])
    job = server.client.upload_null(3)
    job = server.client.wait_job(job["job_id"])
    assert job["status"] == "completed", job
    assert server.client.transcript(job)["text"].split() == null_words(3)
    # It is the unit's filter that we are under.
    status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    assert "Seccomp:\t2" in status


@needs_systemd
def test_a_unit_without_seccomp_decodes_nothing(make_server):
    """The group @system-service of Debian 12's systemd lacks the call; the unit names it."""
    server = make_server(NO_LEAK_CHECK, wrapper=[
        *FILTER, str(UNITS / "scripta.service"), "--without", "seccomp,prctl"])
    check_refusal(server)


def test_where_filters_are_forbidden_nothing_is_decoded(make_server):
    server = make_server(NO_LEAK_CHECK, wrapper=[*FILTER, "--deny", "seccomp,prctl"])
    check_refusal(server)


def check_refusal(server):
    reply = server.client.upload(noise_wav(2), engine="null")
    assert reply.status == 503 and reply.error["code"] == "JAIL_UNAVAILABLE", reply
    assert server.client.get("/api/files").json["files"] == []
    clip = server.data.parent / "a.wav"
    clip.write_bytes(noise_wav(2))
    done = cli("transcribe", clip, data=server.data)
    assert done.returncode == 12 and "cannot be decoded safely" in done.stderr, done


def test_a_kernel_without_landlock_still_decodes(make_server):
    server = make_server(NO_LEAK_CHECK, wrapper=[*FILTER, "--deny", "landlock_create_ruleset"])
    job = server.client.upload_null(2)
    assert server.client.wait_job(job["job_id"])["status"] == "completed"


def test_install_puts_units_where_systemd_looks(folder):
    plan = subprocess.run(["meson", "introspect", "--install-plan", str(BUILD)], check=True,
                          capture_output=True, text=True, timeout=PATIENCE).stdout
    for unit in ("scripta.service", "scripta-worker.service"):
        assert f"lib/systemd/system/{unit}" in plan
