"""What is said in a chunk that goes on is told at once, and counts for nothing until it is handed in."""

import json

import pytest

import harness
from harness import EventStream, bursts_wav, kill, noise_wav, null_words
from test_worker_protocol import Worker, claim_mine, silent_media
from websocket import WebSocket

SECONDS, PART = 70, "10"


@pytest.fixture
def mute(make_server, folder):
    """A server whose own workers never say a word, and whose leases are long."""
    return make_server({"SCRIPTA_WORKERS": 1, "SCRIPTA_QUEUE_LEASE": "10m",
                        "SCRIPTA_MEDIA": silent_media(folder)})


def sequential(client, seconds=SECONDS, seed=1, **options):
    reply = client.upload(noise_wav(seconds, seed), engine="null", sequential="true",
                          **{"chunk_length": PART, **options})
    assert reply.status in (200, 201), reply
    return reply.json["job_id"]


def segment(start, text, **more):
    return {"start": start, "end": start + 1, "text": text, **more}


def tell(worker, task, first, *segments, **more):
    return worker.say(task, "segments", first=first, segments=list(segments), **more)


def must_tell(worker, task, first, *segments):
    reply = tell(worker, task, first, *segments)
    assert (reply.status, reply.json) == (200, {}), reply


def follow_job(client, job_id):
    return EventStream(client, f"/api/events?job_id={job_id}")


def data(stream, *types):
    assert stream.mismatch is None, stream.mismatch
    return [d for d in (json.loads(e["data"]) for e in list(stream.events)) if d["type"] in types]


def said(stream, chunk=0):
    """What was told of a chunk once it is known to have ended: nothing of it comes behind that."""
    stream.wait(lambda t, d: d["type"] in ("task_completed", "task_released", "task_failed",
                                           "job_cancelled")
                and d["chunk"] in (chunk, None), what="its end")
    return [e["text"] for e in data(stream, "segment_provisional") if e["chunk"] == chunk]


def follow_ended(client, job_id):
    stream = follow_job(client, job_id)
    assert stream.closed.wait(harness.PATIENCE)
    return stream


def complete(worker, task, *segments):
    reply = worker.say(task, "complete", segments=list(segments), carry="on")
    assert reply.status == 200, reply


# ---- what is told ----

def test_it_is_told_at_once_and_the_result_takes_its_place(mute):
    client, worker = mute.client, Worker(mute.client)
    job_id = sequential(client)
    stream = follow_job(client, job_id)
    task = claim_mine(worker)
    must_tell(worker, task, 0, segment(0.5, "one", words=[
        {"word": "one", "start": 0.5, "end": 1.5, "confidence": 0.5}]), segment(2, "two"))
    stream.wait(lambda t, d: t == "segment_provisional" and d["text"] == "two")
    one, two = data(stream, "segment_provisional")
    assert (one["id"], one["job_id"], one["chunk"], one["stage"]) == (None, job_id, 0, "transcribe")
    assert (one["start"], one["end"], one["text"], one["speaker"]) == (0.5, 1.5, "one", None)
    assert (one["attempt"], one["epoch"], one["worker"]) == (1, task["epoch"], "by-hand")
    assert (two["start"], two["text"], two["status"]) == (2, "two", "processing")
    # It is nowhere else.
    assert client.job(job_id)["chunks_completed"] == 0
    assert "segment_provisional" not in {e["type"] for e in client.events(job_id)}
    assert [c["text"] for c in client.get(f"/api/jobs/{job_id}/chunks").json["chunks"]][0] in (
        None, "")
    complete(worker, task, segment(0.5, "won", words=[]))
    assert said(stream) == ["one", "two"]
    order = [(d["type"], d.get("text")) for d in data(stream, "segment", "segment_provisional",
                                                      "task_completed") if d["chunk"] == 0]
    assert order[-3:] == [("segment_provisional", "two"), ("segment", "won"),
                          ("task_completed", None)]
    # The second part begins at 9.9 s: times are those of the recording.
    task = claim_mine(worker)
    must_tell(worker, task, 0, segment(1, "three"))
    third = json.loads(stream.wait(lambda t, d: d.get("text") == "three")["data"])
    assert (third["chunk"], third["start"], third["end"]) == (1, 10.9, 11.9)


