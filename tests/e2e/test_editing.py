"""Editing transcripts: every change is a version; by HTTP and by the command line."""

import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import harness
from harness import cli, noise_wav, wait_until


def put(client, path, value, **headers):
    return client.request("PUT", path, json.dumps(value),
                          headers={"Content-Type": "application/json", **headers})


@pytest.fixture
def made(shared):
    """The path of a fresh transcript of four words, one segment."""
    reply = shared.client.upload(noise_wav(4, 77), name="talk.wav", engine="null", vad="off",
                                 language="en", model="delay_ms=1", force="1")
    job = shared.client.wait_job(reply.json["job_id"])
    assert job["status"] == "completed", job
    return f"/api/transcripts/{job['transcript_id']}"


def test_a_user_corrects_rolls_back_and_prunes(client, made):
    shown = client.get(made).json
    segment = shown["segments"][0]
    assert shown["version"] == 1 and shown["text"] == "t0 t1 t2 t3"

    # The whole text: words that stay keep their times.
    saved = put(client, made, {"base_version": 1, "text": "t0 one t2 t3", "change_note": "misheard"})
    assert saved.status == 200 and saved.json["version_number"] == 2, saved
    now = client.get(made).json
    assert now["text"] == "t0 one t2 t3" and now["segments"][0]["id"] == segment["id"]
    assert now["segments"][0]["words"][2] == segment["words"][2]
    assert now["segments"][0]["words"][1]["confidence"] is None

    runs = client.get(f"{made}/blame").json["runs"]
    assert [(r["text"], r["engine"], r["by"], r["version"]) for r in runs] == [
        ("t0", "null", None, None), ("one", None, "local", 2), ("t2 t3", "null", None, None)]
    assert len(client.get(f"{made}/blame?version=1").json["runs"]) == 1

    # A stale base is told both texts.
    stale = put(client, made, {"base_version": 1, "text": "t0 two t2 t3"})
    assert stale.status == 409 and stale.error["code"] == "CONFLICT", stale
    assert stale.error["field"] == "base_version" and stale.error["current_version"] == 2
    assert stale.error["current_text"] == "t0 one t2 t3"
    assert stale.error["base_text"] == "t0 t1 t2 t3" and stale.error["your_text"] == "t0 two t2 t3"

    # As segments, without words; nothing changed is no version.
    body = {"segments": [{k: s[k] for k in ("id", "start", "end", "text")}
                         for s in now["segments"]]}
    assert put(client, made, body).json == {**saved.json, "changed": False, "changed_segments": 0}
    body["segments"][0]["text"] = "t0 one t2 t4"
    body["segments"].append({"start": 4, "end": 4.5, "text": "the end", "speaker": "Ann"})
    assert put(client, made, body).json["version_number"] == 3
    # The figures of an earlier version are its own.
    first = client.get(f"{made}?version=1").json
    made_at = client.get(f"{made}/versions/1").json["created_at"]
    own = ("version", "segment_count", "word_count", "text", "segments", "file_name")
    assert {k: first[k] for k in own} == {k: shown[k] for k in own}
    assert first["updated_at"] == made_at and first["file_name"] == "talk.wav"

    # In steps.
    steps = [{"op": "split", "segment": segment["id"], "after_word": 2},
             {"op": "rename_speaker", "from": "Ann", "to": "Bo"}]
    edited = client.post(f"{made}/edit", {"operations": steps, "base_version": 3}).json
    assert edited["version_number"] == 4 and edited["segment_count"] == 3
    now = client.get(made).json
    assert [(s["text"], s["speaker"]) for s in now["segments"]] == [
        ("t0 one", None), ("t2 t4", None), ("the end", "Bo")]

    # Find and replace, looked at first.
    replace = {"find": "T", "replace": "x", "dry_run": True}
    seen = client.post(f"{made}/replace", replace).json
    assert seen["count"] == 4 and seen["segments"] == 3 and not seen["changed"], seen
    assert seen["places"][0] == {"segment": segment["id"], "start": 0, "count": 1,
                                 "before": "t0 one", "after": "x0 one"}
    assert client.get(made).json["version"] == 4
    done = client.post(f"{made}/replace", {**replace, "dry_run": False, "whole_words": True})
    assert done.json["count"] == 0 and not done.json["changed"]
    done = client.post(f"{made}/replace", {**replace, "dry_run": False, "match_case": False})
    assert done.json["version_number"] == 5 and done.json["changed"]

    # Back, and back again.
    assert client.post(f"{made}/undo").json["version_number"] == 6
    assert client.get(made).json["text"] == "t0 one\nt2 t4\nthe end"
    assert client.post(f"{made}/undo", {"change_note": "no"}).json["version_number"] == 7
    assert client.get(made).json["text"] == "t0 one t2 t4\nthe end"
    assert client.post(f"{made}/rollback/1", {"base_version": 7}).json["version_number"] == 8
    assert client.get(made).json["segments"] == shown["segments"]
    assert client.post(f"{made}/undo").json["version_number"] == 9
    assert client.get(made).json["text"] == "t0 one t2 t4\nthe end"  # before the rollback
    assert [v["restored_from"] for v in client.get(f"{made}/versions").json["versions"][:5]] == [
        7, 1, 3, 4, None]
    assert client.post(f"{made}/rollback/99").error["code"] == "VERSION_NOT_FOUND"
    assert client.get(f"{made}/versions/2").json["change_note"] == "misheard"

    assert client.post(f"{made}/prune", {"keep": 2}).json["removed"] == 7
    versions = client.get(f"{made}/versions").json["versions"]
    assert [v["version_number"] for v in versions] == [9, 8] and versions[0]["is_current"]
    assert client.get(f"{made}/versions/2").status == 404
    changes = client.get(f"{made}/history").json["changes"]
    assert [c["kind"].split(".")[1] for c in changes] == [
        "pruned", "undone", "rolled_back", "undone", "undone", "replaced", "edited", "edited",
        "edited"]
    assert [c["detail"].get("restored_from") for c in changes[:4]] == [None, 7, 1, 3]


