"""Transcripts read from files: new versions, and new transcripts of a recording."""

import json

import pytest

from harness import cli, cli_json, wait_until

SRT = """1
00:00:00,500 --> 00:00:02,000
Hello there

2
00:00:02,000 --> 00:00:04,000
General words
"""


@pytest.fixture(scope="module")
def done(shared):
    """A finished job of 6 s and its transcript."""
    job = shared.client.wait_job(shared.client.upload_null(6, seed=91)["job_id"])
    assert job["status"] == "completed", job

    def exported():
        transcript = shared.client.transcript(job)
        return transcript if transcript["srt_path"] else None

    # The automatic export comes behind the end of the job, and is told of in the transcript.
    return wait_until(exported, 60, "the automatic export")


def post(client, path, text, **more):
    """A file as curl --data-binary sends it."""
    return client.request("POST", path, body=text.encode(),
                          headers={"Content-Type": "application/octet-stream"}, **more)


@pytest.mark.parametrize("text, said", [
    ('[{"start": NaN, "end": 1, "text": "x"}]', "no valid JSON"),
    ('[{"start": 0, "end": 1, "text": "cut o', "no valid JSON"),
    ("1\n-00:00:01,000 --> 00:00:02,000\nHi\n", "line 2"),
    ("1\n99999999999:00:00,000 --> 99999999999:00:01,000\nHi\n", "line 2"),
])
def test_what_is_broken_does_not_become_words(client, done, text, said):
    before = client.get("/api/transcripts").json
    reply = post(client, f"/api/files/{done['file_id']}/transcripts", text)
    assert (reply.status, reply.error["code"], reply.error["field"]) == (400, "INVALID_VALUE", "text")
    assert said in reply.error["message"], reply
    assert client.get("/api/transcripts").json == before


def test_a_corrected_export_becomes_the_next_version(client, done):
    t = done["id"]
    srt = client.get(f"/api/transcripts/{t}/export.srt").text
    same = post(client, f"/api/transcripts/{t}/import?format=srt", srt).json
    assert (same["changed"], same["version"]) == (False, 1)

    corrected = srt.replace("t3", "three")
    planned = post(client, f"/api/transcripts/{t}/import?dry_run=true", corrected).json
    assert (planned["changed"], planned["version"], planned["format"]) == (True, None, "srt")
    assert client.get(f"/api/transcripts/{t}").json["version"] == 1
    saved = post(client, f"/api/transcripts/{t}/import?change_note=proofread&base_version=1",
                 corrected).json
    assert (saved["changed"], saved["version"], saved["transcript_id"]) == (True, 2, t)
    now = client.get(f"/api/transcripts/{t}").json
    words = [w for s in now["segments"] for w in s["words"]]
    assert [w["word"] for w in words] == ["t0", "t1", "t2", "three", "t4", "t5"]
    before = [w for s in done["segments"] for w in s["words"]]
    assert words[:3] == before[:3] and words[4:] == before[4:]  # times and confidences
    version = client.get(f"/api/transcripts/{t}/versions").json["versions"][0]
    assert version["change_note"] == "proofread" and version["is_current"]

    found = client.get(f"/api/transcripts/{t}/compare").json
    assert (found["from"]["version"], found["to"]["version"]) == (1, 2)
    change, = [o for o in found["word_operations"] if o["op"] != "same"]
    assert (change["from"]["text"], change["to"]["text"]) == ("t3", "three")
    text = client.get(f"/api/transcripts/{t}/compare?format=text").text
    assert "[-t3-]{+three+}" in text
    html = client.get(f"/api/transcripts/{t}/compare?format=html").text
    assert "<del>t3</del> <ins>three</ins>" in html

    late = post(client, f"/api/transcripts/{t}/import?base_version=1", srt)
    assert (late.status, late.json["error"]["code"]) == (409, "CONFLICT")
    error = late.json["error"]
    assert error["field"] == "base_version" and error["current_version"] == 2
    assert error["base_text"] == done["text"] and error["current_text"] == now["text"]
    assert error["your_text"] == done["text"]


