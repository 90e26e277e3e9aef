"""What is exported, read by parsers of other people: ffprobe, npm's, Python's csv and json (G51)."""

import concurrent.futures
import csv
import io
import json
import os
import subprocess
import unicodedata

import pytest

from harness import BUILD, ROOT, null_words
from test_worker_protocol import Worker, claim_mine, lonely  # noqa: F401 (a fixture)

NODE = ROOT / "tests" / "node"
SAMPLES = 100
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def npm_parsers(folder):
    if not (NODE / "node_modules" / "vtt.js").exists():
        pytest.skip("the parsers from npm are not here: make node")
    done = subprocess.run(["node", str(NODE / "captions.mjs"), str(folder)], capture_output=True,
                          text=True, timeout=60, check=False, cwd=NODE)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def ffprobe(path):
    """The cues as FFmpeg reads them: start and end in milliseconds."""
    done = subprocess.run(
        ["ffprobe", "-v", "error", "-show_entries", "packet=pts_time,duration_time", "-of", "json",
         str(path)], capture_output=True, text=True, timeout=60, check=False,
        stdin=subprocess.DEVNULL)
    assert done.returncode == 0 and not done.stderr, (path, done.stderr)
    cues = []
    for packet in json.loads(done.stdout).get("packets", []):
        start = round(float(packet["pts_time"]) * 1000)
        cues.append((start, start + round(float(packet.get("duration_time", 0)) * 1000)))
    return cues


def read_csv(data):
    """Strictly: every row has the header's fields."""
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True))
    rows = [r for r in rows if not r[0].startswith("# ")]
    assert all(len(r) == len(rows[0]) for r in rows), rows
    return [dict(zip(rows[0], r)) for r in rows[1:]]


def signs(text):
    """What a reader sees, in an order of its own: cues of two speakers are interleaved, syntax is
    broken up by spaces."""
    return sorted(c for c in text if not c.isspace() and unicodedata.category(c) != "Cc"
                  and c != "\ufeff")


def assert_in_order(cues, where):
    end = 0
    for start, stop, *_ in cues:
        assert end <= start < stop, (where, start, stop, end)
        end = stop


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    folder = tmp_path_factory.mktemp("samples")
    subprocess.run([BUILD / "tests/unit/transcript/write-samples", "2024", str(SAMPLES), folder],
                   check=True, timeout=60)
    return folder


def truth(folder, number):
    lines = (folder / f"{number:03}.truth").read_text("utf-8").splitlines()
    return [(int(a), int(b), text) for a, b, text in (line.split("\t") for line in lines)]


def test_npm_parsers_agree_on_100_random_transcripts(samples):
    parsed = npm_parsers(samples)
    assert len(parsed) == 3 * SAMPLES
    shown = 0
    for name, parsers in parsed.items():
        assert len(parsers) == (2 if name.endswith(".srt") else 3)
        number = int(name[:3])
        assert not any(isinstance(cues, dict) for cues in parsers.values()), (name, parsers)
        first, *others = parsers.values()
        for cues in others:
            assert [c[:2] for c in cues] == [c[:2] for c in first], name
        shown += len(first)
        if number % 3 != 0:  # captions; the others are the segments as they are
            assert_in_order(first, name)
        if number % 2 == 1:  # no speaker's name is in the text
            kept = parsers["subtitle" if name.endswith(".srt") else "webvtt-parser"]
            assert signs("".join(c[2] for c in kept)) == \
                signs("".join(s[2] for s in truth(samples, number))), name
    assert shown > 10 * SAMPLES


def test_ffprobe_reads_the_same_cues(samples):
    parsed = npm_parsers(samples)
    # All of one kind and a part of the others: each takes a process.
    names = [n for n in parsed if n.endswith(".srt") or int(n[:3]) % 5 == 0]
    # The captions of silence are an empty file, in which FFmpeg sees no format.
    names = [n for n in names if (samples / n).stat().st_size > 0]
    assert len(names) > SAMPLES
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for name, cues in zip(names, pool.map(lambda n: ffprobe(samples / n), names)):
            # FFmpeg sorts by start and drops a cue that repeats another's start, end and text.
            assert sorted(set(cues)) == sorted({tuple(c[:2]) for c in parsed[name]["subtitle"]}), name


