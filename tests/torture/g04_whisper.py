"""G4 with the engine `whisper`, on weights of chance: what they say depends on every bit that they
hear and that was said before. Sequential jobs, whose parts hand their text on; and packed chunks of
several jobs in one call of the engine. Server, workers and decoder are killed at any moment; then
each job reads, byte for byte, as when a calm server hears it: what is sequential in one part, the
other chunks one by one."""

import itertools
import json
import subprocess
import time

import harness
from frame import Case, Result
from g02_kill_workers import at_hand
from g04_long_recording import texts
from harness import bursts_wav, cli, interleave, kill, pauses_wav, pcm_of, wait_until
from jobs import copied_store, leftovers, of_session
from remains import beside, rows

COMMON = {"SCRIPTA_QUEUE_MAX_CONCURRENT_NORMAL": 8, "SCRIPTA_QUEUE_MAX_INTERRUPTIONS": 10000}
TOLD = {"language": "en", "best_of": "2", "no_speech_threshold": "1", "logprob_threshold": "-100",
        "temperature_increment_on_fallback": "0.5"}
LIMIT = 240
KINDS = ("server", "server", "machine", "worker", "worker", "worker", "decode")


class Recording:
    """Sound, how it is to be heard, and what a calm server makes of it."""

    def __init__(self, sound, **options):
        self.sound = sound
        self.options = options
        self.said = None
        self.chunks = None  # [(channel, start, end)], known when a job has ended

    def submit(self, client, **options):
        reply = client.upload(self.sound, engine="whisper", force="true",
                              **{**self.options, **options})
        assert reply.status == 201, reply
        return reply.json["job_id"]


def model(ctx):
    """One that is known to have something to say."""
    path = ctx.folder / "ggml-random.bin"
    maker = harness.BUILD / "tests/unit/whisper/make-model"
    subprocess.run([maker, path, "seed=5", "text_ctx=64"], check=True)
    return str(path)


def outcome(client, job):
    """(what it says, its chunks)."""
    assert job["status"] == "completed", job
    heard = [(s["text"], s.get("tokens"), s["seek"], s["temperature"])
             for s in client.transcript(job)["segments"]]
    chunks = client.get(f"/api/jobs/{job['job_id']}/chunks").json["chunks"]
    return ((texts(client, job), heard),
            [(c["channel"], c["start_time"], c["end_time"]) for c in chunks])


def hear_calmly(ctx, recordings, **options):
    """One chunk after the other, and nothing is killed; the seconds that a recording takes."""
    server = ctx.server({**COMMON, "SCRIPTA_WORKERS": 1, "SCRIPTA_ENGINE_WHISPER_BATCH": 1})
    start = time.monotonic()
    for recording in recordings:
        job = server.client.wait_job(recording.submit(server.client, **options), LIMIT)
        recording.said, _ = outcome(server.client, job)
        assert recording.said[1], "a recording without words"
    took = time.monotonic() - start
    assert server.stop() == 0
    return took / len(recordings)


class Disturbed:
    """A server that hears the recordings again and again while it is killed."""

    def __init__(self, ctx, recordings, env):
        self.ctx, self.rng = ctx, ctx.rng
        self.server = ctx.server({**COMMON, "SCRIPTA_WORKERS": 2, **env})
        self.client = self.server.client
        self.turn = itertools.cycle(recordings)
        self.running = {}  # job_id -> recording
        self.counts = {"jobs": 0, "chunks": 0, "begun again": 0}
        self.most = 0  # chunks that one worker had at hand
        self.kinds = []  # of the kills that come next
        self.twice = 0
        self.slowest = 0.0
        self.fill(len(recordings))

    def check_claim(self, chunks, done, chunk):
        """A chunk was begun when those were done."""

    def check_store(self, db):
        """As it is at any moment, also when a kill of the server has left it."""

    def fill(self, count):
        while len(self.running) < count:
            recording = next(self.turn)
            self.running[recording.submit(self.client)] = recording

    def completed(self):
        """Chunks that are done, of all jobs ever; those that have ended are checked, and heard anew."""
        count, jobs = 0, len(self.running)
        for job_id in list(self.running):
            job = self.client.job(job_id)
            if job["status"] in ("pending", "processing"):
                count += job["chunks_completed"]
            else:
                self.check(job)
        self.fill(jobs)
        return count + self.counts["chunks"]

    def check(self, job):
        """Says what it must, and each chunk of it was done once."""
        recording = self.running.pop(job["job_id"])
        said, chunks = outcome(self.client, job)
        recording.chunks = recording.chunks or chunks
        assert chunks == recording.chunks and len(chunks) > 1, (chunks, recording.chunks)
        assert said == recording.said, "another text than without kills"
        events = self.client.events(job["job_id"])
        kinds = [e["type"] for e in events]
        assert "task_failed" not in kinds and kinds.count("job_complete") == 1, kinds
        done, begun = [], 0
        for e in [e for e in events if e["stage"] == "transcribe"]:
            if e["type"] == "task_claimed":
                begun += 1
                self.check_claim(chunks, done, e["chunk"])
            if e["type"] == "task_completed":
                done.append(e["chunk"])
        assert set(done) == set(range(len(chunks))), done
        self.twice += len(done) - len(chunks)
        self.counts["jobs"] += 1
        self.counts["chunks"] += len(chunks)
        self.counts["begun again"] += begun - len(chunks)

    def note_hands(self):
        hands = rows(self.server, "SELECT count(*) FROM tasks WHERE stage = 2 AND state = 1"
                                  " GROUP BY worker_id")
        self.most = max([self.most, *(n for n, in hands)])
        return self.most

    def strike(self):
        """Kills something that is at work; false: nothing was."""
        if not self.kinds:
            self.kinds = self.rng.sample(KINDS, len(KINDS))
        kind = self.kinds.pop()
        self.note_hands()
        with beside(self.server) as db:
            self.check_store(db)
        if kind in ("worker", "decode"):
            busy = [pid for pid in self.server.children(kind) if at_hand(self.server, kind, pid)]
            if busy:
                kill(self.rng.choice(busy))
            return bool(busy)
        if kind == "machine":
            for pid in of_session(self.server.process.pid):
                kill(pid)
        self.server.kill()
        found = cli("fsck", "--json", data=self.server.data, check=0, timeout=120).stdout
        assert json.loads(found)["problems"] == [], found
        with copied_store(self.server.data) as db:
            self.check_store(db)
        start = time.monotonic()
        self.server.start()
        self.slowest = max(self.slowest, time.monotonic() - start)
        return True

    def run(self, most_s):
        """All kills, mostly with some progress between them, each up to most_s behind it."""
        for _ in range(self.ctx.count):
            before = self.completed()
            if self.rng.random() < 0.8:
                wait_until(lambda: self.completed() > before, LIMIT, "progress between kills")
            time.sleep(self.rng.uniform(0, most_s))  # a moment of chance, no condition
            while not self.strike():
                self.completed()
                time.sleep(0.01)
        while self.running:
            self.check(self.client.wait_job(next(iter(self.running)), LIMIT))
        found = cli("fsck", "--json", data=self.server.data, check=0, timeout=120).stdout
        assert json.loads(found)["problems"] == [], found
        self.server.check_database()
        return Result(self.ctx.count, self.counts, {"chunks at hand of a worker": self.most},
                      twice=self.twice, leaked=leftovers(self.server), recovery_s=self.slowest)


