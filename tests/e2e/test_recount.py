"""Words are counted by one rule however a text comes in; what an older release stored is counted anew."""

import contextlib
import json
import sqlite3

from harness import noise_wav, wait_until
from test_fsck import fsck

TEXT = "今日は会議です。"
WORDS = 7  # a sign each, but for the full stop
SRT = f"1\n00:00:00,000 --> 00:00:02,000\n{TEXT}\n"
TIMED = [{"start": 0, "end": 2, "text": TEXT, "words": [
    {"start": i / 4, "end": (i + 1) / 4, "word": TEXT[2 * i:2 * i + 2]} for i in range(4)]}]


def imported(client, file_id, text, *query):
    reply = client.request("POST", f"/api/files/{file_id}/transcripts?" + "&".join(query), body=text.encode(),
                           headers={"Content-Type": "application/octet-stream"})
    assert reply.status == 201, reply
    return reply.json


def counts(client, transcript):
    """Of the transcript, and of each of its versions."""
    path = f"/api/transcripts/{transcript}"
    listed = client.get(f"{path}/versions").json["versions"]
    return client.get(path).json["word_count"], [v["word_count"] for v in reversed(listed)]


def grow_old(server):
    """As the migration of words leaves a store where such a text was a word."""
    with contextlib.closing(sqlite3.connect(server.data / "scripta.db")) as db, db:
        db.execute("UPDATE versions SET word_count = segment_count")
        db.execute("UPDATE transcripts SET word_count = segment_count")
        db.execute("INSERT INTO counters SELECT 'words.uncounted', max(id) FROM transcripts")


def test_words_of_scripts_without_spaces(make_server):
    server = make_server()
    client = server.client
    file_id = client.upload(noise_wav(4), engine="null").json["file_id"]
    plain = imported(client, file_id, SRT)
    timed = imported(client, file_id, json.dumps(TIMED))
    assert plain["word_count"] == timed["word_count"] == WORDS
    assert len(client.get(f"/api/transcripts/{timed['transcript_id']}").json["segments"][0]["words"]) == 4
    ids = [plain["transcript_id"], timed["transcript_id"]]
    for t in ids:
        segment = client.get(f"/api/transcripts/{t}").json["segments"][0]["id"]
        edited = client.post(f"/api/transcripts/{t}/edit", {"operations": [
            {"op": "text", "segment": segment, "text": TEXT + "はい"}]})
        assert edited.json["word_count"] == WORDS + 2, edited
        assert counts(client, t) == (WORDS + 2, [WORDS, WORDS + 2])

    server.stop()
    grow_old(server)
    assert fsck(server.data)[1]["status"] == "ok"  # not yet counted, and not damaged
    server.start()
    for t in ids:
        wait_until(lambda t=t: counts(client, t) == (WORDS + 2, [WORDS, WORDS + 2]), 60, "the words to be counted")
    server.stop()
    assert fsck(server.data)[1]["status"] == "ok"
