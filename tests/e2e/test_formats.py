"""What is exported, read by parsers of other people: ffprobe, npm's, Python's csv and json (G51)."""

import concurrent.futures
import csv
import io
import json
import os
import re
import subprocess
import unicodedata

import docx
import pytest

from harness import BUILD, PATIENCE, ROOT, null_words
from test_worker_protocol import Worker, claim_mine, lonely  # noqa: F401 (a fixture)

NODE = ROOT / "tests" / "node"
SAMPLES = 100
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def npm_parsers(folder, script="captions.mjs"):
    if not (NODE / "node_modules" / "vtt.js").exists():
        pytest.skip("the parsers from npm are not here: make node")
    done = subprocess.run(["node", str(NODE / script), str(folder)], capture_output=True,
                          text=True, timeout=PATIENCE, check=False, cwd=NODE)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def ffprobe(path):
    """The cues as FFmpeg reads them: start and end in milliseconds."""
    done = subprocess.run(
        ["ffprobe", "-v", "error", "-show_entries", "packet=pts_time,duration_time", "-of", "json",
         str(path)], capture_output=True, text=True, timeout=PATIENCE, check=False,
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
                   check=True, timeout=PATIENCE)
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


@pytest.fixture(scope="module")
def documents(samples):
    return npm_parsers(samples, "documents.mjs")


def ass_text(raw):
    """What a player shows of a line of Advanced SubStation."""
    text = re.sub(r"\{\\k\d+\}", "", raw).replace("\\N", " ")
    return text.replace("\\{", "{").replace("\\}", "}").replace("\u2060", "")


def test_captions_in_styles_are_read_by_others(samples, documents):
    for number in range(SAMPLES):
        spoken = truth(samples, number)
        plain, karaoke = (documents[f"{number:03}{end}"] for end in (".ass", "-words.ass"))
        assert plain["styles"][0] == "Default" and len(set(plain["styles"])) == 6
        assert {c[3] for c in plain["cues"]} <= set(plain["styles"])
        assert [c[:2] for c in plain["cues"]] == [c[:2] for c in karaoke["cues"]]
        for start, stop, _, _, _, lengths in karaoke["cues"]:
            assert sum(lengths) == stop - start, number
        for cues in (plain["cues"], karaoke["cues"]):
            assert signs(re.sub("\u2060", "", "".join(ass_text(c[2]) for c in cues))) == \
                signs(re.sub("\u2060", "", "".join(s[2] for s in spoken))), number
    for number in range(0, SAMPLES, 10):
        cues = sorted({tuple(c[:2]) for c in documents[f"{number:03}.ass"]["cues"]})
        assert sorted(set(ffprobe(samples / f"{number:03}.ass"))) == cues, number


def test_lyrics_are_read_by_others(samples, documents):
    for number in range(SAMPLES):
        plain, words = (documents[f"{number:03}{end}"] for end in (".lrc", "-words.lrc"))
        assert plain["info"]["ti"] == 'a <b> & "c": (d) # e.wav'
        assert re.fullmatch(r"\d\d+:\d\d", plain["info"]["length"])
        times = [line[0] for line in plain["lines"]]
        assert times == sorted(times)
        assert times == [line[0] for line in words["lines"]]
        if number % 2 == 1:  # no speaker's name is in the text
            assert signs("".join(line[1] for line in plain["lines"])) == \
                signs("".join(s[2] for s in truth(samples, number))), number


def test_rows_between_tabs_are_what_whisper_writes(samples, documents):
    named = {"\\t": "\t", "\\n": "\n", "\\r": "\r", "\\\\": "\\"}
    for number in range(SAMPLES):
        rows = documents[f"{number:03}.tsv"]
        assert [(int(r["start"]), int(r["end"])) for r in rows] == \
            [s[:2] for s in truth(samples, number)]
        for row, (_, _, text) in zip(rows, truth(samples, number)):
            said = re.sub(r"\\[tnr\\]", lambda m: named[m.group()], row["text"])
            assert signs(said.removeprefix("'")) == signs(text.removeprefix("'")), row
            assert not row["text"].startswith(FORMULA)
        assert (number % 2 == 0) == any("speaker" in r for r in rows) or not rows


def test_documents_are_read_by_others(samples, documents):
    for number in range(SAMPLES):
        spoken = signs("".join(s[2] for s in truth(samples, number)))
        marked, word = documents[f"{number:03}.md"], documents[f"{number:03}.docx"]
        assert marked["front"] == {"recording": 'a <b> & "c": [d] # e.wav', "engine": "null",
                                   "job": "j", "transcript": 7, "version": 1, "status": "complete"}
        assert set(marked["kinds"]) <= {"code", "document", "heading", "paragraph", "strong", "text"}
        assert not word["messages"], word["messages"]
        assert [signs(p) for p in marked["paragraphs"]] == [signs(p) for p in word["paragraphs"]]
        if number % 2 == 1:  # no names; times stand in front of each
            said = [re.sub(r"^\d\d+:\d\d:\d\d ", "", p) for p in marked["paragraphs"][1:]]
            assert signs("".join(said)) == spoken, number
    for number in range(0, SAMPLES, 10):
        read = docx.Document(str(samples / f"{number:03}.docx"))
        assert read.core_properties.title == 'a <b> & "c": [d] # e.wav'
        assert (read.core_properties.author, read.core_properties.identifier) == ("null", "j")
        assert read.paragraphs[0].style.name == "Title"
        assert [p.text for p in read.paragraphs] == documents[f"{number:03}.docx"]["paragraphs"]


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
    for name in ("txt", "srt", "vtt", "json", "csv", "tsv", "lrc", "md", "docx", "ass"):
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
    read = npm_parsers(tmp_path, "documents.mjs")
    assert signs("".join(ass_text(c[2]) for c in read["0.ass"]["cues"])) == spoken
    assert signs("".join(line[1] for line in read["0.lrc"]["lines"])) == spoken
    assert len(read["0.tsv"]) == len(HOSTILE) and read["0.tsv"][1]["text"] == "'=1+1"
    (made_of,) = read["0.md"]["paragraphs"][1:]
    assert signs(made_of.removeprefix("00:00:00 ")) == spoken
    assert read["0.docx"]["paragraphs"][1] == made_of
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