def test_how_sure_an_engine_is_survives_exports(client, done):
    """Of the segments that is no mean of three decimals; a dry run says what the import would do."""
    words = [{"word": w, "start": n, "end": n + 1, "confidence": c}
             for n, (w, c) in enumerate((("alpha", 0.111), ("bravo", 0.222), ("charlie", 0.334)))]
    made = post(client, f"/api/files/{done['file_id']}/transcripts", json.dumps({"segments": [
        {"start": 0, "end": 3, "text": "alpha bravo charlie", "confidence": 0.70586, "words": words},
        {"start": 3, "end": 4, "text": "delta echo", "confidence": 0.12345}]})).json
    path = f"/api/transcripts/{made['transcript_id']}"
    before = client.get(path).json["segments"]
    exported = client.get(f"{path}/export.json").json["segments"]
    assert [s["confidence"] for s in exported] == [s["confidence"] for s in before]
    for export in ("export.json", "export.csv", "export.csv?words=true", "export.tsv",
                   "export.vtt?captions=off"):
        text = client.get(f"{path}/{export}").text
        read = export.split(".")[1][:3].replace("jso", "json")
        for dry in ("&dry_run=true", ""):
            reply = post(client, f"{path}/import?format={read}{dry}", text).json
            assert reply["changed"] is False, (export, dry, reply)
    assert client.get(path).json["version"] == 1 and client.get(path).json["segments"] == before

    # Captions with times of words have none of it, and it stays where the words do.
    vtt = client.get(f"{path}/export.vtt?captions=off&words=true").text.replace("bravo", "brave")
    assert post(client, f"{path}/import", vtt).json["changed"] is True
    now = client.get(path).json["segments"][0]["words"]
    assert [w["confidence"] for w in now] == [0.111, None, 0.334]
    client.post(f"{path}/rollback/1", {})

    # What differs in nothing but that is a change, for a dry run too.
    exported[0]["confidence"] = 0.5
    for dry in ("?dry_run=true", ""):
        assert post(client, f"{path}/import{dry}", json.dumps(exported)).json["changed"] is True


def test_a_file_becomes_a_transcript_of_a_recording(client, done):
    path = f"/api/files/{done['file_id']}/transcripts"
    planned = post(client, f"{path}?dry_run=true&offset=3", SRT)
    assert planned.status == 200 and planned.json["transcript_id"] is None
    warning, = planned.json["warnings"]
    assert warning["code"] == "BEHIND_END" and "1 of 2 segments" in warning["message"]

    reply = post(client, f"{path}?language=english&offset=0.5", SRT)
    assert reply.status == 201 and reply.json["warnings"] == []
    made = client.get(reply.headers["Location"]).json
    assert made["id"] == reply.json["transcript_id"] != done["id"]
    assert (made["job_id"], made["status"], made["version"]) == (None, "complete", 1)
    assert made["language"] == "en" and made["text"] == "Hello there\nGeneral words"
    assert made["segments"][0]["start"] == 1 and made["word_count"] == 4
    other = client.get(f"/api/transcripts/{done['id']}/compare?v1=1&with={made['id']}").json
    assert other["words"]["from"] == 6 and other["words"]["same"] == 0
    rows = client.get(f"/api/transcripts?file_id={done['file_id']}").json["transcripts"]
    assert made["id"] in [r["id"] for r in rows]

    untimed = post(client, f"{path}?format=txt", "one two\nthree four\n").json
    assert [w["code"] for w in untimed["warnings"]] == ["UNTIMED"]
    assert (untimed["start"], untimed["end"]) == (0, 6)
    named = "Ann 0:01\nHi you\n\nBob 0:03\nAnd me\n"
    for where in (path, f"/api/transcripts/{done['id']}/import"):
        told = post(client, f"{where}?format=txt&dry_run=on", named).json["warnings"]
        assert "2 of 4 lines hold some" in told[-1]["message"], told


