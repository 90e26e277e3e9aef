"""SIGHUP reads the settings again: what can change does, the rest waits, bad ones change nothing."""

import signal

import pytest

from harness import kill, noise_wav, wait_until

pytestmark = pytest.mark.threads


class Reloaded:
    """A server whose settings stand in the file of its data folder."""

    def __init__(self, server):
        self.server = server
        self.file = server.data / "scripta.yaml"
        self.log = server.data / "logs" / "scripta.log"

    def reload(self, text, told):
        """Lines of the log since, once one of them holds `told`."""
        before = len(self.log.read_text())
        self.file.write_text(text)
        kill(self.server.pid, signal.SIGHUP)

        def lines():
            new = self.log.read_text()[before:].splitlines()
            return new if any(told in x for x in new) else None

        return wait_until(lines, 30, f"'{told}' in the log")


@pytest.fixture
def reloaded(make_server):
    return Reloaded(make_server())


def test_settings_of_the_moment_change_at_once(reloaded):
    client = reloaded.server.client
    lines = reloaded.reload("upload:\n  quota: 1000\nlog.level: debug\nauto_export: txt,vtt\n",
                            "settings reloaded")
    assert any('changed="upload.quota, auto_export, log.level"' in x for x in lines), lines
    refused = client.upload(noise_wav(2, 1), engine="null", vad="off")
    assert (refused.status, refused.error["code"]) == (507, "STORAGE_QUOTA")
    reloaded.reload("upload.max_size: 1000\nauto_export: txt,vtt\n", "settings reloaded")
    refused = client.upload(noise_wav(2, 1), engine="null", vad="off")
    assert (refused.status, refused.error["code"]) == (413, "FILE_TOO_LARGE")
    reloaded.reload("auto_export: txt,vtt\n", "settings reloaded")
    job = client.wait_job(client.upload_null(2, seed=1)["job_id"])
    folder = reloaded.server.data / "transcripts" / job["job_id"]
    wait_until(lambda: {p.name for p in folder.glob("transcript.*")} ==
               {"transcript.txt", "transcript.vtt"}, 30, "both exports")


def test_places_that_become_free_are_taken(reloaded):
    client = reloaded.server.client
    first = reloaded.reload("queue.max_concurrent_low: 1\n", "settings reloaded")
    assert any("changed=queue.max_concurrent_low" in x for x in first), first
    client.post("/api/queue/low/pause")
    jobs = [client.upload_null(1, seed=i, priority="low")["job_id"] for i in range(3)]
    assert [client.job(j)["queue_position"] for j in jobs] == [None, 0, 1]
    reloaded.reload("queue.max_concurrent_low: 3\n", "settings reloaded")
    assert [client.job(j)["queue_position"] for j in jobs] == [None, None, None]
    assert client.get("/api/queue").json["queues"][2]["max_concurrent"] == 3


def test_what_the_store_refused_is_taken_with_the_next_signal(make_server):
    reloaded = Reloaded(make_server({"SCRIPTA_FAULT": "daemon.reload:fail"}))

    def places():
        return reloaded.server.client.get("/api/queue").json["queues"][2]["max_concurrent"]

    reloaded.reload("queue.max_concurrent_low: 9\n", "the queue keeps its settings")
    assert places() != 9
    reloaded.reload("queue.max_concurrent_low: 9\n", "settings reloaded")
    assert places() == 9


def test_bad_settings_change_nothing_and_are_told_with_their_line(reloaded):
    client = reloaded.server.client
    reloaded.reload("upload.quota: 1000\n", "settings reloaded")
    lines = reloaded.reload("log.level: debug\nupload.quota: much\n", "could not be reloaded")
    assert any(f"{reloaded.file}:2: upload.quota" in x and "CONFIG_ERROR" in x
               for x in lines), lines
    assert client.upload(noise_wav(2, 1), engine="null").status == 507
    reloaded.reload("upload.quota: 0\n", "settings reloaded")
    assert client.upload(noise_wav(2, 1), engine="null", vad="off").status == 201


def test_what_needs_a_restart_is_told_and_waits(reloaded):
    lines = reloaded.reload("workers: 3\nsplit.jobs: 2\nupload.quota: 1000\n",
                            "wait for a restart")
    # The server's number of workers comes from its environment, which wins.
    assert any("settings=split.jobs" in x for x in lines), lines
    assert any("changed=upload.quota" in x for x in lines), lines
    lines = reloaded.reload("upload.quota: 1000\n", "settings reloaded")
    assert any('changed=""' in x for x in lines), lines
