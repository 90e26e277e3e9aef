"""What is killed, stopped or poisoned, told apart; tests/torture has the same at random."""

import contextlib
import http.client
import json
import os
import signal

from harness import PATIENCE, kill, null_words, wait_until


def save(client, path, text):
    return client.request("PUT", path, json.dumps({"text": text}),
                          {"Content-Type": "application/json"})


def test_g2_a_dead_workers_task_is_taken_up_at_once(make_server):
    """The supervisor sees the death: the end of no lease is waited for."""
    server = make_server({"SCRIPTA_WORKERS": 1, "SCRIPTA_QUEUE_LEASE": "1h"})
    client = server.client
    for delay_ms in (2000, 20000, 60000):  # a busy machine may kill too late
        made = client.upload_null(20, seed=1, model=f"delay_ms={delay_ms}")["job_id"]
        wait_until(lambda m=made: [e for e in client.events(m) if e["type"] == "task_claimed"
                                   and e["stage"] == "transcribe"], 20, "a claim")
        for pid in server.workers():
            kill(pid)
        job = client.wait_job(made)
        assert job["status"] == "completed"
        assert client.transcript(job)["text"].split() == null_words(20)
        if [e for e in client.events(made) if e["type"] == "task_interrupted"]:
            return
    raise AssertionError("the death was not seen")


def test_g15_a_worker_that_exits_is_an_interruption_and_does_not_loop_for_ever(make_server):
    server = make_server({"SCRIPTA_WORKERS": 1, "SCRIPTA_QUEUE_MAX_INTERRUPTIONS": 3,
                          "SCRIPTA_QUEUE_BACKOFF": "20ms"})
    made = server.client.upload_null(3, seed=1, model="exit_at=0")
    job = server.client.wait_job(made["job_id"], 60)
    assert job["status"] == "failed" and job["dead_letter"], job
    kinds = [e["type"] for e in server.client.events(made["job_id"])]
    assert "task_interrupted" in kinds


def test_exports_that_a_kill_prevents_are_made_at_the_next_start(make_server):
    server = make_server({"SCRIPTA_AUTO_EXPORT": "srt,txt", "SCRIPTA_FAULT": "export.before:kill"})
    made = server.client.upload_null(3, seed=9)
    server.process.wait(PATIENCE)
    server.process = None
    folder = server.data / "transcripts" / made["job_id"]
    assert not folder.exists()
    del server.env["SCRIPTA_FAULT"]
    server.start()
    assert server.client.job(made["job_id"])["status"] == "completed"
    wait_until(lambda: (folder / "transcript.txt").exists(), 20, "the exports")
    assert (folder / "transcript.txt").read_text().split() == null_words(3)


def test_exports_follow_the_text_also_through_a_kill(make_server):
    server = make_server({"SCRIPTA_AUTO_EXPORT": "srt,txt",
                          "SCRIPTA_FAULT": "export.before:kill:2"})
    job = server.client.wait_job(server.client.upload_null(3, seed=9)["job_id"])
    path = f"/api/transcripts/{job['transcript_id']}"
    file = server.data / "transcripts" / job["job_id"] / "transcript.txt"
    wait_until(lambda: len(server.client.get(f"{path}/exports").json["exports"]) == 2, 30, "exports")
    with contextlib.suppress(OSError, http.client.HTTPException):  # it may die in between
        save(server.client, path, "t0 one t2")
    server.process.wait(PATIENCE)
    server.process = None
    assert file.read_text().split() == null_words(3)
    del server.env["SCRIPTA_FAULT"]
    server.start()
    client = server.client
    wait_until(lambda: file.read_text() == "t0 one t2\n", 30, "the new exports")

    # Of many changes at once the last one is what stays; the history tells of each that was made.
    for i in range(5):
        assert save(client, path, f"t0 {i} t2").status == 200
    wait_until(lambda: file.read_text() == "t0 4 t2\n", 30, "the last text")
    wait_until(lambda: client.get(f"{path}/exports").json["exports"][0]["version_number"] == 7, 30,
               "its record")
    # They lie where the job's exports do.
    assert client.post(f"/api/jobs/{job['job_id']}/archive").status == 200
    assert client.post(f"{path}/undo", {}).status == 200
    archived = server.data / "audio/archive/transcripts" / job["job_id"] / "transcript.txt"
    wait_until(lambda: archived.read_text() == "t0 3 t2\n", 30, "the text in the archive")
    assert not file.exists()


def test_an_engine_that_does_not_stop_loses_its_worker(make_server):
    server = make_server({"SCRIPTA_WORKERS": 1, "SCRIPTA_QUEUE_HEARTBEAT": "50ms",
                          "SCRIPTA_QUEUE_STOP_GRACE": "400ms"})
    client = server.client
    deaf = client.upload_null(3, seed=3, model="deaf_at=0")["job_id"]
    wait_until(lambda: any(e["type"] == "task_claimed" and e["stage"] == "transcribe"
                           for e in client.events(deaf)), 20, "the deaf engine to begin")
    pids = server.workers()
    assert client.post(f"/api/jobs/{deaf}/cancel").status == 200
    # Its only worker is needed: the next job shows that the place is free again.
    job = client.wait_job(client.upload_null(3, seed=4)["job_id"], 20)
    assert job["status"] == "completed", job
    assert server.workers() != pids
    ends = [e for e in client.events(deaf) if e["type"] == "task_interrupted"]
    assert len(ends) == 1 and "did not stop" in ends[0]["message"], ends
    assert client.job(deaf)["status"] == "cancelled"


def test_an_engine_that_stops_keeps_its_worker(make_server):
    server = make_server({"SCRIPTA_WORKERS": 1, "SCRIPTA_QUEUE_HEARTBEAT": "50ms",
                          "SCRIPTA_QUEUE_STOP_GRACE": "400ms"})
    client = server.client
    for tried in range(8):  # on a busy machine it may not stop within the grace
        hung = client.upload_null(3, seed=10 + tried, model="hang_at=0")["job_id"]
        wait_until(lambda j=hung: any(e["type"] == "task_claimed" and e["stage"] == "transcribe"
                                      for e in client.events(j)), 20, "the engine to begin")
        pids = server.workers()
        client.post(f"/api/jobs/{hung}/cancel")
        # Long enough after the grace that a kill would show.
        made = client.upload_null(3, seed=20 + tried, model="delay_ms=900")
        job = client.wait_job(made["job_id"], 20)
        assert job["status"] == "completed", job
        if server.workers() == pids:
            return
    raise AssertionError("its worker was ended each time")


def test_g3_a_stopped_worker_gives_up_its_place(make_server):
    """There is room for one worker, and it is stopped for ever."""
    server = make_server({"SCRIPTA_WORKERS": 1, "SCRIPTA_QUEUE_LEASE": "1s",
                          "SCRIPTA_QUEUE_HEARTBEAT": "200ms"})
    client = server.client
    hung = client.upload_null(40, seed=1, model="hang_at=1")["job_id"]

    def claims():
        return [e["worker"] for e in client.events(hung)
                if e["type"] == "task_claimed" and e["chunk"] == 1]

    wait_until(claims, 20, "the second chunk in its hands")
    stopped = server.workers()[0]
    os.kill(stopped, signal.SIGSTOP)
    wait_until(lambda: stopped not in server.workers() and len(claims()) > 1, 20, "its successor")
    client.post(f"/api/jobs/{hung}/cancel")
    job = client.wait_job(client.upload_null(40, seed=1)["job_id"])
    assert job["status"] == "completed", job
    assert client.transcript(job)["text"].split() == null_words(40)
