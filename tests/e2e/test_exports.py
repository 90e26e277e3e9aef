"""Exports: their options, files that are kept, versions, formats; by HTTP and by the command line."""

import concurrent.futures
import contextlib
import csv
import gzip
import io
import json
import re
import signal
import sqlite3
import urllib.parse

import pytest

from harness import ROOT, cli, cli_json, kill, noise_wav, null_words, processes, wait_until
from remains import count

FORMATS = re.findall(r"^SC_FORMAT\((\w+)", (ROOT / "src/config/formats.def").read_text("utf-8"), re.M)


@pytest.fixture(scope="module")
def done(shared):
    """A finished job of 12 s and the path of its transcript."""
    reply = shared.client.upload(noise_wav(12, 51), name='café "1".wav', engine="null", vad="off",
                                 language="en", model="delay_ms=1")
    job = shared.client.wait_job(reply.json["job_id"])
    assert job["status"] == "completed", job
    path = f"/api/transcripts/{job['transcript_id']}"
    # The automatic one comes behind its end, and must not come between what tests compare.
    wait_until(lambda: exports(shared.client, path), 20, "the automatic export")
    return job, path


def error(reply, status, code, field=None):
    assert reply.status == status, reply
    assert reply.error["code"] == code and reply.error.get("field") == field, reply
    return reply.error["message"]


def export(client, path, **body):
    return client.post(f"{path}/export", body)


def exports(client, path):
    return client.get(f"{path}/exports").json["exports"]


# ---- sent ----


def test_options_are_query_parameters(client, done):
    path = done[1]
    text = client.get(f"{path}/export.srt?max_line_length=10&max_lines=1&offset=1.5").text
    lines = [b.split("\n") for b in text.strip().split("\n\n")]
    assert lines[0] == ["1", "00:00:01,500 --> 00:00:04,500", "t0 t1 t2"], text
    assert all(len(b) == 3 and len(b[2]) <= 10 for b in lines)
    assert " ".join(b[2] for b in lines).split() == null_words(12)
    raw = client.get(f"{path}/export.vtt?captions=off").text
    assert raw == f"WEBVTT\n\n00:00:00.000 --> 00:00:12.000\n{' '.join(null_words(12))}\n\n"
    words = client.get(f"{path}/export.csv?words=on&bom=on&speakers=off").body
    rows = list(csv.DictReader(io.StringIO(words.decode("utf-8-sig"), newline="")))
    assert words.startswith(b"\xef\xbb\xbf") and words.count(b"\r\n") == len(rows) + 1
    assert [r["text"] for r in rows] == null_words(12) and rows[3]["start"] == "3.000"
    bare = client.get(f"{path}/export.json?words=off&metadata=off").json
    assert list(bare) == ["text", "segments"] and "words" not in bare["segments"][0]


def test_metadata_says_what_was_transcribed_by_what(client, done):
    job, path = done
    note = client.get(f"{path}/export.vtt?metadata=on").text.split("\n\n")[1].split("\n")
    assert note[0] == "NOTE" and 'recording: café "1".wav' in note
    assert "engine: null" in note and "model: delay_ms=1" in note and "language: en" in note
    value = client.get(f"{path}/export.json").json
    assert (value["file_name"], value["engine"]) == ('café "1".wav', "null")
    assert value["job_id"] == job["job_id"]


