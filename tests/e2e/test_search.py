"""Searching what was said, by the API and from the command line."""

import json
import random
import urllib.parse

import pytest

from harness import Client, cli, cli_json, free_port, noise_wav


@pytest.fixture(scope="module")
def said(shared):
    """A transcript that says t0 to t19."""
    job = shared.client.wait_job(shared.client.upload_null(20, seed=77)["job_id"])
    assert job["status"] == "completed", job
    return shared.client.transcript(job)


def search(client, q, **parameters):
    return client.get("/api/search?" + urllib.parse.urlencode({"q": q, **parameters}))


def test_a_word_is_found_where_and_when_it_is_said(client, said):
    found = search(client, '"t7 t8"', file_id=said["file_id"]).json
    assert found["total_hits"] == 1 and found["total_is_exact"] and not found["partial"]
    result, = found["results"]
    assert result["transcript_id"] == said["id"] and result["hit_count"] == 1
    hit, = result["hits"]
    mark, = hit["marks"]
    assert hit["snippet"][mark["start"]:mark["start"] + mark["length"]] == "t7 t8"
    assert abs(hit["at"] - 7) < 0.01


@pytest.mark.parametrize("q, parameters, hits", [
    ("t7 -t8", {}, 0),
    ("t7 OR nonsuch", {}, 1),
    ("T7 is:complete", {}, 1),
    ("t7 is:partial", {}, 0),
    ("nonsuch*", {}, 0),
    ("6 t7 t", {"mode": "substring"}, 1),
    ("t7", {"mode": "substring", "status": "failed"}, 0),
    ("t7", {"until": "2001-01-01"}, 0),
    ("t7", {"longer": "19.5", "shorter": 21, "sort": "newest"}, 1),
])
def test_searches_and_conditions(client, said, q, parameters, hits):
    found = search(client, q, file_id=said["file_id"], **parameters).json
    assert found["total_hits"] == hits, found
    assert len(found["results"]) == min(hits, 1)


@pytest.mark.parametrize("q, column", [
    ('say "never closed', 5), ("(a OR b", 1), ("-a", 1), ("a*b", 2), ("a OR", 5),
    ("since:soon a", 7), (" ", 1), ("( " * 20, 33),
])
def test_what_cannot_be_meant_is_refused_at_its_column(client, q, column):
    reply = search(client, q)
    assert reply.status == 400, reply
    assert reply.error["code"] == "INVALID_VALUE" and reply.error["field"] == "q"
    assert f"q, column {column}: " in reply.error["message"]


def test_languages_have_names(client, said):
    made = client.request("POST", f"/api/files/{said['file_id']}/transcripts?language=en&format=txt",
                          body=b"zebra crossing", headers={"Content-Type": "application/octet-stream"})
    assert made.status == 201, made
    for language, hits in (("English", 1), ("en", 1), ("german", 0)):
        assert search(client, "zebra", language=language).json["total_hits"] == hits
        assert search(client, f"zebra lang:{language}").json["total_hits"] == hits
    reply = search(client, "zebra", language="nonsuch")
    assert reply.status == 400 and reply.error["field"] == "language"


def test_what_a_speaker_says_is_found(client, said, shared):
    text = "WEBVTT\n\n00:00.000 --> 00:02.000\n<v Ann>a quagga\n\n" \
           "00:02.000 --> 00:04.000\n<v Bo>another quagga\n"
    made = client.request("POST", f"/api/files/{said['file_id']}/transcripts", body=text.encode(),
                          headers={"Content-Type": "text/vtt"})
    assert made.status == 201, made
    for speaker, hits in (("Ann", ["Ann"]), ("bo", ["Bo"]), ("Eve", []), (None, ["Ann", "Bo"])):
        asked = {"speaker": speaker} if speaker else {}
        for found in (search(client, "quagga", **asked).json,
                      search(client, f"speaker:{speaker} quagga" if speaker else "quagga").json,
                      cli_json("search", "quagga", *(f"--speaker={x}" for x in asked.values()),
                               data=shared.data)):
            told = sorted(h["speaker"] for r in found["results"] for h in r["hits"])
            assert told == hits and found["total_hits"] == len(hits), (speaker, found)
    shown = cli("search", "--speaker", "Ann", "quagga", data=shared.data, check=0).stdout
    assert "Ann: a [quagga]" in shown and "Bo" not in shown, shown


