"""Tags and notes of files, jobs and transcripts: PATCH, filters, GET /api/tags, `scripta tag`."""

import json

import pytest

from harness import cli, cli_json, noise_wav


@pytest.fixture(scope="module")
def things(request):
    """(server, {path of each kind: id}): a recording, its job and its transcript."""
    server = request.getfixturevalue("shared")
    reply = server.client.upload(noise_wav(2, 4711), engine="null", vad="off")
    job = server.client.wait_job(reply.json["job_id"])
    yield server, {"files": job["file_id"], "jobs": job["job_id"],
                   "transcripts": job["transcript_id"]}


def patch(client, path, value, **headers):
    return client.request("PATCH", path, body=json.dumps(value),
                          headers={"Content-Type": "application/json", **headers})


@pytest.mark.parametrize("kind", ["files", "jobs", "transcripts"])
def test_one_way_for_all_three(things, kind):
    server, ids = things
    client, path = server.client, f"/api/{kind}/{ids[kind]}"
    marks = [({"tags": ["b", "a", "b"], "notes": "one\ntwo"}, ["a", "b"], "one\ntwo"),
             ({"add_tags": ["c", "ü"], "remove_tags": ["b", "x"]}, ["a", "c", "ü"], "one\ntwo"),
             ({"notes": None}, ["a", "c", "ü"], None)]
    for change, tags, notes in marks:
        reply = patch(client, path, change)
        assert (reply.status, reply.json["tags"], reply.json["notes"]) == (200, tags, notes), reply
        read = client.get(path).json
        assert (read["tags"], read["notes"]) == (tags, notes)
    name = "job_id" if kind == "jobs" else "id"
    for tag, there in (("a", True), ("b", False), ("%C3%BC", True)):
        rows = client.get(f"/api/{kind}?tag={tag}").json[kind]
        assert (ids[kind] in [row[name] for row in rows]) is there, tag
    assert [row["tags"] for row in client.get(f"/api/{kind}?tag=c").json[kind]] == [["a", "c", "ü"]]
    known = client.get(path).headers["ETag"]
    changed = patch(client, path, {"add_tags": ["d"]}, **{"If-Match": known})
    assert changed.status == 200
    if kind != "transcripts":  # the answer is what GET answers
        assert changed.headers["ETag"] == client.get(path).headers["ETag"] != known
    assert patch(client, path, {"tags": []}, **{"If-Match": known}).status == 412
    assert patch(client, path, {"tags": []}).json["tags"] == []


@pytest.mark.parametrize("kind", ["files", "jobs", "transcripts"])
@pytest.mark.parametrize("value,fields", [
    ({"tags": "a", "notes": 5}, ["tags", "notes"]),
    ({"tags": [" a"]}, ["tags"]), ({"add_tags": [1]}, ["add_tags"]),
    ({"remove_tags": ["x" * 65]}, ["remove_tags"]), ({"notes": "x" * 10_001}, ["notes"]),
    ({"tags": [str(i) for i in range(33)]}, ["tags"]),
    ({"tags": ["a"], "add_tags": ["b"]}, ["tags"]),
    ({"add_tags": ["a"], "remove_tags": ["a"]}, ["remove_tags"]),
    ({"text": "other words", "tags": ["\n"]}, ["text", "tags"]),
])
def test_what_is_bad_is_named(things, kind, value, fields):
    server, ids = things
    path = f"/api/{kind}/{ids[kind]}"
    before = server.client.get(path).json
    reply = patch(server.client, path, value)
    assert (reply.status, reply.error["code"], reply.error["field"]) == (
        400, "INVALID_VALUE", fields[0]), reply
    assert all(field in reply.error["message"] for field in fields), reply
    assert server.client.get(path).json == before


def test_nothing_to_change_and_too_many(things):
    server, ids = things
    for kind, number in ids.items():
        path = f"/api/{kind}/{number}"
        assert patch(server.client, path, {}).error["code"] == "INVALID_REQUEST"
        assert patch(server.client, path, {"tags": [f"t{i}" for i in range(32)]}).status == 200
        reply = patch(server.client, path, {"add_tags": ["t32"]})
        assert (reply.status, reply.error["field"]) == (400, "add_tags"), reply
        assert patch(server.client, path, {"tags": None}).json["tags"] == []
    assert patch(server.client, "/api/files/99", {"notes": "n"}).error["code"] == "FILE_NOT_FOUND"
    reply = patch(server.client, "/api/transcripts/none", {"notes": "n"})
    assert reply.error["code"] == "TRANSCRIPT_NOT_FOUND"


