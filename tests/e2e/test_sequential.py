"""Sequential jobs: chunks that are heard one after the other, each from where the last one ended."""

import array
import subprocess

import pytest

import harness
from harness import interleave, kill, noise_wav, null_words, pcm_of, wait_until, wav
from test_channels import words
from test_worker_protocol import Worker, claim_mine, lonely  # noqa: F401

# 1 + (70 - 31) / 10 parts.
SECONDS, PART, PARTS = 70, "10", 4


def sequential(client, seconds=SECONDS, seed=1, **options):
    reply = client.upload(noise_wav(seconds, seed), engine="null", sequential="true",
                          **{"chunk_length": PART, **options})
    assert reply.status in (200, 201), reply
    return reply.json["job_id"]


def chunks(client, job_id):
    return client.get(f"/api/jobs/{job_id}/chunks").json["chunks"]


def text_of(client, job_id):
    job = client.wait_job(job_id)
    assert job["status"] == "completed", job
    return client.transcript(job)["text"].split()


# ---- the chain ----

def test_parts_follow_one_another(client):
    job_id = sequential(client)
    assert text_of(client, job_id) == null_words(SECONDS)
    made = chunks(client, job_id)
    assert [c["start_time"] for c in made] == [0, 9.9, 19.9, 29.9]
    assert [c["end_time"] for c in made] == [41, 51, 61, 70]
    # Each says what is its own: nothing is settled afterwards.
    assert [c["text"].split()[0] for c in made] == ["t0", "t10", "t20", "t30"]


def test_only_one_of_a_chain_can_be_claimed(lonely):  # noqa: F811
    client, worker = lonely.client, Worker(lonely.client)
    job_id = sequential(client)
    carried = None
    for k in range(PARTS):
        task = claim_mine(worker)
        assert task["chunk_index"] == k and task["job_id"] == job_id
        assert task["until_ms"] == (k + 1) * 10000 if k + 1 < PARTS else 70000
        assert task.get("carry") == carried
        assert task["samples"] == 16 * (task["end_ms"] - task["start_ms"])
        assert len(worker.input(task).body) == 2 * task["samples"]
        assert worker.claim(8, 200) == []
        wait_until(lambda: len(chunks(client, job_id)) == PARTS, 20, "all parts")
        states = [c["status"] for c in chunks(client, job_id)]
        assert states == ["done"] * k + ["running"] + ["waiting"] * (PARTS - k - 1)
        carried = f"from {k}: \"ä\""
        said = {"segments": [{"start": 0, "end": 1, "text": f"part {k}", "words": []}]}
        claim = {"claim": {"lanes": worker.lanes, "max": 4}} if k == 1 else {}
        reply = worker.say(task, "complete", carry=carried, **said, **claim)
        assert reply.status == 200, reply
        if k == 1:  # what comes next is claimed with the result
            task, = reply.json["tasks"]
            assert (task["chunk_index"], task["carry"]) == (2, carried)
            assert worker.say(task, "release").status == 200
    assert " ".join(text_of(client, job_id)) == "part 0 part 1 part 2 part 3"


def test_what_is_handed_on_is_looked_at(lonely):  # noqa: F811
    client, worker = lonely.client, Worker(lonely.client)
    sequential(client)
    task = claim_mine(worker)
    for carry in ({}, {"carry": ""}, {"carry": "x" * 16385}, {"carry": {"a": 1}}):
        reply = worker.say(task, "complete", segments=[], **carry)
        assert reply.status == 400 and reply.error["field"] == "carry", reply
    assert worker.say(task, "complete", segments=[], carry="x" * 16384).status == 200
    plain = client.upload_null(3, seed=2)["job_id"]
    task = claim_mine(worker)
    worker.say(task, "release")
    while task["job_id"] != plain:
        worker.say(task, "fail", code="BAD_AUDIO", message="away with it")
        task = claim_mine(worker)
    assert "until_ms" not in task and "carry" not in task
    reply = worker.say(task, "complete", segments=[], carry="x")
    assert reply.status == 400 and reply.error["field"] == "carry", reply


def test_a_failed_part_is_heard_again_with_what_it_was_handed(lonely):  # noqa: F811
    client, worker = lonely.client, Worker(lonely.client)
    job_id = sequential(client, max_retries=0)
    assert worker.say(claim_mine(worker), "complete", segments=[], carry="one").status == 200
    worker.say(claim_mine(worker), "fail", code="ENGINE_ERROR", message="no")
    assert client.wait_job(job_id)["status"] == "failed"
    # The job has ended: what had not had its turn is cancelled with it.
    assert {c["status"] for c in chunks(client, job_id)[2:]} <= {"cancelled"}
    assert worker.claim(8, 200) == []
    assert client.post(f"/api/jobs/{job_id}/retry").status == 200
    for k in range(1, PARTS):
        task = claim_mine(worker)
        assert (task["chunk_index"], task["carry"]) == (k, "one")
        assert worker.say(task, "complete", segments=[], carry="one").status == 200
    assert client.wait_job(job_id)["status"] == "completed"


def test_a_cancelled_job_goes_on_where_it_was(lonely):  # noqa: F811
    client, worker = lonely.client, Worker(lonely.client)
    job_id = sequential(client)
    assert worker.say(claim_mine(worker), "complete", segments=[], carry="one").status == 200
    held = claim_mine(worker)
    assert client.post(f"/api/jobs/{job_id}/cancel").status == 200
    assert worker.beat(held) == {held["task_id"]: "cancelled"}
    assert worker.claim(8, 200) == []
    assert client.post(f"/api/jobs/{job_id}/retry").status == 200
    for k in range(1, PARTS):
        task = claim_mine(worker)
        assert (task["chunk_index"], task["carry"]) == (k, "one")
        assert worker.say(task, "complete", segments=[], carry="one").status == 200
    assert client.wait_job(job_id)["status"] == "completed"


