"""Recordings of several channels, cuts within speech, sound without words, sound that is lost."""

import array
import random
import shutil
import wave

import pytest

from harness import (bursts_wav, cli, interleave, librivox, noise_wav, null_words, pcm_of,
                     silence_wav, tone_wav, wait_until, wav)

RATE = 16000


def two_voices(seconds, seed):
    return interleave(pcm_of(bursts_wav(seconds, seed)), pcm_of(bursts_wav(seconds, seed + 1)))


def words(transcript, speaker=None):
    return [w["word"] for s in transcript["segments"] if s["speaker"] == speaker
            for w in s["words"]]


def spans(client, job_id, channel):
    return [(c["start_time"], c["end_time"])
            for c in client.get(f"/api/jobs/{job_id}/chunks").json["chunks"]
            if c["channel"] == channel]


# ---- channels ----

def test_each_channel_is_a_speaker_in_every_format(client):
    data = interleave(*(pcm_of(noise_wav(40, seed=600 + i, rate=RATE)) for i in range(2)))
    made = client.upload(data, engine="null", vad="off", channels="split").json
    assert made["settings"]["channels"] == "split"
    job = client.wait_job(made["job_id"])
    transcript = client.transcript(job)
    assert words(transcript, "1") == null_words(40) == words(transcript, "2")
    starts = [s["start"] for s in transcript["segments"]]
    assert starts == sorted(starts) and transcript["word_count"] == 80
    url = f"/api/transcripts/{transcript['id']}/export"
    text = client.get(f"{url}.txt").text
    assert text.startswith("1: t0 ") and "\n2: t0 " in text
    captions = client.get(f"{url}.srt").text
    assert "1: t0" in captions and "2: t0" in captions
    exported = client.get(f"{url}.json").json["segments"]
    assert [s["speaker"] for s in exported] == [s["speaker"] for s in transcript["segments"]]
    peaks = client.get(f"/api/files/{job['file_id']}/peaks?zoom=3").json
    assert [c["channel"] for c in peaks["channels"]] == [1, 2]


def test_one_channel_is_heard_as_if_it_were_alone(client):
    left, right = pcm_of(bursts_wav(45, 611)), pcm_of(bursts_wav(45, 612))
    options = {"engine": "null", "music": "keep"}  # noise is no voice
    of_two = client.upload(interleave(left, right), channels="right", **options).json
    alone = client.upload(wav(right.tobytes(), RATE), **options).json
    job, other = (client.wait_job(j["job_id"]) for j in (of_two, alone))
    assert client.transcript(job)["text"] == client.transcript(other)["text"] != ""
    assert spans(client, job["job_id"], 2) == spans(client, other["job_id"], None) != []


@pytest.mark.parametrize("options, field", [
    ({"channels": "right"}, "channels"), ({"channels": "5"}, "channels"),
    ({"channels": "stereo"}, "channels"), ({"vad": "off", "vad_threshold": "9"}, "vad_threshold"),
    ({"vad_threshold": "41"}, "vad_threshold"), ({"chunk_length": "31s"}, "chunk_length"),
    ({"chunk_length": "5500ms"}, "chunk_length"),
])
def test_what_cannot_be_is_refused_by_name(client, options, field):
    reply = client.upload(silence_wav(1), engine="null", **options)
    assert reply.status == 400 and reply.error["field"] == field, reply


def test_kills_change_nothing_in_a_split_recording(make_server):
    """The server is killed three times while it cuts and recognises; a calm one says the same."""
    server = make_server({"SCRIPTA_SPLIT_AHEAD": 3})
    data = two_voices(70, 620)
    options = {"engine": "null", "model": "delay_ms=30", "channels": "split", "chunk_length": "6s",
               "music": "keep"}
    job_id = server.client.upload(data, **options).json["job_id"]
    for chunks in (2, 6, 11):
        wait_until(lambda n=chunks: server.client.job(job_id)["chunks_completed"] >= n, 30,
                   f"{chunks} chunks")
        server.kill()
        server.start()
    job = server.client.wait_job(job_id)
    assert job["status"] == "completed", job
    again = server.client.upload(data, force="true", **options).json["job_id"]
    calm = server.client.wait_job(again)
    told, wanted = (server.client.get(
        f"/api/transcripts/{j['transcript_id']}/export.srt").text for j in (job, calm))
    assert told == wanted != ""
    for speaker, channel in (("1", 1), ("2", 2)):
        expected = [f"t{k}" for k in range(70) if any(
            start <= k + 0.5 < end for start, end in spans(server.client, job_id, channel))]
        assert words(server.client.transcript(job), speaker) == expected


# ---- cuts within speech, with an engine that hears ----

def overlap(a, b):
    return min(a["end"], b["end"]) - max(a["start"], b["start"])


def assert_heard_at(places, uncut, heard):
    for word in uncut:
        middle = (word["start"] + word["end"]) / 2
        if any(abs(middle - place) <= 0.5 for place in places):
            assert any(w["word"] == word["word"] and w["start"] - 0.15 <= middle <= w["end"] + 0.15
                       for w in heard), (word, [w for w in heard if abs(w["start"] - middle) < 1])


