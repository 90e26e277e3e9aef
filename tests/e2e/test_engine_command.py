"""The engine `command`: any program, also one that misbehaves."""

import array
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import pytest

import harness

DOUBLE = pathlib.Path(__file__).with_name("double_command.py")
PYTHON = "/usr/bin/python3" if pathlib.Path("/usr/bin/python3").exists() else sys.executable


def settings(**more):
    env = {"SCRIPTA_WORKERS": 2, "SCRIPTA_UPLOAD_RESERVE": "0",
           "SCRIPTA_QUEUE_MAX_CONCURRENT_NORMAL": 8,
           "SCRIPTA_ENGINE_COMMAND_RUN": f"{PYTHON} '{DOUBLE}' {{in}} {{prompt}} {{lang}}",
           "SCRIPTA_ENGINE_COMMAND_TIMEOUT": "10m", "SCRIPTA_TOKEN": "a-secret-token",
           "SCRIPTA_ENGINE_HTTP_KEY": "sk-never-shown"}
    env.update({f"SCRIPTA_ENGINE_COMMAND_{k.upper()}": v for k, v in more.items()})
    return env


@pytest.fixture(scope="module")
def server():
    path = pathlib.Path(tempfile.mkdtemp(prefix="sc-"))
    server = harness.Server(path / "d", settings())
    try:
        yield server.start()
        assert not server.sanitizer_reports(), server.sanitizer_reports()
    finally:
        server.destroy()
        shutil.rmtree(path, ignore_errors=True)


def run(server, prompt, seconds=2, seed=0, **options):
    """The job that has ended."""
    options = {"engine": "command", "vad": "off", "max_retries": 0, "force": "on", **options}
    reply = server.client.upload(harness.noise_wav(seconds, seed), prompt=prompt, **options)
    assert reply.status == 201, reply
    return server.client.wait_job(reply.json["job_id"])


def segments(server, prompt, **options):
    job = run(server, prompt, **options)
    assert job["status"] == "completed", job
    return server.client.transcript(job)["segments"]


def failure(server, prompt, **options):
    job = run(server, prompt, **options)
    assert job["status"] == "failed", job
    return job["error_code"], job["error_message"]


def job_log(server, job):
    return (server.data / "logs" / "jobs" / job["job_id"] / "transcribe.log").read_text("utf-8")


@pytest.mark.parametrize("mode, texts", [
    ("whisper.cpp", ["eins", "zwei"]), ("verbose", ["eins zwei"]), ("list", ["one", "two"]),
    ("srt", ["one two"]), ("vtt", ["one two"]), ("text", ["one two"])])
def test_each_shape_of_the_field_is_read(server, mode, texts):
    found = segments(server, mode)
    assert [s["text"].strip() for s in found] == texts
    assert found[0]["start"] == 0 and abs(found[-1]["end"] - 2) < 0.01


def test_words_where_nobody_speaks_are_left_out_unless_somebody_wants_them(server):
    job = run(server, "no speech")
    assert [s["text"] for s in server.client.transcript(job)["segments"]] == ["sure", "said"]
    warning, = job["warnings"]
    assert warning["code"] == "NO_SPEECH" and " 0.7 s " in warning["message"], warning
    assert (warning["start"], warning["end"]) == (0, 2)
    assert "no_speech_ms=66" in job_log(server, job), job_log(server, job)
    done = harness.cli("wait", job["job_id"], data=server.data, check=0)
    assert " completed\n" in done.stdout and warning["message"].split(";")[0] in done.stderr, done
    job = run(server, "no speech", no_speech_threshold="1")
    assert len(server.client.transcript(job)["segments"]) == 3 and not job["warnings"]


HEARD = {"seek": 0, "tokens": [50364, 257], "temperature": .2, "avg_logprob": -.25,
         "compression_ratio": 1.5, "no_speech_prob": .0125}


def heard(segment):
    return {k: segment[k] for k in HEARD if k in segment}


def put(client, path, segments):
    return client.request("PUT", path, body=json.dumps({"segments": segments}),
                          headers={"Content-Type": "application/json"})


