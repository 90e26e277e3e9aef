"""The calls below /v1, through OpenAI's own client and by hand."""

import array
import contextlib
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import threading

import pytest

import harness
from harness import (ROOT, beats_wav, free_port, librivox, multipart, null_words, silence_wav,
                     wait_until)

NODE = ROOT / "tests" / "node"
TRANSCRIPTIONS = "/v1/audio/transcriptions"
SETTINGS = {"SCRIPTA_WORKERS": 2, "SCRIPTA_UPLOAD_RESERVE": "0", "SCRIPTA_ENGINE_DEFAULT": "null",
            "SCRIPTA_QUEUE_MAX_CONCURRENT_HIGH": 8}

# Slow words: a model of the null engine that takes its time over each chunk.
SLOW_MODEL = "null/delay_ms=700"


@pytest.fixture(scope="module")
def shared():
    """One server for the file, on TCP too; its default engine is null."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="sc-", dir=os.environ.get("TMPDIR", "/tmp")))
    port = free_port()
    server = harness.Server(path / "d", SETTINGS, ["--listen", f"127.0.0.1:{port}"])
    server.url = f"http://127.0.0.1:{port}/v1"
    try:
        yield server.start()
        assert not server.sanitizer_reports(), server.sanitizer_reports()
    finally:
        server.destroy()
        shutil.rmtree(path, ignore_errors=True)


def node(script, *args, stdin=None, env=None):
    if not (NODE / "node_modules" / "openai").exists():
        pytest.skip("OpenAI's client is not here: make node")
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **(env or {})}
    done = subprocess.run(["node", str(NODE / script), *map(str, args)], input=stdin,
                          capture_output=True, text=True, timeout=harness.PATIENCE, check=False, cwd=NODE,
                          env=environment)
    assert done.returncode == 0, (done.stdout, done.stderr)
    return done.stdout


def official(url, *calls, parallel=False):
    """What OpenAI's client makes of each call (tests/node/openai.mjs)."""
    order = {"baseURL": url, "calls": calls, "parallel": parallel}
    return json.loads(node("openai.mjs", stdin=json.dumps(order)))


def transcribe(file, **params):
    params.setdefault("model", "whisper-1")
    return {"method": "transcribe", "file": str(file), "params": params}


def post(client, parts, path=TRANSCRIPTIONS, headers=None, **kwargs):
    content_type, body = multipart(parts)
    return client.request("POST", path, body=body,
                          headers={"Content-Type": content_type, **(headers or {})}, **kwargs)


def form(data, *fields, name="a.wav"):
    return [("model", "whisper-1"), *fields, ("file", (name, data))]


def clip(folder, seconds, seed=0):
    path = folder / f"clip-{seconds}-{seed}.wav"
    path.write_bytes(beats_wav(seconds, seed))
    return path


def words(seconds):
    return " ".join(null_words(seconds))


def assert_error(reply, status, **want):
    """The shape that OpenAI's clients rely on: four keys, and an id of the request."""
    assert reply.status == status, reply
    assert reply.headers["Content-Type"] == "application/json"
    assert reply.headers["X-Request-Id"]
    assert list(reply.json) == ["error"]
    error = reply.error
    assert sorted(error) == ["code", "message", "param", "type"], error
    assert isinstance(error["message"], str) and error["message"]
    assert isinstance(error["type"], str)
    for key in ("param", "code"):
        assert error[key] is None or isinstance(error[key], str)
    for key, value in want.items():
        assert error[key] == value, error
    return error


# ---- the official client ----


def test_ten_lines_transcribe_a_file(server, folder):
    path = clip(folder, 3)
    out = node("openai-ten-lines.mjs", path, env={"OPENAI_BASE_URL": server.url})
    assert out == words(3) + "\n"
    script = (NODE / "openai-ten-lines.mjs").read_text("utf-8")
    assert len(script.splitlines()) == 10
    shown = (ROOT / "docs" / "openai.md").read_text("utf-8")
    assert all(f"    {line}\n" in shown for line in script.splitlines() if line)


def test_the_examples_of_the_page_work_as_printed(server, folder):
    """With curl; its port, which is the reader's, leads to the server of the test."""
    page = (ROOT / "docs" / "openai.md").read_text("utf-8")
    commands = [line.strip() for line in page.splitlines() if line.startswith("    curl ")]
    shown = [json.loads(line.strip()[6:]) for line in page.splitlines()
             if line.startswith("    data: ")]
    (folder / "talk.mp3").write_bytes(beats_wav(3, 44))
    wrapper = folder / "curl"
    port = server.url.split(":")[2].split("/")[0]
    wrapper.write_text("#!/bin/sh\nexec /usr/bin/curl -sS --fail-with-body --max-time 60 "
                       f'--connect-to 127.0.0.1:8000:127.0.0.1:{port} "$@"\n')
    wrapper.chmod(0o755)
    srt, stream = [subprocess.run(["bash", "-c", command], cwd=folder, check=True, text=True,
                                  capture_output=True, timeout=harness.PATIENCE,
                                  env={"PATH": f"{folder}:{os.environ['PATH']}"}).stdout
                   for command in commands]
    assert srt.startswith("1\n00:00:00,000 --> ") and "t0 t1 t2" in srt
    told = [json.loads(line[6:]) for line in stream.splitlines() if line.startswith("data: ")]
    assert deltas(told) == told[-1]["text"] == words(3)
    # They have the members that the page shows, and in that order.
    assert [list(e) for e in told] == [list(e) for e in shown]