def test_hostile_text_finds_nothing_and_breaks_nothing(client):
    for q in ("NEAR(zz yy, 3)", "{text}:zz", "text:zz", "^zz", "zz'; DROP TABLE jobs", "zz\\",
              "\x01" "2\x02zz", "zz;--", "%zz%", "zz" * 400):
        for mode in ("words", "substring"):
            reply = search(client, q, mode=mode)
            assert reply.status == 200 and reply.json["results"] == [], (q, reply)


# Every parameter by which something is searched.
SEARCHED = ["/api/search?mode=words&q=", "/api/search?mode=substring&q=", "/api/search?in=names&q=",
            "/api/jobs?search=", "/api/files?name=", "/api/transcripts?language="]
# Signs and words that mean something to SQL, to its text index, to a page or to a shell; "zebra" is said.
FRAGMENTS = ['"', " * ", "NEAR(", "^", ":", " AND ", "-", "{", "}", "' or 1=1--", "; drop table jobs",
             "\0", "\\", "%", "_", "(", ")", "''", "union select hash from tokens", "\u202e", "\U0001f600",
             "zebra", "会議", "<script>", "${7*7}", "../../", "\x01", "NOT", "OR", "speaker:", "lang:xx",
             'tag:"', "since:", "job:", "is:", "9" * 40]
# Of the store, its statements and what it says of a wrong one; none of it is in a fragment.
TOLD = ["SELECT", "MATCH", "sqlite", "fts5", "near \\\"", "no such column", "no such table"]


@pytest.fixture
def strangers(make_server):
    """(ann, bob): the first has a recording, a job and a transcript, all of zebras."""
    port = free_port()
    local = make_server({"SCRIPTA_WORKERS": -1, "SCRIPTA_HTTP_RATE_LIMIT": 0},
                        ["--listen", f"127.0.0.1:{port}"]).client

    def owner(name):
        made = local.post("/api/tokens", {"name": name, "owner": name, "scopes": ["read", "write"]})
        return Client(port=port, token=made.json["token"])

    ann, bob = owner("ann"), owner("bob")
    job = ann.upload(noise_wav(2, 34), name="zebra", engine="null", vad="off").json
    made = ann.request("POST", f"/api/files/{job['file_id']}/transcripts?language=en&format=txt",
                       body=b"a secret zebra", headers={"Content-Type": "application/octet-stream"})
    assert made.status == 201, made
    return ann, bob


def found_in(reply):
    return [v for v in reply.json.values() if isinstance(v, list) and v]


def test_hostile_text_tells_nothing_of_others_nor_of_the_store(strangers):
    """G34: each of 500 texts to all that searches, by an owner who has nothing."""
    ann, bob = strangers
    for route in SEARCHED:
        path = route + ("en" if "language" in route else "zebra")
        assert found_in(ann.get(path)) and not found_in(bob.get(path)), path
    rng = random.Random(34)
    seen = set()
    for text in ("".join(rng.choices(FRAGMENTS, k=rng.randrange(1, 8))) for _ in range(500)):
        for route in SEARCHED:
            reply = bob.get(route + urllib.parse.quote(text))
            seen.add(reply.status)
            assert reply.status in (200, 400), (route, text, reply)
            assert not [x for x in [*TOLD, "secret"] if x in reply.text], (route, text, reply)
            assert not found_in(reply), (route, text, reply)
    assert seen == {200, 400}