def test_what_whisper_says_besides_is_kept_until_its_words_change(server):
    client = server.client
    t = client.transcript(run(server, "tokens"))
    assert [heard(s) for s in t["segments"]] == [HEARD, {**HEARD, "tokens": [50365, 257]}]
    path = f"/api/transcripts/{t['id']}"
    exported = client.get(f"{path}/export.json")
    assert [heard(s) for s in exported.json["segments"]] == [heard(s) for s in t["segments"]]

    # As it was shown, it may be sent back.
    same = put(client, path, t["segments"])
    assert same.status == 200 and not same.json["changed"], same
    one, two = t["segments"]
    one["speaker"], two["text"] = "Ann", "three fife"
    del two["words"]
    assert put(client, path, [one, two]).json["changed"]
    now = client.get(path).json["segments"]
    assert now[0]["speaker"] == "Ann" and heard(now[0]) == HEARD and heard(now[1]) == {}

    back = client.request("POST", f"{path}/import", body=exported.text.encode(),
                          headers={"Content-Type": "application/octet-stream"})
    assert back.status == 200 and back.json["changed"], back
    assert [heard(s) for s in client.get(path).json["segments"]] == [
        heard(s) for s in t["segments"]]
    assert client.post(f"{path}/rollback/2").json["changed"]
    assert [heard(s) for s in client.get(path).json["segments"]] == [HEARD, {}]


def test_openai_clients_get_what_whisper_says(server):
    kind, body = harness.multipart([
        ("file", ("a.wav", harness.beats_wav(2, 48))), ("model", "command"), ("prompt", "tokens"),
        ("response_format", "verbose_json")])
    reply = server.client.request("POST", "/v1/audio/transcriptions", body=body,
                                  headers={"Content-Type": kind})
    assert reply.status == 200, reply
    assert [heard(s) for s in reply.json["segments"]] == [HEARD, {**HEARD, "tokens": [50365, 257]}]


def test_the_language_that_was_heard_is_kept_as_a_code(server):
    assert run(server, "verbose")["detected_language"] == "de"
    assert run(server, "whisper.cpp")["detected_language"] == "de"


def test_words_of_the_answer_are_kept(server):
    words = segments(server, "verbose")[0]["words"]
    assert [(w["word"], w["start"], w["end"]) for w in words] == [
        ("eins", 0, 0.4), ("zwei", 0.5, 0.9)]


def test_the_language_is_passed_on_and_auto_when_none_is_given(server):
    assert segments(server, "lang", language="de")[0]["text"] == "lang de"
    assert segments(server, "lang")[0]["text"] == "lang auto"


def test_a_prompt_is_one_word_whatever_it_holds(server):
    text = "a 'b' \"c\" $HOME; {in} `id` \\ *"
    assert segments(server, text)[0]["text"] == f"mode {text}"
    assert segments(server, "-rf")[0]["text"] == "mode -rf"  # no flag


def test_the_program_sees_nothing_of_the_server(server):
    told = json.loads(segments(server, "surroundings")[0]["text"])
    assert told["env"] == ["HOME", "LANG", "PATH", "TMPDIR"]
    assert told["fds"] == [0, 1, 2]
    assert told["session"] and told["stdin"] == "/dev/null"
    assert pathlib.Path(told["cwd"]).parent == server.data / "temp"
    assert "sk-never-shown" not in json.dumps(told)


@pytest.mark.parametrize("mode, says", [
    ("status", "'python3' ended with status 3: cannot load the model"),
    ("signal", "died of signal SEGV"),
    ("nothing", "wrote nothing on its standard output"),
    ("flood", "wrote more than 16 MB and was killed"),
    ("latin-1", "UTF-8"),
    ("no json", "not json"),
    ("beyond", "segment 1 starts at 9000.000 s, but the chunk has only 2.000 s")])
def test_what_goes_wrong_is_said(server, mode, says):
    code, message = failure(server, mode)
    assert code == "ENGINE_ERROR" and says in message, message


def test_times_that_are_padded_are_cut(server):
    assert segments(server, "a little beyond")[0]["end"] == 2


def test_a_failure_is_tried_again(server):
    job = run(server, "status", max_retries=1)
    assert job_log(server, job).count('said="cannot load the model"') == 2


def test_what_the_program_says_is_in_the_log_of_the_job(server):
    job = run(server, "stderr flood")
    log = job_log(server, job)
    assert 'said="line 19999"' in log and 'said="line 1"' not in log
    assert len(log) < 200_000


def test_a_seam_without_silence_doubles_nothing_though_no_word_has_a_time(make_server):
    server = make_server(settings(max_chunk_s=20))
    seconds = 65
    levels = b"".join(array.array("h", [k * 100] * 16000).tobytes() for k in range(seconds))
    reply = server.client.upload(harness.wav(levels), engine="command", prompt="seconds",
                                 vad="off")
    job = server.client.wait_job(reply.json["job_id"])
    assert job["status"] == "completed" and job["chunks_total"] >= 4, job
    segments = server.client.transcript(job)["segments"]
    assert " ".join(s["text"] for s in segments).split() == [f"s{k}" for k in range(seconds)]


# For so long sleep the children of the tests of this process, and of no other.
ASLEEP = str(1000000 + os.getpid())