def test_the_client_reads_every_format(server, folder):
    path = clip(folder, 4, 1)
    results = official(
        server.url, transcribe(path), transcribe(path, response_format="text"),
        transcribe(path, response_format="srt"), transcribe(path, response_format="vtt"),
        transcribe(path, response_format="verbose_json"),
        transcribe(path, response_format="verbose_json", timestamp_granularities=["word"]),
        transcribe(path, response_format="verbose_json",
                   timestamp_granularities=["word", "segment"]),
        transcribe(path, stream=False, temperature=0.2, prompt="hello", language="en",
                   include=["logprobs"], chunking_strategy={"type": "server_vad"}))
    for result in results:
        assert "value" in result, result
        assert result["headers"]["x-scripta-engine"] == "null"
        assert result["headers"]["x-request-id"]
    plain, text, srt, vtt, verbose, with_words, both, all_fields = [r["value"] for r in results]
    assert plain == {"text": words(4), "usage": {"type": "duration", "seconds": 4}}
    assert text == words(4) + "\n"
    assert srt.startswith("1\n00:00:00,000 --> 00:00:0") and "t0 t1 t2 t3\n" in srt
    assert vtt.startswith("WEBVTT\n\n") and "00:00:00.000 --> 00:00:0" in vtt
    for result in results[1:4]:
        assert result["headers"]["content-type"] == "text/plain; charset=utf-8"
    assert verbose["task"] == "transcribe" and verbose["language"] == "unknown"
    assert verbose["duration"] == 4 and verbose["text"] == words(4)
    assert "words" not in verbose and "segments" not in with_words
    assert [w["word"] for w in with_words["words"]] == null_words(4)
    assert both["segments"] == verbose["segments"] and both["words"] == with_words["words"]
    assert "".join(s["text"] for s in both["segments"]) == words(4)
    for i, segment in enumerate(both["segments"]):
        assert segment["id"] == i and segment["tokens"] == []
        for key in ("seek", "start", "end", "temperature", "avg_logprob", "compression_ratio",
                    "no_speech_prob"):
            assert isinstance(segment[key], (int, float)), segment
    assert all_fields["text"] == words(4)
    assert "".join(t["token"] for t in all_fields["logprobs"]) == words(4)
    for token in all_fields["logprobs"]:
        assert token["logprob"] <= 0 and bytes(token["bytes"]).decode() == token["token"]
    assert results[-1]["headers"]["x-scripta-ignored"] == "chunking_strategy"


def test_one_job_serves_every_format_and_is_of_class_high(server, folder):
    path = clip(folder, 2, 2)
    results = official(server.url, transcribe(path), transcribe(path, response_format="srt"))
    ids = {r["headers"]["x-scripta-job"] for r in results}
    assert len(ids) == 1
    job = server.client.job(ids.pop())
    assert job["priority"] == "high" and job["status"] == "completed"
    assert job["file_name"] == path.name


def test_errors_are_the_classes_of_the_client(server, folder):
    path = clip(folder, 1, 3)
    results = official(
        server.url, {"method": "transcribe", "file": str(path), "params": {}},
        transcribe(path, model="gpt-9"), transcribe(path, response_format="docx"),
        transcribe(path, language="klingonish"), transcribe(path, temperature=7),
        transcribe(path, response_format="verbose_json", timestamp_granularities=["line"]),
        {"method": "transcribe", "content": "no sound at all", "name": "a.mp3",
         "params": {"model": "whisper-1"}},
        {"method": "model", "params": {"id": "whisper-9"}},
        {"method": "translate", "file": str(path), "params": {"model": "whisper-1"}})
    want = [("BadRequestError", "model", "invalid_value"),
            ("NotFoundError", "model", "model_not_found"),
            ("BadRequestError", "response_format", "invalid_value"),
            ("BadRequestError", "language", "invalid_value"),
            ("BadRequestError", "temperature", "invalid_value"),
            ("BadRequestError", "timestamp_granularities", "invalid_value"),
            ("BadRequestError", None, None), ("NotFoundError", "model", "model_not_found"),
            ("BadRequestError", "model", "invalid_value")]
    for result, (name, param, code) in zip(results, want):
        assert (result.get("error"), result.get("param"), result.get("code")) == (name, param, code)
        assert result["type"] == "invalid_request_error" and result["requestID"], result
    assert "Invalid file format. Supported formats: ['flac'," in results[6]["message"]
    assert "cannot translate" in results[8]["message"]


def test_a_server_that_wants_a_token(make_server, folder):
    port = free_port()
    server = make_server({**SETTINGS, "SCRIPTA_AUTH_LOOPBACK_OPEN": "off"},
                         ["--listen", f"127.0.0.1:{port}"])
    path = clip(folder, 1)
    results = official(f"http://127.0.0.1:{port}/v1", transcribe(path), {"method": "models"})
    for result in results:
        assert result["error"] == "AuthenticationError" and result["code"] == "invalid_api_key"
    # The Unix socket is its owner's, whatever key comes.
    reply = server.client.get("/v1/models", headers={"Authorization": "Bearer sk-none"})
    assert reply.status == 200