def texts_until(ws, last):
    """What it is told provisionally, up to this text."""
    ws.wait(lambda m: m.get("text") == last)
    return [m["text"] for m in ws.passed if m["type"] == "segment_provisional"] + [last]


def test_a_late_listener_is_told_each_once(mute):
    client, worker = mute.client, Worker(mute.client)
    job_id = sequential(client)
    task = claim_mine(worker)
    for k in range(150):  # more than a page of the log
        must_tell(worker, task, k, segment(k / 10, f"s{k}"))
    early, other = follow_job(client, job_id), EventStream(client)
    with WebSocket(client, f"/ws/page?job_id={job_id}") as ws:
        early.wait(lambda t, d: d.get("text") == "s149")
        heard = texts_until(ws, "s149")
        must_tell(worker, task, 150, segment(20, "live"))
        early.wait(lambda t, d: d.get("text") == "live")
        other.wait(lambda t, d: d.get("text") == "live")
        heard += texts_until(ws, "live")
        complete(worker, task)
        told = [f"s{k}" for k in range(150)] + ["live"]
        assert said(early) == heard == told
        ws.wait(lambda m: m["type"] == "task_completed" and m["chunk"] == 0)
        assert not [m for m in ws.passed if m["type"] == "segment_provisional"]
    # Who follows all jobs is told what happens from now on.
    assert said(other) == ["live"]
    # Once it is certain nobody is told of it again.
    assert said(follow_job(client, job_id)) == []


def test_channels_have_their_speakers(mute):
    client, worker = mute.client, Worker(mute.client)
    sound = harness.interleave(*(harness.pcm_of(noise_wav(60, seed=700 + i, rate=16000))
                                 for i in range(2)))
    made = client.upload(sound, engine="null", sequential="on", channels="split", chunk_length=PART)
    stream = follow_job(client, made.json["job_id"])
    for _ in range(2):
        must_tell(worker, claim_mine(worker), 0, segment(1, "hello"))
    stream.wait(lambda t, d: len(data(stream, "segment_provisional")) == 2)
    assert {e["speaker"] for e in data(stream, "segment_provisional")} == {"1", "2"}


def test_what_is_no_speech_and_what_lies_behind_the_end(mute):
    client, worker = mute.client, Worker(mute.client)
    job_id = sequential(client)
    stream = follow_job(client, job_id)
    task = claim_mine(worker)
    must_tell(worker, task, 0, segment(1, "noise", no_speech=0.99), segment(2, "speech"))
    must_tell(worker, task, 2, segment(3, "noise", no_speech=0.99))
    must_tell(worker, task, 3, segment(1000, "far"))
    stream.wait(lambda t, d: d.get("text") == "far")
    complete(worker, task)
    assert said(stream) == ["speech", "far"]
    far = data(stream, "segment_provisional")[-1]
    assert far["start"] <= far["end"] <= task["end_ms"] / 1000


def test_a_chunk_that_overlaps_the_next_is_told_when_it_is_done(mute):
    """Without a pause to cut in its text is certain only when the next one is done, too."""
    client, worker = mute.client, Worker(mute.client)
    job_id = client.upload_null(70, seed=9)["job_id"]
    stream = follow_job(client, job_id)
    stream.wait(lambda t, d: t == "stage_completed" and d["stage"] == "split")
    tasks = {t["chunk_index"]: t for t in (claim_mine(worker) for _ in range(3))}
    assert tasks[1]["start_ms"] < tasks[0]["end_ms"]
    for k in (0, 2, 1):
        assert worker.complete(tasks[k]).status == 200
        stream.wait(lambda t, d, k=k: t == "task_completed" and d["chunk"] == k)
    stream.wait(lambda t, d: t == "segment" and d["chunk"] == 2)
    told = data(stream, "task_completed", "segment", "segment_provisional")
    shown = [(e["type"], e["chunk"]) for e in told if e["chunk"] is not None]
    assert shown == [("task_completed", 0), ("segment_provisional", 0),
                     ("task_completed", 2), ("segment_provisional", 2),
                     *[("segment", k) for k in range(3)], ("task_completed", 1)], shown
    provisional, certain = (next(e for e in told if e["type"] == t and e["chunk"] == 0)
                            for t in ("segment_provisional", "segment"))
    assert provisional["text"].split() == null_words(30)
    assert provisional["text"].startswith(certain["text"])
    # The log does not tell it again.
    assert data(follow_ended(client, job_id), "segment_provisional") == []