def test_text_in_place_of_nothing_is_spread_over_the_recording(client, made):
    assert put(client, made, {"segments": []}).json["segment_count"] == 0
    assert put(client, made, {"text": "good words\nhere"}).status == 200
    segments = client.get(made).json["segments"]
    assert segments[0]["start"] == 0 and segments[-1]["end"] == 4, segments
    assert segments[0]["end"] > 0 and len(segments[0]["words"]) == 2, segments


def test_text_and_words_agree_and_are_one_line(client, made):
    shown = client.get(made).json["segments"]
    shown[0]["words"][0]["word"] = "bad"
    for kept in ({"text": "bad t1 t2 t3"}, {"words": None}):
        body = {k: v for k, v in {**shown[0], **kept}.items()
                if k in ("id", "start", "end", "text", "words") and v is not None}
        assert put(client, made, {"segments": [body]}).status == 200
    body["words"] = shown[0]["words"]
    refused = put(client, made, {"segments": [body]})
    assert refused.error["code"] == "INVALID_VALUE" and refused.error["field"] == "segments"
    assert "segment 1: its words do not spell its text" in refused.error["message"]
    new = {"start": 0, "end": 2, "text": "one two\n#3 three", "speaker": "Bob\nSmith"}
    assert put(client, made, {"segments": [new]}).status == 200
    now = client.get(made).json["segments"][0]
    assert (now["text"], now["speaker"]) == ("one two #3 three", "Bob Smith")


def test_edits_at_once_without_a_version_are_all_made(client, made):
    def insert(n):
        step = {"op": "insert", "start": 1, "end": 2, "text": f"word {n}"}
        return client.post(f"{made}/edit", {"operations": [step]})

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(insert, range(8)))
    assert [a.status for a in answers] == [200] * 8, answers
    assert sorted(a.json["version_number"] for a in answers) == list(range(2, 10))
    texts = {s["text"] for s in client.get(made).json["segments"]}
    assert texts == {"t0 t1 t2 t3", *(f"word {n}" for n in range(8))}


@pytest.mark.parametrize("at, parts", [
    (0.1, ["t0", "t1 t2 t3"]),
    (1.9, ["t0 t1", "t2 t3"]),
    (2, ["t0 t1", "t2 t3"]),
    (2.001, ["t0 t1 t2", "t3"]),
    (0, None),
    (3.5, None),
])
def test_a_split_is_in_front_of_the_first_word_that_begins_then(client, made, at, parts):
    segment = client.get(made).json["segments"][0]["id"]
    reply = client.post(f"{made}/edit",
                        {"operations": [{"op": "split", "segment": segment, "at": at}]})
    if parts is None:
        assert reply.status == 400 and reply.error["message"] == (
            "operation 1: both parts must have words of the segment, whose first one begins at "
            "0.000 s and whose last one at 3.000 s")
        return
    now = client.get(made).json["segments"]
    assert [s["text"] for s in now] == parts
    assert now[1]["start"] == len(parts[0].split()) and len(now[1]["words"]) > 0


CAST = [(0, 1, "a b", None), (1, 2, "c d", "Ann"), (2, 4, "e", None)]


@pytest.mark.parametrize("step, flags, becomes", [
    ({"op": "text", "text": "x"}, ["-t", "x"], [CAST[0], (1, 2, "x", "Ann"), CAST[2]]),
    ({"op": "speaker", "speaker": "Bo"}, ["--speaker", "Bo"],
     [CAST[0], (1, 2, "c d", "Bo"), CAST[2]]),
    ({"op": "speaker", "speaker": ""}, ["--speaker", ""],
     [CAST[0], (1, 2, "c d", None), CAST[2]]),
    ({"op": "times", "start": 1.25, "end": 1.75}, ["--start", "1.25", "--end", "0:01.75"],
     [CAST[0], (1.25, 1.75, "c d", "Ann"), CAST[2]]),
    ({"op": "split", "at": 1.5}, ["--split-at", "1.5"],
     [CAST[0], (1, 1.5, "c", "Ann"), (1.5, 2, "d", "Ann"), CAST[2]]),
    ({"op": "split", "after_word": 1}, ["--split-after", "1"],
     [CAST[0], (1, 1.5, "c", "Ann"), (1.5, 2, "d", "Ann"), CAST[2]]),
    ({"op": "merge"}, ["--merge"], [CAST[0], (1, 4, "c d e", "Ann")]),
    ({"op": "delete"}, ["--delete"], [CAST[0], CAST[2]]),
    ({"op": "insert", "segment": None, "start": 1.5, "end": 2.5, "text": "n", "speaker": "Bo"},
     ["--insert", "n", "--start", "1.5", "--end", "2.5", "--speaker", "Bo"],
     [*CAST[:2], (1.5, 2.5, "n", "Bo"), CAST[2]]),
])
def test_each_step_is_made_by_both(shared, client, made, step, flags, becomes):
    """By the API, and once that was undone by the command line."""
    def cast():
        return [(s["start"], s["end"], s["text"], s["speaker"])
                for s in client.get(made).json["segments"]]

    body = [{"start": a, "end": b, "text": text, **({"speaker": who} if who else {})}
            for a, b, text, who in CAST]
    assert put(client, made, {"segments": body}).status == 200
    segment = client.get(made).json["segments"][1]["id"]
    asked = {k: v for k, v in {"segment": segment, **step}.items() if v is not None}
    reply = client.post(f"{made}/edit", {"operations": [asked]})
    assert reply.status == 200 and reply.json["version_number"] == 3, reply
    assert cast() == becomes
    assert client.post(f"{made}/undo").status == 200 and cast() == CAST
    where = [] if "segment" in step else ["-s", segment]
    done = cli("transcripts", "edit", *where, *flags, "-m", "why", made.rsplit("/", 1)[1],
               data=shared.data, check=0)
    assert "version 5: " in done.stderr, done
    assert cast() == becomes
    assert client.get(f"{made}/versions/5").json["change_note"] == "why"