def test_models(server):
    listed, one, pair, alias = official(
        server.url, {"method": "models"}, {"method": "model", "params": {"id": "null"}},
        {"method": "model", "params": {"id": "pocketsphinx/en-us"}},
        {"method": "model", "params": {"id": "gpt-4o-transcribe"}})
    ids = [m["id"] for m in listed["value"]]
    assert {"whisper-1", "gpt-4o-transcribe", "gpt-4o-mini-transcribe", "gpt-transcribe",
            "gpt-4o-transcribe-diarize", "null", "pocketsphinx", "pocketsphinx/en-us"} <= set(ids)
    assert len(ids) == len(set(ids))
    for model in listed["value"]:
        assert model["object"] == "model" and model["owned_by"] == "scripta"
        assert isinstance(model["created"], int)
    assert one["value"]["id"] == "null" and alias["value"]["id"] == "gpt-4o-transcribe"
    assert pair["value"]["id"] == "pocketsphinx/en-us"
    assert server.client.get("/v1/models/pocketsphinx/en-us").json == pair["value"]
    assert_error(server.client.get("/v1/models/null/en-us"), 404, code="model_not_found")
    # Elsewhere a path with an encoded slash is as malformed as ever.
    assert server.client.get("/api/jobs/a%2Fb").error["code"] == "INVALID_REQUEST"


@pytest.mark.skipif(not librivox(), reason="pocketsphinx-testdata is not installed")
def test_a_real_engine_by_name(server):
    path = librivox()[-1]
    result, = official(server.url, transcribe(path, model="pocketsphinx", language="english",
                                              response_format="verbose_json"))
    assert result["headers"]["x-scripta-engine"] == "pocketsphinx/en-us"
    assert result["value"]["language"] == "english"
    assert len(result["value"]["text"].split()) > 4
    # A language that the engine does not know is the caller's mistake, not a guess.
    result, = official(server.url, transcribe(path, model="pocketsphinx", language="de"))
    assert (result["error"], result["param"]) == ("BadRequestError", "language")


def test_a_lost_answer_costs_no_second_run(server, folder):
    path = clip(folder, 5, 4)
    before = {j["job_id"] for j in server.client.jobs()}
    result, = official(server.url, {**transcribe(path), "name": "a.wav", "lose": 2,
                                    "client": {"maxRetries": 2}})
    assert result.get("value", {}).get("text") == words(5), result
    assert result["seen"] == ["0", "1", "2"]
    after = {j["job_id"] for j in server.client.jobs()}
    assert after - before == {result["headers"]["x-scripta-job"]}


def test_parallel_calls_get_their_own_text(server, folder):
    clips = [clip(folder, seconds, 5) for seconds in range(1, 17)]
    order = [i % len(clips) for i in range(64)]
    random.Random(55).shuffle(order)
    results = official(server.url, *[transcribe(clips[i]) for i in order], parallel=True)
    jobs = {}
    for i, result in zip(order, results):
        assert result.get("value", {}).get("text") == words(i + 1), result
        jobs.setdefault(i, set()).add(result["headers"]["x-scripta-job"])
    assert all(len(ids) == 1 for ids in jobs.values())
    assert len(set.union(*jobs.values())) == len(clips)


# ---- what clients send ----


@pytest.mark.parametrize("name", ["timestamp_granularities[]", "timestamp_granularities"])
@pytest.mark.parametrize("value", ["word", "['word']", '["word"]', "['word','segment']"])
def test_spellings_of_granularities(client, name, value):
    reply = post(client, form(beats_wav(2, 6), ("response_format", "verbose_json"), (name, value)))
    assert reply.status == 200, reply
    assert [w["word"] for w in reply.json["words"]] == null_words(2)
    assert ("segments" in reply.json) == ("segment" in value)


def test_parts_in_any_order(client):
    data = beats_wav(2, 7)
    first = post(client, [("file", ("a.wav", data)), ("model", "whisper-1")])
    last = post(client, [("model", "whisper-1"), ("file", ("a.wav", data))])
    middle = post(client, [("model", "whisper-1"), ("file", ("a.wav", data)), ("language", "")])
    assert first.json == last.json == middle.json == {
        "text": words(2), "usage": {"type": "duration", "seconds": 2}}


def test_a_name_in_utf8_that_lies(client):
    reply = post(client, form(beats_wav(1, 8), name="Größe 会議.mp3"))
    assert reply.status == 200, reply
    assert client.job(reply.headers["X-Scripta-Job"])["file_name"] == "Größe 会議.mp3"


def test_fields_that_nobody_knows_are_ignored(server, client):
    reply = post(client, form(beats_wav(1, 9), ("vad_filter", "true"), ("hotwords", "x"),
                              ("best_of", "5"), ("stream", "true")))
    assert reply.status == 200, reply
    assert reply.headers["X-Scripta-Ignored"] == "stream"
    assert reply.headers["Content-Type"] == "application/json"
    wait_until(lambda: "vad_filter, hotwords, best_of" in server.tail(), 5, "a line of the log")


