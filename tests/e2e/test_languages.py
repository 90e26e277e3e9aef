"""Which language is spoken: heard once for a recording, or in each chunk."""

import json
import subprocess

import pytest

import harness
from harness import wait_until
from test_channels import pcm_of
from test_worker_protocol import Worker, claim_mine, lonely  # noqa: F401

NOWHERE = {"engine": "whisper", "model": "/nowhere/ggml-x.bin", "vad": "off", "chunk_length": "10s"}


def upload(client, seconds=60, seed=1, sound=None, **options):
    reply = client.upload(sound or harness.bursts_wav(seconds, seed), **options)
    assert reply.status == 201, reply
    return reply.json["job_id"]


def chunks(client, job_id):
    return client.get(f"/api/jobs/{job_id}/chunks").json["chunks"]


def answer(worker, task, language, text=None):
    segments = [{"start": 0, "end": 1, "text": text, "language": language}] if text else []
    reply = worker.say(task, "complete", segments=segments, language=language)
    assert reply.status == 200, reply


# ---- a worker by hand ----

def test_the_first_chunk_with_words_is_asked(lonely):  # noqa: F811
    client, worker = lonely.client, Worker(lonely.client, lanes=("engine:whisper",))
    job_id = upload(client, **NOWHERE)
    wait_until(lambda: len(chunks(client, job_id)) > 5, 20, "chunks")
    first = claim_mine(worker)
    assert (first["chunk_index"], first["language"]) == (0, "auto")
    assert worker.claim(8, 200) == []
    states = [c["status"] for c in chunks(client, job_id)]
    assert states == ["running"] + ["waiting"] * (len(states) - 1)
    answer(worker, first, "en")
    second = claim_mine(worker)
    assert (second["chunk_index"], second["language"]) == (1, "auto")
    assert client.job(job_id)["detected_language"] is None
    answer(worker, second, "de", "guten Tag")
    assert client.job(job_id)["detected_language"] == "de"
    assert [c["language"] for c in chunks(client, job_id)] == ["en"] + ["de"] * (len(states) - 1)
    rest = worker.claim(64, 2000)
    assert [(t["chunk_index"], t["language"]) for t in rest] == [
        (k, "de") for k in range(2, len(states))]
    # What an engine says of another all the same is kept, and changes nothing.
    for task in reversed(rest):
        answer(worker, task, "fr" if task["chunk_index"] == 3 else "de", "ja")
    job = client.wait_job(job_id)
    text = client.transcript(job)
    assert (job["detected_language"], text["language"]) == ("de", "de")
    assert chunks(client, job_id)[3]["language"] == "fr"
    segment = text["segments"][0]
    assert segment["language"] == "de"
    # It is true of the words that the engine heard.
    client.post(f"/api/transcripts/{text['id']}/edit", {"operations": [
        {"op": "text", "segment": segment["id"], "text": "guten Abend"}]})
    assert "language" not in client.transcript(job)["segments"][0]


def test_each_chunk_is_heard_for_itself_where_that_is_asked(lonely):  # noqa: F811
    client, worker = lonely.client, Worker(lonely.client, lanes=("engine:whisper",))
    job_id = upload(client, multilingual="on", **NOWHERE)
    wait_until(lambda: client.job(job_id)["stage"] == "transcribe", 20, "the end of cutting")
    tasks = worker.claim(64, 2000)
    assert len(tasks) == len(chunks(client, job_id)) > 5
    assert {t["language"] for t in tasks} == {"auto"}
    assert all(t["settings"]["multilingual"] for t in tasks)
    for task in reversed(tasks):
        language = ("de", "fr")[task["chunk_index"] % 2]
        answer(worker, task, language, None if task["chunk_index"] == 0 else f"in {language}")
    job = client.wait_job(job_id)
    text = client.transcript(job)
    # Of the first with words, though it was done last but one.
    assert (job["detected_language"], text["language"]) == ("fr", "fr")
    assert [row["language"] for row in client.get("/api/stats").json["languages"]] == ["fr"]
    assert {s["language"] for s in text["segments"]} == {"de", "fr"}
    assert all(s["text"] == "in " + s["language"] for s in text["segments"])


def test_a_failed_job_goes_on_in_its_language(lonely):  # noqa: F811
    client, worker = lonely.client, Worker(lonely.client, lanes=("engine:whisper",))
    job_id = upload(client, max_retries="0", **NOWHERE)
    wait_until(lambda: client.job(job_id)["stage"] == "transcribe", 20, "the end of cutting")
    answer(worker, claim_mine(worker), "es", "hola")
    task = claim_mine(worker)
    assert task["language"] == "es"
    worker.say(task, "fail", code="ENGINE_ERROR", message="no")
    assert client.wait_job(job_id)["status"] == "failed"
    assert client.post(f"/api/jobs/{job_id}/retry").status == 200
    for _ in chunks(client, job_id)[1:]:
        task = claim_mine(worker)
        assert task["language"] == "es"
        answer(worker, task, "es", "si")
    assert client.wait_job(job_id)["detected_language"] == "es"