@pytest.mark.parametrize("step, why", [
    ({"op": "times", "start": -3}, "start is no time"),
    ({"op": "times", "end": 1e300}, "end is no time"),
    ({"op": "times"}, "times needs start or end"),
    ({"op": "split", "at": -1}, "at is no time"),
    ({"op": "split", "at": 1, "after_word": 1}, "split needs at or after_word, not both"),
    ({"op": "speaker"}, "speaker needs speaker"),
    ({"op": "text", "text": "x", "start": 4}, "text takes no start; leave it out"),
    ({"op": "text"}, "text needs text"),
    ({"op": "merge", "speaker": ""}, "merge takes no speaker; leave it out"),
    ({"op": "delete", "segment": None}, "delete needs segment"),
    ({"op": "insert", "text": "x", "start": 1}, "insert takes no segment; leave it out"),
    ({"op": "rename_speaker", "segment": None, "from": "x"}, "rename_speaker needs to"),
])
def test_a_step_takes_what_it_knows(client, made, step, why):
    segment = client.get(made).json["segments"][0]["id"]
    reply = client.post(f"{made}/edit", {"operations": [{"segment": segment, **step}]})
    assert reply.status == 400 and reply.error["field"] == "operations", reply
    assert reply.error["message"].startswith(f"operation 1: {why}"), reply


def test_what_cannot_be_edited_says_why(client, made):
    for method, path, body, code, field in (
            ("PUT", "", {}, "INVALID_VALUE", "segments"),
            ("PUT", "", {"text": "x", "segments": []}, "INVALID_VALUE", "segments"),
            ("PUT", "", {"text": " \n"}, "INVALID_VALUE", "text"),
            ("PUT", "", {"segments": [{"id": 10 ** 9, "start": 0, "end": 1, "text": "x"}]},
             "INVALID_VALUE", "segments"),
            ("PUT", "", {"segments": [{"start": 2, "end": 1, "text": "x"}]},
             "INVALID_VALUE", "segments"),
            ("PUT", "", {"segments": [{"start": 0, "end": 1}]}, "INVALID_VALUE", "segments"),
            ("PUT", "", {"segments": [{"start": 0, "end": 1, "text": "x", "confidence": -5}]},
             "INVALID_VALUE", "segments"),
            ("PUT", "", {"segments": [{"start": 0, "end": 1, "text": "x", "words": [
                {"word": "x", "start": 0, "end": 1, "confidence": 1.5}]}]},
             "INVALID_VALUE", "segments"),
            ("POST", "/edit", {"operations": []}, "INVALID_VALUE", "operations"),
            ("POST", "/edit", {"operations": [{"op": "dance"}]}, "INVALID_VALUE", "operations"),
            ("POST", "/edit", {"operations": [{"op": "delete", "segment": 10 ** 9}]},
             "INVALID_VALUE", "operations"),
            ("POST", "/replace", {"find": "", "replace": "x"}, "INVALID_VALUE", "find"),
            ("POST", "/prune", {"keep": 0}, "INVALID_VALUE", "keep"),
            ("POST", "/rollback/x", None, "VERSION_NOT_FOUND", None),
            ("POST", "/undo", None, "CONFLICT", None)):
        reply = (put(client, made + path, body) if method == "PUT"
                 else client.post(made + path, body))
        assert (reply.error["code"], reply.error.get("field")) == (code, field), (path, body, reply)
    assert put(client, "/api/transcripts/999999", {"text": "x"}).status == 404
    tag = client.get(made).headers["etag"]
    assert put(client, made, {"text": "other words"}, **{"If-Match": tag}).status == 200
    assert put(client, made, {"text": "others"}, **{"If-Match": tag}).status == 412


def test_a_segment_that_says_nothing_is_left_out(client, made):
    before = client.get(made).json
    first = before["segments"][0]
    for text in ("", " \n", "\u2028", "\u00a0", "\u200b"):
        for segment in ({"start": 0, "end": 1, "text": text}, {**first, "text": text},
                        {"id": first["id"], "start": 0, "end": 1, "text": text}):
            reply = put(client, made, {"segments": [segment, *before["segments"][1:]]})
            assert (reply.status, reply.error["field"]) == (400, "segments"), (segment, reply)
            assert "segment 1" in reply.error["message"]
    now = client.get(made).json  # its automatic export may have come meanwhile
    assert (now["version"], now["segments"]) == (before["version"], before["segments"])
    # Nor is one of which a replacement leaves nothing.
    gone = client.post(f"{made}/replace", {"find": first["text"], "replace": " "}).json
    assert (gone["changed"], gone["count"], gone["places"][0]["after"]) == (True, 1, "")
    assert client.get(made).json["segments"] == before["segments"][1:]


def test_places_are_shown_as_they_are_saved(client, made):
    segment = client.get(made).json["segments"][0]
    spoken = {"op": "text", "segment": segment["id"], "text": "re\u0301sume\u0301 of a caf\u00e9"}
    assert client.post(f"{made}/edit", {"operations": [spoken]}).status == 200
    for find, replace, count, after in (
            ("e", "a", 0, None), ("r\u00e9sum\u00e9", "list", 1, "list of a caf\u00e9"),
            ("cafe\u0301", "bar", 1, "list of a bar"), (" of", "", 1, "list a bar"),
            ("a ", "", 1, "list bar"), ("list", "\n one\t ", 1, "one bar")):
        asked = {"find": find, "replace": replace}
        seen = client.post(f"{made}/replace", {**asked, "dry_run": True}).json
        done = client.post(f"{made}/replace", asked).json
        assert seen["places"] == done["places"] and done["count"] == count, (find, done)
        if count:
            assert done["places"][0]["after"] == after
            assert client.get(made).json["segments"][0]["text"] == after


@pytest.mark.parametrize("blank", ["", " \n", "\u00a0", "\u200b \u3000"])
def test_a_text_of_which_nothing_is_seen_is_empty(shared, client, made, blank):
    number, segment = made.rsplit("/", 1)[1], client.get(made).json["segments"][0]["id"]
    said = "operation 1: the text is empty; delete the segment if nothing is said"
    step = {"op": "text", "segment": segment, "text": blank}
    assert client.post(f"{made}/edit", {"operations": [step]}).error["message"] == said
    assert "the text is empty" in put(client, made, {"text": blank}).error["message"]
    typed = cli("transcripts", "edit", number, "-s", segment, "-t", blank, data=shared.data, check=2)
    assert "the text is empty; delete the segment" in typed.stderr, typed
    assert client.get(made).json["version"] == 1


