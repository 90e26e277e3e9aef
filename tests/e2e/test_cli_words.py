"""What the command line says to people: tables that fit, true words, remedies that work."""

import json
import os
import re
import socket
import subprocess

import pytest

from harness import PATIENCE, SCRIPTA, cli, cli_json, clean_environment, noise_wav, wait_until
from test_cli import on_terminal

@pytest.fixture
def talk(folder):
    path = folder / "talk.wav"
    path.write_bytes(noise_wav(3, 8100))
    return path


@pytest.mark.parametrize("flags, said", [
    (["--multilingual", "-l", "de"],
     "--multilingual hears which language is spoken, and --language says it"),
    (["--sequential", "--vad", "on"], "leave --vad or --sequential out"),
    (["--carry-initial-prompt", "--prompt", "x"], "leave it out, or add --sequential"),
    (["--vad", "off", "--music", "keep"], "--music means nothing while --vad is off"),
    (["--best-of", "3", "--temperature-increment-on-fallback", "0"],
     "when --temperature-increment-on-fallback is 0"),
])
def test_options_that_contradict_are_named_as_they_are_typed(folder, talk, flags, said):
    assert said in cli("transcribe", *flags, talk, data=folder / "d", check=2).stderr


@pytest.mark.parametrize("flags, said", [
    (["-l", "de"], "leave --language out"),
    (["--chunk-length", "1h"], "leave --chunk-length out"),
])
def test_so_are_those_that_the_server_refuses(server, talk, flags, said):
    flags = ["-e", "pocketsphinx", *flags]
    assert said in cli("transcribe", *flags, talk, data=server.data, check=2).stderr


def test_sockets_and_link_loops_are_told(server, folder):
    (folder / "loop.wav").symlink_to("loop.wav")
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(folder / "sock.wav"))
        for name, said in (("loop.wav", "is a link that leads back to itself"),
                           ("sock.wav", "is a socket, not a recording")):
            done = cli("transcribe", folder / name, data=server.data)
            assert done.returncode != 0 and said in done.stderr, done


def test_events_are_a_table_that_fits_the_terminal(server, client):
    job = client.upload_null(3, seed=8101, model="fail_rate=1",
                             max_retries=1)
    client.wait_job(job["job_id"])
    code, shown = on_terminal(["--data", server.data, "jobs", "events", job["job_id"]])
    lines = shown.replace("\r\n", "\n").splitlines()
    assert code == 0 and lines[0].split() == ["TIME", "EVENT", "DETAILS"], shown
    assert max(map(len, lines)) <= 80 and len(lines) == 1 + len(client.events(job["job_id"]))
    row = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  [a-z_]+ +\S")
    assert all(row.match(x) for x in lines[1:]), shown
    whole = cli("jobs", "events", job["job_id"], data=server.data, check=0).stdout
    assert re.search(r"task_failed +transcribe chunk 0, try 2: ENGINE_ERROR .+; \S+", whole), whole
    page = cli_json("jobs", "events", job["job_id"], data=server.data)
    assert page["events"] == client.events(job["job_id"])


def test_the_queue_tells_jobs_from_workers_and_that_the_server_is_there(server, client):
    client.wait_job(client.upload_null(2, seed=8102)["job_id"])
    shown = cli("queue", data=server.data, check=0).stdout
    line = re.search(r"\n\d+ queued, \d+ active; at most 12 are begun and not ended, and (.*)\n",
                     shown)
    workers = [w for w in cli_json("queue", data=server.data)["workers"] if w["name"] != "serve"]
    assert line and line.group(1).startswith((f"{len(workers)} worker", "no worker")), shown
    assert re.search(r"\nserve .* \d{4}-\d\d-\d\dT\S+Z\n", shown), shown
    code, shown = on_terminal(["--data", server.data, "queue"])
    assert code == 0 and re.search(r"\r\nserve .* (just now|\d+ \w+ ago)\r\n", shown), shown


def test_times_are_absolute_where_nobody_looks_on(server, client):
    """In a pipe, or a file, "5 min ago" is soon untrue."""
    job = client.wait_job(client.upload_null(2, seed=8102)["job_id"])
    for command in (["jobs", "show", job["job_id"]], ["jobs", "list"]):
        shown = cli(*command, data=server.data, check=0).stdout
        assert job["created_at"] in shown, shown
        code, shown = on_terminal(["--data", server.data, *command])
        assert code == 0 and job["created_at"] not in shown, shown


def test_a_data_folder_that_cannot_be_is_named_with_the_way_out(talk):
    """A folder below a file: whatever is done there, it is not the recording's fault."""
    for command in (["transcribe", "-e", "null", talk], ["add", "-e", "null", talk],
                    ["jobs", "list"], ["serve"], ["serve", "-b"], ["db", "init"]):
        done = cli(*command, data=talk / "data")
        assert done.returncode == 13, done
        assert done.stderr.startswith(f"scripta: there can be no data folder '{talk}/data'"), done
        assert "--data DIR" in done.stderr, done