def test_headings_say_who_speaks_and_since_when(client, done):
    path = f"/api/files/{done['file_id']}/transcripts"
    for text in ("Ann  0:01  \nHi you\n\nBob  0:03  \nAnd me.\nSo\n",
                 "Ann (00:01):\nHi you\n\nBob (00:03):\nAnd me. So\n"):
        told = post(client, path, text).json
        assert [w["code"] for w in told["warnings"]] == ["NO_END", "SPEAKERS"], told
        assert told["warnings"][1]["message"].startswith("2 lines are headings"), told
        turns = client.get(f"/api/transcripts/{told['transcript_id']}").json["segments"]
        assert [(s["speaker"], s["start"], s["text"]) for s in turns] == [
            ("Ann", 1, "Hi you"), ("Bob", 3, "And me. So")]
        words = post(client, f"{path}?speakers=off&dry_run=on", text).json
        assert words["word_count"] == 9 and [w["code"] for w in words["warnings"]] == ["UNTIMED"]
    moved = post(client, f"/api/transcripts/{told['transcript_id']}/import",
                 text.replace("Bob (00:03)", "Bob K. (00:04)")).json
    assert moved["version"] == 2, moved
    turns = client.get(f"/api/transcripts/{told['transcript_id']}").json["segments"]
    assert [(s["speaker"], s["start"]) for s in turns] == [("Ann", 1), ("Bob K.", 4)]


TIMES = [
    ('{"chunks":[{"timestamp":[2.0,null],"text":" a b"}]}', "NO_END", "until the recording ends",
     [(2, 6)]),
    ('[{"start":8,"text":"abcd"}]', "NO_END", "as long as its text takes to say", [(8, 8.26)]),
    ('[{"start":5,"end":2,"text":"a"}]', "BACKWARDS", "1 of 1 segments", [(5, 5)]),
    ("1\n00:00:04,000 --> 00:00:03,000\nHi\n", "BACKWARDS", "1 of 1 segments", [(4, 4)]),
    ('[[-1,2,"a"],[2,3,"b"]]', "BEFORE_START", "1 of 2 segments", [(0, 2), (2, 3)]),
    ("WEBVTT\n\n00:01.000 --> 00:02.000\na <00:04.000>b\n", "WORDS_OUTSIDE", "1 of 1 segments",
     [(1, 4)]),
    ("WEBVTT\n\n00:00.000 --> 00:01.000\n&nbsp;\nhi <00:00.500>you\n\n00:01.000 --> 00:01.010\nhi you\n"
     "&nbsp;\n\n00:01.010 --> 00:02.000\nhi you\nthere\n", "REPEATS", "2 of 3 segments",
     [(0, 1), (1, 1.01), (1.01, 2)]),
    ('[[3,4,"a"],[1,2,"b"]]', "REORDERED", "1 of 2 segments", [(1, 2), (3, 4)]),
]


@pytest.mark.parametrize("text, code, said, times", TIMES)
def test_what_times_leave_in_doubt_is_told_and_kept(client, done, text, code, said, times):
    path = f"/api/files/{done['file_id']}/transcripts"
    made = post(client, path, text).json
    told = {w["code"]: w["message"] for w in made["warnings"]}
    assert said in told.pop(code) and set(told) <= {"BEHIND_END"}, made
    segments = client.get(f"/api/transcripts/{made['transcript_id']}").json["segments"]
    assert [(s["start"], s["end"]) for s in segments] == times
    again = post(client, f"/api/transcripts/{made['transcript_id']}/import", text).json
    assert again["warnings"] == made["warnings"] and again["changed"] is False


ROLLING = "WEBVTT\n\n" + "\n".join(
    f"00:0{i}.000 --> 00:0{i + 1}.000\n{was}\n{line} <00:0{i}.500><c>{line}</c>\n\n"
    f"00:0{i + 1}.000 --> 00:0{i + 1}.010\n{line} {line}\n \n"
    for i, (was, line) in enumerate([(" ", "one"), ("one one", "two"), ("two two", "three")]))