def test_metadata_says_it_also_when_the_job_was_cleaned_away(make_server):
    client = make_server().client
    job = client.upload(noise_wav(3, 52), name="memo.wav", engine="null", vad="off", language="en",
                        model="delay_ms=1").json["job_id"]
    client.wait_job(job)
    before = client.get("/api/transcripts/1/export.vtt?metadata=on").text
    assert "engine: null\nmodel: delay_ms=1\n" in before
    wait_until(lambda: client.post("/api/jobs/clean", {"older_than_days": 0, "dry_run": False}).json["jobs"] == 1,
               20, "the job to go")
    wait_until(lambda: client.get("/api/transcripts/1").json["job_id"] is None, 20, "its transcript alone")
    after = client.get("/api/transcripts/1/export.vtt?metadata=on").text
    assert f"job: {job}\n" in before and after == before.replace(f"job: {job}\n", "")
    assert client.request("PUT", "/api/transcripts/1", json.dumps({"text": "other words"}),
                          {"Content-Type": "application/json"}).status == 200
    assert client.post("/api/transcripts/1/prune", {"keep": 1}).status == 200
    assert "engine" not in client.get("/api/transcripts/1/export.vtt?metadata=on").text, "nobody heard these"
    made = client.request("POST", "/api/files/1/transcripts", "1\n00:00:00,000 --> 00:00:01,000\nhello\n",
                          {"Content-Type": "application/x-subrip"}).json["transcript_id"]
    assert "engine" not in client.get(f"/api/transcripts/{made}/export.vtt?metadata=on").text


@pytest.mark.parametrize("ext, query, field", [
    ("srt", "max_line_length=9", "max_line_length"), ("srt", "max_lines=two", "max_lines"),
    ("txt", "max_lines=2", "max_lines"), ("json", "bom=on", "bom"), ("srt", "words=on", "words"),
    ("csv", "colour=red", "colour"), ("vtt", "words=on&words=off", "words"),
    ("vtt", "offset=1e3", "offset"), ("srt", "version=0", "version"), ("srt", "scale=0", "scale"),
    ("txt", "template=%7Bno%7D", "template"), ("docx", "bom=on", "bom"),
    ("csv", "bom=on&encoding=windows-1252", "bom"),
])
def test_wrong_options_are_refused_by_name(client, done, ext, query, field):
    error(client.get(f"{done[1]}/export.{ext}?{query}"), 400, "INVALID_VALUE", field)


def test_downloads_are_named_after_the_recording(client, done):
    headers = client.get(f"{done[1]}/export.vtt").headers
    assert headers["Content-Disposition"] == (
        "attachment; filename=\"caf_ _1_.vtt\"; filename*=UTF-8''caf%C3%A9%20%221%22.vtt")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Type"] == "text/vtt; charset=utf-8"


def test_every_format_is_a_download_of_its_type(client, done):
    for entry in client.get("/api/formats").json["formats"]:
        name = entry["format_name"]
        headers = client.get(f"{done[1]}/export.{name}").headers
        assert headers["Content-Type"] == entry["mime_type"], name
        assert headers["X-Content-Type-Options"] == "nosniff", name
        assert headers["Content-Disposition"].startswith("attachment; "), name
        assert headers["Content-Disposition"].endswith(f"caf%C3%A9%20%221%22.{name}"), name


def test_text_is_written_in_the_encoding_asked_for(client, done):
    plain = client.get(f"{done[1]}/export.srt").body.decode("utf-8")
    wide = client.get(f"{done[1]}/export.srt?encoding=utf-16le")
    assert wide.headers["Content-Type"] == "application/x-subrip; charset=utf-16le"
    assert wide.body.decode("utf-16") == plain
    narrow = client.get(f"{done[1]}/export.srt?encoding=windows-1252")
    assert narrow.headers["Content-Type"] == "application/x-subrip; charset=windows-1252"
    assert narrow.body.decode("cp1252") == plain