def running(word, server=None):
    """Pids of what runs with this argument; with a server, of its programs alone."""
    return [p for p, (_, state, argv) in harness.processes().items()
            if state != "Z" and word in argv
            and (server is None or any(a.startswith(str(server.data)) for a in argv))]


def test_nothing_that_the_program_started_outlives_it(server):
    assert segments(server, f"leaves children {ASLEEP}")[0]["text"] == "left"
    assert not running(ASLEEP)
    segments(server, "junk files")
    assert not list((server.data / "temp").glob("engine-*"))


def test_a_program_that_hangs_is_killed_with_all_its_children(make_server):
    server = make_server(settings(timeout="700ms"))
    code, message = failure(server, f"hang {ASLEEP}")
    assert code == "ENGINE_ERROR" and "engine.command.timeout" in message, message
    assert not running(ASLEEP)
    code, message = failure(server, "ignores TERM")
    assert code == "ENGINE_ERROR" and "engine.command.timeout" in message, message


def test_cancelling_a_job_kills_its_program(server):
    reply = server.client.upload(harness.noise_wav(2), prompt=f"hang {ASLEEP}", engine="command",
                                 force="on", vad="off")
    harness.wait_until(lambda: len(running(ASLEEP)) == 2, 20, "the program runs")
    assert server.client.post(f"/api/jobs/{reply.json['job_id']}/cancel").status == 200
    harness.wait_until(lambda: not running(ASLEEP), 10, "the program is gone")


def test_a_killed_worker_leaves_no_program_behind(make_server):
    server = make_server(settings())
    server.client.upload(harness.noise_wav(2), prompt="ignores TERM", engine="command",
                         vad="off")
    harness.wait_until(lambda: running("ignores TERM", server), 20, "the program runs")
    program = running("ignores TERM", server)[0]
    for worker in server.workers():
        harness.kill(worker)
    harness.wait_until(lambda: program not in running("ignores TERM", server), 10, "the program is gone")


def test_killing_all_at_once_leaves_no_program_behind(make_server):
    server = make_server(settings())
    server.client.upload(harness.noise_wav(2), prompt="ignores TERM", engine="command", vad="off")
    harness.wait_until(lambda: running("ignores TERM", server), 20, "the program runs")
    server.destroy()
    harness.wait_until(lambda: not running("ignores TERM", server), 10, "the program is gone")


def test_no_more_programs_than_allowed_run_at_once(make_server, folder):
    count = folder / "count"
    server = make_server({**settings(env=f"COUNT_FILE={count}"), "SCRIPTA_WORKERS": 4})
    jobs = [server.client.upload(harness.noise_wav(2, i), prompt=f"slow {i}", engine="command",
                                 vad="off").json["job_id"] for i in range(4)]
    for job in jobs:
        assert server.client.wait_job(job)["status"] == "completed"
    assert count.read_text() == "+-" * 4


def test_other_engines_go_on_while_a_program_hangs(make_server):
    server = make_server(settings())
    for i in range(3):
        server.client.upload(harness.noise_wav(2, i), prompt="ignores TERM", engine="command",
                         vad="off")
    job = server.client.upload_null(3)
    assert server.client.wait_job(job["job_id"], 20)["status"] == "completed"


def test_a_program_is_told_the_language_as_its_list_has_it(make_server):
    server = make_server(settings(languages="sv,nb,jw"))
    for told, stored, heard in (("nb", "no", "nb"), ("norwegian", "no", "nb"), ("no_no", "no-NO", "nb-NO"),
                                ("jv", "jv", "jw"), ("SWE", "sv", "sv")):
        reply = server.client.upload(harness.noise_wav(2), engine="command", vad="off", prompt="lang",
                                     language=told)
        job = server.client.wait_job(reply.json["job_id"])
        assert job["language"] == stored
        assert server.client.transcript(job)["segments"][0]["text"] == f"lang {heard}"
    refused = server.client.upload(harness.noise_wav(2), engine="command", language="da")
    assert refused.status == 400 and "only sv,nb,jw" in refused.error["message"]


def test_a_program_that_writes_files_is_read_from_there(make_server):
    run_line = f"{PYTHON} {DOUBLE} {{in}} {{prompt}} {{lang}} {{out}}.json"
    server = make_server(settings(run=run_line, concurrency=2))
    assert [s["text"].strip() for s in segments(server, "whisper.cpp")] == ["eins", "zwei"]
    code, message = failure(server, "nothing")
    assert code == "ENGINE_ERROR" and "wrote neither {out} nor" in message