def test_the_command_line_speaks_of_its_own_commands(shared, made):
    number = made.rsplit("/", 1)[1]
    missing = cli("transcripts", "edit", number, "-s", "999999", "-t", "x", data=shared.data)
    assert missing.returncode != 0 and "GET" not in missing.stderr
    assert "`scripta transcripts show` tells their ids" in missing.stderr


def test_an_editor_may_change_more_than_one_edit_takes(shared, client, made, folder):
    """Names, times and texts of a thousand segments and more: all segments are sent then."""
    count = 1100
    segments = [{"start": 2 * n, "end": 2 * n + 1, "text": f"word {n}", "speaker": "S1"}
                for n in range(count)]
    assert put(client, made, {"segments": segments}).json["segment_count"] == count
    number = made.rsplit("/", 1)[1]
    before = client.get(made).json["segments"]
    env = {"TMPDIR": str(folder), "EDITOR": "sed -i -e 's/ S1\\]$/ Ann]/' -e 's/^word 7$/words 7/' "
                                            "-e 's/ 0:04.000 - / 0:03.500 - /'"}
    edited = cli("transcripts", "edit", number, data=shared.data, env=env, check=0)
    assert f"version 3: {count} segments changed" in edited.stderr, edited.stderr
    after = client.get(made).json["segments"]
    assert [s["id"] for s in after] == [s["id"] for s in before]
    assert {s["speaker"] for s in after} == {"Ann"} and after[7]["text"] == "words 7"
    assert after[2]["start"] == 3.5 and after[3]["words"] == before[3]["words"]

    # One segment too many to be empty; what is out of order is put in order.
    text = (f"# Transcript {number}, version 3.\n[+ 9:00:00 - 9:00:01]\nlast\n" +
            "".join(f"[{s['id']} {s['start']} - {s['end']} Bo]\n{s['text']}\n"
                    for s in reversed(after)))
    kept = folder / "kept.txt"
    kept.write_text(text)
    cli("transcripts", "edit", "--text-file", kept, number, data=shared.data, check=0)
    last = client.get(made).json["segments"]
    assert [s["id"] for s in last[:-1]] == [s["id"] for s in after]
    assert last[-1]["text"] == "last" and {s["speaker"] for s in last[:-1]} == {"Bo"}

    # Stale by now: told like any other.
    late = cli("transcripts", "edit", "--text-file", kept, number, data=shared.data)
    assert late.returncode == 4 and f"compare {number} 3 4" in late.stderr, late.stderr

    # Whoever calls by himself is told what takes more.
    steps = [{"op": "speaker", "segment": s["id"], "speaker": "Cy"} for s in after[:1001]]
    many = client.post(f"{made}/edit", {"operations": steps})
    assert many.status == 400 and "PUT" in many.error["message"], many


def import_odd(client, made, count):
    """Segments such as only an import makes: more than one line, white space, a long name."""
    put(client, made, {"segments": [{"start": 2 * n, "end": 2 * n + 1, "text": f"word {n}",
                                     "speaker": "S1"} for n in range(count)]})
    exported = client.get(f"{made}/export.json").json
    odd = exported["segments"][3:8]
    texts = ["first line\n# second line", "two  spaces\there", "a list\n[1 of 2]\n \\n", "#", " x "]
    for segment, text in zip(odd, texts):
        segment.update(text=text, words=[])
    odd[1]["speaker"] = "n" * 250
    reply = client.request("POST", f"{made}/import", json.dumps(exported),
                           headers={"Content-Type": "application/octet-stream"})
    assert reply.json["segment_count"] == count, reply
    shown = client.get(made).json["segments"]
    assert [s["text"] for s in shown[3:8]] == texts and shown[4]["speaker"] == "n" * 250
    return shown


def test_what_an_editor_left_alone_stays_as_it_was(shared, client, made, folder):
    before = import_odd(client, made, 1200)
    number = made.rsplit("/", 1)[1]
    env = {"TMPDIR": str(folder), "EDITOR": "sed -i -e 's/ S1\\]$/ Ann]/'"}
    edited = cli("transcripts", "edit", number, data=shared.data, env=env, check=0)
    assert "1199 segments changed" in edited.stderr, edited.stderr
    after = client.get(made).json["segments"]
    assert after == [s | {"speaker": "Ann" if s["speaker"] == "S1" else s["speaker"]}
                     for s in before]

    # What was changed has all of its lines, also those that look like a mark or a note.
    env["EDITOR"] = "sed -i -e 's/first/last/' -e 's/a list/two/'"
    edited = cli("transcripts", "edit", number, data=shared.data, env=env, check=0)
    assert "2 segments changed" in edited.stderr, edited.stderr
    texts = [s["text"] for s in client.get(made).json["segments"]]
    assert texts[3] == "last line # second line" and texts[5] == "two [1 of 2] \\n"


def test_what_get_shows_is_put_back_as_it_was(client, made):
    before = import_odd(client, made, 9)
    saved = put(client, made, {"segments": before})
    assert saved.status == 200 and not saved.json["changed"], saved
    before[3]["speaker"] = before[4]["speaker"]
    refused = put(client, made, {"segments": before})
    assert refused.status == 400, refused
    assert refused.error["message"] == "segment 4: 'speaker' must be from 0 to 200 bytes long"
    before[3].pop("id")
    assert put(client, made, {"segments": before}).error["message"] == refused.error["message"]


def test_a_whole_text_keeps_the_lines_of_a_segment(client, made):
    import_odd(client, made, 9)
    shown = client.get(made).json
    text = shown["text"].replace("first line", "last line").replace("two  spaces", "two spaces")
    assert put(client, made, {"text": text}).json["changed"]
    after = client.get(made).json
    assert [s["id"] for s in after["segments"]] == [s["id"] for s in shown["segments"]]
    assert after["segments"][3]["text"] == "last line\n# second line"


