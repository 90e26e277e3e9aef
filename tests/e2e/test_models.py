"""scripta models, and how a running server sees them."""

import hashlib
import http.server
import json
import os
import pathlib
import re
import subprocess
import threading

import pytest

from harness import BUILD, PATIENCE, bursts_wav, cli, cli_json

MAKER = BUILD / "tests" / "unit" / "whisper" / "make-model"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A model file that is valid, tiny and says nothing of sense."""
    path = pathlib.Path(tmp_path_factory.mktemp("models")) / "ggml-tiny.en-q8_0.bin"
    subprocess.run([str(MAKER), str(path), "languages=-1", "type=q8_0"], check=True, timeout=PATIENCE)
    return path


def sum_of(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def test_a_model_is_added_told_of_verified_and_removed(model, data):
    done = cli("models", "list", data=data, check=0)
    assert done.stdout == "" and "scripta models add FILE" in done.stderr
    done = cli("models", "add", model, data=data, check=0)
    assert done.stdout == "tiny.en-q8_0\n" and "English alone" in done.stderr
    assert "needs" in done.stderr and "-m tiny.en-q8_0" in done.stderr
    assert "or give --replace" in cli("models", "add", model, data=data, check=4).stderr
    added = cli_json("models", "add", model, "--name", "again", "--sha256", sum_of(model),
                     data=data)
    assert added["sum_from"] == "asked" and added["sha256"] == sum_of(model)
    row, other = cli_json("models", "list", data=data)["models"]
    assert (row["name"], other["name"]) == ("again", "tiny.en-q8_0")
    assert row["verified"] and row["type"] == "q8_0" and row["languages"] == 1
    assert row["memory_bytes"] > row["size_bytes"] and row["dims"]["n_audio_ctx"] == 1500
    table = cli("models", "list", data=data, check=0).stdout
    assert re.search(r"^tiny\.en-q8_0 +ready +(yes|no) +q8_0 +1 ", table, re.M), table
    # Short for the one that there is; a file that was not added is looked at, too.
    for name in ("tiny.en", model):
        shown = cli("models", "info", name, data=data, check=0).stdout
        assert re.search(r"^type: +q8_0$", shown, re.M) and "\nmemory: " in shown, shown
    shown = cli("models", "info", model.name, data=data, cwd=model.parent, check=0).stdout
    assert re.search(r"^name: +tiny.en-q8_0$", shown, re.M), shown
    assert sum_of(model) in cli("models", "verify", data=data, check=0).stdout
    # What is not there is told as such, with what is.
    for command in ("info", "verify"):
        done = cli("models", command, "nosuch", data=data, check=3)
        assert "there is no model 'nosuch': say again, tiny.en-q8_0" in done.stderr
    assert "there is no model at" in cli("models", "info", "/nosuch.bin", data=data, check=3).stderr

    # Another byte, as a bad disk or a hand may write it.
    path = data / "models" / "ggml-again.bin"
    times = path.stat()
    with open(path, "r+b") as f:
        f.seek(-50, 2)
        f.write(b"\x55" * 8)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    done = cli("--json", "models", "verify", data=data)
    assert done.returncode != 0
    assert [(m["name"], m["ok"]) for m in json.loads(done.stdout)["models"]] == [
        ("again", False), ("tiny.en-q8_0", True)]
    done = cli("models", "remove", "again", data=data, check=0)
    assert re.match(r"again removed, .*freed", done.stdout)
    assert "there is no model" in cli("models", "remove", "again", data=data, check=3).stderr
    assert sorted(p.name for p in (data / "models").iterdir()) == [
        ".lock", "ggml-tiny.en-q8_0.bin", "ggml-tiny.en-q8_0.bin.json"]


def words(text):
    return " ".join(text.split())


def problem_everywhere(data, env, field, said):
    """What is wrong with a setting is told by all who are asked, in the same words."""
    done = cli("config", "check", "--json", data=data, env=env, check=12)
    problem, = json.loads(done.stdout)["problems"]
    assert problem["field"] == field and said in problem["message"]
    done = cli("config", "check", data=data, env=env, check=12)
    assert said in done.stderr and "1 setting to mend" in done.stderr
    assert said in words(cli("doctor", data=data, env=env).stdout)
    return cli("models", "list", data=data, env=env), problem


@pytest.mark.parametrize("name,value,said", [
    ("engine.whisper.model", "nosuch", "engine.whisper.model names 'nosuch', which is not there"),
    ("engine.default", "whisper", "engine.default is whisper, which has no model"),
])
def test_a_setting_that_names_no_model_is_told_by_all(data, name, value, said):
    env = {"SCRIPTA_" + name.upper().replace(".", "_"): value}
    done, problem = problem_everywhere(data, env, name, said)
    assert done.returncode == 0 and "scripta: warning: " + problem["message"] in done.stderr
    assert cli_json("models", "list", data=data, env=env)["problems"] == [problem]
    assert cli_json("models", "list", data=data)["problems"] == []
    assert "the settings are good" in cli("config", "check", data=data, check=0).stdout
    assert "whisper has no model: `scripta models add" in words(cli("doctor", data=data).stdout)


def test_memory_that_no_model_fits_leaves_whisper_out(model, data, make_server):
    cli("models", "add", model, "--name", "small-mine", data=data, check=0)
    env = {"SCRIPTA_ENGINE_MEMORY": "1M"}
    added = cli("models", "add", model, "--name", "other", data=data, env=env, check=0).stderr
    assert "a worker may spend 1.0 MB: raise engine.memory to use it" in added, added
    assert "uses it" not in added
    cli("models", "remove", "other", data=data, check=0)
    said = "whisper has no model: 'small-mine' needs "
    problem_everywhere(data, env, "engine.memory", said)
    server = make_server(env, data=data)
    whisper = next(e for e in server.client.get("/api/engines").json["engines"] if e["name"] == "whisper")
    assert not whisper["default_model"] and "raise engine.memory" in whisper["reason"], whisper
    # What names nothing goes to the next one; what names whisper is told why not.
    made = server.client.upload(bursts_wav(2))
    assert made.json.get("engine") != "whisper", made.json
    refused = server.client.upload(bursts_wav(2), engine="whisper")
    assert refused.status == 400 and "a worker may spend 1 MB" in refused.error["message"], refused


def test_a_models_folder_that_cannot_be_read_is_told_by_all(data, tmp_path):
    (tmp_path / "file").write_text("no folder")
    env = {"SCRIPTA_MODELS_DIR": str(tmp_path / "file")}
    done, problem = problem_everywhere(data, env, "models.dir", "cannot be read: Not a directory")
    assert done.returncode == 12 and problem["message"] in done.stderr


def test_a_damaged_model_is_used_by_nobody(model, make_server):
    server = make_server({"SCRIPTA_WORKERS": 1})
    client, data = server.client, server.data
    cli("models", "add", model, "--name", "bad", data=data, check=0)
    cli("models", "add", model, "--name", "good", data=data, check=0)
    waiting = client.upload(bursts_wav(2), engine="whisper", model="bad", run_after="1d").json
    path = data / "models" / "ggml-bad.bin"
    times = path.stat()
    with open(path, "r+b") as f:
        f.seek(-50, 2)
        f.write(b"\x55" * 8)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert "is not what was added" in cli("models", "verify", "bad", data=data, check=6).stderr

    bad, good = client.get("/api/models").json["models"]
    assert (bad["state"], bad["default"], bad["verified"]) == ("damaged", False, False)
    assert (good["state"], good["default"], good["verified"]) == ("ready", True, True)
    assert re.search(r"^bad +damaged +no ", cli("models", "list", data=data).stdout, re.M)
    assert "'bad' was found damaged" in words(cli("doctor", data=data).stdout)
    ids = [m["id"] for m in client.get("/v1/models").json["data"]]
    assert "whisper/good" in ids and "whisper/bad" not in ids
    assert "bad" not in engines(server)[1]["whisper"]["models"]
    assert client.upload(bursts_wav(2), run_after="1d").json["model"] == "good"
    for name in ("bad", str(path)):
        refused = client.upload(bursts_wav(2), engine="whisper", model=name)
        assert refused.status == 400 and refused.error["field"] == "model", refused
        assert refused.error["code"] == "MODEL_ERROR" and "was found damaged" in refused.error["message"]
        assert "scripta models pull --replace" in refused.error["message"]
    # Nor by a job that was made before.
    body = json.dumps({"run_after": None})
    assert client.request("PATCH", f"/api/jobs/{waiting['job_id']}", body=body,
                          headers={"Content-Type": "application/json"}).status == 200
    job = client.wait_job(waiting["job_id"])
    assert job["error_code"] == "MODEL_ERROR" and "was found damaged" in job["error_message"]

    cli("models", "add", model, "--name", "bad", "--replace", data=data, check=0)
    assert [m["state"] for m in client.get("/api/models").json["models"]] == ["ready", "ready"]
    assert client.upload(bursts_wav(2), engine="whisper", model="bad", run_after="1d").status == 201


def test_a_language_that_the_model_does_not_know_is_refused_at_once(data, make_server, tmp_path):
    path = tmp_path / "ggml-four.bin"
    subprocess.run([str(MAKER), str(path), "languages=4"], check=True, timeout=PATIENCE)
    server = make_server({"SCRIPTA_WORKERS": -1})
    cli("models", "add", path, data=server.data, check=0)
    for options in ({"model": "four"}, {}):
        refused = server.client.upload(bursts_wav(2), engine="whisper", language="fr", **options)
        assert refused.status == 400 and refused.error["field"] == "language", refused
        assert "knows en, zh, de, es, not 'fr'" in refused.error["message"]
        assert "leave language out" in refused.error["message"]
    assert server.client.upload(bursts_wav(2), engine="whisper", language="de-AT").status == 201
    done = cli("add", "-e", "whisper", "--language", "fr", path, data=server.data, check=2)
    assert "not 'fr'" in done.stderr


def test_a_job_of_many_languages_gets_a_model_of_many(data, make_server, tmp_path):
    path = tmp_path / "ggml-four.bin"
    subprocess.run([str(MAKER), str(path), "languages=4"], check=True, timeout=PATIENCE)
    larger = tmp_path / "ggml-large.en.bin"
    subprocess.run([str(MAKER), str(larger), "languages=-1", "layers=3"], check=True, timeout=PATIENCE)
    server = make_server({"SCRIPTA_WORKERS": -1})
    cli("models", "add", path, data=server.data, check=0)
    cli("models", "add", larger, data=server.data, check=0)
    for options, name in (({}, "large.en"), ({"multilingual": "on"}, "four"),
                          ({"task": "translate"}, "four")):
        reply = server.client.upload(bursts_wav(2), engine="whisper", **options)
        assert reply.status == 201, reply
        assert server.client.job(reply.json["job_id"])["model"] == name
    refused = server.client.upload(bursts_wav(2), engine="whisper", multilingual="on",
                                   model="large.en")
    assert refused.status == 400 and refused.error["field"] == "multilingual", refused


class Mirror(http.server.BaseHTTPRequestHandler):
    """Serves one file, of which the first answer breaks off in the middle."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.asked.append((self.path, self.headers.get("Range")))
        body = self.server.file.read_bytes()
        if self.path == "/m/ggml-small-mine.bin":
            self.send_response(302)
            self.send_header("Location", "/elsewhere")
            self.send_header("X-Linked-ETag", f'"{self.server.sum}"')
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif self.path == "/elsewhere":
            self.send_file(body)
        else:
            self.send_error(404)

    def send_file(self, body):
        start = 0
        if self.headers.get("Range") and self.headers.get("If-Range") == '"e1"':
            start = int(re.fullmatch(r"bytes=(\d+)-", self.headers["Range"])[1])
        # Half of the whole, then nothing more.
        cut = 0 if self.server.cuts == 0 else max(start, len(body) // 2)
        self.server.cuts = max(0, self.server.cuts - 1)
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        self.send_header("ETag", '"e1"')
        self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        self.wfile.write(body[start:cut or len(body)])
        self.close_connection = True

    def log_message(self, *args):
        pass


@pytest.fixture
def mirror(model):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Mirror)
    server.file, server.sum, server.asked, server.cuts = model, sum_of(model), [], 1
    server.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_a_model_is_pulled_over_a_cut_connection(mirror, data):
    done = cli("models", "pull", "small-mine", data=data, check=12)
    assert "models.url is not set" in done.stderr
    env = {"SCRIPTA_MODELS_URL": mirror.url + "/m/"}
    pulled = cli_json("models", "pull", "small-mine", data=data, env=env)
    assert pulled["name"] == "small-mine" and pulled["sum_from"] == "server"
    assert pulled["source"] == mirror.url + "/m/ggml-small-mine.bin" and pulled["sha256"] == mirror.sum
    half = mirror.file.stat().st_size // 2
    assert ("/elsewhere", f"bytes={half}-") in mirror.asked
    assert "going on" not in done.stderr
    # An address may end in anything where the model is told its name.
    done = cli("models", "pull", mirror.url + "/elsewhere", data=data, check=2)
    assert "must end in NAME.bin" in done.stderr
    done = cli("models", "pull", mirror.url + "/elsewhere", "--name", "a/b", data=data, check=2)
    assert "'a/b' cannot be the name of a model" in done.stderr
    named = cli_json("models", "pull", mirror.url + "/elsewhere", "--name", "mine", data=data)
    assert (named["name"], named["file"]) == ("mine", "ggml-mine.bin")
    # What is not what it should be is not kept; what is not there is said by its address.
    mirror.sum = "0" * 64
    done = cli("models", "pull", "small-mine", "--replace", data=data, env=env)
    assert done.returncode != 0 and "must be 00000000" in done.stderr
    assert cli_json("models", "verify", "small-mine", data=data)["models"][0]["ok"]
    done = cli("models", "pull", "base", data=data, env=env, check=3)
    assert f"there is no '{mirror.url}/m/ggml-base.bin'" in done.stderr
    assert not [p for p in (data / "models").iterdir() if "part" in p.name]