def test_csv_json_and_text_say_the_same(samples):
    for number in range(SAMPLES):
        spoken = truth(samples, number)
        rows = read_csv((samples / f"{number:03}.csv").read_bytes())
        assert [(round(float(r["start"]) * 1000), round(float(r["end"]) * 1000)) for r in rows] == \
            [s[:2] for s in spoken]
        for row, (_, _, text) in zip(rows, spoken):
            assert row["text"] in (text, "'" + text) and not row["text"].startswith(FORMULA)
            assert ("speaker" in row) == (number % 2 == 0)
        words = read_csv((samples / f"{number:03}-words.csv").read_bytes())
        assert not any(v.startswith(FORMULA) for w in words for v in w.values())
        value = json.loads((samples / f"{number:03}.json").read_bytes())
        assert [(round(s["start"] * 1000), round(s["end"] * 1000)) for s in value["segments"]] == \
            [s[:2] for s in spoken]
        assert signs("".join(s["text"] for s in value["segments"])) == \
            signs("".join(s[2] for s in spoken))
        if number % 2 == 1:
            lines = (samples / f"{number:03}.txt").read_text("utf-8").split("\n")
            assert lines == [s[2] for s in spoken if s[2]] + [""]


HOSTILE = [
    "first\n\n2\n00:00:00,500 --> 00:00:00,900\ninjected", "=1+1", "@SUM(A1)", "-->", "a-->b",
    "<c>", "</v>", "<script>alert(1)</script>", "{\\an8}", "&lt;b&gt;", "NOTE", "WEBVTT",
    "\ufeffbom", "\u202eright", "\"quoted\", text", "tab\tcr\rlf\n", "\u2028line",
]


def test_hostile_words_of_an_engine_survive_every_export(lonely, tmp_path):  # noqa: F811
    client = lonely.client
    worker = Worker(client)
    made = client.upload_null(len(HOSTILE), seed=9)
    task = claim_mine(worker)
    words = [{"word": text, "start": i, "end": i + 1, "confidence": 0.5}
             for i, text in enumerate(HOSTILE)]
    segments = [{"start": w["start"], "end": w["end"], "text": w["word"], "words": [w]}
                for w in words]
    reply = worker.say(task, "complete", processing_ms=1, segments=segments)
    assert reply.status == 200, reply
    job = client.wait_job(made["job_id"])
    exported = f"/api/transcripts/{job['transcript_id']}/export."
    for name in ("txt", "srt", "vtt", "json", "csv"):
        for query in ("", "?captions=off") if name in ("srt", "vtt") else ("",):
            data = client.get(exported + name + query).body
            (tmp_path / f"{len(query)}.{name}").write_bytes(data)
    spoken = signs("".join(HOSTILE))
    for name, parsers in npm_parsers(tmp_path).items():
        for parser, cues in parsers.items():
            assert len(cues) == len(HOSTILE), (name, parser, cues)
            assert_in_order(cues, name)
            assert cues[0][:2] == [0, 1000]
        kept = parsers["subtitle" if name.endswith(".srt") else "webvtt-parser"]
        assert signs("".join(c[2] for c in kept)) == spoken, name
        assert len(ffprobe(tmp_path / name)) == len(HOSTILE)
    rows = read_csv((tmp_path / "0.csv").read_bytes())
    assert len(rows) == len(HOSTILE) and rows[1]["text"] == "'=1+1"
    assert not any(v.startswith(FORMULA) for r in rows for v in r.values())
    assert signs("".join(s["text"] for s in json.loads((tmp_path / "0.json").read_bytes())
                         ["segments"])) == spoken


def test_a_real_job_is_the_same_in_every_format(shared, tmp_path):
    client = shared.client
    job = client.wait_job(client.upload_null(20, seed=77)["job_id"])
    path = f"/api/transcripts/{job['transcript_id']}/export."
    for name in ("srt", "vtt"):
        (tmp_path / f"a.{name}").write_bytes(client.get(path + name).body)
    for name, parsers in npm_parsers(tmp_path).items():
        for cues in parsers.values():
            assert " ".join(c[2] for c in cues).split() == null_words(20), name
            assert (cues[0][0], cues[-1][1]) == (0, 20000)
            assert_in_order(cues, name)
        assert ffprobe(tmp_path / name) == [tuple(c[:2]) for c in parsers["subtitle"]]
