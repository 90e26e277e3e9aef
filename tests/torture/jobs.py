"""What the cases share: clients that submit until they hear an answer, and what must be true of
jobs and of the data folder afterwards."""

import contextlib
import http.client
import os
import pathlib
import random
import shutil
import sqlite3
import tempfile
import threading
import time

from harness import PATIENCE, noise_wav, null_words, processes, wait_until


class Submitter(threading.Thread):
    """Submits over HTTP until told to stop. An answer that never came is asked for again under the
    same Idempotency-Key, also after stop(): every key ends acknowledged."""

    def __init__(self, client, seed, pause, lengths=(0, 0, 0, 0, 2, 2, 5, 31, 65)):
        super().__init__(daemon=True)
        self.client = client
        self.rng = random.Random(seed)
        self.seed = seed
        self.pause = pause
        self.lengths = lengths  # in seconds; 0: a job without a recording
        self.acknowledged = {}  # job_id -> seconds
        self.refused = []
        self.cut_off = 0  # requests that the server had taken and never answered
        self.stopping = threading.Event()

    def submit(self, count, seconds):
        key = f"kill-{self.seed}-{count}"
        if seconds == 0:
            return self.client.post("/api/jobs", {"pipeline": "noop"}, {"Idempotency-Key": key},
                                    timeout=20)
        data = noise_wav(seconds, self.seed + count)
        return self.client.upload(data, key=key, engine="null", vad="off", model="delay_ms=5",
                                  timeout=20)

    def run(self):
        count = 0
        while not self.stopping.is_set():
            seconds = self.rng.choice(self.lengths)
            while True:
                try:
                    reply = self.submit(count, seconds)
                except (OSError, http.client.HTTPException) as e:
                    # No socket, or nobody behind it: the request was never taken.
                    self.cut_off += not isinstance(e, (FileNotFoundError, ConnectionRefusedError))
                    time.sleep(0.02)
                    continue
                if reply.status in (200, 201):
                    self.acknowledged[reply.json["job_id"]] = seconds
                    break
                if reply.status != 503:
                    self.refused.append(reply)
                    return
                time.sleep(0.02)
            count += 1
            time.sleep(self.rng.uniform(0, self.pause))

    def stop(self):
        """Waits for the answer that it is waiting for."""
        self.stopping.set()
        self.join(PATIENCE)
        assert not self.is_alive(), "a submitter still waits for an answer"
        assert not self.refused, self.refused


def check_text(client, job, seconds):
    """The one transcript of a job of the null engine is what it must be."""
    text = client.transcript(job)["text"].split()
    assert text == null_words(seconds), (job["job_id"], len(text), seconds)
    found = client.get(f"/api/transcripts?job_id={job['job_id']}").json["transcripts"]
    assert [t["id"] for t in found] == [job["transcript_id"]], found


def check_ended(client, acknowledged, timeout=120):
    """Every acknowledged job ended once, with exactly its text."""
    for job_id, seconds in acknowledged.items():
        job = client.wait_job(job_id, timeout)
        assert job["status"] == "completed", job
        kinds = [e["type"] for e in client.events(job_id)]
        assert kinds.count("job_complete") == 1 and kinds.count("job_created") == 1, \
            (seconds, job, " ".join(kinds))
        assert "task_failed" not in kinds and "job_error" not in kinds, kinds
        if seconds:
            check_text(client, job, seconds)
            chunks = client.get(f"/api/jobs/{job_id}/chunks").json["chunks"]
            assert [c["chunk_index"] for c in chunks] == list(range(job["chunks_total"]))


def all_jobs(client):
    """The ids of all jobs, page by page."""
    out, cursor = [], ""
    while cursor is not None:
        page = client.get("/api/jobs?limit=500" + (f"&cursor={cursor}" if cursor else "")).json
        out += [j["job_id"] for j in page["jobs"]]
        cursor = page["next_cursor"]
    return out


@contextlib.contextmanager
def copied_store(data):
    """The store as a connection to a copy, so that recovery stays the server's."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", "/tmp")) as folder:
        for suffix in ("", "-wal"):
            source = pathlib.Path(data) / f"scripta.db{suffix}"
            if source.exists():
                shutil.copy(source, pathlib.Path(folder) / source.name)
        copy = sqlite3.connect(pathlib.Path(folder) / "scripta.db")
        try:
            yield copy
        finally:
            copy.close()


def of_session(session):
    """Pids of a session, zombies aside."""
    out = []
    for pid, (_, state, _) in processes().items():
        with contextlib.suppress(OSError):
            if state != "Z" and os.getsid(pid) == session:
                out.append(pid)
    return out


def leftovers(server):
    """Stops a server whose jobs have all ended; the number of files that it left behind and nobody
    needs: of uploads that came to nothing, sound of chunks that are done. Its processes end."""
    session = server.process.pid
    code = server.stop()
    assert code == 0, f"serve ended with {code}: {server.tail()}"
    wait_until(lambda: not of_session(session), 20, "the end of the server's processes")
    with copied_store(server.data) as db:
        known = {path for (path,) in db.execute("SELECT file_path FROM files")}
        # Their sound is kept for a retry.
        retried = {job for (job,) in db.execute("SELECT job_id FROM jobs WHERE state IN (3, 4)")}
    left = [p for p in server.data.glob("audio/**/*")
            if p.is_file() and str(p.relative_to(server.data)) not in known
            and "peaks" not in p.parts]
    left += [p for p in server.data.glob("temp/**/*") if p.is_file()]
    left += [p for p in server.data.glob("work/*/chunks/*")
             if p.is_file() and p.parts[-3] not in retried]
    if left:
        print(f"left behind: {[str(p) for p in left[:20]]}")
    return len(left)