def test_words_at_seams_are_neither_lost_nor_doubled(client, folder):
    """The words of a sentence cut at three lengths, against those of the uncut one. What must hold:
    each word that the uncut run has within half a second of a seam is there, the same, at its time
    (its middle lies within the word, or 150 ms of it), and no two words sound at the same time for
    over 100 ms."""
    pcm = array.array("h")
    for clip in librivox()[:3]:
        with wave.open(str(clip)) as f:
            assert f.getframerate() == RATE
            pcm += array.array("h", f.readframes(f.getnframes()))
    data = wav(pcm[:13 * RATE].tobytes(), RATE)
    job_ids = [client.upload(data, engine="pocketsphinx", vad="off", **more).json["job_id"]
               for more in ({}, *({"chunk_length": x} for x in ("5s", "6s", "7s")))]
    uncut, *runs = [[w for s in client.transcript(client.wait_job(j, 120))["segments"]
                     for w in s["words"]] for j in job_ids]
    assert len(uncut) > 20
    seams = [[end - 0.5 for _, end in spans(client, j, None)[:-1]] for j in job_ids[1:]]
    assert [len(x) for x in seams] == [2, 2, 1]
    for heard, places in zip(runs, seams):
        heard.sort(key=lambda w: w["start"])
        for a, b in zip(heard, heard[1:]):
            assert overlap(a, b) <= 0.1, (a, b)
        assert_heard_at(places, uncut, heard)


# ---- sound without words ----

@pytest.mark.parametrize("data", [
    silence_wav(12), tone_wav(12), noise_wav(12, seed=630, rate=RATE),
    wav(bytes(1000), RATE), noise_wav(0.05, seed=631)],
    ids=["silence", "tone", "noise", "instant", "click"])
def test_sound_that_does_not_change_is_completed_without_words(client, data):
    job = client.wait_job(client.upload(data, engine="pocketsphinx").json["job_id"])
    assert job["status"] == "completed" and job["warnings"] == [], job
    transcript = client.transcript(job)
    assert transcript["status"] == "complete" and transcript["text"] == ""
    assert client.get(f"/api/transcripts/{transcript['id']}/export.srt").text == ""


def tune_wav():
    """Twelve seconds of sawtooth notes of a scale, one to four tenths of a second long."""
    rng = random.Random(640)
    pcm = array.array("h")
    while len(pcm) < 12 * RATE:
        step = RATE / (330 * 2 ** (rng.choice([0, 2, 4, 5, 7, 9, 11, 12]) / 12))
        loud = rng.choice([4000, 8000, 16000])
        length = rng.choice([1600, 3200, 4800, 6400])
        pcm += array.array("h", [int((i % step / step - 0.5) * loud * min(1, (length - i) / 200))
                                 for i in range(length)])
    return wav(pcm.tobytes(), RATE)


def test_music_is_left_out_and_the_job_says_so(client, server):
    job = client.wait_job(client.upload(tune_wav(), engine="pocketsphinx").json["job_id"])
    assert job["status"] == "completed" and client.transcript(job)["text"] == "", job
    assert [w["code"] for w in job["warnings"]] == ["MUSIC_DROPPED"], job["warnings"]
    warning = job["warnings"][0]
    assert warning["start"] < 1 and warning["end"] > 11 and "music=keep" in warning["message"]
    log = (server.data / "logs" / "jobs" / job["job_id"] / "split.log").read_text()
    assert " music " in log, log
    kept = client.wait_job(client.upload(tune_wav(), engine="null", music="keep").json["job_id"])
    assert kept["chunks_total"] >= 1 and kept["warnings"] == [], kept


# ---- sound that is lost ----

def test_what_is_cut_off_is_told_in_the_job_and_by_the_commands(server, folder):
    path = folder / "cut.wav"
    path.write_bytes(noise_wav(12, seed=650, rate=RATE)[:44 + 2 * 7 * RATE])
    run = cli("transcribe", "--engine", "null", "--vad", "off", path, data=server.data, check=0)
    assert run.stdout.split() == null_words(7)
    assert "cut.wav: the recording breaks off at 0:07.0" in run.stderr, run.stderr
    job = server.client.get("/api/jobs?limit=1").json["jobs"][0]
    assert [w["code"] for w in job["warnings"]] == ["AUDIO_TRUNCATED"]
    assert (job["warnings"][0]["start"], job["duration_seconds"]) == (7, 7)
    shown = cli("jobs", "show", job["job_id"], data=server.data, check=0).stdout
    assert "\nwarnings:         the recording breaks off at 0:07.0" in shown, shown
    log = (server.data / "logs" / "jobs" / job["job_id"] / "split.log").read_text()
    assert "truncated=1" in log


def test_channels_that_cancel_out_are_told_with_what_to_do(server, folder):
    left = pcm_of(noise_wav(12, seed=655, rate=RATE))
    path = folder / "cable.wav"
    path.write_bytes(interleave(left, array.array("h", [min(-v, 32767) for v in left])))
    for channels, count in (("mix", 1), ("left", 0), ("split", 0)):
        run = cli("transcribe", "--engine", "null", "--vad", "off", "--channels", channels, path,
                  data=server.data, check=0)
        told = run.stderr.count("cable.wav: the two channels from 0:00.0 to 0:12.0 are each other's "
                                "opposite and cancel out when they are mixed: --channels left")
        assert told == count, run.stderr
        job = server.client.get("/api/jobs?limit=1").json["jobs"][0]
        assert [w["code"] for w in job["warnings"]] == ["CHANNELS_CANCEL"] * count, job


def test_chunks_that_somebody_deletes_are_cut_again(make_server):
    server = make_server()
    made = server.client.upload(noise_wav(50, seed=660, rate=RATE), engine="null", vad="off",
                                model="delay_ms=150", chunk_length="5s").json
    wait_until(lambda: server.client.job(made["job_id"])["chunks_completed"] >= 1, 20, "a chunk")
    folder = server.data / "work" / made["job_id"]

    def gone():
        """The server may add a chunk meanwhile."""
        shutil.rmtree(folder, ignore_errors=True)
        return not folder.exists()

    wait_until(gone, 30, "an empty folder")
    job = server.client.wait_job(made["job_id"])
    assert job["status"] == "completed", job
    assert server.client.transcript(job)["text"].split() == null_words(50)