def test_a_pull_that_was_broken_off_is_listed_and_gone_on_with(mirror, data):
    mirror.cuts = 1000
    env = {"SCRIPTA_MODELS_URL": mirror.url + "/m"}
    size = mirror.file.stat().st_size
    # Each attempt brings the half of the rest, until a connection brings nothing more.
    done = cli("models", "pull", "small-mine", data=data, env=env, check=9)
    assert "have come and are kept: the same command goes on" in done.stderr
    listed = cli_json("models", "list", data=data)
    row, = listed["unfinished"]
    assert listed["models"] == []
    assert (row["name"], row["state"], row["kind"]) == ("small-mine", "unfinished", "pull")
    assert 0 < row["size_bytes"] < row["total_bytes"] == size and row["resumable"]
    assert row["source"] == mirror.url + "/m/ggml-small-mine.bin"
    done = cli("models", "list", data=data, check=0)
    assert re.search(r"^small-mine +pull +unfinished +\S+ kB +\S+ kB +\S+Z +http", done.stdout, re.M), done.stdout
    assert "scripta models remove NAME" in done.stderr
    assert "lie here of 'small-mine'" in words(cli("doctor", data=data).stdout)
    done = cli("models", "info", "small-mine", data=data, check=3)
    assert "pull" in done.stderr

    mirror.cuts = 0
    done = cli("models", "pull", "small-mine", data=data, env=env, check=0)
    assert re.search(r"going on behind the [0-9.]+ MB of [0-9.]+ MB that came before", done.stderr)
    assert cli_json("models", "list", data=data)["unfinished"] == []

    mirror.cuts = 1000
    cli("models", "pull", "small-mine", "--replace", data=data, env=env, check=9)
    left, = cli_json("models", "list", data=data)["unfinished"]
    removed = cli_json("models", "remove", "small-mine", data=data)
    assert removed["freed_bytes"] > left["size_bytes"] + size  # the model, and its note
    assert cli_json("models", "list", data=data) | {"memory_limit_bytes": 0} == {
        "models": [], "unfinished": [], "problems": [], "warnings": [], "memory_limit_bytes": 0}