def test_any_mixture_of_fields_has_an_answer(client):
    """Whatever the fields hold, the answer is a text or names the field, in the right shape."""
    rng = random.Random(47)
    data = beats_wav(1, 10)
    names = ["language", "prompt", "response_format", "temperature", "timestamp_granularities",
             "stream", "include", "chunking_strategy", "known_speaker_names", "languages",
             "keywords", "model"]
    values = ["", "en", "word", "segment", "json", "text", "verbose_json", "srt", "0", "1", "0.5",
              "-1", "nan", "true", "false", "[]", "['word']", "\u4f1a\u8b70", "x" * 300, "a\r\nb",
              "null", "whisper-1", "null/delay_ms=1", "/", "//", "[", "]"]
    seen = set()
    for _ in range(150):
        parts = [("model", "whisper-1"), ("file", ("a.wav", data))]
        for _ in range(rng.randint(1, 4)):
            name = rng.choice(names) + rng.choice(["", "[]", "[type]", "[", "[0]"])
            parts.insert(rng.randint(0, len(parts)), (name, rng.choice(values)))
        reply = post(client, parts)
        seen.add(reply.status)
        if reply.status == 200:
            assert "t0" in reply.text or "X-Scripta-Job" in reply.headers, (parts, reply)
        else:
            assert_error(reply, reply.status)
            assert reply.status in (400, 404), (parts, reply)
    assert seen == {200, 400, 404}


def test_languages(client):
    data = beats_wav(1, 11)
    for given, stored, told in (("de", "de", "german"), ("German", "de", "german"),
                                ("pt-BR", "pt", "portuguese"), ("ZH_TW", "zh", "chinese"),
                                ("tlh", "tlh", "tlh"), ("auto", "auto", "unknown")):
        reply = post(client, form(data, ("language", given), ("response_format", "verbose_json")))
        assert reply.status == 200, reply
        assert reply.json["language"] == told
        assert client.job(reply.headers["X-Scripta-Job"])["language"] == stored


def test_an_answer_to_a_call_is_never_304(server, client, make_server, folder):
    """Whether it is short or lies in a file: the recording was sent to be heard."""
    long_text = folder / "long.py"
    long_text.write_text("""print('{"text": "' + 60000 * "word " + '"}')\n""")
    wordy = make_server({**SETTINGS, "SCRIPTA_ENGINE_DEFAULT": "command",
                         "SCRIPTA_ENGINE_COMMAND_RUN": f"{sys.executable} '{long_text}' {{in}}"})
    for one, least in ((client, 1), (wordy.client, 256 << 10)):
        parts = form(beats_wav(2, 19))
        reply = post(one, parts, headers={"If-None-Match": "*"})
        assert reply.status == 200 and len(reply.body) > least, reply
        assert "ETag" not in reply.headers


def test_recordings_without_words(client):
    for format_name, empty in (("json", ""), ("text", "\n"), ("srt", ""),
                               ("vtt", "WEBVTT\n"), ("verbose_json", "")):
        reply = post(client, form(silence_wav(2), ("response_format", format_name)))
        assert reply.status == 200, reply
        body = reply.json["text"] if "json" in format_name else reply.text
        assert body == empty
    assert_error(post(client, form(silence_wav(0.05))), 400, param="file", code="audio_too_short",
                 type="invalid_request_error")
    assert client.upload(silence_wav(0.05, 8000)).status == 201, "elsewhere any length is taken"


def test_one_server_is_the_engine_of_another(server, make_server):
    """The engine http sends to /v1 of a second server; hints go to engines that take them."""
    front = make_server({**SETTINGS, "SCRIPTA_ENGINE_DEFAULT": "http",
                         "SCRIPTA_ENGINE_HTTP_URL": server.url, "SCRIPTA_ENGINE_HTTP_MODEL": "null"})
    hints = [("prompt", "Names: Ann"), ("temperature", "0.5"), ("keywords[]", "alpha"),
             ("keywords[]", "beta"), ("stream", "true")]
    reply = post(front.client, form(beats_wav(3, 17), *hints))
    assert reply.status == 200, reply
    assert reply.json["text"] == words(3)
    assert reply.headers["X-Scripta-Engine"] == "http/null"
    assert reply.headers["X-Scripta-Ignored"] == "stream, keywords"
    settings = front.client.job(reply.headers["X-Scripta-Job"])["settings"]
    assert settings["prompt"] == "Names: Ann" and settings["temperature"] == 0.5
    # pocketsphinx takes none of them: the same form is noted there, and refused nowhere.
    reply = post(server.client, [("model", "pocketsphinx"), *hints[:-1],
                                 ("file", ("a.wav", beats_wav(1, 18)))])
    assert reply.status == 200, reply
    assert reply.headers["X-Scripta-Ignored"] == "prompt, keywords, temperature"


# ---- streams ----


def deltas(events):
    return "".join(e["delta"] for e in events if e["type"] == "transcript.text.delta")


def sse(reply):
    return [json.loads(line[6:]) for line in reply.text.splitlines() if line.startswith("data: ")]