def test_the_words_in_use(make_server):
    server = make_server(env={"SCRIPTA_FAULT": "tags.list:fail:2"})
    client = server.client
    file_id = client.upload(noise_wav(1, 5), path="/api/files/upload").json["file_id"]
    job_id = client.post("/api/jobs", {"pipeline": "noop"}).json["job_id"]
    assert client.get("/api/tags").json == {"tags": [], "next_cursor": None, "partial": False}
    patch(client, f"/api/files/{file_id}", {"tags": ["ä/ b", "both"]})
    patch(client, f"/api/jobs/{job_id}", {"tags": ["both"]})
    both = {"tag": "both", "files": 1, "jobs": 1, "transcripts": 0}
    other = {"tag": "ä/ b", "files": 1, "jobs": 0, "transcripts": 0}
    # The time is up behind the second word, and again not: the rest comes on the next page.
    page = client.get("/api/tags").json
    assert (page["tags"], page["partial"]) == ([both, other], True)
    rest = client.get(f"/api/tags?cursor={page['next_cursor']}").json
    assert rest == {"tags": [], "next_cursor": None, "partial": False}
    page = client.get("/api/tags?limit=1").json
    assert (page["tags"], page["partial"]) == ([both], False)
    assert client.get(f"/api/tags?cursor={page['next_cursor']}").json["tags"] == [other]
    for cursor in ("x", "t0", "tzz", "j1"):
        assert client.get(f"/api/tags?cursor={cursor}").error["field"] == "cursor"
    # What is deleted counts no more, and the same bytes come again without marks.
    data = server.data
    table = cli("tag", data=data).stdout.splitlines()
    assert [row.split() for row in table] == [["TAG", "FILES", "JOBS", "TRANSCRIPTS"],
                                              ["both", "1", "1", "0"], ["ä/", "b", "1", "0", "0"]]
    assert client.request("DELETE", f"/api/files/{file_id}").status == 200
    assert client.get("/api/tags").json["tags"] == [{**both, "files": 0}]
    again = client.upload(noise_wav(1, 5), path="/api/files/upload").json
    assert (again["duplicate"], again["tags"], again["notes"]) == (False, [], None)


def test_marks_stay_through_the_archive_and_a_second_upload(make_server):
    client = make_server().client
    made = client.upload(noise_wav(1, 6), path="/api/files/upload").json
    path = f"/api/files/{made['file_id']}"
    patch(client, path, {"tags": ["t"], "notes": "n"})
    again = client.upload(noise_wav(1, 6), path="/api/files/upload").json
    assert (again["duplicate"], again["tags"], again["notes"]) == (True, ["t"], "n")
    for verb in ("archive", "restore"):
        assert client.post(f"{path}/{verb}").status == 200
        read = client.get(path).json
        assert (read["tags"], read["notes"]) == (["t"], "n")


def test_the_command_line(things):
    server, ids = things
    data = server.data
    done = cli("tag", "file", ids["files"], "--add", "b, a", "--add", "c", "--remove", "x",
               data=data, check=0)
    assert done.stdout == f"file {ids['files']}: a, b, c\n"
    assert cli("tag", "job", ids["jobs"], "--tags", "one", data=data, check=0).stdout == (
        f"job {ids['jobs']}: one\n")
    done = cli("tag", "transcript", ids["transcripts"], 99, "-a", "t", data=data)
    assert (done.returncode, done.stdout) == (1, f"transcript {ids['transcripts']}: t\n")
    assert "no such transcript: '99'" in done.stderr
    assert cli("tag", "transcript", ids["transcripts"], data=data).stdout == (
        f"transcript {ids['transcripts']}: t\n")
    rows = cli_json("transcripts", "list", "--tag", "t", data=data)["transcripts"]
    assert [row["id"] for row in rows] == [ids["transcripts"]]
    assert "no files match" in cli("files", "list", "--tag", "t", data=data).stderr
    assert cli_json("tag", "file", ids["files"], "-r", "a,b,c", data=data)["tags"] == []
    # A comma within a tag, and a backslash, as they are shown.
    patch(server.client, f"/api/files/{ids['files']}", {"tags": ["a", "b, c", "d\\", "b"]})
    shown = cli("tag", "file", ids["files"], data=data).stdout
    assert shown == f"file {ids['files']}: a, b, b\\, c, d\\\\\n"
    left = cli_json("tag", "file", ids["files"], "-r", "b\\, c", "-a", "e\\f,g", data=data)["tags"]
    assert left == ["a", "b", "d\\", "e\\f", "g"]
    left = cli_json("tag", "file", ids["files"], "-r", "d\\\\,e\\\\f", data=data)["tags"]
    assert left == ["a", "b", "g"]
    assert cli_json("tag", "file", ids["files"], "--tags", shown.split(": ")[1].strip(),
                    data=data)["tags"] == ["a", "b", "b, c", "d\\"]
    cli("tag", "file", ids["files"], "--tags", "", data=data, check=0)
    assert cli("note", "file", ids["files"], "one\ntwo", data=data, check=0).stdout == "one\ntwo\n"
    assert cli_json("note", "file", ids["files"], data=data)["notes"] == "one\ntwo"
    done = cli("note", "file", ids["files"], "", data=data, check=0)
    assert (done.stdout, done.stderr.strip()) == ("", "no notes")
    assert "`scripta tag file ID`" in cli("tag", "file", data=data).stderr
    wrong = cli("tag", "files", ids["files"], data=data)
    assert wrong.returncode == 2 and "'files' is none of file, job and transcript" in wrong.stderr