def test_what_can_be_no_model_is_named(model, data):
    """Passed over in silence, somebody would look for it in vain."""
    folder = data / "models"
    cli("models", "add", model, "--name", "good", data=data, check=0)
    (folder / "ggml-sp ace.bin").write_bytes(b"x")
    (folder / "notes").mkdir()
    assert cli_json("models", "verify", data=data)["models"][0]["ok"] is True
    said = "passed over in the models folder: 'ggml-sp ace.bin': a model is a file NAME.bin"
    warning, = cli_json("models", "list", data=data)["warnings"]
    assert warning.startswith(said)
    for command in (("models", "list"), ("models", "verify"), ("doctor",)):
        done = cli(*command, data=data)
        assert said in words(done.stderr + done.stdout), done
    (folder / "ggml-sp ace.bin").unlink()
    assert cli_json("models", "list", data=data)["warnings"] == []
    assert "passed over" not in cli("models", "verify", data=data, check=0).stderr


SENTENCE = "<|0.00|> Hello world.<|1.50|>"


@pytest.fixture(scope="module")
def scripted(tmp_path_factory):
    """A model that says the sentence, whatever it hears."""
    path = pathlib.Path(tmp_path_factory.mktemp("models")) / "ggml-said.bin"
    subprocess.run([str(MAKER), str(path), f"script={SENTENCE}"], check=True, timeout=PATIENCE)
    return path


