"""The check beside eight editors: what is damaged meanwhile is restored, and no edit is lost."""

import contextlib
import itertools
import json
import random
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor

from harness import noise_wav
from test_fsck import fsck, versions_of

EDITORS, EDITS, SEGMENTS = 8, 10, 30
LATE = {"CONFLICT", "TRANSCRIPT_BUSY", "TRANSCRIPT_DAMAGED"}

# What can be restored, whichever version it is in. {n} is any number of 0 or more.
DAMAGE = [
    # One bit of a text.
    "UPDATE segments SET text = upper(substr(text, 1, 1)) || substr(text, 2)"
    " WHERE id = (SELECT id FROM segments WHERE text GLOB '[a-z]*' LIMIT 1 OFFSET {n} % 20)",
    # One sign of a row's checksum.
    "UPDATE segments SET content_hash = iif(content_hash LIKE '7%', '8', '7') || substr(content_hash, 2)"
    " WHERE id = (SELECT id FROM segments LIMIT 1 OFFSET {n} % 20)",
    # One of the current version's, which edits make theirs of.
    "UPDATE versions SET content_hash = substr(content_hash, 1, 9) || iif(content_hash LIKE '_________7%', '8', '7')"
    " || substr(content_hash, 11) WHERE is_current = 1",
    # A row in a version too many, or too few.
    "UPDATE segments SET died = died + 1 WHERE id = (SELECT id FROM segments WHERE died > 1"
    " AND died < (SELECT max(version) FROM versions) LIMIT 1 OFFSET {n} % 5)",
    "UPDATE segments SET born = born + 1 WHERE id = (SELECT id FROM segments WHERE died > born + 1"
    " AND died IS NOT NULL LIMIT 1 OFFSET {n} % 5)",
    # Figures.
    "UPDATE transcripts SET segment_count = segment_count + 3",
    "UPDATE versions SET word_count = 1 + {n} WHERE is_current = 1",
]


def spoil(server, sql):
    with contextlib.closing(sqlite3.connect(server.data / "scripta.db", timeout=60)) as db:
        with db:
            db.execute(sql)


def edited(client, dice, word):
    """One edit that brings the word in; {version: word} when it was saved."""
    shown = client.get("/api/transcripts/1")
    if shown.status != 200:
        assert shown.error["code"] == "TRANSCRIPT_DAMAGED", shown
        return {}
    segments = shown.json["segments"]
    one = dice.choice(segments)
    kind = dice.randrange(4)
    if kind == 0:
        changed = [{**{k: s[k] for k in ("id", "start", "end", "text")}} for s in segments]
        dice.choice(changed)["text"] = f"all {word}"
        reply = client.request("PUT", "/api/transcripts/1", json.dumps(
            {"base_version": shown.json["version"], "segments": changed}),
            headers={"Content-Type": "application/json"})
    else:
        reply = client.post("/api/transcripts/1/edit", {"operations": [
            {"op": "text", "segment": one["id"], "text": f"said {word}"} if kind < 3 else
            {"op": "insert", "start": one["start"], "end": one["end"], "text": f"new {word}"}]})
    if reply.status == 200:
        assert reply.json["changed"], reply
        return {reply.json["version_number"]: word}
    gone = reply.status == 400 and reply.error["field"] == "operations"  # another edit was quicker
    assert gone or reply.error["code"] in LATE, reply
    return {}


def editor(client, n, stop):
    dice = random.Random(n)
    done = {}
    for k in itertools.count():
        if len(done) == EDITS or stop.is_set():
            return done
        done |= edited(client, dice, f"e{n}x{k}")


def passed(client, **how):
    """What one run of the check tells."""
    problems, at = [], None
    while True:
        reply = client.post("/api/db/fsck", {**how, **({"after": at} if at else {})})
        assert reply.status == 200, reply
        problems += reply.json["problems"]
        at = reply.json["next"]
        if at is None:
            return problems


def test_editors_lose_nothing_beside_a_check_that_repairs(make_server):
    server = make_server({"SCRIPTA_AUTO_EXPORT": ""})
    client = server.client
    file = client.upload(noise_wav(8, 1), path="/api/files/upload").json["file_id"]
    made = client.request("POST", f"/api/files/{file}/transcripts", body=json.dumps([
        {"start": n // 2, "end": n // 2 + 1, "text": f"line number {n}"} for n in range(SEGMENTS)]),
        headers={"Content-Type": "application/json"})
    assert made.status == 201, made
    dice, stop, repaired, rounds = random.Random(6), threading.Event(), 0, 0
    with ThreadPoolExecutor(EDITORS) as pool:
        try:
            editors = [pool.submit(editor, server.client, n, stop) for n in range(EDITORS)]
            while rounds < 2 * len(DAMAGE) or not all(e.done() for e in editors):
                if any(e.done() and e.exception() for e in editors):
                    break
                spoil(server, DAMAGE[rounds % len(DAMAGE)].format(n=dice.randrange(1000)))
                passed(client)
                problems = passed(client, repair=True, accept=rounds % 2 == 1)
                assert not any(p["accepted"] for p in problems), problems
                assert all(p["repairable"] for p in problems), problems
                repaired += sum(p["repaired"] for p in problems)
                rounds += 1
        finally:
            stop.set()
    words = {}
    for done in editors:
        assert not set(words) & set(done.result()), "two edits made one version"
        words |= done.result()
    assert passed(client, repair=True) == [] or passed(client) == []
    assert repaired >= len(DAMAGE), repaired
    server.stop()
    assert fsck(server.data)[1]["problems"] == []
    stored = versions_of(server.data)
    assert sorted(stored) == list(range(1, len(words) + 2))
    for version, word in words.items():
        before, after = stored[version - 1], stored[version]
        new = [row for row in after if row not in before]
        assert len(new) == 1 and word in new[0][2], (version, word, new)
        assert len([row for row in before if row not in after]) <= 1