def test_rolling_captions_are_taken_once(client, done):
    path = f"/api/files/{done['file_id']}/transcripts"
    made = post(client, path, ROLLING).json
    warning, = made["warnings"]
    assert warning["code"] == "ROLLING" and "5 of 6 cues" in warning["message"], made
    segments = client.get(f"/api/transcripts/{made['transcript_id']}").json["segments"]
    assert [(s["start"], s["end"], s["text"]) for s in segments] == [
        (0, 1, "one one"), (1, 2, "two two"), (2, 3.01, "three three")]
    assert [(w["start"], w["end"]) for w in segments[1]["words"]] == [(1, 1.5), (1.5, 2)]
    kept = post(client, f"{path}?rolling=keep", ROLLING).json
    assert kept["segment_count"] == 6 and {w["code"] for w in kept["warnings"]} == {"REPEATS", "OVERLAPS"}

    # Two cues are no proof, but what was asked for.
    two = SRT.replace("General words", "Hello there\nGeneral words")
    assert post(client, f"{path}?dry_run=on", two).json["word_count"] == 6
    asked = post(client, f"{path}?dry_run=on&rolling=collapse", two).json
    assert asked["word_count"] == 4 and "1 of 2 cues" in asked["warnings"][0]["message"]
    version = post(client, f"/api/transcripts/{made['transcript_id']}/import?rolling=auto", ROLLING)
    assert version.json["changed"] is False
    refused = post(client, f"{path}?rolling=off", two)
    assert (refused.status, refused.json["error"]["field"]) == (400, "rolling")
    assert "auto, collapse, keep" in refused.json["error"]["message"]


@pytest.mark.parametrize("text, read", [
    ('0,2000," hello cpp"\n2000,3000,"you"\n', "csv"),
    ("1\n00:00:01,000 -> 00:00:02,000\nHi\n", "srt"),
    ('[[1,2,"x"]]', "json"),
])
def test_a_body_without_a_name_is_known_by_how_it_begins(client, done, text, read):
    made = post(client, f"/api/files/{done['file_id']}/transcripts?dry_run=on", text).json
    assert (made["format"], made["warnings"]) == (read, [])


WORDLESS = [
    ("srt", "1\n00:00:01,000 --> 00:00:03,000\none two\n"),
    ("vtt", "WEBVTT\n\n00:01.000 --> 00:03.000\none two\n"),
    ("json", '[{"start":1,"end":3,"text":"one two"}]'),
    ("csv", "start,end,text\n1.0,3.0,one two\n"),
    ("tsv", "start\tend\ttext\n1000\t3000\tone two\n"),
    ("txt", "one two\n"),
]


@pytest.mark.parametrize("read, text", WORDLESS)
def test_words_whose_times_nobody_tells_get_none(client, done, read, text):
    path = f"/api/files/{done['file_id']}/transcripts"
    made = post(client, f"{path}?format={read}", text).json
    assert (made["segment_count"], made["word_count"]) == (1, 2)
    t = f"/api/transcripts/{made['transcript_id']}"
    shown = client.get(t).json
    segment, = shown["segments"]
    assert segment["words"] == [] and shown["word_count"] == 2
    rows = client.get(f"{t}/export.csv?words=on").text.splitlines()
    assert len(rows) == 2 and ",one two," in rows[1]

    # Neither the next version nor a cut invents some.
    more = post(client, f"{t}/import?format={read}", text.replace("two", "two three")).json
    assert (more["changed"], more["word_count"]) == (True, 3)
    step = {"op": "split", "segment": segment["id"], "after_word": 1}
    assert client.post(f"{t}/edit", {"operations": [step]}).status == 200
    shown = client.get(t).json
    assert [(s["text"], s["words"]) for s in shown["segments"]] == [("one", []), ("two three", [])]
    first, second = shown["segments"]
    assert first["start"] < first["end"] <= second["start"] < second["end"]


def test_parts_of_a_cut_segment_are_still_the_file_s(client, done):
    made = post(client, f"/api/files/{done['file_id']}/transcripts?format=srt",
                "1\n00:00:01,000 --> 00:00:03,000\none two\n").json
    t = f"/api/transcripts/{made['transcript_id']}"
    segment, = client.get(t).json["segments"]
    step = {"op": "split", "segment": segment["id"], "after_word": 1}
    assert client.post(f"{t}/edit", {"operations": [step]}).json["changed"]
    runs = client.get(f"{t}/blame").json["runs"]
    assert [(r["text"], r["engine"]) for r in runs] == [("one", "import"), ("two", "import")], runs