def engines(server):
    reply = server.client.get("/api/engines").json
    return reply, {e["name"]: e for e in reply["engines"]}


def test_a_running_server_goes_by_the_models_that_there_are(model, scripted, make_server, folder):
    server = make_server({"SCRIPTA_WORKERS": 1, "SCRIPTA_ENGINE_KEEP": "1h"})
    client = server.client
    recording = folder / "a.wav"
    recording.write_bytes(bursts_wav(3, seed=9))
    assert client.get("/api/models").json["models"] == []
    reply, rows = engines(server)
    assert reply["default_engine"] == "pocketsphinx" and rows["pocketsphinx"]["default"]
    assert reply["default_reason"].startswith("whisper has no model: `scripta models add")
    assert "whisper has no model" in cli("engines", data=server.data, check=0).stdout
    done = cli("add", "--run-after", "1d", recording, data=server.data, check=0)
    assert "engine pocketsphinx: whisper has no model: `scripta" in done.stderr
    done = cli("transcribe", "-e", "whisper", recording, data=server.data, check=6)
    assert "scripta models add FILE" in done.stderr

    # With a model whisper is the best that there is, in the server that runs.
    cli("models", "add", scripted, data=server.data, check=0)
    reply, rows = engines(server)
    assert reply["default_engine"] == "whisper" and reply["default_reason"] == ""
    assert rows["whisper"]["default_model"] == "said" and "said" in rows["whisper"]["models"]
    ids = [m["id"] for m in client.get("/v1/models").json["data"]]
    assert "whisper/said" in ids and ids[0] == "whisper-1"
    done = cli("transcribe", recording, "-f", "txt", data=server.data, check=0)
    assert "Hello world." in done.stdout and "engine" not in done.stderr
    job = client.wait_job(client.upload(recording.read_bytes(), vad="off").json["job_id"])
    assert (job["engine"], job["model"]) == ("whisper", "said")
    runs = client.get(f"/api/transcripts/{job['transcript_id']}/blame").json["runs"]
    assert {run["model_hash"] for run in runs} == {"sha256:" + sum_of(scripted)}
    log = client.get(f"/api/jobs/{job['job_id']}/log").text
    assert "engine=whisper" in log and "model=said" in log
    # Whichever job came first had to wait until the one worker had loaded the model.
    figures = client.get("/metrics").text
    loads = re.search(r'model_loads_total\{engine="whisper",model="said"\} (\d+)', figures)
    assert loads and int(loads[1]) == 1, figures
    *_, first = (j for j in client.get("/api/jobs").json["jobs"] if j["engine"] == "whisper")
    assert re.search(r"model said loaded in \d+ ms, \d+ MB",
                     client.get(f"/api/jobs/{first['job_id']}/log").text)

    # The same name and other bytes are other work; the same bytes are not.
    again = client.upload(recording.read_bytes(), vad="off").json
    assert again["job_id"] == job["job_id"]
    later = client.upload(recording.read_bytes(), vad="off", chunk_length=20, run_after="1d").json
    cli("models", "add", model, "--name", "said", "--replace", data=server.data, check=0)
    again = client.upload(recording.read_bytes(), vad="off", run_after="1d").json
    assert again["job_id"] != job["job_id"] and again["model"] == "said"
    # What was made for the first bytes is not done with others.
    body = json.dumps({"run_after": None})
    assert client.request("PATCH", f"/api/jobs/{later['job_id']}", body=body,
                          headers={"Content-Type": "application/json"}).status == 200
    job = client.wait_job(later["job_id"])
    assert job["error_code"] == "MODEL_ERROR" and "was replaced after" in job["error_message"]
    done = cli("jobs", "retry", later["job_id"], data=server.data)
    assert done.returncode != 0 and "was replaced after" in done.stderr, done
    assert "submit the recording again" in done.stderr
    for dry_run in (True, False):
        told = client.post("/api/jobs/retry", {"error_code": "MODEL_ERROR", "dry_run": dry_run}).json
        assert (told["jobs"], told["refused"]) == (0, 1), told
    assert client.job(later["job_id"])["status"] == "failed"
    refused = client.upload(recording.read_bytes(), engine="whisper", language="de")
    assert refused.status == 400 and refused.error["field"] == "language"
    assert "knows English alone" in refused.error["message"]
    refused = client.upload(recording.read_bytes(), engine="whisper", model="large")
    assert refused.status == 400 and refused.error["code"] == "MODEL_ERROR"
    assert "say said" in refused.error["message"]

    row, = client.get("/api/models").json["models"]
    assert cli_json("models", "list", data=server.data)["models"] == [row]
    remote = cli("--server", f"unix:{server.socket}", "models", "list", "--json", check=0)
    assert json.loads(remote.stdout)["models"] == [row]
    done = cli("--server", f"unix:{server.socket}", "models", "remove", "said", check=2)
    assert "on the server's own machine" in done.stderr
    cli("models", "remove", "said", data=server.data, check=0)
    assert engines(server)[0]["default_engine"] == "pocketsphinx"
    assert client.get("/api/models?x=1").status == 400