def test_a_stream_through_the_official_client(server, folder):
    path = clip(folder, 40, 30)
    plain, logged, whole = official(
        server.url, transcribe(path, model="gpt-4o-transcribe", stream=True),
        transcribe(path, model="gpt-4o-mini-transcribe", stream=True, include=["logprobs"]),
        transcribe(path, model="whisper-1", stream=True))
    assert plain["headers"]["content-type"] == "text/event-stream; charset=utf-8"
    assert plain["headers"]["x-scripta-engine"] == "null"
    done = plain["events"][-1]
    assert done == {"type": "transcript.text.done", "text": words(40),
                    "usage": {"type": "duration", "seconds": 40}}
    assert len(plain["events"]) > 2 and deltas(plain["events"]) == words(40)
    tokens = [t for e in logged["events"][:-1] for t in e["logprobs"]]
    assert "".join(t["token"] for t in tokens) == words(40)
    assert logged["events"][-1]["logprobs"] == tokens
    # whisper-1 answers whole, as at OpenAI: the client finds no event in it.
    assert whole["events"] == []
    assert whole["headers"]["x-scripta-ignored"] == "stream"


def test_a_long_text_is_streamed_whole(make_server, folder):
    """Its last event is longer than what is told at once, and than what is kept in memory."""
    script = folder / "long.py"
    script.write_text("""
import json
words = [f"w{n}" for n in range(60000)]
print(json.dumps({"segments": [{"start": n / 30000, "end": (n + 100) / 30000, "text": " ".join(words[n:n + 100])}
                               for n in range(0, 60000, 100)]}))
""")
    server = make_server({**SETTINGS, "SCRIPTA_ENGINE_DEFAULT": "command",
                          "SCRIPTA_ENGINE_COMMAND_RUN": f"{sys.executable} '{script}' {{in}}"})
    parts = [("model", "command"), ("stream", "true"), ("file", ("a.wav", beats_wav(3, 38)))]
    told = " ".join(f"w{n}" for n in range(60000))
    for _ in range(2):  # while it runs, and when it is there already
        reply = post(server.client, parts)
        events = sse(reply)
        assert len(reply.body) > 2 * len(told) > 512 << 10
        assert events[-1]["text"] == told and deltas(events) == told


def test_text_comes_while_the_recording_is_recognised(client):
    """The last chunk never ends: what stands before it is told; then the job is cancelled."""
    content_type, body = multipart([("model", "null/hang_at=2"), ("stream", "true"),
                                    ("file", ("a.wav", beats_wav(70, 31)))])
    connection = client.connect()
    connection.request("POST", TRANSCRIPTIONS, body, {"Content-Type": content_type})
    reply = connection.getresponse()
    assert reply.status == 200
    job = reply.headers["X-Scripta-Job"]
    events = []
    while not events:  # the words of the first chunk
        line = reply.readline().decode()
        assert line, "the stream has ended"
        if line.startswith("data: "):
            events.append(json.loads(line[6:]))
    assert words(70).startswith(deltas(events)) and deltas(events)
    assert client.job(job)["status"] == "processing"
    assert client.post(f"/api/jobs/{job}/cancel").status == 200
    rest = reply.read().decode()
    connection.close()
    error = json.loads(rest.strip().splitlines()[-1].removeprefix("data: "))["error"]
    assert error["code"] == "cancelled" and job in error["message"]


@pytest.mark.parametrize("path", [TRANSCRIPTIONS, "/inference"])
def test_a_model_that_nobody_has_is_refused_while_the_recording_comes(client, path):
    """Of 64 MiB two are sent: who named the model before the file hears of it then."""
    content_type, body = multipart([("model", "pocketsphinx/nonsuch"),
                                    ("file", ("a.wav", beats_wav(2, 34) + bytes(2 << 20)))])
    assert client.get("/api/engines").status == 200  # which waits until they are known
    connection = client.connect()
    connection.putrequest("POST", path)
    connection.putheader("Content-Type", content_type)
    connection.putheader("Content-Length", str(64 << 20))
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        connection.endheaders(body)
    reply = connection.getresponse()
    text = reply.read().decode()
    connection.close()
    assert reply.status in (400, 404) and "nonsuch" in text, text
    # The same in a body that is short is an answer like any other.
    content_type, body = multipart([("file", ("a.wav", beats_wav(2, 34))),
                                    ("model", "pocketsphinx/nonsuch")])
    reply = client.request("POST", path, body=body, headers={"Content-Type": content_type})
    assert reply.status in (400, 404) and "nonsuch" in reply.text, reply


def test_the_client_raises_what_a_stream_tells(make_server, folder):
    port = free_port()
    make_server({**SETTINGS, "SCRIPTA_QUEUE_BACKOFF": "1ms"}, ["--listen", f"127.0.0.1:{port}"])
    path = clip(folder, 2, 32)
    failed, unknown = official(f"http://127.0.0.1:{port}/v1",
                               transcribe(path, model="null/fail_rate=1", stream=True),
                               transcribe(path, model="gpt-9", stream=True))
    assert failed["error"] == "APIError" and failed["events"] == []
    assert unknown["error"] == "NotFoundError", "before the stream has begun"


