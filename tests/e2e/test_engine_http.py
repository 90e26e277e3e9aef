"""The engine `http`: an OpenAI-compatible server, also one that misbehaves."""

import http.server
import io
import json
import pathlib
import shutil
import tempfile
import threading
import time
import wave

import pytest

import harness

KEY = "sk-test-never-shown"


def parse_form(headers, body):
    """{name: [values]} of a multipart body; the file as bytes."""
    boundary = headers["Content-Type"].split("boundary=")[1].encode()
    fields = {}
    for part in body.split(b"--" + boundary)[1:-1]:
        head, _, value = part[2:].partition(b"\r\n\r\n")
        name = head.split(b'name="')[1].split(b'"')[0].decode()
        fields.setdefault(name, []).append(value[:-2])
    return fields


class Double(http.server.ThreadingHTTPServer):
    """Does what the prompt of a request says; keeps (path, headers, fields) of each."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.calls = []
        self.release = threading.Event()
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def base(self):
        return f"http://127.0.0.1:{self.server_port}"

    def of(self, prompt):
        return [c for c in self.calls if c[2].get("prompt", [b""])[0].decode() == prompt]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body, content_type="application/json", headers=(), cut=0):
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body) + cut))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        if cut:
            self.close_connection = True

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        fields = parse_form(self.headers, body)
        prompt = fields.get("prompt", [b""])[0].decode()
        self.server.calls.append((self.path, dict(self.headers), fields))
        with wave.open(io.BytesIO(fields["file"][0])) as f:
            assert (f.getnchannels(), f.getsampwidth(), f.getframerate()) == (1, 2, 16000)
            self.seconds = f.getnframes() / 16000
        self.times = len(self.server.of(prompt))
        self.verbose = fields["response_format"] == [b"verbose_json"]
        self.words = "timestamp_granularities[]" in fields
        if self.path not in ("/v1/audio/transcriptions", "/v1/audio/translations"):
            self.answer(404, {"detail": "Not Found"})
            return
        try:
            getattr(self, "do_" + prompt.replace(" ", "_").replace("-", "_"), self.good)()
        except OSError:
            self.close_connection = True

    def refuse(self, status, message, code=None, headers=()):
        self.answer(status, {"error": {"message": message, "type": "x", "param": None,
                                       "code": code}}, headers=headers)

    def good(self):
        if not self.verbose:
            self.answer(200, {"text": "one two"})
            return
        body = {"task": "transcribe", "language": "german", "duration": self.seconds,
                "text": "one two",
                "segments": [{"id": 0, "start": 0.0, "end": self.seconds, "text": " one two",
                              "avg_logprob": -0.2, "tokens": []}]}
        if self.words:
            body["words"] = [{"word": "one", "start": 0.1, "end": 0.4},
                             {"word": "two", "start": 0.5, "end": 0.9}]
        self.answer(200, body)

    def do_no_words(self):
        if self.words:
            self.refuse(400, "timestamp_granularities is not supported")
        else:
            self.good()

    def do_only_json(self):
        if self.verbose:
            self.answer(422, {"detail": "response_format must be json"})
        else:
            self.good()

    def do_bad_audio(self):
        self.refuse(400, "the audio is bad")

    def do_500_twice(self):
        if self.times <= 2:
            self.refuse(500, "oops")
        else:
            self.good()

    def do_500_always(self):
        self.refuse(503, "overloaded")

    def do_429(self):
        if self.times == 1:
            self.refuse(429, "slow down", headers=[("Retry-After", "1")])
        else:
            self.good()

    def do_401(self):
        self.refuse(401, f"Incorrect API key provided: {KEY}", "invalid_api_key")

    def do_model(self):
        self.refuse(404, "The model does not exist", "model_not_found")

    def do_model_400(self):
        self.answer(400, {"error": {"message": "this model cannot translate",
                                    "param": "model", "code": None}})

    def do_413(self):
        self.answer(413, b"<html>too large</html>", "text/html")

    def do_redirect(self):
        self.answer(307, b"", headers=[("Location", "http://192.0.2.1/v1/audio/transcriptions")])

    def do_painted(self):
        self.answer(307, b"", headers=[("Location", "http://x/\x1b[31m\xff\x7f\u0085")])

    def do_painted_type(self):
        self.answer(200, b"<html>", "text/\x1b]0;title\x07\xff")

    def do_long_header(self):
        self.answer(200, {"text": "one"}, headers=[("X-Long", "x" * 200_000)])

    def do_long_status(self):
        self.send_response_only(200, "x" * 200_000)
        self.flush_headers()
        self.good()

    def do_cut(self):
        self.answer(200, b'{"text": "on', cut=100)

    def do_html(self):
        self.answer(200, b"<!doctype html><title>Welcome</title>", "text/html")

    def do_error_in_200(self):
        self.answer(200, {"error": "the model is not loaded"})

    def do_wrong_json(self):
        self.answer(200, {"transcript": 7})

    def do_huge(self):
        self.answer(200, b'{"text": "' + b"x" * 3_000_000 + b'"}')

    def do_wrong_type(self):
        self.verbose = False
        body = json.dumps({"text": "one two"}).encode()
        self.answer(200, body, "text/plain; charset=utf-8")

    def do_times(self):
        self.answer(200, {"text": "x", "segments": [{"start": 9000, "end": 9001, "text": "x"}]})

    def do_never(self):
        self.server.release.wait(harness.PATIENCE)

    def do_held(self):
        self.server.release.wait(60)
        self.good()

    def do_trickle(self):
        self.send_response(200)
        self.send_header("Content-Length", "1000000")
        self.end_headers()
        while not self.server.release.wait(0.05):
            self.wfile.write(b" ")

    def do_speak_key(self):
        self.refuse(400, f"your key {KEY} may not")


def settings(url, **more):
    env = {"SCRIPTA_WORKERS": 2, "SCRIPTA_UPLOAD_RESERVE": "0",
           "SCRIPTA_QUEUE_MAX_CONCURRENT_NORMAL": 8, "SCRIPTA_ENGINE_HTTP_URL": url,
           "SCRIPTA_ENGINE_HTTP_KEY": KEY, "SCRIPTA_ENGINE_HTTP_RETRIES": 2,
           "SCRIPTA_ENGINE_HTTP_TIMEOUT": "1m", "SCRIPTA_ENGINE_HTTP_MAX_BYTES": "1M",
           "SCRIPTA_ENGINE_HTTP_MODEL": "tiny"}
    env.update({f"SCRIPTA_ENGINE_HTTP_{k.upper()}": v for k, v in more.items()})
    return env


@pytest.fixture(scope="module")
def double():
    double = Double()
    yield double
    double.release.set()
    double.shutdown()


@pytest.fixture(scope="module")
def server(double):
    path = pathlib.Path(tempfile.mkdtemp(prefix="sc-"))
    server = harness.Server(path / "d", settings(double.base()))
    try:
        yield server.start()
        assert KEY not in server.tail(10_000_000)
        assert not server.sanitizer_reports(), server.sanitizer_reports()
    finally:
        server.destroy()
        shutil.rmtree(path, ignore_errors=True)


def run(server, prompt="", **options):
    options = {"engine": "http", "vad": "off", "max_retries": 0, "force": "on", **options}
    if prompt:
        options["prompt"] = prompt
    reply = server.client.upload(harness.noise_wav(2), **options)
    assert reply.status == 201, reply
    return server.client.wait_job(reply.json["job_id"])


def text(server, prompt="", **options):
    job = run(server, prompt, **options)
    assert job["status"] == "completed", job
    return [s["text"].strip() for s in server.client.transcript(job)["segments"]]


def failure(server, prompt, **options):
    job = run(server, prompt, **options)
    assert job["status"] == "failed", job
    assert KEY not in json.dumps(job)
    return job["error_code"], job["error_message"]


def job_log(server, job):
    return (server.data / "logs" / "jobs" / job["job_id"] / "transcribe.log").read_text("utf-8")


def test_a_chunk_is_sent_as_the_dialect_has_it(server, double):
    job = run(server, "good", language="de", temperature="0.25")
    (path, headers, fields), = double.of("good")
    assert path == "/v1/audio/transcriptions"
    assert headers["Authorization"] == f"Bearer {KEY}"
    sent = {k: [v.decode() for v in values] for k, values in fields.items() if k != "file"}
    assert sent == {"model": ["tiny"], "response_format": ["verbose_json"], "language": ["de"],
                    "prompt": ["good"], "temperature": ["0.25"],
                    "timestamp_granularities[]": ["segment", "word"]}
    segment, = server.client.transcript(job)["segments"]
    assert segment["text"].strip() == "one two"
    assert [(w["word"], w["start"]) for w in segment["words"]] == [("one", 0.1), ("two", 0.5)]
    assert job["detected_language"] == "de"


def test_what_was_not_asked_for_is_not_sent(server, double):
    text(server, "plain")
    (_, _, fields), = double.of("plain")
    assert "language" not in fields and "temperature" not in fields


def test_translating_goes_to_its_own_address(server, double):
    text(server, "translated", task="translate")
    (path, _, fields), = double.of("translated")
    assert path == "/v1/audio/translations" and "language" not in fields


@pytest.mark.parametrize("prompt, calls", [("no words", 2), ("only json", 3)])
def test_a_server_that_knows_less_is_asked_for_less(make_server, double, prompt, calls):
    server = make_server({**settings(double.base() + "/v1/"), "SCRIPTA_WORKERS": 1})
    assert text(server, prompt) == ["one two"]
    assert len(double.of(prompt)) == calls
    assert text(server, prompt) == ["one two"]
    assert len(double.of(prompt)) == calls + 1  # remembered


def test_a_refusal_of_the_sound_is_no_refusal_of_the_form(server, double):
    code, message = failure(server, "bad audio")
    assert code == "ENGINE_ERROR" and "answered 400: the audio is bad" in message
    assert len(double.of("bad audio")) == 3


def test_no_more_requests_at_once_than_the_setting_says(make_server):
    """Three workers, of which two may wait for the other server: the third takes what is younger."""
    double = Double()
    try:
        server = make_server({**settings(double.base(), concurrency=2),
                              "SCRIPTA_WORKERS": 3})
        held = [server.client.upload(harness.noise_wav(2, k), engine="http", vad="off",
                                     prompt="held").json["job_id"] for k in range(4)]
        harness.wait_until(lambda: len(double.of("held")) == 2, 30, "two requests")
        for k in range(3):
            job = server.client.wait_job(server.client.upload_null(2, seed=k)["job_id"])
            assert job["status"] == "completed", job
        assert len(double.of("held")) == 2
        double.release.set()
        assert {server.client.wait_job(job)["status"] for job in held} == {"completed"}
        assert len(double.of("held")) == 4
    finally:
        double.release.set()
        double.shutdown()


@pytest.mark.parametrize("prompt, calls", [("500 twice", 3), ("429", 2)])
def test_what_passes_is_asked_again(server, double, prompt, calls):
    begun = time.monotonic()
    job = run(server, prompt)
    assert job["status"] == "completed" and len(double.of(prompt)) == calls
    assert "request 1:" in job_log(server, job)
    if prompt == "429":
        assert time.monotonic() - begun >= 1  # Retry-After


@pytest.mark.parametrize("prompt, code, says, calls", [
    ("500 always", "ENGINE_ERROR", "answered 503: overloaded", 3),
    ("401", "ENGINE_UNAVAILABLE", "refuses our key (401): set engine.http.key", 1),
    ("model", "MODEL_ERROR", "has no model 'tiny': The model does not exist", 1),
    ("model 400", "MODEL_ERROR", "refuses the model 'tiny': this model cannot translate", 1),
    ("413", "ENGINE_UNAVAILABLE", "lower engine.http.max_chunk_s", 1),
    ("redirect", "ENGINE_UNAVAILABLE", "set engine.http.url to where the server is", 1),
    ("cut", "ENGINE_ERROR", "", 3),
    ("html", "ENGINE_ERROR", "no JSON (text/html", 1),
    ("error in 200", "ENGINE_ERROR", "with an error: the model is not loaded", 1),
    ("wrong json", "ENGINE_ERROR", "its answer is not json", 1),
    ("huge", "ENGINE_ERROR", "more than engine.http.max_bytes (1048576)", 1),
    ("times", "ENGINE_ERROR", "segment 1 starts at 9000.000 s", 1),
    ("painted", "ENGINE_UNAVAILABLE", "http://x/\\x1b[31m\\xff\\x7f", 1),
    ("painted type", "ENGINE_ERROR", "(text/\\x1b]0;title\\x07\\xff", 1),
    ("long header", "ENGINE_ERROR", "answers with too long a header", 3),
    ("long status", "ENGINE_ERROR", "answers with too long a header", 3),
    ("speak key", "ENGINE_ERROR", "answered 400", 3)])
def test_what_goes_wrong_is_said(server, double, prompt, code, says, calls):
    got, message = failure(server, prompt)
    assert got == code and says in message, message
    assert message.isprintable(), message
    assert len(double.of(prompt)) == calls


@pytest.mark.parametrize("prompt", ["never", "trickle"])
def test_a_server_that_does_not_answer_is_given_up(make_server, double, prompt):
    server = make_server(settings(double.base(), retries=0, timeout="700ms"))
    code, message = failure(server, prompt)
    assert code == "ENGINE_ERROR" and "did not answer within engine.http.timeout" in message


def test_json_under_another_type_is_read(server):
    assert text(server, "wrong type") == ["one two"]


def test_no_server_there_is_said(make_server):
    server = make_server(settings(f"http://127.0.0.1:{harness.free_port()}", retries=1))
    code, message = failure(server, "anything")
    assert code == "ENGINE_ERROR" and "no server answers at 'http://127.0.0.1" in message


def test_cancelling_ends_the_request(make_server, double):
    server = make_server(settings(double.base()))
    reply = server.client.upload(harness.noise_wav(2), engine="http", prompt="never", vad="off")
    before = len(double.of("never"))
    harness.wait_until(lambda: len(double.of("never")) > before or before, 20, "the request")
    assert server.client.post(f"/api/jobs/{reply.json['job_id']}/cancel").status == 200
    job = server.client.upload_null(2)
    assert server.client.wait_job(job["job_id"], 10)["status"] == "completed"


def test_the_key_may_come_from_a_file(make_server, double, folder):
    (folder / "key").write_text("sk-from-a-file\n")
    env = settings(double.base(), key_file=folder / "key")
    del env["SCRIPTA_ENGINE_HTTP_KEY"]
    text(make_server(env), "file key")
    assert double.of("file key")[0][1]["Authorization"] == "Bearer sk-from-a-file"


@pytest.mark.parametrize("changed, reason", [
    ({"url": ""}, "set engine.http.url"),
    ({"model": ""}, "set engine.http.model")])
def test_what_makes_it_unusable_is_said_with_the_remedy(changed, reason):
    env = settings(**{"url": "http://127.0.0.1:1", **changed})
    rows = harness.media_engines(env)
    row = next(r for r in rows if r["name"] == "http")
    assert not row["usable"] and reason in row["reason"], row


def test_recordings_that_leave_the_building_are_spoken_of():
    for url, leaves in (("http://127.0.0.1:1/v1", False), ("http://localhost:1", False),
                        ("http://[::1]:1", False), ("https://api.example.org/v1", True),
                        ("http://localhost.example.org", True)):
        rows = harness.media_engines(settings(url))
        row = next(r for r in rows if r["name"] == "http")
        assert bool(row["sends_to"]) == leaves, row


def test_the_command_line_says_so_too(make_server, folder):
    server = make_server(settings("http://scripta.invalid/v1", retries=0))
    (folder / "a.wav").write_bytes(harness.noise_wav(2))
    (folder / "b.wav").write_bytes(harness.noise_wav(2, 1))
    done = harness.cli("add", "-e", "http", "--vad", "off", folder / "a.wav", folder / "b.wav",
                       data=server.data, check=0)
    assert done.stderr.count("recordings are sent to http://scripta.invalid/v1") == 1
    done = harness.cli("add", "-e", "null", "--vad", "off", folder / "a.wav", data=server.data,
                       check=0)
    assert "sent to" not in done.stderr
    server.client.wait_job(done.stdout.strip())
    table = harness.cli("engines", data=server.data, check=0).stdout
    assert "http sends recordings to http://scripta.invalid/v1: whoever" in table
    assert "command cannot run here: set engine.command.run" in table
    assert "Jobs that name no engine use pocketsphinx." in table
    rows = {e["name"]: e for e in server.client.get("/api/engines").json["engines"]}
    assert rows["null"]["speed"] > 0 and rows["http"]["speed"] is None
    assert rows["pocketsphinx"]["default"] and not rows["null"]["default"]


def test_one_scripta_may_be_the_engine_of_another(make_server):
    port = harness.free_port()
    make_server({"SCRIPTA_LISTEN": f"127.0.0.1:{port}"})
    server = make_server(settings(f"http://127.0.0.1:{port}", model="null"))
    reply = server.client.upload(harness.beats_wav(6), engine="http", prompt="names",
                                 temperature="0.1")
    job = server.client.wait_job(reply.json["job_id"])
    assert job["status"] == "completed", job
    segments = server.client.transcript(job)["segments"]
    words = [w for s in segments for w in s["words"]]
    assert words and all(w["word"].startswith("t") for w in words)
    assert all(0 <= w["start"] <= w["end"] <= 6 for w in words)