def test_pages_follow_each_other(client, said):
    seen, cursor = [], None
    for _ in range(50):
        more = {"cursor": cursor} if cursor else {}
        page = search(client, "t7", limit=1, sort="newest", **more).json
        seen += [r["transcript_id"] for r in page["results"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert said["id"] in seen and seen == sorted(set(seen), reverse=True)
    reply = search(client, "t7", cursor="r1-1-1-zz")
    assert reply.status == 400 and reply.error["field"] == "cursor"


def test_a_cursor_goes_on_with_its_own_search_alone(client, said):
    for _ in range(2):
        client.wait_job(client.upload_null(9, seed=7, force="1")["job_id"])
    first = search(client, "t7", limit=1, since="7d").json
    assert first["total_is_exact"] and first["total_transcripts"] > 1 and said
    cursor = first["next_cursor"]
    again = search(client, "t7", limit=2, hits=1, context=1, since="7d", cursor=cursor)
    assert again.status == 200 and again.json["total_is_exact"] and again.json["results"], again
    assert first["results"][0]["transcript_id"] not in [r["transcript_id"] for r in again.json["results"]]
    for q, more in (("t6", {"since": "7d"}), ("t7", {}), ("t7", {"since": "6d"}), ("t7", {"mode": "substring", "since": "7d"})):
        reply = search(client, q, cursor=cursor, **more)
        assert (reply.status, reply.error["field"]) == (400, "cursor"), (q, more, reply)
        assert "of another search" in reply.error["message"]
    assert search(client, "t7", since="7d", cursor=cursor.rsplit(".", 1)[0]).status == 400


def test_from_the_command_line(shared, said):
    where = ["--file-id", str(said["file_id"])]
    shown = cli("search", "t7", "t8", *where, data=shared.data, check=0)
    assert f"transcript {said['id']}" in shown.stdout and "0:07" in shown.stdout
    assert "[t7 t8]" in shown.stdout or "[t7] [t8]" in shown.stdout, shown.stdout
    assert "\033" not in shown.stdout and "1 hit in 1 transcript" in shown.stderr
    assert cli("search", "t7", "--count", *where, data=shared.data, check=0).stdout == "1\n"
    assert cli_json("search", "6 t7", "--substring", *where, data=shared.data)["total_hits"] == 1
    refused = cli("search", "(t7", data=shared.data, check=2)
    assert "scripta: column 1" in refused.stderr
    refused = cli("search", "speaker:ann", data=shared.data, check=2)
    assert "column 1: speaker: alone is not enough: add a word" in refused.stderr


def test_saved_searches(shared, client, said):
    made = client.post("/api/searches", {"name": "mine", "search": {"q": "t7 OR t8", "hits": "1"}})
    assert made.status == 201 and made.headers["Location"] == f"/api/searches/{made.json['id']}"
    for blank in (" ", " mine", "mine "):
        reply = client.post("/api/searches", {"name": blank, "search": {"q": "t7"}})
        assert (reply.status, reply.error["field"]) == (400, "name"), reply
    again = client.post("/api/searches", {"name": "mine", "search": {"q": "t7"}})
    assert again.status == 409 and again.error["field"] == "name"
    path = f"/api/searches/{made.json['id']}"
    renamed = client.request("PATCH", path, '{"name": "ours"}', {"Content-Type": "application/json"})
    assert renamed.json["name"] == "ours" and renamed.json["search"] == made.json["search"]
    assert [s["name"] for s in client.get("/api/searches").json["searches"]] == ["ours"]
    for search_, says in (({"q": "(t7"}, "column 1"), ({}, "q is missing"), ({"q": "a", "x": "1"}, "'x'"),
                          ({"q": "a", "since": "soon"}, "since"), ({"q": 7}, "text"),
                          ({"q": "a", "cursor": "r1-1-1-0"}, "cursor")):
        reply = client.post("/api/searches", {"name": "bad", "search": search_})
        assert reply.status == 400 and says in reply.error["message"], (search_, reply)
    assert "ours" in cli("search", "saved", data=shared.data, check=0).stdout
    assert int(cli("search", "run", "ours", "--count", data=shared.data, check=0).stdout) >= 1
    cli("search", "t7", "--file-id", said["file_id"], "--save", "more", data=shared.data, check=0)
    assert cli_json("search", "run", "more", data=shared.data)["total_hits"] == 1
    # Under a name that there is: that search is this one from now on, and what it was is told.
    again = cli("search", "nonsuch", "--save", "more", data=shared.data, check=0)
    assert "`scripta search run more`" in again.stderr and f"it was: t7 file_id={said['file_id']}" in again.stderr
    assert cli_json("search", "run", "more", data=shared.data)["total_hits"] == 0
    cli("search", "forget", "more", data=shared.data, check=0)
    saved = cli("search", "t7", "--language", "english", "--save", "my search", data=shared.data,
                check=0)
    assert "`scripta search run 'my search'`" in saved.stderr
    cli("search", "forget", "my search", data=shared.data, check=0)
    assert cli("search", "run", "more", data=shared.data).returncode != 0
    assert client.request("DELETE", path).json["name"] == "ours"
    assert client.get(path).status == 404


def test_names_and_notes(make_server):
    server = make_server()
    client = server.client
    job = client.wait_job(client.upload_null(2, seed=5)["job_id"])

    def found(q, **more):
        return [n["kind"] for n in search(client, q, **{"in": "names", **more}).json["names"]]

    def note(path, text):
        reply = client.request("PATCH", path, json.dumps({"notes": text}),
                               {"Content-Type": "application/json"})
        assert reply.status == 200, reply

    assert found("test") == ["file_name"] and found("nonsuch") == []
    note(f"/api/files/{job['file_id']}", "the zebra file")
    note(f"/api/transcripts/{job['transcript_id']}", "a zebra text")
    note(f"/api/jobs/{job['job_id']}", "Zebra work")
    assert sorted(found("zebra")) == ["file_notes", "job_notes", "transcript_notes"]
    page = search(client, "zebra", limit=1, **{"in": "names"}).json
    assert len(page["names"]) == 1 and not page["total_is_exact"]
    assert len(found("zebra", cursor=page["next_cursor"])) == 2
    assert "zebra [file]" in cli("search", "--names", "file", data=server.data, check=0).stdout
    note(f"/api/files/{job['file_id']}", "plain")
    assert sorted(found("zebra")) == ["job_notes", "transcript_notes"]
    # The conditions of the text are those of names, but for who speaks.
    other = client.wait_job(client.upload_null(5, seed=6, language="de")["job_id"])
    note(f"/api/files/{other['file_id']}", "a zebra too")
    tagged = client.request("PATCH", f"/api/jobs/{job['job_id']}", json.dumps({"tags": ["stripes"]}),
                            {"Content-Type": "application/json"})
    assert tagged.status == 200
    notes, job_id = ["job_notes", "transcript_notes"], job["job_id"]
    for wanted, more in (
            (["file_notes"], {"language": "de"}), (["file_notes"], {"file_id": other["file_id"]}),
            (["file_notes"], {"job_id": other["job_id"]}), (notes, {"job_id": job_id}),
            (notes, {"tag": "stripes"}), ([], {"tag": "none"}), ([], {"status": "failed"}),
            (["file_notes", *notes], {"status": "completed"}), ([], {"is": "partial"}),
            (["file_notes", *notes], {"is": "complete", "since": "1h"}), ([], {"until": "1h"}),
            (["file_notes"], {"longer": 4}), (notes, {"shorter": 4}),
            ([], {"language": "de", "job_id": job_id})):
        assert sorted(found("zebra", **more)) == wanted, more
    assert found("zebra lang:de") == ["file_notes"]
    shown = cli("search", "--names", "--language", "de", "zebra", data=server.data, check=0).stdout
    assert "a [zebra] too" in shown and "[Zebra] work" not in shown, shown
    for more in ({"speaker": "b"}, {"mode": "substring"}):
        assert search(client, "zebra", **{"in": "names", **more}).error["field"] in more
    assert client.request("DELETE", f"/api/files/{other['file_id']}?force=1").status == 200
    assert client.request("DELETE", f"/api/jobs/{job['job_id']}").status == 200
    assert found("zebra") == [] and found("plain") == ["file_notes"]
    assert client.request("DELETE", f"/api/files/{job['file_id']}").status == 200
    assert found("test OR plain") == []
