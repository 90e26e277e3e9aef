"""/api/files and `scripta files`: lists, downloads, what is known, the room that they take."""

import hashlib
import json
import urllib.parse

import pytest

from harness import Server, cli, cli_json, noise_wav

NAMES = ["beta.wav", "alpha.wav", "gamma \"quoted\".wav", "Ünïcode ☃.wav", "beta.wav"]


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A server of its own with five files; the first arrived three times."""
    server = Server(tmp_path_factory.mktemp("files") / "data").start()
    rows = []
    for i, name in enumerate(NAMES):
        data = noise_wav(3 - i % 3, 900 + i)
        reply = server.client.upload(data, name=name, path="/api/files/upload")
        assert reply.status == 201, reply
        rows.append((reply.json["file_id"], name, data))
    for name in ("again.wav", "beta.wav"):
        reply = server.client.upload(rows[0][2], name=name, path="/api/files/upload")
        assert reply.status == 200 and reply.json["duplicate"], reply
    server.client.wait_job(server.client.upload(rows[1][2], engine="null").json["job_id"])
    yield server, rows
    server.destroy()


def ids(server, query=""):
    reply = server.client.get(f"/api/files?{query}")
    assert reply.status == 200, reply
    assert reply.json["partial"] is False
    return [f["id"] for f in reply.json["files"]]


def test_filters_and_orders(house):
    server, rows = house
    every = [r[0] for r in rows]
    assert ids(server) == every[::-1]
    assert ids(server, "sort=uploaded_at") == every
    assert ids(server, "name=beta.wav") == [every[4], every[0]]
    assert ids(server, "name=" + urllib.parse.quote(NAMES[3])) == [every[3]]
    assert ids(server, "format=wav&sort=uploaded_at") == every
    assert ids(server, "format=mp3") == []
    assert ids(server, "unused=true&sort=uploaded_at") == [every[0], *every[2:]]
    assert ids(server, "since=1d") == every[::-1] and ids(server, "until=1d") == []
    assert ids(server, f"hash={hashlib.sha256(rows[2][2]).hexdigest()}") == [every[2]]
    by_size = [r[0] for r in sorted(rows, key=lambda r: (len(r[2]), r[0]))]
    assert ids(server, "sort=size_bytes") == by_size
    assert ids(server, "sort=-duration_seconds") == by_size[::-1]
    by_name = [r[0] for r in sorted(rows, key=lambda r: (r[1].encode(), r[0]))]
    assert ids(server, "sort=original_name") == by_name


@pytest.mark.parametrize("query,field", [
    ("sort=name", "sort"), ("unused=perhaps", "unused"), ("hash=ABC", "hash"),
    ("since=yesterday", "since"), ("cursor=fz1-1-", "cursor"), ("cursor=j1", "cursor"),
    ("kind=x", "kind"), ("cursor=fn1-1-zz", "cursor"),
])
def test_bad_filters_are_named(house, query, field):
    reply = house[0].client.get(f"/api/files?{query}")
    assert reply.status == 400 and reply.error["field"] == field, reply


@pytest.mark.parametrize("sort", ["-uploaded_at", "size_bytes", "-duration_seconds",
                                  "original_name", "-original_name"])
def test_a_cursor_stays_right_while_files_arrive(tmp_path, sort):
    server = Server(tmp_path / "data").start()
    try:
        def bring(i):
            name = f"{chr(97 + i * 7 % 26)}.wav"
            return server.client.upload(noise_wav(1 + i % 3, 70 + i), name=name,
                                        path="/api/files/upload").json["file_id"]

        first = {bring(i) for i in range(6)}
        seen, cursor, more = [], "", 6
        while cursor is not None:
            page = server.client.get(f"/api/files?limit=2&sort={sort}" + cursor).json
            seen += [f["id"] for f in page["files"]]
            cursor = page["next_cursor"] and f"&cursor={page['next_cursor']}"
            if more < 9:
                bring(more)
                more += 1
        assert len(seen) == len(set(seen)) and first <= set(seen)
        assert seen == [i for i in ids(server, f"sort={sort}") if i in seen]
    finally:
        server.destroy()


def test_download_whole_ranged_and_conditional(house):
    server, rows = house
    file_id, _, data = rows[2]
    path = f"/api/files/{file_id}/download"
    etag = f'"{hashlib.sha256(data).hexdigest()}"'
    get = lambda **headers: server.client.get(path, headers=headers)
    whole = get()
    assert whole.status == 200 and whole.body == data
    assert whole.headers["ETag"] == etag and whole.headers["Content-Type"] == "audio/wav"
    assert whole.headers["X-Content-Type-Options"] == "nosniff"
    assert whole.headers["Content-Disposition"] == (
        "attachment; filename=\"gamma _quoted_.wav\"; filename*=UTF-8''gamma%20%22quoted%22.wav")
    part = get(Range="bytes=10-19")
    assert part.status == 206 and part.body == data[10:20]
    assert part.headers["Content-Range"] == f"bytes 10-19/{len(data)}"
    assert get(Range="bytes=-5").body == data[-5:]
    assert get(**{"Range": "bytes=10-", "If-Range": etag}).status == 206
    assert get(**{"Range": "bytes=10-", "If-Range": '"other"'}).body == data
    beyond = get(Range=f"bytes={len(data)}-")
    assert beyond.status == 416 and beyond.headers["Content-Range"] == f"bytes */{len(data)}"
    assert beyond.error["code"] == "RANGE_NOT_SATISFIABLE" and str(len(data)) in beyond.text
    assert "Content-Disposition" not in beyond.headers and beyond.headers["ETag"] == etag
    assert get(**{"If-None-Match": etag}).status == 304
    head = server.client.request("HEAD", path)
    assert head.status == 200 and not head.body
    assert head.headers["Content-Length"] == str(len(data))
    assert server.client.get("/api/files/999/download").error["code"] == "FILE_NOT_FOUND"
    assert server.client.get(path + "?x=1").status == 400


def test_the_command_downloads_continues_and_checks(house, tmp_path):
    server, rows = house
    file_id, _, data = rows[0]
    out = tmp_path / "out.wav"
    part = tmp_path / "out.wav.part"
    get = lambda *args: cli("files", "download", file_id, *args, data=server.data)
    assert get("-o", out).returncode == 0 and out.read_bytes() == data and not part.exists()
    again = get("-o", out)
    assert again.returncode == 4 and "--overwrite" in again.stderr
    out.unlink()
    part.write_bytes(data[:1000])
    assert get("-o", out).returncode == 0 and out.read_bytes() == data
    # What was there is not the beginning of this file: it is noticed and all comes anew.
    part.write_bytes(b"x" * 1000)
    assert get("-o", out, "--overwrite").returncode == 0 and out.read_bytes() == data
    part.write_bytes(data + b"too long")
    assert get("-o", out, "--overwrite").returncode == 0 and out.read_bytes() == data
    done = cli("files", "download", rows[3][0], data=server.data, cwd=tmp_path, check=0)
    assert done.stdout == "Ünïcode ☃.wav\n" and (tmp_path / "Ünïcode ☃.wav").is_file()
    assert cli("files", "download", 999, data=server.data).returncode == 3


def test_a_damaged_file_is_not_taken_for_the_recording(tmp_path):
    server = Server(tmp_path / "data").start()
    try:
        file = server.client.upload(noise_wav(1, 5), path="/api/files/upload").json
        blob = server.data / file["file_path"]
        blob.write_bytes(b"\0" * blob.stat().st_size)
        done = cli("files", "download", file["file_id"], "-o", tmp_path / "x", data=server.data)
        assert done.returncode == 13 and "files verify" in done.stderr, done
        assert sorted(p.name for p in tmp_path.iterdir() if p.name.startswith("x")) == []
        blob.unlink()
        reply = server.client.get(f"/api/files/{file['file_id']}/download")
        assert reply.status == 404 and reply.error["code"] == "FILE_NOT_FOUND"
    finally:
        server.destroy()


def test_duplicates_uploads_and_usage(house):
    server, rows = house
    first = rows[0]
    twice = server.client.get("/api/files/duplicates").json["duplicates"]
    assert [(d["file_id"], d["count"], d["saved_bytes"]) for d in twice] == [
        (first[0], 3, 2 * len(first[2])), (rows[1][0], 2, len(rows[1][2]))]
    shown = cli("files", "duplicates", data=server.data, check=0).stdout.splitlines()
    assert [(int(line.split()[0]), int(line.split()[2])) for line in shown[1:]] == [
        (first[0], 3), (rows[1][0], 2)], shown
    assert cli_json("files", "duplicates", "-n", 1, data=server.data)["duplicates"] == twice[:1]
    page = server.client.get(f"/api/files/{first[0]}/uploads?limit=2").json
    assert [u["name"] for u in page["uploads"]] == ["beta.wav", "again.wav"]
    rest = server.client.get(f"/api/files/{first[0]}/uploads?cursor={page['next_cursor']}").json
    assert [u["name"] for u in rest["uploads"]] == ["beta.wav"] and rest["next_cursor"] is None
    assert [(u["file_id"], u["by"]) for u in rest["uploads"]] == [(first[0], "local")]
    usage = server.client.get("/api/files/usage").json
    total = sum(len(r[2]) for r in rows)
    assert (usage["files"], usage["own_bytes"], usage["used_bytes"]) == (5, total, total)
    assert usage["formats"] == [{"format": "wav", "files": 5, "bytes": total}]
    assert usage["saved_bytes"] == 2 * len(first[2]) + len(rows[1][2])
    assert usage["limit_bytes"] is None and "fits" not in usage
    assert cli_json("files", "usage", "--additional", "1", data=server.data)["fits"] is True
    assert server.client.get("/api/files/usage?additional=-1").status == 400


def test_usage_knows_the_quota(tmp_path):
    server = Server(tmp_path / "data", env={"SCRIPTA_UPLOAD_QUOTA": "50000"}).start()
    try:
        size = len(noise_wav(1, 5))
        server.client.upload(noise_wav(1, 5), path="/api/files/upload")
        usage = server.client.get("/api/files/usage?additional=40000").json
        assert usage["limit_bytes"] == 50000 and usage["available_bytes"] == 50000 - size
        assert usage["fits"] is False
        done = cli("files", "usage", "--additional", "40k", data=server.data)
        assert done.returncode == 8 and "no" in done.stdout
    finally:
        server.destroy()


def test_find_asks_without_uploading(house, tmp_path):
    server, rows = house
    known = tmp_path / "known.wav"
    known.write_bytes(rows[1][2])
    other = tmp_path / "other.wav"
    other.write_bytes(noise_wav(1, 4321))
    done = cli("files", "find", known, hashlib.sha256(rows[0][2]).hexdigest(), data=server.data,
               check=0)
    assert f": file {rows[1][0]}, alpha.wav\n" in done.stdout
    done = cli("files", "find", known, other, data=server.data)
    assert done.returncode == 3 and "other.wav: not known" in done.stdout
    assert cli("files", "find", tmp_path, data=server.data).returncode == 2
    assert len(ids(server)) == 5


def test_names_are_data_on_a_terminal_and_in_logs(tmp_path):
    server = Server(tmp_path / "data").start()
    try:
        name = "a\x1b[31mred\nline\u202e.wav"
        reply = server.client.upload(noise_wav(1, 6), name=name.replace("\n", "\x85"), engine="null")
        assert reply.status == 201, reply
        for command in (("files", "list"), ("files", "show", reply.json["file_id"]),
                        ("files", "uploads", reply.json["file_id"]), ("jobs", "list")):
            out = cli(*command, data=server.data, check=0).stdout
            assert "\x1b" not in out and "\u202e" not in out and "\x85" not in out
        shown = json.loads(server.client.get("/api/files").text)["files"][0]["original_name"]
        assert "\x1b" in shown
        assert b"\x1b" not in (server.data / "logs/scripta.log").read_bytes()
    finally:
        server.destroy()