# ---- what is not ----

def test_what_was_told_before_is_passed_over(mute):
    client, worker = mute.client, Worker(mute.client)
    stream = follow_job(client, sequential(client))
    task = claim_mine(worker)
    must_tell(worker, task, 0, segment(1, "one"), segment(2, "two"))
    must_tell(worker, task, 0, segment(1, "one"), segment(2, "two"))
    must_tell(worker, task, 1, segment(2, "two"), segment(3, "three"))
    must_tell(worker, task, 0)
    must_tell(worker, task, 7, segment(4, "behind a gap"))
    stream.wait(lambda t, d: d.get("text") == "behind a gap")
    complete(worker, task)
    assert said(stream) == ["one", "two", "behind a gap"]


def test_only_who_holds_the_task_is_believed(mute):
    client, worker = mute.client, Worker(mute.client)
    other = Worker(client, "other")
    job_id = sequential(client)
    stream = follow_job(client, job_id)
    task = claim_mine(worker)
    for reply in (tell(worker, task, 0, segment(1, "x"), epoch=task["epoch"] + 1),
                  tell(other, task, 0, segment(1, "x")),
                  tell(worker, {**task, "task_id": 999999}, 0, segment(1, "x"))):
        assert (reply.status, reply.error["code"]) == (409, "LEASE_LOST"), reply
    reply = worker.client.post("/api/worker/tasks/nonsense/segments",
                               {"worker_id": worker.id, "epoch": 1, "first": 0, "segments": []})
    assert (reply.status, reply.error["code"]) == (404, "TASK_NOT_FOUND"), reply
    must_tell(worker, task, 0, segment(1, "mine"))
    stream.wait(lambda t, d: d.get("text") == "mine")
    complete(worker, task)
    late = tell(worker, task, 1, segment(2, "late"))
    assert (late.status, late.error["code"]) == (409, "LEASE_LOST"), late
    assert said(stream) == ["mine"]


@pytest.mark.parametrize("body,field", [
    ({"segments": []}, "first"),
    ({"first": 0}, "segments"),
    ({"first": -1, "segments": []}, "first"),
    ({"first": 2**31, "segments": []}, "first"),
    ({"first": 0, "segments": {}}, "segments"),
    ({"first": 0, "segments": [1]}, "segments"),
    ({"first": 0, "segments": [], "carry": "x"}, "carry"),
    ({"first": 0, "segments": [{"start": 0, "end": 1}]}, "text"),
    ({"first": 0, "segments": [segment(-1, "x")]}, "segments"),
    ({"first": 0, "segments": [{"start": 2, "end": 1, "text": "x"}]}, "segments"),
    ({"first": 0, "segments": [segment(1e8, "x")]}, "segments"),
    ({"first": 0, "segments": [segment(5, "b"), segment(1, "a")]}, "segments"),
    # 41 s of sound: 1000 segments and 50 for each of them.
    ({"first": 3050, "segments": [segment(1, "x")]}, "segments"),
    ({"first": 0, "segments": [segment(k / 100, "x") for k in range(3051)]}, "segments"),
])
def test_nonsense_is_refused_by_name_and_changes_nothing(mute, body, field):
    client, worker = mute.client, Worker(mute.client)
    stream = follow_job(client, sequential(client))
    task = claim_mine(worker)
    reply = worker.say(task, "segments", **body)
    assert (reply.status, reply.error["code"], reply.error["field"]) == (
        400, "INVALID_VALUE", field), reply
    assert worker.beat(task) == {task["task_id"]: "ok"}
    complete(worker, task)
    assert said(stream) == []