def test_a_killed_server_goes_on_at_the_last_part(make_server):
    server = make_server({"SCRIPTA_WORKERS": 1})
    job_id = sequential(server.client, model="delay_ms=300")
    for done in (1, 2):
        wait_until(lambda: server.client.job(job_id)["chunks_completed"] >= done, 30, "a part")
        server.kill()
        server.start()
    assert text_of(server.client, job_id) == null_words(SECONDS)
    attempts = [c["attempts"] for c in chunks(server.client, job_id)]
    assert sum(attempts) <= PARTS + 2, attempts


def test_a_killed_worker_costs_one_part(make_server):
    server = make_server({"SCRIPTA_WORKERS": 1})
    job_id = sequential(server.client, model="delay_ms=400")
    wait_until(lambda: server.client.job(job_id)["chunks_completed"] >= 1, 30, "a part")
    for worker in server.workers():
        kill(worker)
    assert text_of(server.client, job_id) == null_words(SECONDS)


def test_sound_that_has_gone_is_cut_again(lonely):  # noqa: F811
    client, worker = lonely.client, Worker(lonely.client)
    job_id = sequential(client)
    wait_until(lambda: len(chunks(client, job_id)) == PARTS, 20, "all parts")
    task = claim_mine(worker)
    before = worker.input(task).body
    for path in (lonely.data / "work" / job_id / "chunks").iterdir():
        path.unlink()
    assert worker.input(task).body == before


def test_each_channel_is_a_chain(client):
    data = interleave(*(pcm_of(noise_wav(60, seed=700 + i, rate=16000)) for i in range(2)))
    made = client.upload(data, engine="null", sequential="on", channels="split", chunk_length="10")
    job = client.wait_job(made.json["job_id"])
    transcript = client.transcript(job)
    assert words(transcript, "1") == null_words(60) == words(transcript, "2")
    assert [c["channel"] for c in chunks(client, job["job_id"])] == [1, 2] * 3


def test_a_short_recording_and_an_empty_one(client):
    assert text_of(client, sequential(client, seconds=2, seed=9)) == null_words(2)
    job_id = client.upload(wav(b"", 16000), engine="null", sequential="on").json.get("job_id")
    if job_id is not None:
        assert client.wait_job(job_id)["status"] in ("completed", "failed")


def test_a_dry_run_counts_the_parts(client):
    reply = client.upload(noise_wav(SECONDS, 77), path="/api/upload?dry_run=1", engine="null",
                          sequential="on", chunk_length=PART)
    assert reply.json["chunks_expected"] == PARTS, reply


@pytest.mark.parametrize("options,field", [
    ({"engine": "pocketsphinx"}, "sequential"),
    ({"vad": "on"}, "vad"),
    ({"music": "keep"}, "music"),
    ({"vad_threshold": "9"}, "vad_threshold"),
    ({"chunk_length": "31m"}, "chunk_length"),
    ({"chunk_length": "1500ms"}, "chunk_length"),
    ({"carry_initial_prompt": "on", "engine": "whisper"}, "carry_initial_prompt"),
])
def test_what_makes_no_sense_is_refused_by_name(client, options, field):
    reply = client.upload(noise_wav(1), **{"engine": "null", "sequential": "on", **options})
    assert reply.status == 400 and reply.error["field"] == field, reply


def test_the_prompt_stays_in_sequential_jobs_alone(client):
    reply = client.upload(noise_wav(1), engine="whisper", prompt="Ada", carry_initial_prompt="on")
    assert reply.status == 400 and reply.error["field"] == "carry_initial_prompt", reply


# ---- whisper ----

@pytest.fixture(scope="module")
def random_model(tmp_path_factory):
    """Random weights: what is said depends on every bit of what was heard and said before."""
    path = tmp_path_factory.mktemp("models") / "ggml-random.bin"
    maker = harness.BUILD / "tests/unit/whisper/make-model"
    subprocess.run([maker, path, "seed=5", "text_ctx=64"], check=True)
    return str(path)


def heard(server, model, length, **options):
    # The spectrum is measured by the loudest of the sound so far: of the whole where it comes first.
    loudest = array.array("h", [32767] * 64 + [-32767] * 64) * 125
    sound = wav((loudest + pcm_of(harness.bursts_wav(99, seed=5))).tobytes())
    reply = server.client.upload(sound, engine="whisper", model=model, language="en",
                                 sequential="on", chunk_length=length, best_of="2",
                                 no_speech_threshold="1", temperature_increment_on_fallback="0.5",
                                 **options)
    assert reply.status == 201, reply
    job = server.client.wait_job(reply.json["job_id"], timeout=200)
    assert job["status"] == "completed", job
    text = server.client.transcript(job)
    return [(s["start"], s["end"], s["text"], s["tokens"], s["seek"],
             [(w["word"], w["start"]) for w in s["words"]]) for s in text["segments"]]


def test_parts_of_whisper_say_what_the_whole_says(server, random_model):
    whole = heard(server, random_model, "30m")
    assert len(whole) > 2
    assert heard(server, random_model, "23") == whole
    # What is believed at temperature 0 has text ahead: the prompt, what was said, or both.
    believed = {"logprob_threshold": "-100", "prompt": "Ada Lovelace"}
    told = heard(server, random_model, "30m", **believed)
    assert heard(server, random_model, "17", **believed) == told != whole
    kept = heard(server, random_model, "17", carry_initial_prompt="on", **believed)
    assert kept == heard(server, random_model, "30m", carry_initial_prompt="on", **believed)
    assert kept != told