def test_a_long_name_that_was_imported_gets_another(client, made):
    long = import_odd(client, made, 9)[4]["speaker"]
    step = {"op": "rename_speaker", "from": long, "to": "m" * 201}
    refused = client.post(f"{made}/edit", {"operations": [step]})
    assert refused.status == 400 and "'to' must be from 0 to 200 bytes" in refused.error["message"]
    step["from"] = long[:-1]
    refused = client.post(f"{made}/edit", {"operations": [step | {"to": "Ann"}]})
    assert refused.status == 400 and "nobody called 'nnn" in refused.error["message"], refused
    saved = client.post(f"{made}/edit", {"operations": [step | {"from": long, "to": "Ann"}]})
    assert saved.status == 200 and saved.json["changed"], saved
    assert client.get(made).json["segments"][4]["speaker"] == "Ann"


def test_segments_are_found_by_their_ids_in_whichever_order(client, made):
    put(client, made, {"segments": [{"start": 0, "end": 1, "text": f"word {n}"} for n in range(9)]})
    before = client.get(made).json["segments"]
    order = [before[n] for n in (4, 8, 0, 7, 1, 6, 2)]
    put(client, made, {"segments": [{"id": s["id"], "start": 0, "end": 1, "text": s["text"] + " x"}
                                    for s in order]})
    now = client.get(made).json["segments"]
    assert [(s["id"], s["text"], s["words"][0]) for s in now] == [
        (s["id"], s["text"] + " x", s["words"][0] | {"end": n["words"][0]["end"]})
        for s, n in zip(order, now)]
    for other, told in ((before[3]["id"], "which the transcript does not have"),
                        (order[1]["id"], "which stands further up already")):
        body = [{"id": i, "start": 0, "end": 1, "text": "x"} for i in (order[1]["id"], other)]
        refused = put(client, made, {"segments": body})
        assert refused.status == 400 and told in refused.error["message"], refused


def test_transcripts_of_more_than_16_mib_are_edited_like_any_other(shared, client, made):
    """The words of a day of speech are 22 MB of JSON."""
    number = made.rsplit("/", 1)[1]
    body = json.dumps({"text": "t0 t1 t2 four"}) + " " * (17 << 20)
    saved = client.request("PUT", made, body, headers={"Content-Type": "application/json"})
    assert saved.json["version_number"] == 2, saved
    segments = [{"start": n, "end": n + 1, "text": f"start{n} " + "\\" * 45000}  # 90 kB as JSON
                for n in range(100)]
    reply = client.request("POST", f"{made}/import", json.dumps(segments),
                           headers={"Content-Type": "application/octet-stream"})
    assert reply.json["segment_count"] == 100, reply
    assert len(client.get(made).body) > 17 << 20
    edited = cli("transcripts", "edit", number, data=shared.data, check=0,
                 env={"EDITOR": "sed -i s/^start77/begin77/"})
    assert "version 4: 1 segment changed" in edited.stderr, edited.stderr


@pytest.mark.parametrize("flags,told", [
    (["-s", 1], "say what is to change: --text,"),
    (["-t", "x"], "say which segment with --segment"),
    (["--insert", "x"], "with --start and --end"),
    (["--insert", "x", "--start", 1], "with --start and --end"),
    (["--insert", "x", "-s", 1], "--insert makes a new segment: leave --segment out"),
    (["--insert", "x", "--start", 1, "--end", 2, "-t", "y"], "leave --text out"),
    (["--text-file", "-", "--speaker", "Ann"], "--text-file gives all of the text: leave --speaker"),
])
def test_flags_of_an_edit_that_say_too_little_or_too_much(shared, client, made, flags, told):
    refused = cli("transcripts", "edit", *flags, made.rsplit("/", 1)[1], data=shared.data,
                  stdin="words\n")
    assert refused.returncode == 2 and told in refused.stderr, refused.stderr
    assert client.get(made).json["version"] == 1


def test_an_edit_that_changes_nothing_is_told_as_json_too(shared, made):
    told = cli("--json", "transcripts", "edit", made.rsplit("/", 1)[1], data=shared.data,
               env={"EDITOR": "true"}, check=0)
    assert json.loads(told.stdout) == {
        "id": int(made.rsplit("/", 1)[1]), "version_number": 1, "changed": False,
        "changed_segments": 0, "segment_count": 1, "word_count": 4, "warnings": []}


