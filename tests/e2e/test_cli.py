"""The command line: what it prints, where, with which exit code; and the server it starts itself."""

import fcntl
import hashlib
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

import pytest

from harness import (PATIENCE, SCRIPTA, cli, cli_json, clean_environment, kill, librivox, noise_wav,
                     null_words, processes, silence_wav, tone_wav, wait_until)


@pytest.fixture
def clip(folder):
    path = folder / "talk.wav"
    path.write_bytes(noise_wav(7, 50))
    return path


def null(*args):
    return ["transcribe", "-e", "null", "--vad", "off", *args]


def servers_of(data):
    return [p for p, (_, state, argv) in processes().items()
            if str(data) in " ".join(argv) and "serve" in argv and state != "Z"]


@pytest.fixture
def own(folder):
    """A data folder whose ephemeral server is gone after the test."""
    data = folder / "own"
    yield data
    for pid in servers_of(data):
        kill(pid, signal.SIGTERM)
    wait_until(lambda: not servers_of(data), 20, "the ephemeral server ends")


def test_transcribe_prints_the_text_and_nothing_else_on_stdout(own, clip):
    done = cli(*null(clip), data=own, check=0)
    assert done.stdout.split() == null_words(7)
    assert "\r" not in done.stderr and "\x1b" not in done.stderr


def test_it_starts_a_server_for_itself_that_ends_by_itself(own, clip):
    cli(*null(clip), data=own, check=0)
    wait_until(lambda: not servers_of(own), 15, "the ephemeral server ends")
    # And again: the work is known.
    done = cli(*null(clip), data=own, check=0)
    assert done.stdout.split() == null_words(7)
    assert len(cli_json("jobs", "list", data=own)["jobs"]) == 1


def test_of_several_files_the_message_names_the_one_at_fault(server, clip, folder):
    (folder / "a").write_text("Minutes of the meeting, which are no recording.\n")
    (folder / "empty.mp3").write_bytes(b"")
    for command in ("add", "transcribe"):
        done = cli(command, "-e", "null", "a", "empty.mp3", clip, data=server.data, cwd=folder,
                   check=1)
        assert re.search("^scripta: a: .*text", done.stderr, re.M)
        assert re.search("^scripta: empty.mp3: .*empty", done.stderr, re.M)
        assert done.stdout.strip()
    again = cli("add", "-e", "null", clip, data=server.data, check=0)
    assert f"{clip.name}: the same work" in again.stderr
    piped = cli("transcribe", "-", data=server.data, stdin="no recording at all\n")
    assert "standard input: " in piped.stderr


def test_an_empty_list_tells_why(own):
    assert "scripta transcribe FILE" in cli("jobs", "list", data=own, check=0).stderr
    for chosen in (["jobs", "list", "--status", "failed"], ["files", "list", "--format", "mp3"]):
        done = cli(*chosen, data=own, check=0)
        assert done.stderr == f"no {chosen[0]} match these options\n" and done.stdout == ""


def test_two_commands_at_once_share_one_server(own, folder):
    clips = []
    for i in range(6):
        path = folder / f"c{i}.wav"
        path.write_bytes(noise_wav(i + 1, 60 + i))
        clips.append(path)
    running = [subprocess.Popen([str(SCRIPTA), "--data", str(own), *null(str(c))],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                stdin=subprocess.DEVNULL, env=clean_environment()) for c in clips]
    for i, process in enumerate(running):
        out, err = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, err
        assert out.split() == null_words(i + 1)
    assert len(servers_of(own)) <= 1


def test_a_slow_pipe_keeps_the_server_that_was_started_for_it(own, clip):
    sound = clip.read_bytes()
    process = subprocess.Popen([str(SCRIPTA), "--data", str(own), *null("-")],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, env=clean_environment())
    process.stdin.write(sound[:100000])
    process.stdin.flush()
    wait_until(lambda: servers_of(own), 20, "the server starts")
    time.sleep(7)  # longer than ephemeral.linger and than the wait for a first request
    out, err = process.communicate(sound[100000:], timeout=PATIENCE)
    assert process.returncode == 0, err
    assert out.decode().split() == null_words(7)