def test_words_without_times_know_who_made_them(client, done, shared):
    cue = "1\n00:00:01,000 --> 00:00:05,000\n{}\n"
    made = post(client, f"/api/files/{done['file_id']}/transcripts?format=srt", cue.format("one  two three four"))
    t = f"/api/transcripts/{made.json['transcript_id']}"

    def blame(version=""):
        runs = client.get(f"{t}/blame{version}").json["runs"]
        return [(r["text"], r["engine"], r["version"]) for r in runs]

    first = [("one two three four", "import", None)]
    assert blame() == first
    more = post(client, f"{t}/import?format=srt", cue.format("one 2 three four. five"))
    assert (more.json["changed"], more.json["word_count"]) == (True, 5)
    second = [("one", "import", None), ("2", "import", 2), ("three", "import", None), ("four. five", "import", 2)]
    assert blame() == second
    segment, = client.get(t).json["segments"]
    assert segment["words"] == []
    edit = {"operations": [{"op": "text", "segment": segment["id"], "text": "one 2 drei four. five"},
                           {"op": "times", "segment": segment["id"], "start": 2, "end": 4}]}
    assert client.post(f"{t}/edit", edit).json["version_number"] == 3
    third = second[:2] + [("drei", None, 3)] + [("four. five", "import", 2)]
    assert blame() == third
    step = {"op": "split", "segment": segment["id"], "after_word": 3}
    assert client.post(f"{t}/edit", {"operations": [step]}).json["version_number"] == 4
    assert blame() == third
    # Who made them is kept through a rollback and without the versions that told it.
    assert client.post(f"{t}/rollback/2").json["version_number"] == 5
    assert blame() == second and blame("?version=3") == third
    assert client.post(f"{t}/prune", {"keep": 1}).status == 200
    assert blame() == second
    assert client.get(t).json["segments"][0]["words"] == []
    checked = cli("fsck", data=shared.data)
    assert checked.returncode == 0, checked.stdout
    # Signs of scripts without spaces are looked at one by one.
    made = post(client, f"/api/files/{done['file_id']}/transcripts?format=srt", cue.format("会議は長い"))
    t = f"/api/transcripts/{made.json['transcript_id']}"
    assert post(client, f"{t}/import?format=srt", cue.format("会議が長い")).json["changed"]
    assert blame() == [("会議", "import", None), ("が", "import", 2), ("長い", "import", None)]


UNSPACED = "会議は長い"


@pytest.mark.parametrize("read, text", [(r, t.replace("one two", UNSPACED)) for r, t in WORDLESS] + [
    ("json", '[{"start":1,"end":3,"text":"会議は長い","words":[{"word":"会議は長い","start":1,"end":3}]}]'),
    ("vtt", "WEBVTT\n\n00:01.000 --> 00:03.000\n会議は<00:02.000>長い\n"),
    ("csv", "segment,word,start,end,text\n1,1,1.0,3.0,会議は長い\n"),
])
def test_signs_of_scripts_without_spaces_are_compared_alike(client, done, read, text):
    path = f"/api/files/{done['file_id']}/transcripts"
    made = post(client, f"{path}?format={read}", text).json
    t = f"/api/transcripts/{made['transcript_id']}"
    segment, = client.get(t).json["segments"]
    step = {"op": "text", "segment": segment["id"], "text": UNSPACED + "ね"}
    assert client.post(f"{t}/edit", {"operations": [step]}).json["changed"]
    counts = client.get(f"{t}/compare").json["words"]
    assert (counts["from"], counts["to"], counts["added"]) == (5, 6, 1)
    words = client.get(t).json["segments"][0]["words"]
    assert all(w["start"] < w["end"] for w in words), words


@pytest.mark.parametrize("said, language, warnings", [
    ("deu", "de", []), ("German", "de", []), ("auto", None, []),
    ("nonsuch", None, ["LANGUAGE"])])
def test_the_language_of_a_file_is_a_code_or_none(client, done, said, language, warnings):
    vtt = f"WEBVTT\nLanguage: {said}\n\n00:00.000 --> 00:01.000\nHello there\n"
    made = post(client, f"/api/files/{done['file_id']}/transcripts", vtt)
    assert made.status == 201, made
    assert [w["code"] for w in made.json["warnings"]] == warnings
    shown = client.get(made.headers["Location"]).json["language"]
    assert (shown or None) == language