def test_sizes_are_told_as_people_read_them(make_server, folder):
    path = folder / "large.wav"
    path.write_bytes(noise_wav(10, 8103))
    size = path.stat().st_size
    small = make_server({"SCRIPTA_UPLOAD_RESERVE": str(1 << 60)}, start=False).start(wait=False)
    wait_until((small.data / "run/scripta.sock").exists, 30, "a server that is not ready")
    wait_until(lambda: small.client.get("/api/health/live").status == 200, 30, "it answers")
    done = cli("add", "-e", "null", path, data=small.data)
    assert "reserve: make room" in done.stderr and "1.2 EB are kept" in done.stderr, done
    assert not re.search(r"\d{5}", done.stderr), done
    done = cli("--json", "add", "-e", "null", path, data=small.data)
    assert f"{1 << 60} bytes" in json.loads(done.stderr)["error"]["message"], done
    quota = make_server({"SCRIPTA_UPLOAD_QUOTA": "64K"})
    done = cli("add", "-e", "null", path, data=quota.data)
    assert size == 160044 and "the file has 160 kB and" in done.stderr, done
    assert "lets in 66 kB more" in done.stderr, done


def test_a_second_server_names_the_remedies(server):
    for args in (["serve", "--background"], ["serve"]):
        done = cli(*args, data=server.data)
        assert done.returncode == 7 and "scripta serve --stop" in done.stderr, done
        assert "--data DIR" in done.stderr and str(server.process.pid) in done.stderr, done
        assert str(server.data) in done.stderr, done


def test_a_format_and_a_name_may_not_contradict_each_other(server, folder, talk):
    common = ["transcribe", "-e", "null", "--vad", "off", talk]
    done = cli(*common, "-f", "srt", "-o", folder / "out.vtt", data=server.data)
    assert done.returncode == 2 and "--format srt" in done.stderr and ".vtt" in done.stderr
    assert not (folder / "out.vtt").exists()
    cli(*common, "-o", folder / "out.vtt", data=server.data, check=0)
    assert (folder / "out.vtt").read_text().startswith("WEBVTT")
    cli(*common, "-f", "srt", "-o", folder / "out.captions", data=server.data, check=0)
    assert (folder / "out.captions").read_text().startswith("1\n")


def test_files_tell_that_they_are_archived(server, client, talk):
    job_id = cli("add", "-e", "null", talk, data=server.data, check=0).stdout.strip()
    file_id = client.wait_job(job_id)["file_id"]
    listed = ["files", "list", "--archived"]
    assert cli(*listed, data=server.data, check=0).stdout == ""
    cli("files", "archive", file_id, data=server.data, check=0)
    assert [f["id"] for f in cli_json(*listed, data=server.data)["files"]] == [file_id]
    shown = cli(*listed, data=server.data, check=0).stdout
    assert shown.splitlines()[0].split()[-2:] == ["ARCHIVED", "PURGED"]
    assert shown.split()[-1] == "-"
    assert client.get(f"/api/files/{file_id}").json["archived_at"] in shown, shown
    cli("files", "restore", file_id, data=server.data, check=0)
    assert cli_json(*listed, data=server.data)["files"] == []


def test_peaks_behind_the_end_are_refused_by_name(server, client, talk):
    job_id = cli("add", "-e", "null", "--vad", "off", talk, data=server.data,
                 check=0).stdout.strip()
    file_id = client.wait_job(job_id)["file_id"]
    done = cli("files", "peaks", file_id, "--start", "90", data=server.data)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--start lies behind the end" in done.stderr and "3.000 s" in done.stderr, done.stderr


def test_what_the_api_says_is_said_in_flags(server, client):
    job = client.upload_null(2, seed=8103, run_after="1h")
    done = cli("jobs", "delete", job["job_id"], data=server.data)
    assert done.returncode == 4 and "delete it with --force" in done.stderr, done.stderr
    done = cli("--json", "jobs", "edit", job["job_id"], data=server.data)
    assert done.returncode == 2 and "--priority high" in done.stderr, done.stderr
    cli("jobs", "delete", "--force", job["job_id"], data=server.data, check=0)


def test_a_job_is_shown_with_a_line_for_each_setting(server, client):
    job = client.upload_null(2, seed=8104, chunk_length="20")
    client.wait_job(job["job_id"])
    shown = cli("jobs", "show", job["job_id"], data=server.data, check=0).stdout
    assert re.search(r"\nsettings: +chunk_length=20s\n +vad=off\nstatus: ", shown), shown


def test_languages_may_be_named_and_must_be_some(server, client, talk):
    for engine, given, kept in (("null", "german", "de"), ("pocketsphinx", "English", "en")):
        job_id = cli("add", "-e", engine, "-l", given, "--run-after", "1h", talk, data=server.data,
                     check=0).stdout.strip()
        assert client.job(job_id)["language"] == kept
        cli("jobs", "cancel", job_id, data=server.data, check=0)
        done = cli("add", "-e", engine, "-l", "xx", talk, data=server.data)
        assert done.returncode == 2 and "--language is 'xx', must be a code" in done.stderr, done


def test_jobs_clean_asks_on_a_terminal(server, client):
    job = client.upload_null(2, seed=8105)
    client.wait_job(job["job_id"])
    clean = [str(SCRIPTA), "--data", str(server.data), "jobs", "clean", "--older-than", "0"]
    for answer, removed in (("n", False), ("y", True)):
        main, terminal = os.openpty()
        try:
            os.write(main, f"{answer}\n".encode())
            done = subprocess.run(clean, stdin=terminal, capture_output=True, timeout=PATIENCE,
                                  check=False, encoding="utf-8", env=clean_environment())
        finally:
            os.close(main)
            os.close(terminal)
        assert re.search(r"Remove \d+ jobs? for good\? \[y/N\]", done.stderr), done
        assert (client.get(f"/api/jobs/{job['job_id']}").status == 404) is removed
    wait_until(lambda: not client.get("/api/jobs?status=completed").json["jobs"], 30, "cleaned")