def test_the_editor_loses_nothing(shared, client, made, folder):
    number, data = made.rsplit("/", 1)[1], shared.data
    segment = client.get(made).json["segments"][0]["id"]

    def edit(editor):
        return cli("transcripts", "edit", number, data=data,
                   env={"EDITOR": editor, "TMPDIR": str(folder)})

    empty = edit("truncate -s 0")
    assert empty.returncode == 2 and "the text is empty" in empty.stderr, empty.stderr
    assert "kept in" not in empty.stderr and not list(folder.glob("scripta-transcript-*"))
    (folder / "empty.txt").write_text(" \n\u00a0\n\u200b\n", encoding="utf-8")
    empty = cli("transcripts", "edit", "--text-file", folder / "empty.txt", number, data=data)
    assert empty.returncode == 2 and "the text is empty" in empty.stderr, empty.stderr
    assert client.get(made).json["version"] == 1

    # Somebody else is quicker: what was typed is kept, and the way on is told.
    script = folder / "editor"
    script.write_text(f'sed -i s/t1/one/ "$1"\n{harness.SCRIPTA} --data {data} transcripts edit '
                      f'-s {segment} --speaker Ann {number}\n')
    late = edit(f"sh {script}")
    assert late.returncode != 0 and f"compare {number} 1 2" in late.stderr, late.stderr
    kept = re.search(r"kept in (\S+)", late.stderr)[1]
    assert f"--text-file {kept} --base 2 {number}" in late.stderr

    # It is of version 1, whichever way it comes back; on top of version 2 both are there.
    again = cli("transcripts", "edit", "--text-file", kept, number, data=data)
    assert again.returncode == late.returncode and f"compare {number} 1 2" in again.stderr
    copied = edit(f"cp {kept}")
    assert copied.returncode == 2 and "of version 1, not of 2" in copied.stderr, copied.stderr
    other = cli("transcripts", "edit", "--text-file", "-", number, data=data,
                stdin="# Transcript 999999, version 1.\n")
    assert other.returncode == 2 and "of transcript 999999" in other.stderr, other.stderr
    assert client.get(made).json["version"] == 2
    # Another word of the same segment is changed meanwhile: that stays too.
    cli("transcripts", "edit", "-s", segment, "-t", "t0 t1 t2 drei", number, data=data, check=0)
    on_top = ("transcripts", "edit", "--text-file", kept, "--base")
    early = cli(*on_top, 2, number, data=data)
    assert early.returncode == late.returncode and "--base 3" in early.stderr, early.stderr
    cli(*on_top, 3, number, data=data, check=0)
    assert client.get(made).json["segments"][0]["text"] == "t0 one t2 drei"

    # What both changed is refused and shown; what they agree on is no change.
    cli("transcripts", "edit", "-s", segment, "-t", "t0 eins t2 drei", number, data=data, check=0)
    both = cli(*on_top, 5, number, data=data)
    assert both.returncode == late.returncode, both
    assert f"segment {segment}, text: yours t0 one t2 t3; theirs t0 eins t2 drei" in both.stderr
    assert "make these as theirs" in both.stderr, both.stderr
    assert client.get(made).json["version"] == 5
    old = cli(*on_top, 1, number, data=data)
    assert old.returncode == late.returncode and "--base 5" in old.stderr, old.stderr
    theirs = folder / "theirs"
    theirs.write_text(Path(kept).read_text(encoding="utf-8").replace("one t2 t3", "eins t2 drei"))
    agreed = cli("transcripts", "edit", "--text-file", theirs, "--base", 5, number, data=data,
                 check=0)
    assert "nothing has changed" in agreed.stderr, agreed.stderr
    cli("transcripts", "edit", "-s", segment, "-t", "t0 one t2 t3", number, data=data, check=0)
    shown = cli("transcripts", "show", number, data=data, check=0).stdout
    assert re.search(rf"^ *{segment}  0:00  Ann +t0 one t2 t3$", shown, re.MULTILINE), shown
    assert re.search("^file_name: +talk.wav$", shown, re.MULTILINE), shown


def test_messages_are_about_what_was_typed(shared, made, folder):
    number, data = made.rsplit("/", 1)[1], shared.data
    gone = cli("transcripts", "edit", "-s", 99999, "-t", "x", number, data=data, check=2)
    assert gone.stderr.startswith("scripta: the transcript has no segment 99999"), gone.stderr
    nobody = cli("transcripts", "speakers", number, "S9", "Ann", data=data, check=2)
    assert nobody.stderr.startswith("scripta: nobody called 'S9' speaks; `scripta transcripts sp")
    missing = cli("transcripts", "import", "--transcript", number, folder / "x.srt", data=data)
    assert missing.returncode == 3 and "files list" not in missing.stderr, missing
    assert f"cannot read '{folder / 'x.srt'}'" in missing.stderr, missing.stderr
    (folder / "empty.txt").touch()
    empty = cli("transcripts", "import", "--transcript", number, folder / "empty.txt", data=data)
    assert "the file has no words" in empty.stderr and "curl" not in empty.stderr, empty.stderr


def test_what_an_editor_leaves_is_kept(shared, client, made, folder):
    number, data = made.rsplit("/", 1)[1], shared.data

    def edit(editor, status=2):
        done = cli("transcripts", "edit", number, data=data, check=status,
                   env={"EDITOR": editor, "TMPDIR": str(folder)})
        return done.stderr

    # It wrote, and then failed: what it wrote can be saved all the same.
    for editor, how in (("sed -i s/t1/one/ \"$0\"; exit 3; true", "ended with status 3"),
                        ("sed -i s/t1/one/ \"$0\"; kill -9 $$; true", "was killed by signal 9")):
        told = edit(editor)
        assert how in told and client.get(made).json["version"] == 1, told
        kept = re.search(r"kept in (\S+)", told)[1]
        assert f"scripta transcripts edit --text-file {kept} {number}" in told, told
    cli("transcripts", "edit", "--text-file", kept, number, data=data, check=0)
    assert client.get(made).json["text"] == "t0 one t2 t3"
    # It wrote nothing: there is nothing to keep.
    before = sorted(folder.iterdir())
    assert "kept" not in edit("false") and sorted(folder.iterdir()) == before

    # What is no text is refused by its place, before anything is sent.
    for byte, why in (("351", "0xE9 is no UTF-8"), ("000", "a NUL")):
        told = edit(f"sh -c 'printf \"a\\\\{byte}\" >> $0'")
        kept = re.search(r"kept in (\S+)", told)[1]
        lines = open(kept, "rb").read().count(b"\n") + 1
        assert f"{kept}, line {lines}, byte 2: {why}" in told, told
    for command in (("edit", "--text-file", "-", number),
                    ("import", "--transcript", number, "--format", "txt", "-")):
        refused = cli("transcripts", *command, data=data, check=2, stdin="good\nw\udcf6rds\n")
        assert "line 2, byte 2: 0xF6 is no UTF-8" in refused.stderr, refused
    assert client.get(made).json["version"] == 2


def test_nobody_edits_what_is_still_being_made(shared, client, folder):
    job = client.upload_null(90, seed=3, model="hang_at=1")
    number = wait_until(lambda: client.job(job["job_id"])["transcript_id"], 30, "the first chunk")
    script = folder / "editor"
    told = cli("transcripts", "edit", number, data=shared.data, env={"EDITOR": f"touch {script}"})
    assert "still being made" in told.stderr and f"scripta wait {job['job_id']}" in told.stderr
    assert told.returncode != 0 and not script.exists()
    assert client.post(f"/api/jobs/{job['job_id']}/cancel").status == 200