def test_names_in_the_text_are_speakers(client, done):
    path = f"/api/files/{done['file_id']}/transcripts"
    srt = ("1\n00:00:00,000 --> 00:00:01,000\nAnn: Hello there\n\n"
           "2\n00:00:01,000 --> 00:00:02,000\nand here\n\n"
           "3\n00:00:02,000 --> 00:00:03,000\nCara: he was not\n")

    def speakers(transcript):
        segments = client.get(f"/api/transcripts/{transcript}").json["segments"]
        return [(s["speaker"], s["text"]) for s in segments]

    made = post(client, path, srt).json
    warning, = made["warnings"]
    assert warning["code"] == "SPEAKERS" and "'Ann', 'Cara'" in warning["message"]
    t = made["transcript_id"]
    assert speakers(t) == [("Ann", "Hello there"), ("Ann", "and here"), ("Cara", "he was not")]
    exported = client.get(f"/api/transcripts/{t}/export.srt?captions=off").text
    same = post(client, f"/api/transcripts/{t}/import", exported).json
    assert (same["changed"], same["warnings"]) == (False, [])

    renamed = post(client, f"/api/transcripts/{t}/import", exported.replace("Cara", "Carla")).json
    assert "'Carla'" in renamed["warnings"][0]["message"] and renamed["version"] == 2
    assert speakers(t)[2] == ("Carla", "he was not")
    text = client.get(f"/api/transcripts/{t}/export.txt").text
    renamed = post(client, f"/api/transcripts/{t}/import?format=txt",
                   text.replace("Ann", "Anna")).json
    assert [w["code"] for w in renamed["warnings"]] == ["SPEAKERS", "UNTIMED"]
    assert speakers(t) == [("Anna", "Hello there"), ("Anna", "and here"), ("Carla", "he was not")]

    # Who speaks alone is named once, in front of all; it comes back so, and is told.
    alone = post(client, path, srt.replace("Cara: ", "")).json
    assert "'Ann'" in alone["warnings"][0]["message"], alone
    t = alone["transcript_id"]
    assert {who for who, _ in speakers(t)} == {"Ann"}
    exported = client.get(f"/api/transcripts/{t}/export.srt?captions=off").text
    assert exported.count("Ann: ") == 1
    again = post(client, path, exported).json["transcript_id"]
    assert speakers(again) == speakers(t)

    text = post(client, f"{path}?speakers=off", srt).json
    assert text["warnings"] == []
    assert speakers(text["transcript_id"])[0] == (None, "Ann: Hello there")


def test_names_in_the_text_of_webvtt_without_voices(client, done):
    path = f"/api/files/{done['file_id']}/transcripts"
    vtt = ("WEBVTT\n\n1\n00:00.420 --> 00:01.010\nAnn Miller: Hello.\n\n"
           "2\n00:01.420 --> 00:02.010\nBob: Hi.\n\n3\n00:02.420 --> 00:03.010\nAnn Miller: So.\n")
    made = post(client, path, vtt).json
    assert "'Ann Miller', 'Bob'" in made["warnings"][0]["message"], made
    path = f"/api/transcripts/{made['transcript_id']}"
    assert [(s["speaker"], s["text"]) for s in client.get(path).json["segments"]] == [
        ("Ann Miller", "Hello."), ("Bob", "Hi."), ("Ann Miller", "So.")]
    exported = client.get(f"{path}/export.vtt?captions=off").text
    assert "<v Bob>" in exported
    assert post(client, f"{path}/import", exported).json["changed"] is False


