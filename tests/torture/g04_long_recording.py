"""G4: a long recording whose server, workers and decoder are killed again and again reads, byte for
byte, as one that nobody disturbed."""

import subprocess
import time
import wave

from frame import Case, Result
from harness import beats_wav, kill, librivox, null_words, wait_until, wav
from jobs import leftovers, of_session

FULL_KILLS, FULL_SECONDS = 20, 3720
EXPORTS = ("export.srt", "export.csv?words=true")
WORKERS = 2


def length(kills, each):
    """Seconds of recording for so many kills; the stated 62 minutes for the stated number."""
    return FULL_SECONDS if kills >= FULL_KILLS else each * kills


def beats(ctx):
    """A burst of noise each second, as MP3: the null engine says a word for each."""
    seconds = length(ctx.count, 120)
    path = ctx.folder / "beats.wav"
    path.write_bytes(beats_wav(seconds, ctx.seed % 1000))
    made = path.with_suffix(".mp3")
    subprocess.run(["ffmpeg", "-v", "error", "-i", str(path), "-b:a", "64k", str(made)], check=True,
                   stdin=subprocess.DEVNULL)
    return made.read_bytes(), seconds


def speech(ctx):
    """People who read, sentence after sentence."""
    seconds = length(ctx.count, 40)
    clips = []
    for path in librivox():
        with wave.open(str(path)) as f:
            clips.append(f.readframes(f.getnframes()))
    out = bytearray()
    while len(out) < 32000 * seconds:
        out += ctx.rng.choice(clips) + bytes(2 * ctx.rng.randrange(8000, 16000))
    return wav(bytes(out[:32000 * seconds])), seconds


def strike(ctx, server):
    """Kills something; true when the server was it."""
    kind = ctx.rng.choice(["server", "server", "machine", "worker", "decode"])
    if kind in ("worker", "decode"):
        targets = server.children(kind) or server.children()
        if targets:
            kill(ctx.rng.choice(targets))
            return False
    if kind == "machine":
        for pid in of_session(server.process.pid):
            kill(pid)
    server.kill()
    server.check_database()
    return True


def disturb(ctx, server, job_id, chunks):
    """All kills, spread over the job; the slowest restart."""
    slowest = 0.0
    for number in range(ctx.count):
        goal = chunks * number // ctx.count

        def far_enough():
            job = server.client.job(job_id)
            return job["chunks_completed"] >= goal or job["status"] == "completed"

        wait_until(far_enough, 1800, "progress between kills", 0.02)
        time.sleep(ctx.rng.uniform(0, 0.2))
        if strike(ctx, server):
            start = time.monotonic()
            server.start()
            slowest = max(slowest, time.monotonic() - start)
    return slowest


def texts(client, job):
    """What people get of it, as bytes."""
    out = []
    for name in EXPORTS:
        reply = client.get(f"/api/transcripts/{job['transcript_id']}/{name}")
        assert reply.status == 200, reply
        out.append(reply.body)
    return out


def compare(ctx, data, seconds, options):
    server = ctx.server({"SCRIPTA_WORKERS": WORKERS, "SCRIPTA_SPLIT_AHEAD": 8})
    client = server.client

    def submit():
        reply = client.upload(data, "a.audio", force="true", **options)
        assert reply.status == 201, reply
        return reply.json["job_id"]

    limit = 120 + 20 * seconds
    calm = client.wait_job(submit(), limit)
    assert calm["status"] == "completed", calm
    job_id = submit()
    slowest = disturb(ctx, server, job_id, calm["chunks_total"])
    job = client.wait_job(job_id, limit)
    assert job["status"] == "completed" and job["chunks_total"] == calm["chunks_total"], job
    assert texts(client, job) == texts(client, calm), "another text than without kills"
    chunks = [e for e in client.events(job_id) if e["stage"] == "transcribe"]
    assert "task_failed" not in [e["type"] for e in chunks]
    begun = sum(e["type"] == "task_claimed" for e in chunks)
    assert begun <= job["chunks_total"] + ctx.count * WORKERS, f"{begun} chunks begun"
    twice = sum(e["type"] == "task_completed" for e in chunks) - job["chunks_total"]
    text = client.transcript(job)["text"]
    result = Result(ctx.count, {"s of sound": seconds, "chunks": job["chunks_total"],
                                "begun again": begun - job["chunks_total"],
                                "words": len(text.split())},
                    twice=twice, recovery_s=slowest)
    server.check_database()
    result.leaked = leftovers(server)
    return result, text


def run_null(ctx):
    data, seconds = beats(ctx)
    result, text = compare(ctx, data, seconds, {"engine": "null", "model": "delay_ms=60"})
    assert text.split() == null_words(seconds), "a word is lost, doubled or out of place"
    return result


def run_engine(ctx):
    data, seconds = speech(ctx)
    result, text = compare(ctx, data, seconds, {"engine": "pocketsphinx"})
    assert len(text.split()) > seconds / 2, text
    return result


CASES = [
    Case("G4", "of server, workers or decoder, in one recording", "kills", run_null, short=2,
         one=20, full=FULL_KILLS, needs=("ffmpeg",), minutes=5.2, finite=True),
    Case("G4.engine", "of them in one recording of speech with the built-in engine", "kills",
         run_engine, short=0, one=3, full=FULL_KILLS, needs=("engine",), minutes=2.6, finite=True),
]