def test_what_would_be_heard_otherwise_is_another_job(lonely):  # noqa: F811
    client, sound = lonely.client, harness.bursts_wav(20, 5)
    made = {name: upload(client, sound=sound, run_after="1h", **NOWHERE, **options)
            for name, options in (("once", {}), ("each", {"multilingual": "on"}),
                                  ("told", {"language": "de"}))}
    assert len(set(made.values())) == 3
    again = client.upload(sound, multilingual="off", **NOWHERE)
    assert again.status == 200 and again.json["job_id"] == made["once"], again

    def settings(name, **changes):
        path = f"/api/jobs/{made[name]}"
        reply = client.request("PATCH", path, body=json.dumps({"settings": changes}),
                               headers={"Content-Type": "application/json"})
        assert reply.status == 200, reply
        return reply.json["settings"].get("multilingual")

    assert client.job(made["once"])["settings"]["multilingual"] is False
    assert "multilingual" not in client.job(made["told"])["settings"]
    # Settings are resolved anew: an engine that takes no such option is not asked to.
    assert settings("once", language="fr") is None
    assert settings("once", language="auto", chunk_length="15s") is False
    assert settings("once", engine="null") is None
    assert settings("each", language="auto", multilingual=False, chunk_length="12s") is False


@pytest.mark.parametrize("options,words", [
    ({"engine": "whisper", "language": "de"}, "leave one of them out"),
    ({"engine": "null"}, "use whisper"),
    ({"engine": "pocketsphinx"}, "use whisper"),
    ({"engine": "whisper", "multilingual": "perhaps"}, "on or off"),
])
def test_what_makes_no_sense_is_refused_by_name(client, options, words):
    options = {"model": "/nowhere/x.bin", "multilingual": "on", **options}
    if options["engine"] != "whisper":
        del options["model"]
    reply = client.upload(harness.tone_wav(1), **options)
    assert reply.status == 400 and reply.error["field"] == "multilingual", reply
    assert words in reply.error["message"], reply


# ---- whisper ----

@pytest.fixture(scope="module")
def maker(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")

    def make(name, **wishes):
        path = folder / f"ggml-{name}.bin"
        tool = harness.BUILD / "tests/unit/whisper/make-model"
        subprocess.run([tool, path, *(f"{k}={v}" for k, v in wishes.items())], check=True)
        return str(path)

    return make


def heard(server, model, **options):
    """By a model of random weights, to which the two halves sound like different languages."""
    halves = b"".join(pcm_of(sound) for sound in (harness.tone_wav(50), harness.bursts_wav(50, 5)))
    job_id = upload(server.client, sound=harness.wav(halves), engine="whisper", model=model, no_speech_threshold="1",
                    temperature_increment_on_fallback="0", force="on", **options)
    job = server.client.wait_job(job_id, timeout=200)
    assert job["status"] == "completed", job
    said = server.client.transcript(job)["segments"]
    return (job["detected_language"], [c["language"] for c in chunks(server.client, job_id)],
            [(s["start"], s["end"], s["text"], s["tokens"]) for s in said],
            [s.get("language") for s in said])


def test_a_recording_has_one_language_unless_it_is_said_to_have_several(make_server, maker):
    model = maker("random", seed=6, text_ctx=64, languages=99)
    alone, many = make_server({"SCRIPTA_WORKERS": 1}), make_server({"SCRIPTA_WORKERS": 3})
    cut = {"vad": "off", "chunk_length": "10s"}
    once = heard(alone, model, **cut)
    language, of_chunks, said, of_segments = once
    assert len(of_chunks) > 5 and set(of_chunks) == {language} and set(of_segments) == {None}
    assert heard(many, model, **cut) == once
    assert heard(many, model, language=language, **cut)[2] == said
    _, of_chunks, each, of_segments = heard(many, model, multilingual="on", **cut)
    assert len(set(of_chunks)) > 1 and of_chunks[0] == language and each != said
    assert set(of_segments) <= set(of_chunks) and of_segments[0] == language


def test_in_sequence_each_window_is_heard_where_that_is_asked(server, maker):
    model = maker("windows", seed=6, text_ctx=64, languages=99)
    first, _, _, of_segments = heard(server, model, sequential="on")
    assert set(of_segments) == {None}
    language, _, _, of_segments = heard(server, model, sequential="on", multilingual="on")
    assert (language, of_segments[0]) == (first, first) and len(set(of_segments)) > 1


def test_a_model_of_english_hears_no_other(make_server, maker):
    server = make_server()
    harness.cli("models", "add", maker("tiny.en", languages=-1), data=server.data, check=0)
    reply = server.client.upload(harness.tone_wav(1), engine="whisper", model="tiny.en",
                                 multilingual="on")
    assert reply.status == 400 and reply.error["field"] == "multilingual", reply
    bad = harness.cli("transcribe", "-e", "whisper", "-m", "tiny.en", "-l", "de",
                      harness.librivox()[0], data=server.data, check=2)
    assert "name another with --model, or leave --language out" in bad.stderr
    # None of its chunks waits for another.
    job_id = upload(server.client, 5, engine="whisper", model="tiny.en")
    assert "multilingual" not in server.client.job(job_id)["settings"]


def test_the_command_line_and_openais_dialect_take_it(server, maker):
    model = maker("scripted", script="<|0.00|> Hello world.<|1.50|>")
    out = harness.cli("transcribe", "-e", "whisper", "-m", model, "--multilingual", "-f", "json",
                      harness.librivox()[0], data=server.data, check=0).stdout
    assert json.loads(out)["segments"][0]["language"] == "en"
    bad = harness.cli("transcribe", "-e", "whisper", "-m", model, "--multilingual", "-l", "de",
                      harness.librivox()[0], data=server.data, check=2)
    assert "and --language says it: leave one of them out" in bad.stderr
    for value, status in (("true", 200), ("maybe", 400)):
        kind, body = harness.multipart([
            ("model", "whisper/" + model), ("multilingual", value),
            ("response_format", "verbose_json"), ("file", ("a.wav", harness.bursts_wav(4, 9)))])
        reply = server.client.request("POST", "/v1/audio/transcriptions", body,
                                      {"Content-Type": kind})
        assert reply.status == status, reply
        assert status == 400 or reply.json["language"] == "english"