class DisturbedChains(Disturbed):
    """What must be true of parts that follow one another, too."""

    def check_claim(self, chunks, done, chunk):
        assert all(k in done for k in range(chunk) if chunks[k][0] == chunks[chunk][0]), \
            (chunk, done)

    def check_store(self, db):
        """A chain that is at work has one task, for the part behind those that are done, and the
        last of these hands on the text."""
        found = db.execute(
            "SELECT chunks.job, channel, chunk, processed_ms, carry, (SELECT count(*) FROM tasks"
            " WHERE tasks.job = chunks.job AND tasks.chunk = chunks.chunk AND stage = 2"
            " AND tasks.state < 4) FROM chunks JOIN jobs ON jobs.id = chunks.job"
            " WHERE jobs.state < 2 ORDER BY 1, 2, 3").fetchall()
        for chain, parts in itertools.groupby(found, lambda row: row[:2]):
            parts = list(parts)
            done = [p for p in parts if p[3] is not None]
            assert done == parts[:len(done)], (chain, parts)
            assert [p[5] for p in parts] == [int(k == len(done)) for k in range(len(parts))], \
                (chain, parts)
            carries = [p[4] for p in parts if p[4] is not None]
            if 0 < len(done) < len(parts):
                assert carries == [done[-1][4]] and json.loads(carries[0])["tokens"], (chain, parts)
                self.counts["texts on their way"] = self.counts.get("texts on their way", 0) + 1


def loud_first(seconds, seed):
    """The spectrum is measured by the loudest so far: of the whole where it comes first."""
    loudest = (b"\xff\x7f" * 64 + b"\x01\x80" * 64) * 125  # a second
    return harness.wav(loudest + pcm_of(bursts_wav(seconds - 1, seed)).tobytes())


def run_chains(ctx):
    told = {"model": model(ctx), "sequential": "on", "chunk_length": "7", **TOLD}
    one, left, right = (loud_first(60, ctx.seed % 1000 + k) for k in range(3))
    recordings = [
        Recording(one, prompt="Ada Lovelace", **told),
        Recording(interleave(pcm_of(left), pcm_of(right)), channels="split",
                  **{**told, "temperature": "0.4"}),
    ]
    # In one part.
    took = hear_calmly(ctx, recordings, chunk_length="30m")
    return DisturbedChains(ctx, recordings, {}).run(took / 4)


def run_batches(ctx):
    path = model(ctx)
    recordings = []
    for k, options in enumerate(({}, {"temperature": "0.4"}, {"beam_size": "2"})):
        sound, _ = pauses_wav(24, ctx.seed % 1000 + k, (2, 6))
        recordings.append(Recording(sound, model=path, music="keep", **{**TOLD, **options}))
    took = hear_calmly(ctx, recordings)
    disturbed = Disturbed(ctx, recordings, {"SCRIPTA_ENGINE_WHISPER_BATCH": 4})
    # Before the first kill makes suspects of them, which are heard alone.
    wait_until(lambda: disturbed.note_hands() > 1, 120, "several chunks in the hands of one worker")
    return disturbed.run(took / 4)


CASES = [
    Case("G4.chain", "amid sequential jobs of whisper", "kills", run_chains, short=3, one=40,
         full=400, round=20, needs=("test-programs",), minutes=2.5),
    Case("G4.batch", "amid packed chunks of whisper, four to a call", "kills", run_batches, short=3,
         one=40, full=400, round=20, needs=("test-programs",), minutes=2.5),
]
