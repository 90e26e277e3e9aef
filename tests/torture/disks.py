"""What the cases about disks share: requests of both kinds, and what came of them."""

import http.client

from harness import noise_wav, null_words


class Requests:
    """One upload and one bare job at a time; what was acknowledged and what was refused."""

    def __init__(self, first=0):
        self.count = first
        self.acknowledged = {}  # job_id -> seconds; 0: a job without a recording
        self.refused = []       # (kind, status or None, code)

    def submit(self, client):
        """True when both were taken."""
        self.count += 1
        before = len(self.acknowledged)
        seconds = 3 + self.count % 5
        for kind in ("upload", "noop"):
            try:
                if kind == "upload":
                    reply = client.upload(noise_wav(seconds, 7000 + self.count), engine="null",
                                          vad="off", timeout=30)
                else:
                    reply = client.post("/api/jobs", {"pipeline": "noop"}, timeout=30)
            except (OSError, http.client.HTTPException) as e:
                self.refused.append((kind, None, repr(e)))
                continue
            if reply.status in (200, 201):
                self.acknowledged[reply.json["job_id"]] = seconds if kind == "upload" else 0
            else:
                self.refused.append((kind, reply.status, reply.error["code"]))
        return len(self.acknowledged) == before + 2

    def check(self, client, patience=60):
        """Each acknowledged job ends once, with exactly its text."""
        for job_id, seconds in self.acknowledged.items():
            job = client.wait_job(job_id, patience)
            assert job["status"] == "completed", job
            if seconds:
                assert client.transcript(job)["text"].split() == null_words(seconds)


def fill(path):
    """Takes all that is left; the ballast."""
    for size in (65536, 512):
        with open(path, "ab", buffering=0) as f:
            try:
                while True:
                    f.write(bytes(size))
            except OSError:
                pass