def test_a_stream_that_nobody_reads_leaves_its_job(client):
    content_type, body = multipart([("model", "null/delay_ms=300"), ("stream", "true"),
                                    ("file", ("a.wav", beats_wav(3, 33)))])
    connection = client.connect()
    connection.request("POST", TRANSCRIPTIONS, body, {"Content-Type": content_type})
    job = connection.getresponse().headers["X-Scripta-Job"]
    connection.close()
    assert client.wait_job(job)["status"] == "completed"


def test_a_stream_ends_when_the_server_stops(make_server):
    server = make_server(SETTINGS)
    content_type, body = multipart([("model", "null/hang_at=0"), ("stream", "true"),
                                    ("file", ("a.wav", beats_wav(1, 34)))])
    connection = server.client.connect()
    connection.request("POST", TRANSCRIPTIONS, body, {"Content-Type": content_type})
    reply = connection.getresponse()
    assert server.stop() == 0
    assert "transcript.text.done" not in reply.read().decode()
    connection.close()


def stereo(left, right):
    """Two recordings of one channel as the two of one."""
    sides = [array.array("h", data[44:]) for data in (left, right)]
    both = array.array("h", bytes(4 * len(sides[0])))
    both[0::2], both[1::2] = sides
    return harness.wav(both, rate=8000, channels=2)


def test_speakers_by_channel(client):
    data = stereo(beats_wav(4, 35), beats_wav(4, 36))
    parts = [("model", "gpt-4o-transcribe-diarize"), ("response_format", "diarized_json"),
             ("file", ("a.wav", data))]
    assert_error(post(client, parts), 400, param="response_format")
    reply = post(client, [*parts, ("channels", "split")])
    assert reply.status == 200, reply
    assert reply.json["task"] == "transcribe" and reply.json["duration"] == 4
    assert {s["speaker"] for s in reply.json["segments"]} == {"A", "B"}
    for i, segment in enumerate(reply.json["segments"]):
        assert segment["type"] == "transcript.text.segment" and segment["id"] == f"seg_{i + 1:03}"
        assert 0 <= segment["start"] <= segment["end"] <= 4
    assert reply.json["text"] == "\n".join(f"{s['speaker']}: {s['text']}"
                                           for s in reply.json["segments"])
    events = sse(post(client, [*parts, ("channels", "split"), ("stream", "true")]))
    assert events[:-1] == reply.json["segments"]
    assert events[-1]["type"] == "transcript.text.done"

    named = post(client, [*parts, ("channels", "split"), ("known_speaker_names[]", "agent"),
                          ("known_speaker_names[]", "caller")])
    assert {s["speaker"] for s in named.json["segments"]} == {"agent", "caller"}
    # A sample of ten seconds is longer than other fields may be.
    sample = ("known_speaker_references[]", "data:audio/wav;base64," + "QUJD" * 150_000)
    who = ("known_speaker_names[]", "agent")
    assert_error(post(client, [*parts, ("channels", "split"), who, sample]), 400,
                 param="known_speaker_references")
    parts[1] = ("response_format", "json")
    reply = post(client, [*parts, who, sample])
    assert reply.status == 200, reply
    assert reply.headers["X-Scripta-Ignored"] == "known_speaker_names, known_speaker_references"
    assert_error(post(client, [*parts, who, (sample[0], sample[1] * 8)]), 413)


# ---- other servers' calls ----


def asr(client, query, data, path="/asr"):
    return post(client, [("audio_file", ("a.wav", data))], path + query)


@pytest.mark.parametrize("path,field", [("/asr", "audio_file"), ("/inference", "file")])
def test_a_second_recording_is_named_as_it_was_sent(client, path, field):
    part = (field, ("a.wav", beats_wav(1, 39)))
    reply = post(client, [part, part], path)
    assert reply.status == 400 and f"`{field}`" in next(iter(reply.json.values())), reply


def test_the_call_of_whisper_cpp(client):
    data = beats_wav(3, 40)
    plain = post(client, [("file", ("a.wav", data)), ("temperature", "0.0"),
                          ("temperature_inc", "0.2"), ("response_format", "json")], "/inference")
    assert plain.status == 200 and plain.json["text"] == words(3), plain
    verbose = post(client, [("file", ("a.wav", data)), ("response_format", "verbose_json")],
                   "/inference").json
    inside = [w["word"] for s in verbose["segments"] for w in s["words"]]
    assert inside == null_words(3) and "words" not in verbose
    assert all(0 <= w["probability"] <= 1 for s in verbose["segments"] for w in s["words"])
    srt = post(client, [("file", ("a.wav", data)), ("response_format", "srt")], "/inference")
    assert srt.text.startswith("1\n00:00:00,000 --> ")
    missing = post(client, [("response_format", "json")], "/inference")
    assert missing.status == 400 and list(missing.json) == ["error"]
    assert "'file'" in missing.json["error"]
    unsaid = post(client, [("file", ("a.wav", data)), ("translate", "")], "/inference")
    assert unsaid.json == plain.json, "an empty field says nothing, as elsewhere"
    wrong = post(client, [("file", ("a.wav", data)), ("translate", "maybe")], "/inference")
    assert wrong.status == 400 and "translate" in wrong.json["error"]


