"""The engine `whisper`: a scripted model, which says its text whatever it hears, through the whole house."""

import os
import signal
import subprocess

import pytest

import harness

SENTENCE = "<|0.00|> Hello world.<|1.50|> This is Scripta.<|3.00|>"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Makes models: model(script=...) is the path of one."""
    folder = tmp_path_factory.mktemp("models")

    def make(name="scripted", **wishes):
        path = folder / f"ggml-{name}.bin"
        maker = harness.BUILD / "tests/unit/whisper/make-model"
        subprocess.run([maker, path, *(f"{k}={v}" for k, v in wishes.items())], check=True)
        return str(path)

    return make


def transcript(server, model, sound, **options):
    reply = server.client.upload(sound, engine="whisper", model=model, **options)
    assert reply.status == 201, reply
    job = server.client.wait_job(reply.json["job_id"])
    assert job["status"] == "completed", job
    return job, server.client.transcript(job)


def test_a_recording_becomes_a_text_with_times(server, model):
    recording = harness.librivox()[0].read_bytes()
    job, text = transcript(server, model(script=SENTENCE), recording)
    assert [s["text"] for s in text["segments"]] == ["Hello world.", "This is Scripta."]
    first, second = text["segments"]
    assert first["end"] <= second["start"] and second["end"] <= 3.1
    words = [w["word"] for s in text["segments"] for w in s["words"]]
    assert words == ["Hello", "world.", "This", "is", "Scripta."]
    times = [w["start"] for s in text["segments"] for w in s["words"]]
    assert times == sorted(times) and times[-1] > times[0]
    assert job["detected_language"] == "en"
    assert min(w["confidence"] for s in text["segments"] for w in s["words"]) > 0.9


def test_openais_dialect_serves_what_the_model_said_of_each_segment(server, model):
    kind, body = harness.multipart([
        ("model", "whisper/" + model(script=SENTENCE)), ("language", "en"),
        ("response_format", "verbose_json"), ("file", ("a.wav", harness.bursts_wav(4, seed=9))),
    ])
    reply = server.client.request("POST", "/v1/audio/transcriptions", body,
                                  {"Content-Type": kind})
    assert reply.status == 200, reply
    first, second = reply.json["segments"]
    assert len(first["tokens"]) >= 4 and first["tokens"][-1] <= second["tokens"][0]
    for segment in (first, second):
        assert segment["temperature"] == 0 and -0.1 < segment["avg_logprob"] <= 0
        assert 0.3 < segment["compression_ratio"] < 2 and segment["no_speech_prob"] < 0.1


def test_a_language_is_one_by_whatever_code_it_is_told(server, model):
    path = model("many", script=SENTENCE, languages=99)
    sound = harness.bursts_wav(4, seed=13)
    for code, others in (("no", ("nb", "nob", "Norwegian")), ("jv", ("jw", "javanese")), ("he", ("iw",))):
        job, text = transcript(server, path, sound, language=others[0])
        assert (job["language"], text["language"]) == (code, code)
        for told in (code, *others):
            same = server.client.upload(sound, engine="whisper", model=path, language=told)
            assert (same.status, same.json["job_id"]) == (200, job["job_id"]), told
            rows = server.client.get(f"/api/jobs?language={told}&limit=1").json["jobs"]
            assert [row["job_id"] for row in rows] == [job["job_id"]], told
            rows = server.client.get(f"/api/transcripts?language={told}&limit=1").json["transcripts"]
            assert [row["id"] for row in rows] == [text["id"]], told


def test_a_translation_is_english_whatever_is_spoken(server, model):
    job, text = transcript(server, model(script=SENTENCE), harness.bursts_wav(4, seed=11),
                           language="de", task="translate", force="true")
    assert text["language"] == "en" and job["language"] == "de"
    assert job["detected_language"] == "de"


def test_the_command_line_prints_the_same(server, model):
    out = harness.cli("transcribe", "-e", "whisper", "-m", model(script=SENTENCE), "-f", "txt",
                      "--beam-size", "3", "--language", "de", harness.librivox()[0],
                      data=server.data, check=0).stdout
    assert "Hello world." in out and "Scripta." in out


def test_a_model_may_be_told_from_where_one_stands(server, model):
    folder, name = os.path.split(model(script=SENTENCE))
    out = harness.cli("transcribe", "-e", "whisper", "-m", "./" + name, "-f", "txt",
                      harness.librivox()[0], data=server.data, cwd=folder, check=0).stdout
    assert "Hello world." in out
    done = harness.cli("transcribe", "-e", "whisper", "-m", "./none.bin", harness.librivox()[0],
                       data=server.data, cwd=folder, check=6)
    assert "a model is named, or told by its full path: './none.bin' is neither" in done.stderr


def test_times_of_words_can_be_left_out(server, model):
    sound = harness.bursts_wav(4, seed=3)
    _, text = transcript(server, model(script=SENTENCE), sound, word_timestamps="off", vad="off")
    segment = text["segments"][0]
    assert segment["text"] == "Hello world." and not segment["words"]
    # They are counted all the same, also where an edit makes times for some of them.
    made, said = f"/api/transcripts/{text['id']}", len(text["text"].split())
    assert text["word_count"] == said > 2
    split = server.client.post(made + "/edit", {"operations": [
        {"op": "split", "segment": segment["id"], "after_word": 1}]})
    assert split.json["word_count"] == said, split
    assert server.client.post(made + "/undo").json["word_count"] == said


def test_words_that_the_model_is_sure_of_stay_where_it_hears_silence(server, model):
    sound = harness.bursts_wav(4, seed=4)
    quiet = model("silent", script=SENTENCE, silent=1)
    job, text = transcript(server, quiet, sound, vad="off", no_speech_threshold="0.6")
    # The model is sure of its words, so they stay, as with Whisper's own limits.
    assert [s["text"] for s in text["segments"]] == ["Hello world.", "This is Scripta."]
    assert job["engine"] == "whisper"


# ---- while a model is loaded ----

ENDLESS = {"SCRIPTA_WORKERS": 1, "SCRIPTA_FAULT": "worker.load:fail:3", "SCRIPTA_QUEUE_HEARTBEAT": "50ms",
           "SCRIPTA_QUEUE_STOP_GRACE": "60s"}


def maps_of(pid):
    try:
        with open(f"/proc/{pid}/maps", encoding="utf-8", errors="replace") as f:
            return f.read()
    except OSError:
        return ""


def loader(server, path, but=None):
    """The worker that has begun to load the model, and would never end by itself."""
    def found():
        return [pid for pid in server.workers() if pid != but and path in maps_of(pid)]

    return harness.wait_until(found, 30, "a worker that loads the model")[0]


def begin_loading(server, path):
    reply = server.client.upload(harness.bursts_wav(4, seed=11), engine="whisper", model=path)
    assert reply.status == 201, reply
    return reply.json["job_id"], loader(server, path)


def test_a_worker_that_ends_while_it_loads_gives_its_chunk_back(make_server, model):
    server, path = make_server(ENDLESS), model(script=SENTENCE)
    job_id, first = begin_loading(server, path)
    os.kill(first, signal.SIGTERM)
    loader(server, path, but=first)  # the one after it
    assert server.stop() == 0
    del server.env["SCRIPTA_FAULT"]
    server.start()
    job = server.client.wait_job(job_id)
    assert job["status"] == "completed", job
    assert "Hello world." in server.client.transcript(job)["text"]
    kinds = [e["type"] for e in server.client.events(job_id) if e.get("stage") == "transcribe"]
    assert kinds.count("task_released") == 2, kinds
    assert not {"task_interrupted", "task_failed", "task_retried"} & set(kinds), kinds


def test_a_cancelled_job_is_loaded_for_no_more(make_server, model):
    server, path = make_server(ENDLESS), model(script=SENTENCE)
    job_id, worker = begin_loading(server, path)
    assert server.client.post(f"/api/jobs/{job_id}/cancel").status == 200
    # The same worker loads it for the next one, and now to its end.
    job, text = transcript(server, path, harness.bursts_wav(4, seed=12))
    assert "Hello world." in text["text"] and server.workers() == [worker]
    assert server.client.job(job_id)["status"] == "cancelled"


@pytest.mark.parametrize("options,field", [
    ({"beam_size": "9"}, "beam_size"),
    ({"beam_size": "2", "temperature": "0.4"}, "beam_size"),
    ({"best_of": "0"}, "best_of"),
    ({"compute_type": "int3"}, "compute_type"),
    ({"device": "cuda"}, "device"),
    ({"threads": "none"}, "threads"),
    ({"best_of": "3", "temperature_increment_on_fallback": "0"}, "best_of"),
])
def test_options_that_cannot_be_are_refused_by_name(server, model, options, field):
    reply = server.client.upload(harness.tone_wav(1), engine="whisper",
                                 model=model(script=SENTENCE), **options)
    assert reply.status == 400 and reply.error["field"] == field, reply


def test_a_model_that_cannot_be_had_fails_its_job_with_the_reason(server, model, tmp_path):
    broken = tmp_path / "ggml-cut.bin"
    with open(model(script=SENTENCE), "rb") as whole:
        broken.write_bytes(whole.read(5000))
    for path, reason in ((str(broken), "ggml-cut.bin"), (str(tmp_path / "none.bin"), "none.bin")):
        reply = server.client.upload(harness.bursts_wav(2), engine="whisper", model=path,
                                     max_retries=0)
        job = server.client.wait_job(reply.json["job_id"])
        assert job["status"] == "failed" and job["error_code"] == "MODEL_ERROR", job
        assert reason in job["error_message"]