def test_a_template_of_the_longest_kind_fits_into_an_address(client, done):
    layout = "{index}\t{text}\u00e4{{}}\n"
    layout += "\u00e4" * ((2000 - len(layout.encode())) // 2)
    reply = client.get(f"{done[1]}/export.txt?template={urllib.parse.quote(layout, safe='')}")
    assert reply.status == 200, reply
    assert reply.body.decode().startswith("1\tt0 t1 ")
    made = export(client, done[1], format="txt", options={"template": layout})
    assert made.status == 201 and made.json["size_bytes"] == len(reply.body)


def test_formats_list_every_option_with_its_default(client, done):
    formats = {f["format_name"]: f for f in client.get("/api/formats").json["formats"]}
    assert sorted(formats) == sorted(FORMATS)
    defaults = {o["name"]: o["default"] for o in formats["srt"]["options"]}
    assert (defaults["max_line_length"], defaults["captions"]) == (42, True)
    assert defaults["line_ends"] == "lf"
    for name, entry in formats.items():
        query = "&".join(f"{o['name']}={json.dumps(o['default']).strip(chr(34))}"
                         for o in entry["options"])
        plain, asked = (client.get(f"{done[1]}/export.{name}?{q}") for q in ("", query))
        assert plain.status == asked.status == 200 and plain.body == asked.body, name
        assert plain.headers["Content-Type"] == entry["mime_type"]


# ---- switched off ----


def switch(client, name, value):
    return client.request("PATCH", f"/api/formats/{name}", body=json.dumps(value),
                          headers={"Content-Type": "application/json"})


def test_a_format_is_switched_off_and_on(make_server):
    server = make_server({"SCRIPTA_AUTO_EXPORT": "vtt,srt"})
    client = server.client
    error(switch(client, "pdf", {"is_active": False}), 404, "NOT_FOUND")
    error(switch(client, "vtt", {}), 400, "INVALID_VALUE", "is_active")
    reply = switch(client, "vtt", {"is_active": False})
    assert reply.status == 200 and reply.json["format_name"] == "vtt" and reply.json["is_active"] is False
    assert [f["format_name"] for f in client.get("/api/formats").json["formats"] if not f["is_active"]] == \
        ["vtt"]
    job = client.wait_job(client.upload_null(3, 61)["job_id"])
    path = f"/api/transcripts/{job['transcript_id']}"
    assert "vtt" in error(client.get(f"{path}/export.vtt"), 409, "FORMAT_DISABLED", "format")
    error(export(client, path, format="vtt"), 409, "FORMAT_DISABLED", "format")
    wait_until(lambda: [e["format_name"] for e in exports(client, path)] == ["srt"], 30, "the export")
    assert count(server, "SELECT count(*) FROM jobs WHERE exports_due = 1") == 0
    assert "exports as vtt are switched off" in (server.data / "logs/scripta.log").read_text()
    failed = cli("transcripts", "export", str(job["transcript_id"]), "-f", "vtt", data=server.data)
    assert failed.returncode == 4 and "--enable vtt" in failed.stderr
    assert "vtt: WebVTT captions (switched off)" in \
        cli("transcripts", "formats", data=server.data, check=0).stdout
    cli("transcripts", "formats", "--enable", "vtt", data=server.data, check=0)
    cli("transcripts", "formats", "--enable", "vtt", data=server.data, check=0)
    assert client.get(f"{path}/export.vtt").status == 200
    assert count(server, "SELECT count(*) FROM changes WHERE kind = 'format.switched'") == 2


# ---- kept ----


def test_an_export_is_kept_below_transcripts(server, client, done):
    job, path = done
    before = client.get(f"{path}/export.vtt?max_line_length=10").body
    reply = export(client, path, format="vtt", options={"max_line_length": 10})
    assert reply.status == 201 and reply.json["version_number"] == 1, reply
    place = f"transcripts/{job['job_id']}/transcript.vtt"
    assert reply.json["file_path"] == place
    assert (server.data / place).read_bytes() == before
    assert reply.json["size_bytes"] == len(before)
    again = export(client, path, format="vtt", version=1, output_path="talks/a b.vtt",
                   options={"offset": 1.5, "words": True, "line_ends": "crlf"})
    assert again.status == 201 and again.json["file_path"] == "transcripts/talks/a b.vtt", again
    assert b"<00:00:02.500>t1" in (server.data / "transcripts/talks/a b.vtt").read_bytes()
    listed = exports(client, path)
    assert [e["export_id"] for e in listed[:2]] == [again.json["export_id"],
                                                    reply.json["export_id"]]
    assert listed[0]["file_path"] == "transcripts/talks/a b.vtt"
    assert listed[0]["exported_by"] == "local"


def test_the_oldest_exports_are_forgotten(make_server):
    """`history.max_exports`; the last one to each file stays besides."""
    server = make_server({"SCRIPTA_AUTO_EXPORT": "srt", "SCRIPTA_HISTORY_MAX_EXPORTS": 2})
    client = server.client
    job = client.wait_job(client.upload_null(3, 62)["job_id"])
    path = f"/api/transcripts/{job['transcript_id']}"

    def listed():
        return [(e["export_id"], e["format_name"]) for e in exports(client, path)]

    wait_until(lambda: listed() == [(1, "srt")], 30, "the automatic export")
    for name in ("vtt", "txt", "csv"):
        assert client.get(f"{path}/export.{name}").status == 200
    assert listed() == [(4, "csv"), (3, "txt"), (1, "srt")]
    # The next automatic one forgets too, and the row of the file that it writes again.
    assert client.post(f"{path}/replace", {"find": "t1", "replace": "one"}).json["changed"]
    wait_until(lambda: listed() == [(5, "srt"), (4, "csv")], 30, "the next automatic export")


def test_a_deletion_ends_at_a_damaged_path(make_server):
    """A bit made a 'p' of an 'r': it is no place of exports any more."""
    server = make_server()
    job = server.client.wait_job(server.client.upload_null(2, 52)["job_id"])
    path = f"/api/transcripts/{job['transcript_id']}"
    assert export(server.client, path, format="txt").status == 201
    server.stop()
    (server.data / "tpanscripts").mkdir()
    precious = server.data / "tpanscripts/a.txt"
    precious.write_text("precious", encoding="utf-8")
    with contextlib.closing(sqlite3.connect(server.data / "scripta.db")) as db, db:
        db.execute("UPDATE export_history SET file_path = 'tpanscripts/a.txt'")
    server.start()
    assert server.client.request("DELETE", f"/api/files/{job['file_id']}?force=1").status == 200
    wait_until(lambda: count(server, "SELECT count(*) FROM export_history") == 0, 60, "the sweeper")
    wait_until(lambda: count(server, "SELECT count(*) FROM files") == 0, 60, "the sweeper")
    assert precious.read_text(encoding="utf-8") == "precious"


def test_another_file_is_never_replaced(server, client, done):
    job, path = done
    mine = server.data / "transcripts/mine"
    mine.mkdir(parents=True, exist_ok=True)
    (mine / "a.srt").write_text("precious", encoding="utf-8")
    reply = export(client, path, format="srt", output_path="mine/a.srt")
    error(reply, 409, "CONFLICT", "output_path")
    assert (mine / "a.srt").read_text(encoding="utf-8") == "precious"
    (server.data / "transcripts/link").symlink_to("/tmp")
    reply = export(client, path, format="srt", output_path="link/scripta-e2e.srt")
    error(reply, 400, "INVALID_VALUE", "output_path")
    for _ in range(2):  # its own it may
        assert export(client, path, format="srt", output_path="mine/b.srt").status == 201


@pytest.mark.parametrize("body, field", [
    ({"format": "srt", "output_path": "../a.srt"}, "output_path"),
    ({"format": "srt", "output_path": "/tmp/a.srt"}, "output_path"),
    ({"format": "srt", "output_path": "a.txt"}, "output_path"),
    ({"format": "exe"}, "format"), ({}, "format"), ({"format": "srt", "version": 0}, "version"),
    ({"format": "srt", "options": []}, "options"), ({"format": "srt", "opts": {}}, "opts"),
    ({"format": "srt", "options": {"max_lines": None}}, "max_lines"),
    ({"format": "srt", "options": {"words": True}}, "words"),
])
def test_wrong_orders_are_refused_by_name(server, client, done, body, field):
    before = sorted(server.data.joinpath("transcripts").rglob("*"))
    error(export(client, done[1], **body), 400, "INVALID_VALUE", field)
    assert sorted(server.data.joinpath("transcripts").rglob("*")) == before


def test_what_is_not_there_cannot_be_exported(client, done):
    error(export(client, "/api/transcripts/999999", format="srt"), 404, "TRANSCRIPT_NOT_FOUND")
    error(export(client, done[1], format="srt", version=9), 404, "VERSION_NOT_FOUND", "version")
    error(client.get("/api/transcripts/999999/exports"), 404, "TRANSCRIPT_NOT_FOUND")
    error(client.get("/api/transcripts/999999/versions"), 404, "TRANSCRIPT_NOT_FOUND")


def test_an_export_that_cannot_be_recorded_is_made_all_the_same(make_server):
    # One commit fails, after those of the job; until the store has reopened no write is taken.
    server = make_server({"SCRIPTA_FAULT": "store.commit:fail:40"})
    job = server.client.wait_job(server.client.upload_null(3, seed=52)["job_id"])
    path = f"/api/transcripts/{job['transcript_id']}"
    made = 0
    while "cannot record an export" not in server.tail(100000):
        reply = server.client.get(f"{path}/export.txt")
        assert reply.status == 200 and reply.text.split() == null_words(3)
        made += 1
        assert made < 100
    assert len(exports(server.client, path)) < made + 1
    kept = export(server.client, path, format="txt")
    assert kept.status == 201 and kept.json["file_path"].endswith("/transcript.txt"), kept


def test_a_folder_that_goes_meanwhile_is_made_again(make_server):
    server = make_server({"SCRIPTA_AUTO_EXPORT": "", "SCRIPTA_FAULT": "export.folder:fail"})
    job = server.client.wait_job(server.client.upload_null(3, seed=55)["job_id"])
    reply = export(server.client, f"/api/transcripts/{job['transcript_id']}", format="txt")
    assert reply.status == 201, reply
    assert (server.data / reply.json["file_path"]).read_text().split() == null_words(3)


def test_nothing_is_kept_of_what_is_deleted_meanwhile(make_server):
    """The server stands still before it writes the file, and finds its transcript deleted."""
    server = make_server({"SCRIPTA_AUTO_EXPORT": "", "SCRIPTA_FAULT": "export.folder:stop"})
    job = server.client.wait_job(server.client.upload_null(3, seed=56)["job_id"])
    path = f"/api/transcripts/{job['transcript_id']}"
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        answer = pool.submit(export, server.client, path, format="txt")
        wait_until(lambda: processes()[server.pid][1] == "T", 60, "the server to stand still")
        with contextlib.closing(sqlite3.connect(server.data / "scripta.db", timeout=60)) as db:
            db.execute("UPDATE transcripts SET owner_id = -1")
            db.commit()
        kill(server.pid, signal.SIGCONT)
        error(answer.result(), 404, "TRANSCRIPT_NOT_FOUND")
    assert not list((server.data / "transcripts").rglob("*"))
    assert count(server, "SELECT count(*) FROM export_history") == 0


def test_what_was_partial_and_completes_meanwhile_is_exported(make_server):
    """The server stands still before it writes the file, and finds the transcript complete."""
    server = make_server({"SCRIPTA_AUTO_EXPORT": "", "SCRIPTA_FAULT": "export.folder:stop"})
    job = server.client.wait_job(server.client.upload_null(3, seed=57)["job_id"])

    def turn(state, version):
        with contextlib.closing(sqlite3.connect(server.data / "scripta.db", timeout=60)) as db:
            db.execute("UPDATE transcripts SET state = ?, current_version = ?", (state, version))
            db.commit()
    turn(0, 0)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        answer = pool.submit(export, server.client, f"/api/transcripts/{job['transcript_id']}", format="json")
        wait_until(lambda: processes()[server.pid][1] == "T", 60, "the server to stand still")
        turn(1, 1)
        kill(server.pid, signal.SIGCONT)
        made = answer.result()
    assert (made.status, made.json.get("version_number")) == (201, 1), made
    written = json.loads((server.data / made.json["file_path"]).read_text("utf-8"))
    assert (written["version"], written["status"]) == (1, "complete"), written
    assert written["text"].split() == null_words(3)


def test_what_is_exported_on_completion_is_what_is_exported_later(make_server):
    server = make_server({"SCRIPTA_AUTO_EXPORT": ", ".join(FORMATS)})
    job = server.client.wait_job(server.client.upload_null(20, seed=54)["job_id"])
    path = f"/api/transcripts/{job['transcript_id']}"
    wait_until(lambda: len(exports(server.client, path)) == len(FORMATS), 30, "the exports")
    kept = {e["format_name"]: e["file_path"] for e in exports(server.client, path)}
    for name in FORMATS:
        assert kept[name] == f"transcripts/{job['job_id']}/transcript.{name}"
        assert (server.data / kept[name]).read_bytes() == \
            server.client.get(f"{path}/export.{name}").body, name


# ---- versions and lists ----


def test_versions_are_listed_and_shown(client, done):
    path = done[1]
    rows = client.get(f"{path}/versions").json["versions"]
    assert [(r["version_number"], r["is_current"], r["word_count"]) for r in rows] == [(1, True, 12)]
    shown = client.get(f"{path}/versions/1").json
    assert shown["content_hash"] == rows[0]["content_hash"]
    assert shown["text"].split() == null_words(12) and shown["segments"][0]["words"]
    for v in ("2", "0", "x", "99999999999999999999"):
        assert client.get(f"{path}/versions/{v}").error["code"] == "VERSION_NOT_FOUND"
    for query in ("limit=0", "cursor=j1", "colour=red"):
        assert client.get(f"{path}/versions?{query}").status == 400


def test_lists_are_filtered(client, done):
    job, _ = done
    both = f"file_id={job['file_id']}&"

    def ids(query):
        return [t["id"] for t in client.get(f"/api/transcripts?{both}{query}").json["transcripts"]]

    mine = [job["transcript_id"]]
    assert ids("language=en") == ids("model=delay_ms%3D1") == ids("since=7d") == mine
    assert ids("language=eng") == ids("language=English") == mine
    assert ids("language=de") == ids("model=other") == ids("until=7d") == []
    assert ids(f"since={job['created_at']}&language=en&job_id={job['job_id']}") == mine
    reply = client.get("/api/transcripts?since=yesterday")
    error(reply, 400, "INVALID_VALUE", "since")
    for path in ("transcripts", "jobs"):
        error(client.get(f"/api/{path}?language=nonsuch"), 400, "INVALID_VALUE", "language")


# ---- the command line ----


def test_the_command_line_exports_with_options(server, client, done, folder):
    job, path = done
    data, number = server.data, str(job["transcript_id"])
    target = folder / "talk.vtt"
    cli("transcripts", "export", number, "-o", str(target), "--max-line-length", "10", "--words",
        data=data, check=0)
    assert target.read_bytes() == \
        client.get(f"{path}/export.vtt?max_line_length=10&words=on").body
    out = cli("transcripts", "export", number, "-f", "srt", "--raw", "--revision", "1", data=data,
              check=0).stdout
    assert out.encode() == client.get(f"{path}/export.srt?captions=off").body
    failed = cli("transcripts", "export", number, "-f", "txt", "--max-lines", "1", data=data)
    assert failed.returncode == 2 and "txt takes no --max-lines; use it with srt, vtt, ass" in \
        failed.stderr
    failed = cli("transcripts", "export", number, "-f", "pdf", data=data)
    assert failed.returncode == 2 and f"must be one of {', '.join(FORMATS)}" in failed.stderr
    (folder / "lines.tpl").write_text("{index}: {text}\n{oops}\n")
    failed = cli("transcripts", "export", number, "--template", str(folder / "lines.tpl"),
                 data=data, check=2)
    assert "line 2, column 1: there is no field 'oops'" in failed.stderr
    (folder / "lines.tpl").write_text("")
    failed = cli("transcripts", "export", number, "--template", str(folder / "lines.tpl"),
                 data=data, check=2)
    assert f"the --template '{folder / 'lines.tpl'}' is empty; write what" in failed.stderr, failed
    assert failed.stdout == ""
    (folder / "lines.tpl").write_text("{index}: {text}\n")
    out = cli("transcripts", "export", number, "--template", str(folder / "lines.tpl"), data=data,
              check=0).stdout
    assert out.startswith("1: t0 t1")
    cli("transcripts", "export", number, "-o", str(folder / "talk.docx"), data=data, check=0)
    assert (folder / "talk.docx").read_bytes() == client.get(f"{path}/export.docx").body
    assert "vtt" in cli("transcripts", "exports", number, data=data, check=0).stdout
    assert cli_json("transcripts", "versions", number, data=data)["versions"][0]["version_number"] == 1
    shown = cli("transcripts", "formats", data=data, check=0).stdout
    assert "vtt: WebVTT captions" in shown and "max_line_length" in shown

    nowhere = cli("transcripts", "export", number, "-o", "", data=server.data, cwd=folder)
    assert nowhere.returncode == 2 and "is empty" in nowhere.stderr, nowhere.stderr


def test_what_is_long_travels_like_what_is_short(client, done):
    """Beyond 256 KiB an answer lies in a file; whoever asks sees no difference."""
    segments = [{"start": n, "end": n + 1, "text": f"sentence number {n} of a talk " + 12 * "which goes on ",
                 "speaker": "Ann" if n % 9 else "Bob"} for n in range(1500)]
    made = client.request("POST", f"/api/files/{done[0]['file_id']}/transcripts",
                          json.dumps({"segments": segments}).encode(),
                          {"Content-Type": "application/octet-stream"})
    assert made.status == 201, made
    path = f"/api/transcripts/{made.json['transcript_id']}"
    texts = [s["text"].strip() for s in segments]
    whole = client.get(f"{path}/export.json")
    assert len(whole.body) > 256 << 10 and whole.json["text"] == "\n".join(texts)
    assert [s["text"] for s in whole.json["segments"]] == texts
    srt = client.get(f"{path}/export.srt?captions=off")
    assert srt.body.decode().count(" --> ") == 1500 and srt.headers["etag"].startswith('"')
    assert len(srt.body) == int(srt.headers["content-length"]) > 256 << 10

    packed = client.request("GET", f"{path}/export.srt?captions=off",
                            headers={"Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip" and len(packed.body) < len(srt.body) / 3
    assert gzip.decompress(packed.body) == srt.body
    assert packed.headers["etag"] == f"W/{srt.headers['etag']}"
    for tag in (srt.headers["etag"], packed.headers["etag"]):
        known = client.request("GET", f"{path}/export.srt?captions=off",
                               headers={"If-None-Match": tag})
        assert known.status == 304 and known.body == b"", known
    head = client.request("HEAD", f"{path}/export.srt?captions=off")
    assert head.headers["content-length"] == srt.headers["content-length"] and head.body == b""
    refused = client.request("GET", f"{path}/export.json", headers={"Accept": "image/png"})
    assert refused.status == 406, refused
    refused = client.get(f"{path}/export.srt?encoding=windows-1252&offset=bad")
    assert error(refused, 400, "INVALID_VALUE", "offset")


def test_transcribe_writes_every_format(server, folder):
    path = folder / "clip.wav"
    path.write_bytes(noise_wav(4, 53))
    for name, start in (("vtt", "WEBVTT\n"), ("csv", "segment,start,end,speaker,text,confidence\n")):
        out = cli("transcribe", "-e", "null", "--vad", "off", "-f", name, str(path),
                  data=server.data, check=0).stdout
        assert out.startswith(start) and "t0 t1 t2 t3" in out
    cli("transcribe", "-e", "null", "--vad", "off", "-o", str(folder / "clip.vtt"),
        "--max-line-length", "10", str(path), data=server.data, check=0)
    assert "t0 t1\nt2 t3\n" in (folder / "clip.vtt").read_text("utf-8")
