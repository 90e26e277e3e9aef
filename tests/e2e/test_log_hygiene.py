"""What nobody may find in a log or among the figures: tokens, keys, texts, signs that act."""

import json
import re

import pytest

from harness import Client, free_port, noise_wav

SECRET_TOKEN = "scripta_" + "q7" * 16
SPOKEN = "zebrafinch quartermaster"
ASKED = "prompt-nobody-else-sees"
HOSTILE = "a\x1b[2J\x1b]0;x\x07\r\n2026-01-01 00:00:00 [ERROR] forged: line\u202e\x00\x7f.wav"
ENGINE = r"""#!/bin/sh
printf 'said: \033[31m\007\r[ERROR] forged: from the engine\n' >&2
case "$2" in
*fail*) printf 'dying \033[2J\n' >&2; exit 7 ;;
esac
printf '%s\n' 'zebrafinch quartermaster'
"""
LINE = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \[(DEBUG|INFO|WARNING|ERROR)\] \S+: ")


@pytest.fixture(params=["text", "json"])
def house(request, make_server, folder):
    """(server, port): all that can be logged is, in both forms."""
    engine = folder / "engine"
    engine.write_text(ENGINE)
    engine.chmod(0o755)
    port = free_port()
    env = {"SCRIPTA_DEBUG": "on", "SCRIPTA_WORKERS": 1, "SCRIPTA_TOKEN": SECRET_TOKEN,
           "SCRIPTA_LOG_JSON": "on" if request.param == "json" else "off",
           "SCRIPTA_ENGINE_HTTP_KEY": "sk-" + "k3y" * 9,
           "SCRIPTA_ENGINE_COMMAND_RUN": f"'{engine}' {{in}} {{prompt}}",
           "SCRIPTA_ENGINE_COMMAND_FORMAT": "text", "SCRIPTA_QUEUE_MAX_FAILURES": 1}
    return make_server(env, ["--listen", f"127.0.0.1:{port}"]), port


def provoke(server, port):
    """Everything hostile that a client can send; the token that it used."""
    local = server.client
    assert local.post("/api/tokens", {"name": HOSTILE, "scopes": ["read"]}).status == 400
    token = local.post("/api/tokens", {"name": "t", "scopes": ["read", "write"]}).json["token"]
    name = HOSTILE.replace("\0", "%00")
    client = Client(port=port, token=token)
    for seed, prompt in enumerate((ASKED, ASKED + "-fail")):
        reply = client.upload(noise_wav(2, seed), name=name, engine="command", prompt=prompt,
                              vad="off")
        assert reply.status == 201, reply
        job = client.wait_job(reply.json["job_id"])
        assert job["status"] == ("failed" if "fail" in prompt else "completed"), job
    wrong = Client(port=port, token=SECRET_TOKEN)
    for path in ("/api/jobs", f"/api/jobs/{SECRET_TOKEN}%0a%1b[31m", f"/%1b[2J%0d%0a{ASKED}",
                 "/api/files?tag=%1b%0a"):
        wrong.get(path, headers={"User-Agent": "\x1b[31m", "X-Request-Id": "x\x1b"})
    local.post("/api/jobs", {"pipeline": HOSTILE, "engine": HOSTILE})
    local.upload(b"\x1b[31m" * 100, name=name, engine="null")
    local.raw(b"GET /\x1b[31m\xff HTTP/1.1\r\nHost: \x1b\r\nAuthorization: Bearer " +
              SECRET_TOKEN.encode() + b"\r\n\r\n", timeout=2)
    return token


def test_nothing_of_it_is_raw_in_a_log_or_among_the_figures(house):
    server, port = house
    token = provoke(server, port)
    figures = server.client.get("/metrics").body
    assert server.stop() == 0
    logs = {path: path.read_bytes()
            for path in [server.log, *(server.data / "logs").rglob("*.log")]}
    assert len(logs) >= 4, logs
    assert re.search(rb"FIGURES_CHANGE\b.*\bus\b\W{1,3}\d", logs[server.log]), "no statements there"
    secrets = [SECRET_TOKEN, SPOKEN, "sk-k3y", token]
    for path, log in [*logs.items(), ("/metrics", figures)]:
        for secret in secrets:
            assert secret.encode() not in log, (path, secret)
        assert not re.search(rb"[\x00-\x08\x0b-\x1f\x7f]", log), path
        assert "\u202e".encode() not in log, path
    for secret in (ASKED, "forged", "zebrafinch"):
        assert secret.encode() not in figures
    for path, log in logs.items():
        for line in log.decode("utf-8").splitlines():
            if line.startswith("{"):
                assert {"time", "level", "component", "message"} <= set(json.loads(line)), path
            elif "Sanitizer" not in line:
                assert LINE.match(line), (path, line)