def test_formats_and_output_files(server, clip, folder):
    srt = cli(*null("-f", "srt", clip), data=server.data, check=0).stdout
    assert re.match(r"1\r?\n00:00:00,000 --> ", srt)
    value = json.loads(cli(*null("-f", "json", clip), data=server.data, check=0).stdout)
    assert [w["word"] for s in value["segments"] for w in s["words"]] == null_words(7)
    out = folder / "text.txt"
    done = cli(*null("-o", out, clip), data=server.data, check=0)
    assert out.read_text().split() == null_words(7) and not done.stdout.strip()
    done = cli(*null("-f", "docm", clip), data=server.data)
    assert done.returncode == 2 and "docm" in done.stderr


def test_an_ending_that_no_format_has_is_refused(server, clip, folder):
    out = folder / "talk.rtf"
    jobs = server.client.get("/api/jobs").json["jobs"]
    done = cli(*null("--force", "-o", out, clip), data=server.data, check=2)
    assert ".rtf" in done.stderr and "txt, srt, vtt, json" in done.stderr
    assert "--format" in done.stderr
    assert server.client.get("/api/jobs").json["jobs"] == jobs and not out.exists()
    cli(*null("-f", "txt", "-o", out, clip), data=server.data, check=0)
    assert out.read_text().split() == null_words(7)
    done = cli("transcripts", "export", "1", "-o", folder / "talk.pdf", data=server.data, check=2)
    assert ".pdf" in done.stderr
    cli(*null("-o", folder / "talk.SRT", clip), data=server.data, check=0)
    assert " --> " in (folder / "talk.SRT").read_text()
    (folder / "v1.2").mkdir()
    for name in ("notes", "v1.2/notes"):  # no ending at all
        cli(*null("-o", folder / name, clip), data=server.data, check=0)
        assert (folder / name).read_text().split() == null_words(7)


def test_options_are_named_as_they_were_typed(server, clip):
    done = cli(*null("-f", "srt", "--max-line-length", "5", clip), data=server.data, check=2)
    assert "--max-line-length is '5', must be" in done.stderr
    done = cli("transcripts", "export", "1", "-f", "txt", "--max-lines", "2", data=server.data,
               check=2)
    assert "txt takes no --max-lines" in done.stderr
    done = cli("add", "--priority-order", "x", clip, data=server.data, check=2)
    assert "--priority-order is 'x'" in done.stderr
    done = cli("--json", "add", "--priority-order", "x", clip, data=server.data, check=2)
    assert json.loads(done.stderr)["error"]["field"] == "priority-order"