def test_a_tag_guards_every_way_of_editing(client, made):
    stale, segment = '"0000000000000000"', client.get(made).json["segments"][0]["id"]
    ways = [
        ("/edit", {"operations": [{"op": "text", "segment": segment, "text": "other words"}]}),
        ("/replace", {"find": "other", "replace": "good"}),
        ("/undo", {}),
        ("/rollback/1", {}),
        ("/import?format=txt", "new words"),
        ("/prune", {"keep": 1}),
    ]

    def send(path, body, tag, **more):
        raw = isinstance(body, str)
        kind = "application/octet-stream" if raw else "application/json"
        return client.request("POST", made + path, body.encode() if raw else json.dumps(body),
                              {"Content-Type": kind, "If-Match": tag, **more})

    for path, body in ways:
        version = client.get(made).json["version"]
        for tag, status, code in ((stale, 412, "PRECONDITION_FAILED"),
                                  ("3", 400, "INVALID_VALUE"), ('"a" "b"', 400, "INVALID_VALUE")):
            refused = send(path, body, tag)
            assert (refused.status, refused.error["code"]) == (status, code), (path, tag, refused)
        assert refused.error["field"] == "If-Match"
        assert client.get(made).json["version"] == version
        tag = client.get(made).headers["etag"]
        done = send(path, body, f'"x", {tag}', **{"Idempotency-Key": made + path})
        assert done.status == 200, (path, done)
        # The tag is an old one now; who asks again under his key is told what was done.
        again = send(path, body, f'"x", {tag}', **{"Idempotency-Key": made + path})
        assert again.status == 200 and again.headers["idempotent-replayed"] == "true", (path, again)
        if path != "/prune":
            assert client.get(made).json["version"] == version + 1
            assert send(path, body, tag).status == 412
    assert put(client, made, {"text": "x"}, **{"If-Match": "abc"}).error["field"] == "If-Match"


def test_an_edit_by_tag_follows_the_version_of_the_tag(client, made):
    """Also when somebody without one edits between the look at the tag and the write."""
    segment = client.get(made).json["segments"][0]["id"]
    done = threading.Event()

    def edit_all_the_time():
        k = 0
        while not done.is_set():
            k += 1
            step = {"op": "text", "segment": segment, "text": f"theirs {k}"}
            assert client.post(made + "/edit", {"operations": [step]}).status == 200

    with ThreadPoolExecutor(1) as pool:
        others = pool.submit(edit_all_the_time)
        try:
            for k in range(400):
                now = client.get(made)
                step = {"op": "speaker", "segment": segment, "speaker": f"N{k}"}
                reply = client.post(made + "/edit", {"operations": [step]},
                                    headers={"If-Match": now.headers["etag"]})
                assert reply.status in (200, 412), reply
                if reply.status == 200:
                    assert reply.json["version_number"] == now.json["version"] + 1
                else:
                    assert "current_text" in reply.error, reply
        finally:
            done.set()
        others.result()


def test_who_comes_late_with_a_tag_is_told_both_texts(client, made):
    old = client.get(made)
    tag, before = old.headers["etag"], old.json
    assert tag.endswith(f'.{before["version"]}"')
    assert put(client, made, {"text": "words of another"}).status == 200
    segments = [{**before["segments"][0], "text": "my words"}]

    def texts(reply):
        assert (reply.status, reply.error["code"]) == (412, "PRECONDITION_FAILED"), reply
        assert (reply.error["current_version"], reply.error["current_text"]) == (2, "words of another")
        return reply.error.get("base_text"), reply.error.get("your_text"), reply.error.get("base_missing")

    def post(path, body, if_match=tag):
        raw = isinstance(body, str)
        return client.request("POST", made + path, body if raw else json.dumps(body), {
            "Content-Type": "application/octet-stream" if raw else "application/json", "If-Match": if_match})

    assert texts(put(client, made, {"text": "my words"}, **{"If-Match": tag})) == (before["text"], "my words", None)
    # Its segments are of the base: that they are others by now is not what is wrong.
    assert texts(put(client, made, {"segments": segments}, **{"If-Match": f'"x", W/{tag}'})) \
        == (before["text"], "my words", None)
    assert texts(post("/import?format=txt", "my words")) == (before["text"], "my words", None)
    assert texts(post("/import?format=txt&dry_run=1", "my words"))[0] == before["text"]
    gone = {"operations": [{"op": "delete", "segment": before["segments"][0]["id"]}]}
    for path, body in (("/edit", gone), ("/replace", {"find": "words", "replace": "x"}), ("/undo", {}),
                       ("/replace", {"find": "words", "replace": "x", "dry_run": True}), ("/rollback/1", {})):
        assert texts(post(path, body)) == (before["text"], None, None), path
    # Neither a version that has gone nor a tag of nothing hides the others.
    assert client.post(made + "/prune", {"keep": 1}).status == 200
    assert texts(post("/undo", {})) == (None, None, "version 1 was pruned")
    number, digits = int(made.rsplit("/", 1)[1]), tag.split("-")[1][:16]
    none = f"If-Match names no version of transcript {number}"
    for named, why in ((f"{number}-{digits}.9", "there is no version 9 yet"),
                       (f"{number}-{'0' * 16}.2", "version 2 is not the one that If-Match names"),
                       (f"{number + 1}-{digits}.2", none), ("2", none)):
        assert texts(post("/undo", {}, f'"{"0" * 16}.{named}"')) == (None, None, why)
    assert texts(post("/undo", {}, f'"{"0" * 16}"')) == (None, None, none)
    late = put(client, made, {"text": "my words", "base_version": 1})
    assert (late.status, late.error["base_missing"]) == (409, "version 1 was pruned")
    assert "base_text" not in late.error
    assert client.get(made).json["version"] == 2
    # Other marks make another tag, and no other version.
    tag = client.get(made).headers["etag"]
    assert client.request("PATCH", made, json.dumps({"tags": ["seen"]}),
                          {"Content-Type": "application/json"}).status == 200
    assert client.get(made).headers["etag"] != tag
    assert client.request("PATCH", made, "{}", {"Content-Type": "application/json", "If-Match": tag}).status == 412
    assert put(client, made, {"text": "my words"}, **{"If-Match": f'"x.1", {tag}'}).status == 200