def test_a_task_without_sound_says_nothing(mute):
    client, worker = mute.client, Worker(mute.client, lanes=["noop"])
    client.post("/api/jobs", {"pipeline": "noop"})
    task = claim_mine(worker)
    reply = tell(worker, task, 0, segment(1, "x"))
    assert (reply.status, reply.error["code"], reply.error["field"]) == (
        400, "INVALID_VALUE", "segments"), reply


@pytest.mark.parametrize("end", ["release", "fail", "cancel"])
def test_what_is_given_up_is_forgotten(mute, end):
    client, worker = mute.client, Worker(mute.client)
    job_id = sequential(client)
    task = claim_mine(worker)
    must_tell(worker, task, 0, segment(1, "given up"))
    if end == "cancel":
        assert client.post(f"/api/jobs/{job_id}/cancel").status == 200
        assert said(follow_job(client, job_id)) == []
        return
    assert worker.say(task, end, **({"code": "ENGINE_ERROR"} if end == "fail" else {})).status == 200
    again = claim_mine(worker)
    assert (again["task_id"], again["epoch"] > task["epoch"]) == (task["task_id"], True)
    # The second attempt begins anew.
    must_tell(worker, again, 0, segment(1, "again"))
    stream = follow_job(client, job_id)
    stream.wait(lambda t, d: d.get("text") == "again")
    assert [e["text"] for e in data(stream, "segment_provisional")] == ["again"]


# ---- by workers of ours ----

def test_a_worker_tells_what_its_engine_says(make_server):
    # What is told has the time until the next heartbeat.
    server = make_server({"SCRIPTA_WORKERS": 1, "SCRIPTA_QUEUE_HEARTBEAT": "1m",
                          "SCRIPTA_QUEUE_LEASE": "10m"})
    job_id = sequential(server.client, seconds=40, chunk_length="5m", model="hang_behind=25")
    stream = follow_job(server.client, job_id)
    stream.wait(lambda t, d: len(data(stream, "segment_provisional")) == 26)
    told = data(stream, "segment_provisional")
    assert [e["text"] for e in told] == null_words(26)
    assert [(e["start"], e["end"], e["chunk"]) for e in told] == [(k, k + 1, 0) for k in range(26)]
    # Its worker dies: the next begins anew, and says the same.
    for worker in server.workers():
        kill(worker)
    stream.wait(lambda t, d: len(data(stream, "segment_provisional")) == 52)
    again = data(stream, "segment_provisional")[26:]
    assert [e["text"] for e in again] == null_words(26)
    assert {e["epoch"] for e in again} != {e["epoch"] for e in told}
    assert server.client.job(job_id)["chunks_completed"] == 0
    assert server.client.post(f"/api/jobs/{job_id}/cancel").status == 200


def test_whisper_tells_what_its_result_will_say(server, tmp_path):
    """How much of it is told ahead of the result is a matter of time, but not whether: in each part
    some windows are heard behind the first one."""
    model = tmp_path / "ggml-script.bin"
    harness.make_model(model, "<|0.00|> the first words<|4.00|><|4.00|> and others<|9.00|>",
                       state=128, layers=1)
    made = server.client.upload(bursts_wav(280, seed=3), engine="whisper", model=str(model),
                                language="en", sequential="on", chunk_length="140")
    stream = follow_job(server.client, made.json["job_id"])
    job = server.client.wait_job(made.json["job_id"], timeout=200)
    assert job["status"] == "completed", job
    stream.wait(lambda t, d: t == "job_complete")
    whole = [(s["start"], s["end"], s["text"]) for s in server.client.transcript(job)["segments"]]
    assert len(whole) > 15, whole
    events = data(stream, "segment_provisional", "task_completed")
    told = [(e["start"], e["end"], e["text"]) for e in events if e["type"] == "segment_provisional"]
    rest = iter(whole)
    assert all(t in rest for t in told), (told, whole)
    for chunk in (0, 1):
        of_chunk = [e for e in events if e["chunk"] == chunk]
        assert len(of_chunk) > 2 and of_chunk[-1]["type"] == "task_completed", of_chunk
        assert {e["type"] for e in of_chunk[:-1]} == {"segment_provisional"}, of_chunk
