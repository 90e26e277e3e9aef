"""Short stretches of speech, packed into the window of an engine: few chunks, true times."""

import array
import random

import harness
from harness import pauses_wav, wav
from test_engine_command import settings


def heard(server, job):
    assert job["status"] == "completed", job
    return [(s["text"], s["start"], s["end"]) for s in server.client.transcript(job)["segments"]]


def assert_true_times(got, spans):
    assert [text for text, _, _ in got] == [f"b{k}" for k in range(len(spans))]
    for (_, start, end), (begins, ends) in zip(got, spans):
        assert abs(start - begins) <= 0.02 and abs(end - ends) <= 0.02, (start, begins, end, ends)


def upload(server, sound, prompt="bursts", **options):
    reply = server.client.upload(sound, engine="command", prompt=prompt, music="keep", force="on",
                                 **options)
    assert reply.status == 201, reply
    return reply.json["job_id"]


def test_short_stretches_share_a_chunk_and_come_back_to_their_places(make_server):
    server = make_server(settings(window_s=30))
    sound, spans = pauses_wav(30, 1, (4, 12))
    job = server.client.wait_job(upload(server, sound))
    assert_true_times(heard(server, job), spans)
    chunks = server.client.get(f"/api/jobs/{job['job_id']}/chunks").json["chunks"]
    speech = sum(end - start for start, end in spans)
    assert len(chunks) <= (speech + 1.0 * len(spans)) // 30 + 2, (len(chunks), speech)
    for chunk in chunks:
        stretches = chunk["stretches"]
        assert chunk["sound"] <= 30
        assert abs(sum(s["end"] - s["start"] for s in stretches) - chunk["sound"]) < 0.01
        assert stretches[0]["start"] == chunk["start_time"]
        assert stretches[-1]["end"] == chunk["end_time"]
        assert all(a["end"] < b["start"] for a, b in zip(stretches, stretches[1:]))
    assert any(len(c["stretches"]) > 3 for c in chunks)
    log = (server.data / "logs/jobs" / job["job_id"] / "split.log").read_text()
    assert "pack=1" in log, log
    table = harness.cli("jobs", "chunks", job["job_id"], data=server.data, check=0).stdout
    assert "SOUND" in table.splitlines()[0]

    # Cut as they lie, there are more; the text is the same.
    job = server.client.wait_job(upload(server, sound, chunk_length="30s"))
    assert_true_times(heard(server, job), spans)
    assert job["chunks_total"] >= 2 * len(chunks), (job["chunks_total"], len(chunks))
    apart = server.client.get(f"/api/jobs/{job['job_id']}/chunks").json["chunks"]
    assert all(len(c["stretches"]) == 1 for c in apart)


def test_a_dry_run_reckons_with_the_window(make_server):
    server = make_server(settings(window_s=30))
    sound, _ = pauses_wav(6, 7, (10, 12))
    for options, longest in (({}, 30), ({"vad": "off"}, 600), ({"chunk_length": "20s"}, 20)):
        reply = server.client.upload(sound, path="/api/upload?dry_run=1", engine="command",
                                     prompt="bursts", **options)
        seconds, chunks = (reply.json[k] for k in ("duration_seconds", "chunks_expected"))
        assert 60 < seconds < 120 and chunks == -(-seconds // longest), reply


def test_a_kill_in_the_middle_loses_and_doubles_nothing(make_server):
    server = make_server({**settings(window_s=20), "SCRIPTA_SPLIT_AHEAD": 2})
    sound, spans = pauses_wav(60, 3, (1.6, 6))
    job_id = upload(server, sound, "bursts, slowly")
    for completed in (1, 3, 6):
        harness.wait_until(lambda: server.client.job(job_id)["chunks_completed"] >= completed, 60,
                           f"{completed} chunks")
        server.kill()
        server.start()
    job = server.client.wait_job(job_id)
    assert_true_times(heard(server, job), spans)
    assert job["chunks_total"] > 6, job


def test_what_whisper_says_in_a_window_lies_in_the_stretches_of_it(server, tmp_path):
    """A scripted model says the same in each window: whether it hears anything is not asked."""
    path = tmp_path / "ggml-scripted.bin"
    harness.make_model(path, "<|0.00|> One.<|1.00|><|14.00|> Two.<|15.00|>")
    sound, spans = pauses_wav(12, 5, (9, 10), (2, 2.4))
    reply = server.client.upload(sound, engine="whisper", model=str(path), music="keep")
    job = server.client.wait_job(reply.json["job_id"])
    chunks = server.client.get(f"/api/jobs/{job['job_id']}/chunks").json["chunks"]
    got = heard(server, job)
    # 12 of 2 s and the silence around them are some 37 s.
    assert len(chunks) == 2 and len(chunks[0]["stretches"]) > 6, chunks
    assert [text for text, _, _ in got] == ["One.", "Two.", "One."]
    one, two = got[:2]
    assert abs(one[1] - spans[0][0]) < 0.7 and abs(got[2][1] - chunks[1]["start_time"]) < 0.02, got
    packed = 0  # how much sound lies ahead of a stretch
    for stretch in chunks[0]["stretches"]:
        length = stretch["end"] - stretch["start"]
        if packed <= 14 < packed + length:
            assert abs(two[1] - (stretch["start"] + 14 - packed)) < 0.02, (two, stretch)
            assert two[2] <= stretch["end"]
            break
        packed += length
    else:
        raise AssertionError(chunks)


def test_each_setting_of_the_detector_moves_the_cuts(server):
    """Loud, then 20 dB above the noise, then that noise."""
    rng, rate, sound = random.Random(3), 16000, array.array("h")
    for _ in range(5):
        for seconds, peak in ((3, 9000), (1, 250), (1.2, 25)):
            sound.extend(rng.randint(-peak, peak) for _ in range(int(seconds * rate)))

    def cuts(**options):
        reply = server.client.upload(wav(sound.tobytes()), engine="null", music="keep",
                                     chunk_length="7s", force="on", **options)
        assert reply.status == 201, reply
        job = server.client.wait_job(reply.json["job_id"])
        assert job["status"] == "completed", job
        chunks = server.client.get(f"/api/jobs/{job['job_id']}/chunks").json["chunks"]
        return [(c["start_time"], c["end_time"]) for c in chunks]

    usual = cuts()
    assert len(usual) > 3
    for option in ({"vad_threshold": "30"}, {"vad_min_silence": "2s"}, {"vad_padding": "0ms"}):
        assert cuts(**option) != usual, option