def test_a_tag_of_another_transcript_is_none_of_this(client, made):
    """Of equal texts and versions, read of two transcripts."""
    def other():
        reply = client.request("POST", f"/api/files/{client.get(made).json['file_id']}/transcripts?format=txt",
                               b"other words", {"Content-Type": "application/octet-stream"})
        assert reply.status == 201, reply
        return f"/api/transcripts/{reply.json['transcript_id']}"

    one, two = other(), other()
    first, second = client.get(one), client.get(two)
    assert first.json["version"] == second.json["version"] == 1 and first.json["text"] == second.json["text"]
    late = put(client, one, {"text": "mine"}, **{"If-Match": second.headers["etag"]})
    assert (late.status, late.error["code"], late.error["current_text"]) == (412, "PRECONDITION_FAILED", "other words")
    assert late.error["base_missing"] == f"If-Match names no version of transcript {one.rsplit('/', 1)[1]}"
    assert client.get(one).headers["etag"] == first.headers["etag"]
    both = ", ".join((second.headers["etag"], "W/" + first.headers["etag"]))
    assert put(client, one, {"text": "mine"}, **{"If-Match": both}).status == 200
    # A version that is equal to an earlier one is another: neither is the other's tag.
    back = client.request("POST", one + "/rollback/1", "{}",
                          {"Content-Type": "application/json", "If-Match": client.get(one).headers["etag"]})
    assert back.status == 200 and client.get(one).json["text"] == "other words"
    late = put(client, one, {"text": "mine"}, **{"If-Match": first.headers["etag"]})
    assert (late.status, late.error["base_text"], late.error["current_version"]) == (412, "other words", 3)
    assert put(client, one, {"text": "mine"}, **{"If-Match": back.json["etag"]}).status == 200
    assert put(client, one, {"text": "any"}, **{"If-Match": "*"}).status == 200


def test_edits_chain_by_the_tags_of_their_answers(client, made):
    tag = client.get(made).headers["etag"]
    steps = [
        ("PUT", "", {"text": "one two three"}),
        ("POST", "/edit", {"operations": [{"op": "insert", "start": 50, "end": 51, "text": "four"}]}),
        ("POST", "/replace", {"find": "four", "replace": "five"}),
        ("POST", "/undo", {}),
        ("POST", f"/rollback/{client.get(made).json['version']}", {}),
        ("POST", "/import?format=txt", "new words"),
    ]
    for method, path, body in steps:
        raw = isinstance(body, str)
        reply = client.request(method, made + path, body if raw else json.dumps(body), {
            "Content-Type": "application/octet-stream" if raw else "application/json", "If-Match": tag})
        assert reply.status == 200, (path, reply)
        version = reply.json.get("version_number", reply.json.get("version"))
        assert reply.json["etag"] != tag and reply.json["etag"].endswith(f'.{version}"'), (path, reply)
        tag = reply.json["etag"]
        assert client.get(made).json["version"] == version, path
    # Nobody who sends no tag pays for one.
    assert "etag" not in put(client, made, {"text": "others"}).json


def test_a_flag_is_no_operation_of_a_batch(shared, made):
    number = made.rsplit("/", 1)[1]
    for flags, why in ((["-s", 999999, "-t", "x"], "the transcript has no segment 999999"),
                       (["--insert", "x", "--start", 5, "--end", 4], "an end that is not before")):
        done = cli("transcripts", "edit", *flags, number, data=shared.data)
        assert done.returncode != 0 and why in done.stderr, done.stderr
        assert "operation" not in done.stderr, done.stderr


def test_doubtful_times_are_told_and_undone(shared, client, made):
    number, data = made.rsplit("/", 1)[1], shared.data
    segment = client.get(made).json["segments"][0]["id"]
    late = cli("transcripts", "edit", "-s", segment, "--end", 40, number, data=data, check=0)
    assert "note: the end of 1 segment is behind the recording's\n" in late.stderr, late.stderr
    saved = client.post(f"{made}/edit", {"operations": [
        {"op": "insert", "start": 1, "end": 2, "text": "and"}]}).json
    assert [w["code"] for w in saved["warnings"]] == ["OVERLAPS"], saved
    # Only new times are looked at.
    saved = client.post(f"{made}/edit", {"operations": [
        {"op": "text", "segment": segment, "text": "other words"}]}).json
    assert saved["changed"] and saved["warnings"] == []

    undone = cli("transcripts", "undo", number, data=data, check=0)
    assert f"scripta transcripts rollback {number} 4\n" in undone.stderr, undone.stderr
    rows = cli("transcripts", "versions", number, data=data, check=0).stdout.splitlines()
    assert rows[0].split()[-2:] == ["EQUALS", "NOTE"] and rows[1].split()[-2:] == ["3", "-"], rows
    rows = cli("transcripts", "history", number, data=data, check=0).stdout.splitlines()
    assert rows[1].split()[1:4] == ["transcript.undone", "5", "3"], rows
    assert rows[2].split()[1:4] == ["transcript.edited", "4", "-"], rows


def test_who_meets_a_long_save_is_told_when_to_come_back(client, made):
    text = "\n".join(f"line {i} of a long text" for i in range(1200))
    assert put(client, made, {"segments": [
        {"start": i, "end": i + 1, "text": line} for i, line in enumerate(text.split("\n"))]}
    ).status == 200
    busy = []

    def save_all(mark):
        return put(client, made, {"text": text.replace("line", mark)})

    def correct(n):
        return client.post(f"{made}/edit", {"operations": [
            {"op": "insert", "start": 0, "end": 1, "text": f"corrected {n}"}]})

    for mark in ("row", "verse", "sentence", "phrase", "clause"):
        with ThreadPoolExecutor(6) as pool:
            saving = pool.submit(save_all, mark)
            while not saving.done() and not busy:
                answers = list(pool.map(correct, range(5)))
                assert all(a.status in (200, 409) for a in answers), answers
                busy += [a for a in answers if a.status == 409]
            assert saving.result().status in (200, 409)
        if busy:
            break
    for answer in busy:
        assert answer.error["code"] == "TRANSCRIPT_BUSY", answer.error
        assert answer.headers["Retry-After"] == "2"
    assert busy
    assert correct(9).status == 200