def test_the_call_of_whisper_asr_webservice(client):
    data = beats_wav(3, 41)
    assert asr(client, "", data).text.split() == null_words(3)
    query = "?task=transcribe&language=en&encode=true&vad_filter=false&output="
    assert asr(client, query + "srt", data).text.startswith("1\n00:00:00,000 --> ")
    assert asr(client, query + "vtt", data).text.startswith("WEBVTT\n")
    head, *rows = asr(client, query + "tsv", data).text.splitlines()
    assert head == "start\tend\ttext"
    assert " ".join(r.split("\t")[2] for r in rows) == words(3)
    assert all(int(r.split("\t")[0]) < int(r.split("\t")[1]) for r in rows)
    found = asr(client, query + "json&word_timestamps=true", data)
    assert found.headers["Content-Type"] == "application/json"
    assert found.json["text"] == words(3) and found.json["language"] == "en"
    assert [w["word"] for s in found.json["segments"] for w in s["words"]] == null_words(3)
    for query, told in (("?output=docx", "output"), ("?task=sing", "task"),
                        ("?word_timestamps=2", "word_timestamps"), ("?language=1", "language"),
                        ("?beam=3", "beam"), ("?task=translate", "translate")):
        reply = asr(client, query, data)
        assert reply.status == 400 and list(reply.json) == ["detail"], reply
        assert told in reply.json["detail"]
    assert client.request("GET", "/asr").json["detail"]


def test_the_language_of_a_recording(client, make_server, folder):
    script = folder / "german.py"
    script.write_text("""print('{"language": "de", "text": "guten tag"}')\n""")
    reply = asr(client, "", beats_wav(2, 42), "/detect-language")
    assert reply.status == 404 and "does not tell the language" in reply.json["detail"]
    behind = make_server({**SETTINGS, "SCRIPTA_ENGINE_DEFAULT": "command",
                          "SCRIPTA_ENGINE_COMMAND_RUN": f"{sys.executable} '{script}' {{in}}"})
    found = asr(behind.client, "?encode=true", beats_wav(2, 43), "/detect-language")
    assert found.json == {"detected_language": "german", "language_code": "de",
                          "confidence": None}


# ---- errors ----


def test_errors_of_the_adapter_have_the_shape_too(client):
    assert_error(client.get("/v1/nothing"), 404, code="unknown_url",
                 message="Invalid URL (GET /v1/nothing)", type="invalid_request_error", param=None)
    assert_error(client.get("/v1"), 404)
    assert_error(client.get(TRANSCRIPTIONS), 405, code="method_not_supported")
    assert_error(client.post("/v1/models"), 405)
    assert_error(client.get("/v1/%zz"), 400)
    assert_error(client.post(TRANSCRIPTIONS, {"model": "whisper-1"}), 415)
    assert_error(post(client, [("model", "whisper-1")]), 400, param="file")
    assert_error(client.request("POST", TRANSCRIPTIONS, body=b"--xyz\r\n\r\n", headers={
        "Content-Type": "multipart/form-data; boundary=xyz"}), 400)
    assert_error(post(client, form(beats_wav(1), ("prompt", "x" * 70000))), 413)
    # Elsewhere nothing has changed.
    assert client.get("/v10").error["code"] == "NOT_FOUND"
    assert client.get("/api/nothing").error["request_id"]


def test_a_recording_that_is_too_large(make_server):
    server = make_server({**SETTINGS, "SCRIPTA_UPLOAD_MAX_SIZE": "20000"})
    data = beats_wav(2)
    error = assert_error(post(server.client, form(data)), 413, type="server_error")
    assert error["message"].startswith("Maximum content size limit (20000) exceeded (3")
    big = b"\0" * 5_000_000
    assert_error(post(server.client, form(big)), 413, type="server_error")


def test_a_failed_job_is_not_run_again(make_server, folder):
    port = free_port()
    make_server({**SETTINGS, "SCRIPTA_QUEUE_BACKOFF": "1ms"}, ["--listen", f"127.0.0.1:{port}"])
    result, = official(f"http://127.0.0.1:{port}/v1",
                       {**transcribe(clip(folder, 1), model="null/fail_rate=1"),
                        "name": "a.wav", "client": {"maxRetries": 2}})
    assert (result["error"], result["status"]) == ("InternalServerError", 500)
    assert (result["type"], result["code"]) == ("server_error", "engine_error")
    assert result["seen"] == ["0"]
    assert result["headers"]["x-should-retry"] == "false"
    assert result["headers"]["x-scripta-job"]


def test_a_cancelled_job(make_server):
    server = make_server(SETTINGS)
    replies = []
    thread = threading.Thread(target=lambda: replies.append(
        post(server.client, [("model", "null/hang_at=0"), ("file", ("a.wav", beats_wav(1)))])))
    thread.start()
    job = wait_until(lambda: (j := server.client.get("/api/jobs").json["jobs"]) and j[0], 20, "a job")
    assert server.client.post(f"/api/jobs/{job['job_id']}/cancel").status == 200
    thread.join()
    assert_error(replies[0], 400, code="cancelled")


# ---- waiting ----