def test_a_program_may_take_the_model_but_no_path_from_a_job(make_server):
    run_line = f"{PYTHON} {DOUBLE} {{in}} {{model}}"
    server = make_server(settings(run=run_line, model="base"))

    def job(**options):
        reply = server.client.upload(harness.noise_wav(2), engine="command", vad="off", **options)
        assert reply.status == 201, reply
        return server.client.wait_job(reply.json["job_id"])

    assert server.client.transcript(job())["segments"][0]["text"] == "mode base"
    assert server.client.transcript(job(model="large"))["segments"][0]["text"] == "mode large"
    for bad in ("/etc/passwd", "../x", "--help"):
        assert job(model=bad)["error_code"] == "MODEL_ERROR"


@pytest.mark.parametrize("changed, reason", [
    ({"run": ""}, "set engine.command.run"),
    ({"run": "sox {in"}, "names no {in}"),
    ({"run": "'sox {in}"}, "a quote is not closed"),
    ({"run": "sox {in} {lnag}"}, "nothing is known as {lnag}"),
    ({"run": "no-such-program-4711 {in}"}, "there is no program 'no-such-program-4711'"),
    ({"run": "./relative {in}"}, "give its full path"),
    ({"run": f"{PYTHON} {{in}} {{model}}"}, "set engine.command.model"),
    ({"env": "=1"}, "is not NAME=VALUE")])
def test_what_makes_it_unusable_is_said_with_the_remedy(changed, reason):
    env = settings(**changed)
    rows = harness.media_engines(env)
    row = next(r for r in rows if r["name"] == "command")
    assert not row["usable"] and reason in row["reason"], row


def test_options_that_the_line_has_no_place_for_are_refused_by_name(server):
    for option, value in (("hotwords", "x"), ("temperature", "0.5"), ("model", "large")):
        reply = server.client.upload(harness.noise_wav(1), engine="command", **{option: value})
        assert reply.status == 400 and reply.json["error"]["field"] == option, reply
        assert f"engine 'command' takes no {option}" in reply.json["error"]["message"]


def test_another_command_line_is_another_job(make_server, folder):
    first = make_server(settings(), data=folder / "same")
    upload = {"engine": "command", "prompt": "text", "vad": "off"}
    job = first.client.upload(harness.noise_wav(2), **upload).json["job_id"]
    assert first.client.upload(harness.noise_wav(2), **upload).json["job_id"] == job
    first.client.wait_job(job)
    assert first.stop() == 0
    env = settings(run=f"{PYTHON} -B {DOUBLE} {{in}} {{prompt}} {{lang}}")
    second = make_server(env, data=folder / "same")
    reply = second.client.upload(harness.noise_wav(2), **upload)
    assert reply.status == 201 and reply.json["job_id"] != job


def test_no_secret_is_shown_or_on_a_command_line(server, data):
    shown = harness.cli("config", "show", data=data, env=settings(), check=0).stdout
    assert "sk-never-shown" not in shown and "***" in shown
    assert all("sk-never-shown" not in " ".join(argv)
               for _, _, argv in harness.processes().values())
    assert "sk-never-shown" not in server.tail(10_000_000)


def test_a_killed_server_leaves_no_program_behind(make_server):
    server = make_server(settings())
    server.client.upload(harness.noise_wav(2), prompt="ignores TERM", engine="command", vad="off")
    harness.wait_until(lambda: running("ignores TERM", server), 20, "the program runs")
    program = running("ignores TERM", server)[0]
    server.kill()
    harness.wait_until(lambda: program not in running("ignores TERM", server), 10, "the program is gone")


def test_a_worker_started_by_hand_has_its_own_settings(make_server):
    env = {**settings(), "SCRIPTA_WORKERS": 1, "SCRIPTA_QUEUE_LEASE_MS": 60000}
    server = make_server(env)
    own = harness.clean_environment({
        "SCRIPTA_ENGINE_COMMAND_RUN": f"{PYTHON} {DOUBLE} {{in}} {{prompt}} far",
        "SCRIPTA_ENGINE_COMMAND_CONCURRENCY": 1})
    # The one local worker is kept busy, so that the other gets the chunk.
    server.client.upload(harness.noise_wav(2), engine="null", model="hang_at=0", vad="off")
    harness.wait_until(lambda: server.client.get("/api/queue").json["totals"]["tasks_running"] == 1,
                       20, "the local worker is busy")
    with subprocess.Popen([str(harness.MEDIA), "worker", "--server", f"unix:{server.socket}",
                           "--name", "far", "--engines", "command"], env=own) as worker:
        try:
            assert segments(server, "lang")[0]["text"] == "lang far"
        finally:
            worker.terminate()
            worker.wait(harness.PATIENCE)