def test_how_a_job_ended_is_told(server, folder):
    silence = folder / "silence.wav"
    silence.write_bytes(silence_wav(3))
    whole = noise_wav(4, 77)
    torn = folder / "torn.wav"
    torn.write_bytes(whole[:len(whole) // 2])
    job = cli("add", "-e", "null", silence, data=server.data, check=0).stdout.strip()
    cut = cli("add", "-e", "null", "--vad", "off", torn, data=server.data, check=0).stdout.strip()
    done = cli("wait", job, cut, data=server.data, check=0)
    assert f"{job} completed, no speech found\n" in done.stdout
    assert f"{cut} completed\n" in done.stdout
    warnings = server.client.job(cut)["warnings"]
    assert warnings and all(w["message"] in done.stderr for w in warnings), done.stderr
    for form in ("txt", "vtt", "json"):
        done = cli("transcribe", "-e", "null", "-f", form, silence, data=server.data, check=0)
        assert done.stderr == "silence.wav: no speech found\n", done.stderr


def test_what_is_refused_is_named_with_the_way_out(server, folder):
    done = cli("transcribe", "https://example.com/x.mp3", data=server.data)
    assert done.returncode == 3 and "download the recording" in done.stderr, done
    ids = []
    for i in range(2):
        path = folder / f"kept{i}.wav"
        path.write_bytes(noise_wav(1, 880 + i))
        job = cli("add", "-e", "null", "--vad", "off", path, data=server.data, check=0).stdout
        cli("wait", job.strip(), data=server.data, check=0)
        ids.append((job.strip(), server.client.job(job.strip())["file_id"]))
    done = cli("files", "delete", "--yes", *(f for _, f in ids), data=server.data, check=1)
    for _, file_id in ids:
        assert f"file {file_id}: 1 job of this file would go with it" in done.stderr
    assert done.stderr.count("--force") == 2, done.stderr  # each remedy once
    done = cli("jobs", "cancel", ids[0][0], data=server.data, check=4)
    assert "is completed: there is nothing left to cancel" in done.stderr
    done = cli("jobs", "retry", ids[0][0], data=server.data, check=4)
    assert "is completed" in done.stderr and "scripta add --force FILE" in done.stderr
    unknown = "00000000-0000-7000-8000-000000000000"
    for name in (unknown, "nonsense"):
        done = cli("jobs", "show", name, data=server.data, check=3)
        assert f"no such job: '{name}'" in done.stderr
    assert "no such file: '999999'" in cli("files", "show", "999999", data=server.data,
                                           check=3).stderr


def test_switches_have_one_vocabulary(server):
    shown = cli("transcripts", "formats", data=server.data, check=0).stdout
    assert re.search(r"^captions +on ", shown, re.M) and re.search(r"^bom +off ", shown, re.M)


def test_an_output_file_that_cannot_be_written(server, clip):
    done = cli(*null("-o", "/nonexistent/x.txt", clip), data=server.data)
    assert done.returncode in (2, 13) and "/nonexistent/x.txt" in done.stderr


def test_output_files_have_the_mode_that_the_umask_gives(server, clip, folder):
    new = folder / "new" / "talk.txt"
    cli(*null("-o", f"{new.parent}/", clip), data=server.data, check=0)
    mask = os.umask(0)
    os.umask(mask)
    assert new.stat().st_mode & 0o777 == 0o666 & ~mask
    assert new.parent.stat().st_mode & 0o777 == 0o777 & ~mask
    new.chmod(0o640)
    cli(*null("-o", new, clip), data=server.data, check=0)
    assert new.stat().st_mode & 0o777 == 0o640
    done = cli("transcripts", "export", "1", "-o", folder, data=server.data)
    assert done.returncode == 2 and f"'{folder}' is a folder" in done.stderr


def test_a_device_is_refused_before_its_endless_bytes(server):
    done = cli("transcribe", "/dev/zero", data=server.data)
    assert done.returncode == 5 and "'/dev/zero' is a device" in done.stderr


def test_several_files_and_one_bad_one(server, clip, folder):
    bad = folder / "bad.wav"
    bad.write_text("no audio at all")
    other = folder / "other.wav"
    other.write_bytes(noise_wav(3, 51))
    done = cli(*null(clip, bad, other), data=server.data)
    assert done.returncode in (1, 5)
    assert "bad.wav" in done.stderr
    for word in null_words(7):
        assert word in done.stdout.split()


@pytest.mark.parametrize("args, code, word", [
    (["transcribe", "/nonexistent.wav"], 3, "/nonexistent.wav"),
    (["transcribe"], 2, "FILE"),
    (["transcribe", "/"], 2, "/"),
    (["nonsuch"], 2, "nonsuch"),
    (["jobs", "nonsuch"], 2, "nonsuch"),
    (["jobs", "show", "00000000-0000-7000-8000-000000000000"], 3, "00000000"),
    (["jobs", "cancel", "00000000-0000-7000-8000-000000000000"], 3, "00000000"),
    (["jobs", "list", "--status", "nonsuch"], 2, "nonsuch"),
    (["jobs", "list", "--nonsuch"], 2, "nonsuch"),
    (["files", "show", "999999"], 3, "999999"),
    (["transcripts", "show", "999999"], 3, "999999"),
    (["transcripts", "export", "999999"], 3, "999999"),
    (["--server", "unix:/nonexistent.sock", "jobs", "list"], 9, "/nonexistent.sock"),
    (["--server", "http://127.0.0.1:1", "jobs", "list"], 9, "127.0.0.1"),
    (["--server", "gopher://x", "jobs", "list"], 2, "gopher"),
    (["--server", "unix:/nonexistent.sock", "queue"], 9, "no such socket"),
    (["jobs", "list", "-n", "501"], 2, "500"),
    (["help", "nonsuch"], 2, "nonsuch"),
    (["jbos", "list"], 2, "did you mean `scripta jobs`?"),
    (["jobs", "nonsuch"], 2, "`scripta help jobs` lists them"),
    (["stats", "query", "--group-by", "nonsuch"], 2, "--group-by 'nonsuch' is none of"),
    (["files", "clean", "--kind", "nonsuch"], 2, "--kind must be orphans"),
    (["jobs", "clean", "--older-than", "1", "--status", "nonsuch"], 2, "--status must be"),
    (["queue", "pause", "nonsuch"], 3, "no such queue: 'nonsuch'"),
])
def test_mistakes_have_a_sentence_and_an_exit_code(server, args, code, word):
    done = cli(*args, data=server.data)
    assert done.returncode == code, done
    assert word in done.stderr and not done.stdout, done
    assert done.stderr.count("\n") <= 6


def test_a_fifo_and_a_folder_are_refused_at_once(server, folder):
    os.mkfifo(folder / "pipe.wav")
    done = cli(*null(folder / "pipe.wav"), data=server.data)
    assert done.returncode != 0 and "pipe.wav" in done.stderr


NAMES = ["two\nlines.wav", "quote\".wav", "it's.wav", "$(touch pwned).wav", "`id`.wav",
         "\x1b[31mred.wav", "-e.wav", "a" * 251 + ".wav", "録音.wav", " space .wav", "%s%n.wav",
         "semi;colon&.wav", os.fsdecode(b"latin-\xe9.wav")]


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_hostile_names_are_data_and_printed_safely(server, folder, name):
    path = folder / name
    path.write_bytes(noise_wav(2, 5000 + NAMES.index(name)))
    done = cli(*null("--", name), data=server.data, cwd=folder, check=0)
    assert done.stdout.split() == null_words(2)
    assert not (folder / "pwned").exists()
    job = server.client.get("/api/jobs?limit=1").json["jobs"][0]
    if name.isascii() or "録" in name:
        assert job["file_name"] == name
    for args in (["jobs", "list"], ["jobs", "show", job["job_id"]], ["files", "list"]):
        out = cli(*args, data=server.data, check=0).stdout
        assert "\x1b" not in out and "\nlines.wav" not in out


def test_add_wait_show_events_export(server, clip):
    added = cli_json("add", "-e", "null", "--vad", "off", clip, data=server.data)
    job = added["jobs"][0] if "jobs" in added else added
    job_id = job["job_id"]
    cli("wait", job_id, data=server.data, check=0)
    shown = cli_json("jobs", "show", job_id, data=server.data)
    assert shown["status"] == "completed" and shown["job_id"] == job_id
    assert shown == server.client.job(job_id)
    assert job_id in cli("jobs", "show", job_id, data=server.data, check=0).stdout
    assert job_id in cli("jobs", "list", data=server.data, check=0).stdout
    listed = cli_json("jobs", "list", data=server.data)["jobs"]
    assert listed[0]["job_id"] == job_id or job_id in {j["job_id"] for j in listed}
    events = cli_json("jobs", "events", job_id, data=server.data)["events"]
    assert events == server.client.events(job_id)
    assert "job_complete" in cli("jobs", "events", job_id, data=server.data, check=0).stdout
    transcript_id = shown["transcript_id"]
    text = cli("transcripts", "export", transcript_id, "-f", "txt", data=server.data,
               check=0).stdout
    assert text.split() == null_words(7)
    assert cli_json("transcripts", "show", transcript_id, data=server.data)["version"] == 1
    assert transcript_id in {t["id"] for t in
                             cli_json("transcripts", "list", data=server.data)["transcripts"]}
    assert shown["file_id"] in {f["id"] for f in
                                cli_json("files", "list", data=server.data)["files"]}
    assert cli_json("files", "show", shown["file_id"], data=server.data)["original_name"] == \
        clip.name


def test_cancel_and_retry(server, folder):
    path = folder / "long.wav"
    path.write_bytes(noise_wav(120, 52))
    cli("queue", "pause", "normal", data=server.data, check=0)
    added = cli_json("add", "-e", "null", "--vad", "off", path, data=server.data)
    job_id = (added["jobs"][0] if "jobs" in added else added)["job_id"]
    cli("jobs", "cancel", job_id, data=server.data, check=0)
    assert server.client.job(job_id)["status"] == "cancelled"
    assert cli("wait", job_id, data=server.data).returncode in (1, 130)
    cli("queue", "resume", "normal", data=server.data, check=0)
    cli("jobs", "retry", job_id, data=server.data, check=0)
    cli("wait", job_id, data=server.data, check=0)
    assert cli("jobs", "cancel", job_id, data=server.data).returncode == 4


def test_a_failed_job_fails_the_command(server, clip):
    done = cli(*null("-m", "nonsense=1", clip), data=server.data)
    assert done.returncode in (1, 6) and "nonsense" in done.stderr, done
    done = cli("transcribe", "-e", "nonsuch", clip, data=server.data)
    assert done.returncode in (2, 6) and "nonsuch" in done.stderr, done


@pytest.mark.parametrize("command", ["transcribe", "add"])
def test_a_model_that_nobody_has_is_refused_before_the_upload(server, folder, command):
    data = noise_wav(1, 61)
    (folder / "new.wav").write_bytes(data)
    done = cli(command, "-e", "pocketsphinx", "-m", "whisper-1", folder / "new.wav",
               data=server.data)
    assert done.returncode == 6 and "has no model 'whisper-1'" in done.stderr, done
    assert "say en-us, or a full path, or" in done.stderr, done
    digest = hashlib.sha256(data).hexdigest()
    assert server.client.get(f"/api/files?hash={digest}").json["files"] == []
    # What cannot be read is told first, and where it alone is named no server is asked.
    done = cli(command, "-m", "whisper-1", folder / "none.wav", data=folder / "nowhere")
    assert "there is no file" in done.stderr and not (folder / "nowhere").exists(), done


def test_the_same_work_is_answered_at_once_and_force_does_it_again(server, clip):
    cli(*null(clip), data=server.data, check=0)
    before = len(cli_json("jobs", "list", data=server.data)["jobs"])
    cli(*null(clip), data=server.data, check=0)
    assert len(cli_json("jobs", "list", data=server.data)["jobs"]) == before
    cli(*null("--force", clip), data=server.data, check=0)
    after = cli_json("jobs", "list", data=server.data)["jobs"]
    assert len(after) == before + 1 or len(after) == before == 50


def test_queue_and_engines(server):
    out = cli("queue", data=server.data, check=0).stdout
    assert all(name in out for name in ("high", "normal", "low"))
    assert cli_json("queue", data=server.data)["queues"]
    out = cli("engines", data=server.data, check=0).stdout
    assert "pocketsphinx" in out and "null" in out and "draft" in out
    engines = {e["name"]: e for e in cli_json("engines", data=server.data)["engines"]}
    told = [engines["pocketsphinx"][k] for k in ("models", "model_paths", "models_known")]
    assert told == [["en-us"], True, True] and not engines["command"]["models_known"]
    # Usable with the path of a model, and no job that names none can run on it.
    assert (engines["whisper"]["usable"], engines["whisper"]["ready"]) == (True, False)
    assert re.search(r"^whisper +no ", out, re.M) and re.search(r"^null +yes ", out, re.M), out


def test_an_engine_that_is_none_is_told_what_there_is(server, clip):
    done = cli("transcribe", "-e", "wisper", clip, data=server.data)
    assert done.returncode != 0
    for name in ("auto", "whisper", "pocketsphinx", "null", "command", "http"):
        assert re.search(rf"\b{name}\b", done.stderr), done.stderr
    assert "not set up here, command" in done.stderr, done.stderr


def test_a_setting_that_a_running_server_does_not_have_is_told(server):
    done = cli("--set", "engine.default=null", "queue", data=server.data, check=0)
    assert "runs already" in done.stderr and "--set engine.default" in done.stderr, done.stderr
    assert cli("--set", "token=x", "queue", data=server.data).stderr.count("runs already") == 0


def test_version_and_help():
    assert re.match(r"scripta \d+\.\d+\.\d+", cli("version", check=0).stdout)
    assert cli("--version", check=0).stdout == cli("version", check=0).stdout
    assert json.loads(cli("--json", "version", check=0).stdout)["version"]
    text = cli("help", check=0).stdout
    for command in ("transcribe", "add", "wait", "jobs", "files", "transcripts", "serve", "queue",
                    "engines", "db", "config", "version", "help"):
        assert re.search(rf"^\s+{command}\b", text, re.MULTILINE), command
        one = cli("help", command, check=0).stdout
        assert f"scripta {command}" in one or command == "help", one
        assert cli(command, "--help", check=0).stdout == one or command == "help"
    assert cli("--help", check=0).stdout == text
    done = cli()
    assert done.returncode in (0, 2) and "transcribe" in done.stdout + done.stderr


def test_help_of_transcribe_has_examples_and_every_option():
    text = cli("help", "transcribe", check=0).stdout
    for option in ("--engine", "--model", "--language", "--format", "--output", "--priority",
                   "--vad", "--force", "-e", "-m", "-l", "-f", "-o"):
        assert option in text, option
    assert "xample" in text


def test_quiet_and_verbose(server, clip):
    done = cli("-q", *null("--force", clip), data=server.data, check=0)
    assert done.stderr == "" and done.stdout.split() == null_words(7)
    cli("-v", *null(clip), data=server.data, check=0)


def test_json_of_transcribe_is_one_value(server, clip):
    value = cli_json(*null(clip), data=server.data)
    assert "t6" in json.dumps(value)


# ---- the database, with and without a server ----


def test_database_commands_without_a_server(own):
    done = cli("db", "info", data=own)
    assert done.returncode == 7 and "db init" in done.stderr, done
    cli("db", "init", data=own, check=0)
    cli("db", "migrate", data=own, check=0)
    cli("db", "check", data=own, check=0)
    info = cli_json("db", "info", data=own)
    assert info["schema_version"] >= 1
    assert not servers_of(own)


def test_database_commands_with_a_server(server):
    assert cli_json("db", "info", data=server.data)["schema_version"] >= 1
    cli("db", "check", data=server.data, check=0)


def test_check_finds_a_damaged_page(own, folder, clip):
    cli(*null(clip), data=own, check=0)
    for pid in servers_of(own):
        kill(pid, signal.SIGTERM)
    wait_until(lambda: not servers_of(own), 15, "no server")
    path = own / "scripta.db"
    raw = bytearray(path.read_bytes())
    for page in range(3, len(raw) // 4096 - 1, 2):
        raw[page * 4096:page * 4096 + 64] = b"\xee" * 64
    path.write_bytes(raw)
    done = cli("db", "check", data=own)
    assert done.returncode == 7, done


def test_config_commands(own):
    shown = cli("config", "show", data=own, check=0).stdout
    assert "queue.lease" in shown and "default" in shown
    cli("config", "check", data=own, check=0)
    done = cli("config", "check", data=own, env={"SCRIPTA_QUEUE_LEASE": "soon"})
    assert done.returncode == 12 and "SCRIPTA_QUEUE_LEASE" in done.stderr, done
    shown = cli("config", "show", data=own, env={"SCRIPTA_TOKEN": "s3cret"}, check=0).stdout
    assert "s3cret" not in shown


def test_a_file_of_variables_takes_the_place_of_the_one_beside_the_settings(own, folder, clip):
    own.mkdir()
    (own / ".env").write_text("SCRIPTA_WORKERS=3\nSCRIPTA_HTTP_THREADS=3\n")
    (own / "scripta.yaml").write_text("queue.lease: 50s\nhttp.threads: 2\n")
    given = folder / "given"
    given.write_text("# ours\nSCRIPTA_QUEUE_LEASE=7s\nexport SCRIPTA_DEBUG=on\nSCRIPTA_WORKERS=1\n")

    def value(setting, *flags, **env):
        shown = cli("config", "show", *flags, data=own, env=env, check=0).stdout
        return re.search(rf"^{re.escape(setting)} +(\S+) ", shown, re.M)[1]

    assert value("workers") == "3"
    flags = ["--env-file", given]
    assert value("queue.lease", *flags) == "7s" and value("http.threads", *flags) == "2"
    assert value("queue.lease", *flags, SCRIPTA_QUEUE_LEASE="8s") == "8s"
    assert value("queue.lease", *flags, "--set", "queue.lease=9s") == "9s"
    # The server that a command starts is told.
    cli(*null(clip), *flags, data=own, check=0)
    assert re.search(r"store: statement name=\w+ us=\d", (own / "logs" / "scripta.log").read_text())
    given.write_text("SCRIPTA_QUEUE_LEASE=7s\nSCRIPTA_WROKERS=1\n")
    done = cli("jobs", "list", *flags, data=own, check=12)
    assert f"{given}:2: there is no setting 'SCRIPTA_WROKERS'" in done.stderr, done
    done = cli("jobs", "list", "--env-file", folder / "none", data=own)
    assert done.returncode == 12 and f"'{folder}/none'" in done.stderr, done


def test_config_check_lists_everything_that_is_wrong(folder):
    config = folder / "bad.yaml"
    config.write_text("listen: 8000\nauto_export: doc\nengine.default: parrot\nlog.level: info\n")
    done = cli("config", "check", "--config", config, "--set", "workers=900", check=12)
    assert re.findall(r"^scripta: \S+: (\S+) is '(\S+)', must be ", done.stderr, re.M) == [
        ("listen", "8000"), ("auto_export", "doc"), ("engine.default", "parrot"),
        ("workers", "900")]
    assert f"{config}:3: " in done.stderr and "--set: workers" in done.stderr
    assert "4 settings to mend" in done.stderr and not done.stdout
    done = cli("--json", "config", "check", "--config", config,
               env={"SCRIPTA_WROKERS": "1"}, check=12)
    value = json.loads(done.stdout)
    assert value["status"] == "problems" and value["unknown_variables"] == ["SCRIPTA_WROKERS"]
    assert [p["field"] for p in value["problems"]] == ["listen", "auto_export", "engine.default"]
    # Other commands say the first, and that there are more.
    done = cli("jobs", "list", "--config", config, data=folder / "d", check=12)
    assert "listen is '8000'" in done.stderr and "and 2 more: `scripta config check`" in done.stderr
    # What was typed is a mistake of the command line.
    done = cli("serve", "--listen", "8000", data=folder / "d", check=2)
    assert "--listen: listen is '8000', must be HOST:PORT" in done.stderr


def test_settings_know_every_engine_and_format(server):
    """Settings stand below engines and formats, so they have lists of their own."""
    def allowed(name):
        row = re.search(rf"^\| `{re.escape(name)}` .*", cli("config", "docs", check=0).stdout, re.M)
        return row[0].replace("\\|", "/").split(" | ")[4].split("/")

    assert allowed("engine.default") == [
        "auto", *(e["name"] for e in cli_json("engines", data=server.data)["engines"])]
    formats = cli_json("transcripts", "formats", data=server.data)["formats"]
    assert allowed("auto_export") == [f["format_name"] for f in formats]


# ---- the terminal ----


def on_terminal(args, env=None, interrupt_after=None, timeout=PATIENCE, columns=80):
    """Runs scripta on a pseudo-terminal; (exit code, what it showed)."""
    pid, master = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        os.execve(str(SCRIPTA), [str(SCRIPTA), *map(str, args)],
                  clean_environment({"TERM": "xterm", "COLUMNS": "80", **(env or {})}))
    shown = b""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        ready, _, _ = select.select([master], [], [], 0.1)
        if ready:
            try:
                piece = os.read(master, 65536)
            except OSError:
                break
            if not piece:
                break
            shown += piece
        if interrupt_after and interrupt_after in shown:
            os.write(master, b"\x03")
            interrupt_after = None
    os.close(master)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status), shown.decode("utf-8", "replace")


def test_nothing_turns_the_text_of_a_terminal_round(server, folder):
    path = folder / "turned.txt"
    path.write_text("a\u202eb\u2066c\u2069 \u05d0\n", encoding="utf-8")
    job = server.client.upload_null(2, 91)
    number = server.client.wait_job(job["job_id"])["transcript_id"]
    cli("transcripts", "import", "--transcript", number, path, data=server.data, check=0)
    for asked in (["transcripts", "show", number], ["transcripts", "export", "-f", "txt", number],
                  ["--json", "transcripts", "show", number]):
        code, shown = on_terminal(["--data", server.data, *asked])
        assert code == 0 and not set("\u202e\u2066\u2069") & set(shown), (asked, shown)
        assert "202e" in shown and "\u05d0" in shown, (asked, shown)
    piped = cli("transcripts", "export", "-f", "txt", number, data=server.data, check=0)
    assert piped.stdout == path.read_text(encoding="utf-8")


def test_a_progress_bar_on_a_terminal(server, folder):
    path = folder / "long.wav"
    path.write_bytes(noise_wav(150, 53))
    code, shown = on_terminal(["--data", server.data, *null("-m", "delay_ms=300", path)])
    assert code == 0, shown
    assert "\r" in shown and re.search(r"\d+\s*%", shown)
    assert "t149" in shown


def test_a_terminal_shows_what_was_said_last(server, folder):
    path = folder / "part.wav"
    path.write_bytes(noise_wav(40, 55))
    command = ["--data", server.data, "transcribe", "-e", "null", "--sequential",
               "-m", "hang_behind=25", path]
    code, shown = on_terminal(command, interrupt_after=b"0:25  t25")
    assert code == 130 and "0:25  t25" in shown, shown
    # Both lines are gone before anything else is written.
    shown = shown.partition("0:25  t25")[2]
    assert "\r\033[K\033[A\033[K" in shown.partition("goes on in the background")[0], shown
    job = server.client.get("/api/jobs?limit=1").json["jobs"][0]
    code, shown = on_terminal(["--data", server.data, "wait", job["job_id"]],
                              interrupt_after=b"0:25  t25")
    assert code == 130 and "0:25  t25" in shown, shown
    cli("jobs", "cancel", job["job_id"], data=server.data, check=0)


def test_ctrl_c_leaves_the_job_and_says_how_to_come_back(server, folder):
    path = folder / "long.wav"
    path.write_bytes(noise_wav(300, 54))
    command = null("-m", "hang_at=5", path)
    code, shown = on_terminal(["--data", server.data, *command], interrupt_after=b"transcribe")
    assert code == 130, (code, shown)
    job = server.client.get("/api/jobs?limit=1").json["jobs"][0]
    assert job["status"] in ("pending", "processing")
    assert "goes on in the background" in shown and "the same command again" in shown, shown
    for way_back in ("wait", "jobs cancel"):
        assert f"scripta {way_back} {job['job_id']}" in shown, shown
    code, shown = on_terminal(["--data", server.data, "wait", job["job_id"]],
                              interrupt_after=b"transcribe")
    assert code == 130 and "goes on in the background" in shown, shown
    cli("jobs", "cancel", job["job_id"], data=server.data, check=0)


@pytest.mark.parametrize("columns", [80, 40])
@pytest.mark.parametrize("command", [["doctor"], ["engines"], ["queue", "pause", "nonsuch"], ["transcripts", "formats"], ["help"],
                                     ["help", "jobs"], ["help", "transcribe"]])
def test_prose_is_broken_between_words(server, command, columns):
    _, shown = on_terminal(["--data", server.data, *command], columns=columns)
    done = cli(*command, data=server.data)
    piped = done.stdout + done.stderr
    lines = re.sub(r"\x1b\[[0-9;]*m", "", shown).replace("\r", "").split("\n")
    words = set(piped.split())
    longest = max(len(word) for word in words)
    for line in lines:
        # What is too long is a word by itself, a usage or an example.
        fits = len(line) <= max(columns, 8 + longest)
        assert fits or line.startswith(("Usage:", "  scripta", "  ffmpeg", "  -", "      --")), line
    lost = [w for line in lines for w in line.split()
            if w not in words and not w[0].isdigit() and not w.endswith("…")]
    assert not lost, lost


def test_sigpipe_is_no_crash(server):
    script = f'"{SCRIPTA}" --data "{server.data}" help | true'
    assert subprocess.run(["bash", "-c", script], env=clean_environment(), check=False,
                          capture_output=True, timeout=PATIENCE).returncode == 0


# ---- the built-in engine on a real recording ----


@pytest.mark.skipif(not librivox(), reason="pocketsphinx-testdata is not installed")
def test_a_real_recording_with_the_built_in_engine(server):
    done = cli("transcribe", librivox()[-1], data=server.data, timeout=170, check=0)
    said = "he was not an ill disposed young man".split()
    heard = re.findall(r"[a-z']+", done.stdout.lower())
    assert len(set(heard) & set(said)) >= 4, heard
    assert "<sil>" not in done.stdout and "(2)" not in done.stdout and "[" not in done.stdout


def test_a_tone_is_no_speech_but_no_error_either(server, folder):
    path = folder / "tone.wav"
    path.write_bytes(tone_wav(4))
    done = cli("transcribe", path, data=server.data, timeout=120, check=0)
    assert done.stdout.strip() or "tone.wav: no speech found" in done.stderr