def test_a_call_that_takes_too_long_goes_on(make_server, folder):
    port = free_port()
    server = make_server({**SETTINGS, "SCRIPTA_OPENAI_TIMEOUT": "150ms"},
                         ["--listen", f"127.0.0.1:{port}"])
    parts = [("model", SLOW_MODEL), ("file", ("a.wav", beats_wav(2, 12)))]
    reply = post(server.client, parts)
    error = assert_error(reply, 504, type="server_error", code="timeout")
    job = reply.headers["X-Scripta-Job"]
    assert job in error["message"]
    server.client.wait_job(job)
    again = post(server.client, parts)
    assert again.json["text"] == words(2) and again.headers["X-Scripta-Job"] == job
    # The client's own repetitions wait for the same job.
    result, = official(f"http://127.0.0.1:{port}/v1",
                       {**transcribe(clip(folder, 3, 13), model=SLOW_MODEL),
                        "name": "a.wav", "client": {"maxRetries": 30}})
    assert result.get("value", {}).get("text") == words(3), result
    assert len(result["seen"]) > 1
    assert len(server.client.get("/api/jobs").json["jobs"]) == 2


def test_a_client_that_goes_away_leaves_its_job(server, client):
    content_type, body = multipart([("model", SLOW_MODEL), ("file", ("a.wav", beats_wav(2, 14)))])
    connection = client.connect()
    connection.request("POST", TRANSCRIPTIONS, body, {"Content-Type": content_type})
    job = wait_until(lambda: next((j for j in client.get("/api/jobs").json["jobs"]
                                   if j["model"] == "delay_ms=700"), None), 20, "the job")
    connection.close()
    assert client.wait_job(job["job_id"])["status"] == "completed"
    reply = client.request("POST", TRANSCRIPTIONS, body, {"Content-Type": content_type})
    assert reply.json["text"] == words(2) and reply.headers["X-Scripta-Job"] == job["job_id"]


@pytest.mark.threads
def test_calls_that_come_and_go(server, client):
    """Some clients leave while they wait, others stay; who stays gets the text of its own clip."""
    rng = random.Random(20)
    bodies = [multipart([("model", "null/delay_ms=150"),
                         ("file", ("a.wav", beats_wav(1 + i % 5, 100 + i)))]) for i in range(20)]
    wrong = []

    def call(i, stays):
        content_type, body = bodies[i]
        connection = client.connect()
        connection.request("POST", TRANSCRIPTIONS, body, {"Content-Type": content_type})
        if stays:
            text = json.loads(connection.getresponse().read()).get("text")
            if text != words(1 + i % 5):
                wrong.append((i, text))
        connection.close()

    for _ in range(2):
        order = [(i % 20, rng.random() < 0.6) for i in range(40)]
        rng.shuffle(order)
        threads = [threading.Thread(target=call, args=x) for x in order]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not wrong, wrong
    wait_until(lambda: not client.get("/api/jobs?status=processing").json["jobs"]
               and not client.get("/api/jobs?status=pending").json["jobs"], 30, "rest")


def test_calls_wait_through_a_restart(make_server):
    server = make_server(SETTINGS)
    for tried, delay_ms in enumerate((3000, 20000, 60000), 1):
        parts = [("model", f"null/delay_ms={delay_ms}"), ("file", ("a.wav", beats_wav(2)))]
        replies = []
        thread = threading.Thread(target=lambda p=parts: replies.append(post(server.client, p)))
        thread.start()
        wait_until(lambda: server.client.get("/api/jobs?status=processing").json["jobs"], 20,
                   "a job")
        assert server.stop() == 0
        thread.join()
        server.start()
        if replies[0].status != 200:  # a machine as busy as that is asked to wait longer
            break
    assert_error(replies[0], 503, type="server_error")
    again = post(server.client, parts)
    assert again.json["text"] == words(2)
    assert len(server.client.get("/api/jobs").json["jobs"]) == tried


def test_more_calls_than_may_wait(make_server):
    server = make_server({**SETTINGS, "SCRIPTA_OPENAI_MAX_WAITING": 1})
    replies = []
    slow = [("model", "null"), ("file", ("a.wav", beats_wav(1)))]
    assert server.client.post("/api/queue/high/pause").status == 200
    thread = threading.Thread(target=lambda: replies.append(post(server.client, slow)))
    thread.start()
    wait_until(lambda: server.client.get("/api/jobs").json["jobs"], 20, "a job")
    reply = post(server.client, form(beats_wav(1, 1)))
    assert_error(reply, 429, type="requests", code="rate_limit_exceeded")
    assert 0 < int(reply.headers["Retry-After"]) <= 20
    assert server.client.post("/api/queue/high/resume").status == 200
    thread.join()
    assert replies[0].status == 200
    assert post(server.client, form(beats_wav(1, 1))).status == 200
    assert len(server.client.get("/api/jobs").json["jobs"]) == 2, "what is refused is not kept"


def test_the_same_key_with_another_request(client):
    key = {"Idempotency-Key": "openai-1"}
    first = post(client, form(beats_wav(1, 15)), headers=key)
    again = post(client, form(beats_wav(1, 15)), headers=key)
    assert again.json == first.json and again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    other = post(client, form(beats_wav(1, 16)), headers=key)
    assert_error(other, 400, code="idempotency_conflict")