@pytest.mark.parametrize("query, text, status, field", [
    ("", "", 400, "text"),
    ("?format=srt", "1\n00:00:01,000 --> nonsense\nHi\n", 400, "text"),
    ("?format=pdf", "x", 400, "format"),
    ("?offset=-1", SRT, 400, "offset"),
    ("?offset=many", SRT, 400, "offset"),
    ("?language=nonsuch", SRT, 400, "language"),
    ("?format=vtt", "no signature", 400, "text"),
    ("", "start,end,text\n1,2,a\n3,4,too,many\n", 400, "text"),
    ("", "1\n00:00:01,000 \u2192 00:00:02,000\nHi\n", 400, "text"),
    ("", "00:00:01.5,00:00:02,Ann,hello\n", 400, "text"),
    ("", "[[1, 2]]", 400, "text"),
    ("", "[ti:memo.wav]\n[00:04.00]Bob: Hi\n", 400, "format"),
    ("", "[Script Info]\nScriptType: v4.00+\n", 400, "format"),
    ("", "---\nfile: a.wav\n---\n\nHi\n", 400, "format"),
    ("", "<?xml version='1.0'?>\n<tt/>\n", 400, "format"),
    ("", "00:00:00:05 - 00:00:02:12\nSpeaker 1\nHi\n", 400, "format"),
    ("", '{"results":[{"alternatives":[{"transcript":"hi"}]}]}', 400, "text"),
])
def test_what_cannot_be_read_is_refused(client, done, query, text, status, field):
    reply = post(client, f"/api/files/{done['file_id']}/transcripts{query}", text)
    assert reply.status == status, reply.text
    assert reply.json["error"]["field"] == field, reply.text


def test_the_command_line_imports(shared, done, tmp_path):
    (tmp_path / "talk.srt").write_text(SRT)
    args = ["transcripts", "import", tmp_path / "talk.srt"]
    failed = cli(*args, data=shared.data, check=2)
    assert "--transcript N" in failed.stderr and "--file-id N" in failed.stderr
    shown = cli(*args, "--file-id", done["file_id"], "--dry-run", "--offset", 3, data=shared.data,
                check=0)
    assert shown.stdout == ("a new transcript: 2 segments, 4 words, read as srt; "
                            "nothing was written\n")
    assert "end behind the recording" in shown.stderr
    (tmp_path / "log.txt").write_text("[00:00.000 --> 00:02.000]  Hi you\n")
    shown = cli("transcripts", "import", tmp_path / "log.txt", "--file-id", done["file_id"],
                "--dry-run", data=shared.data, check=0)
    assert "1 segment, 2 words, read as txt" in shown.stdout and "times" not in shown.stderr
    (tmp_path / "frames.txt").write_text("00:00:00:05 - 00:00:02:12\nSpeaker 1\nHi\n")
    failed = cli("transcripts", "import", tmp_path / "frames.txt", "--file-id", done["file_id"],
                 data=shared.data, check=2)
    assert "text with frames in its times" in failed.stderr
    (tmp_path / "rolling.vtt").write_text(ROLLING)
    rolled = ["transcripts", "import", tmp_path / "rolling.vtt", "--file-id", done["file_id"], "--dry-run"]
    shown = cli(*rolled, data=shared.data, check=0)
    assert "3 segments, 6 words" in shown.stdout and "--rolling keep takes all" in shown.stderr
    shown = cli(*rolled, "--rolling", "keep", data=shared.data, check=0)
    assert "6 segments, 16 words" in shown.stdout and "more than once" in shown.stderr
    made = cli_json(*args, "--file-id", done["file_id"], data=shared.data)["transcript_id"]
    shown = cli("transcripts", "import", "--transcript", made, "-f", "txt", "-m", "why", "-",
                data=shared.data, stdin="Hello there\nGeneral Kenobi\n", check=0)
    assert shown.stdout == f"transcript {made}, version 2: 2 segments, 4 words, read as txt\n"
    shown = cli("transcripts", "diff", made, data=shared.data, check=0).stdout
    assert "[-words-]{+Kenobi+}" in shown
    assert cli("transcripts", "diff", made, "--unified", data=shared.data, check=0).stdout == (
        f"--- transcript {made} version 1\n+++ transcript {made} version 2\n"
        "@@ -1,2 +1,2 @@ 0:00.5\n Hello there\n-General words\n+General Kenobi\n")
    failed = cli("transcripts", "import", tmp_path / "none.srt", "--transcript", made,
                 data=shared.data, check=3)
    assert "no such file" in failed.stderr
    for ending in ("lrc", "ass", "md", "docx"):
        (tmp_path / f"talk.{ending}").write_text("Hello\n")
        failed = cli("transcripts", "import", tmp_path / f"talk.{ending}", "--transcript", made,
                     data=shared.data, check=2)
        assert f"'{ending}' is no format that can be read; use srt, vtt" in failed.stderr
