"""Several chunks in one call of the engine `whisper`: same words, and each chunk an end of its own."""

import os
import re
import signal
import subprocess

import pytest

import harness
from harness import wait_until

SENTENCE = "<|0.00|> Hello world.<|1.50|> This is Scripta.<|3.00|>"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")

    def make(name, **wishes):
        path = folder / f"ggml-{name}.bin"
        maker = harness.BUILD / "tests/unit/whisper/make-model"
        subprocess.run([maker, path, *(f"{k}={v}" for k, v in wishes.items())], check=True)
        return str(path)

    return make


@pytest.fixture
def house(make_server):
    """make(batch): a server with one worker, whose calls stand in its log."""
    def make(batch, **env):
        return make_server({"SCRIPTA_WORKERS": 1, "SCRIPTA_LOG_LEVEL": "debug",
                            "SCRIPTA_QUEUE_HEARTBEAT": "50ms",
                            "SCRIPTA_QUEUE_MAX_CONCURRENT_NORMAL": 8,
                            "SCRIPTA_ENGINE_WHISPER_BATCH": batch, **env})

    return make


def calls(server):
    """How many chunks each call took that took several."""
    return [int(n) for n in re.findall(r"heard in one call.*chunks[= :\"]+(\d+)",
                                       server.log.read_text("utf-8", "replace"))]


def at_once(server, orders, sound=harness.bursts_wav):
    """Submits them while the worker is held up, so that all stand in line when it is free."""
    client = server.client
    held = client.upload_null(3, seed=99, model="hang_at=0")["job_id"]
    wait_until(lambda: client.job(held)["status"] == "processing" and any(
        e["type"] == "task_claimed" and e["stage"] == "transcribe" for e in client.events(held)),
        30, "the worker to be held up")
    jobs = []
    for seed, order in enumerate(orders):
        reply = client.upload(sound(4, seed=seed), engine="whisper", vad="off", **order)
        assert reply.status == 201, reply
        jobs.append(reply.json["job_id"])
    wait_until(lambda: all(client.job(j)["chunks_total"] == 1 for j in jobs), 30, "the cuts")
    client.post(f"/api/jobs/{held}/cancel")
    return jobs


def claims(client, job):
    return [e for e in client.events(job) if e["type"] == "task_claimed"
            and e["stage"] == "transcribe"]


def test_a_batch_says_what_single_calls_say(house, model):
    # What a model of random weights says depends on every bit.
    path = model("random", seed=5, text_ctx=64)
    said = {}
    for batch in (1, 4):
        server = house(batch)
        jobs = at_once(server, [{"model": path}] * 5)
        ended = [server.client.wait_job(j) for j in jobs]
        assert [j["status"] for j in ended] == ["completed"] * 5
        said[batch] = [[(s["start"], s["end"], s["text"], [w["word"] for w in s["words"]])
                        for s in server.client.transcript(j)["segments"]] for j in ended]
        assert calls(server) == ([] if batch == 1 else [4])
        server.stop()
    assert said[1] == said[4] and any(said[1])


def test_the_chunks_of_one_recording_go_together(house, model):
    server = house(4)
    path = model("scripted", script=SENTENCE)
    reply = server.client.upload(harness.bursts_wav(140, seed=1), engine="whisper", model=path,
                                 vad="off")
    job = server.client.wait_job(reply.json["job_id"])
    assert job["status"] == "completed" and job["chunks_total"] > 4, job
    text = server.client.transcript(job)["text"]
    assert text.count("Hello world.") >= job["chunks_total"] - 1


def test_one_that_fails_leaves_the_others(house, model):
    server = house(4)
    path = model("english", script=SENTENCE, languages=-1)
    jobs = at_once(server, [{"model": path}, {"model": path, "task": "translate"},
                            {"model": path}])
    ended = [server.client.wait_job(j) for j in jobs]
    assert [j["status"] for j in ended] == ["completed", "failed", "completed"], ended
    assert "English" in ended[1]["error_message"]
    assert calls(server) == [3]
    assert [len(claims(server.client, j)) for j in jobs] == [1, 1, 1]


def slow(model):
    """Takes seconds: what is thrown away at each temperature is said again."""
    return model("slow", seed=7, state=256, layers=2, text_tokens=20000)


def test_one_that_is_cancelled_leaves_the_others(house, model):
    server = house(3, SCRIPTA_QUEUE_STOP_GRACE="5s")
    client, path = server.client, slow(model)
    quick = {"model": path, "temperature": "0.2", "best_of": "1", "word_timestamps": "off",
             "temperature_increment_on_fallback": "0"}
    jobs = at_once(server, [{"model": path}, quick, {"model": path}])
    wait_until(lambda: calls(server) == [3], 60, "the call to begin")
    workers = server.workers()
    assert client.post(f"/api/jobs/{jobs[0]}/cancel").status == 200
    ended = [client.wait_job(j, 240) for j in jobs]
    assert [j["status"] for j in ended] == ["cancelled", "completed", "completed"], ended
    # The worker was not ended for it, nor was anything begun anew.
    job = client.wait_job(client.upload_null(3, seed=50)["job_id"], 60)
    assert job["status"] == "completed" and server.workers() == workers
    assert [len(claims(client, j)) for j in jobs] == [1, 1, 1]
    assert calls(server) == [3]


def test_a_killed_worker_gives_all_of_them_back(house, model):
    server = house(3)
    client, path = server.client, slow(model)
    quick = {"model": path, "temperature": "0.2", "best_of": "1", "word_timestamps": "off"}
    jobs = at_once(server, [quick, quick, quick])
    wait_until(lambda: calls(server) == [3], 60, "the call to begin")
    os.kill(server.workers()[0], signal.SIGKILL)
    ended = [client.wait_job(j, 240) for j in jobs]
    assert [j["status"] for j in ended] == ["completed"] * 3, ended
    # Nobody knows whose fault it was: each was heard alone then, and none has failed.
    assert calls(server) == [3]
    for j in jobs:
        kinds = [e["type"] for e in client.events(j)]
        assert kinds.count("task_interrupted") == 1 and "task_failed" not in kinds, kinds
        assert len(claims(client, j)) == 2