def test_more_memory_than_allowed_is_refused_with_both_figures(model, make_server):
    server = make_server({"SCRIPTA_ENGINE_MEMORY": "1M", "SCRIPTA_WORKERS": -1})
    cli("models", "add", model, "--name", "big", data=server.data, check=0)
    row, = server.client.get("/api/models").json["models"]
    refused = server.client.upload(bursts_wav(2), engine="whisper")
    assert refused.status == 400 and refused.error["code"] == "MODEL_ERROR", refused
    assert f"needs {row['memory_bytes'] // 1000000} MB" in refused.error["message"]
    assert "may spend 1 MB" in refused.error["message"]


def test_server_and_worker_count_memory_alike(model, make_server):
    server = make_server({"SCRIPTA_WORKERS": -1})
    cli("models", "add", model, "--name", "big", data=server.data, check=0)
    row, = server.client.get("/api/models").json["models"]

    def begin(**env):
        server.stop()
        server.env = {"SCRIPTA_WORKERS": 1, "SCRIPTA_ENGINE_MEMORY": row["memory_bytes"] + 1000,
                      "SCRIPTA_UPLOAD_RESERVE": "0", **env}
        server.start()
        return server.client

    def ask(client, seed, **options):
        return client.upload(bursts_wav(2, seed=seed), engine="whisper", vad="off", **options)

    client = begin()
    refused = ask(client, 1, sequential="on")
    assert (refused.status, refused.error["field"]) == (400, "chunk_length"), refused
    assert "for 332 s of sound at a time the model 'big' needs" in refused.error["message"]
    assert "make chunk_length shorter, or raise engine.memory" in refused.error["message"]
    for field, options in (("beam_size", {"beam_size": 8}), ("best_of", {"best_of": 8}),
                           ("best_of", {"best_of": 8, "beam_size": 6})):
        refused = ask(client, 1, **options)
        assert (refused.status, refused.error["field"]) == (400, field), refused
        assert f"with {field} 8 the model 'big' needs" in refused.error["message"]
        assert "take less, or raise engine.memory" in refused.error["message"]
    # What the server lets in, its worker has room for.
    for seed, options in enumerate(({}, {"beam_size": 5}, {"best_of": 2, "word_timestamps": "off"})):
        job = client.wait_job(ask(client, seed, **options).json["job_id"])
        assert job["status"] == "completed", job
    # Several chunks at once take more of it, in both.
    refused = ask(begin(SCRIPTA_ENGINE_WHISPER_BATCH=4), 9)
    assert (refused.status, refused.error["field"]) == (400, "model"), refused
