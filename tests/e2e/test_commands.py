"""What the help of each command shows as examples, done for real."""

import hashlib
import json
import os
import subprocess

import pytest

from harness import (PATIENCE, ROOT, SCRIPTA, clean_environment, cli, cli_json, free_port,
                     noise_wav, null_words, wait_until)


def null(*args):
    return ["transcribe", "-e", "null", "--vad", "off", *args]


@pytest.fixture
def clips(folder):
    """Three recordings of 2, 3 and 4 seconds."""
    paths = [folder / f"clip{i}.wav" for i in (2, 3, 4)]
    for i, path in zip((2, 3, 4), paths):
        path.write_bytes(noise_wav(i, 7000 + i))
    return paths


def test_a_folder_of_captions(server, clips, folder):
    out = folder / "captions"
    cli(*null("-f", "srt", "-o", f"{out}/", *clips), data=server.data, check=0)
    assert sorted(p.name for p in out.iterdir()) == ["clip2.srt", "clip3.srt", "clip4.srt"]
    for i in (2, 3, 4):
        text = (out / f"clip{i}.srt").read_text()
        assert text.startswith("1\n") and f"t{i - 1}" in text and f"t{i}" not in text


def test_the_format_follows_from_the_output_file(server, clips, folder):
    cli(*null("-o", folder / "memo.json", clips[0]), data=server.data, check=0)
    value = json.loads((folder / "memo.json").read_text())
    assert [w["word"] for s in value["segments"] for w in s["words"]] == null_words(2)


def test_one_file_for_several_recordings_is_refused_before_any_work(server, clips, folder):
    before = server.client.get("/api/jobs?limit=1").json["jobs"]
    done = cli(*null("-o", folder / "all.txt", *clips), data=server.data)
    assert done.returncode == 2 and "-o" in done.stderr, done
    assert server.client.get("/api/jobs?limit=1").json["jobs"] == before


def test_standard_input(server, clips):
    with open(clips[1], "rb") as f:
        done = subprocess.run([str(SCRIPTA), "--data", str(server.data), *null("-")], stdin=f,
                              capture_output=True, text=True, check=False, timeout=PATIENCE,
                              env=clean_environment())
    assert done.returncode == 0 and done.stdout.split() == null_words(3), done
    # A pipe has no size that could be told beforehand.
    with subprocess.Popen(["cat", str(clips[2])], stdout=subprocess.PIPE) as cat:
        done = subprocess.run([str(SCRIPTA), "--data", str(server.data), *null("-")],
                              stdin=cat.stdout, capture_output=True, text=True, check=False,
                              timeout=PATIENCE, env=clean_environment())
    assert done.returncode == 0 and done.stdout.split() == null_words(4), done


def test_texts_come_in_the_order_of_the_command_line(server, clips):
    done = cli(*null(clips[2], clips[0], clips[1]), data=server.data, check=0)
    heads = [x for x in done.stdout.splitlines() if x.startswith("== ")]
    assert [h.strip("= ") for h in heads] == [str(clips[i]) for i in (2, 0, 1)]
    assert done.stdout.count("t0") == 3


def test_add_prints_ids_that_wait_takes(server, clips):
    done = cli("add", "-e", "null", "--vad", "off", "--force", *clips, data=server.data, check=0)
    ids = done.stdout.split()
    assert len(ids) == len(set(ids)) == 3
    cli("wait", *ids, data=server.data, check=0)
    assert {server.client.job(i)["status"] for i in ids} == {"completed"}


def test_add_counts_several_files_in_the_end(server, folder):
    new, known, text = (folder / name for name in ("new.wav", "known.wav", "notes.wav"))
    new.write_bytes(noise_wav(1, 7300))
    known.write_bytes(noise_wav(1, 7301))
    text.write_text("no sound at all")
    add = ["add", "-e", "null", "--vad", "off"]
    assert "taken" not in cli(*add, known, data=server.data, check=0).stderr
    done = cli(*add, new, text, known, folder / "missing.wav", data=server.data)
    assert len(done.stdout.split()) == 2 and done.returncode != 0, done
    assert done.stderr.splitlines()[-1].endswith("1 taken, 1 there already, 2 refused"), done
    done = cli(*add, new, known, data=server.data, check=0)
    assert done.stderr.splitlines()[-1].endswith("0 taken, 2 there already"), done
    assert cli("-q", *add, new, known, data=server.data, check=0).stderr == ""


def test_add_takes_the_files_of_a_folder(server, folder):
    top, below = folder / "talks", folder / "talks/2026"
    (below / "deep").mkdir(parents=True)
    (top / ".hidden").mkdir()
    names = ["b.wav", "a.wav", ".c.wav", ".hidden/d.wav", "2026/e.wav", "2026/deep/f.wav"]
    for i, name in enumerate(names):
        (top / name).write_bytes(noise_wav(1, 7400 + i))
    (folder / "elsewhere.wav").write_bytes(noise_wav(1, 7410))
    (top / "link.wav").symlink_to(folder / "elsewhere.wav")
    (top / "loop").symlink_to(top)
    os.mkfifo(top / "pipe.wav")
    (folder / "link").symlink_to(top)
    add = ["add", "-e", "null", "--vad", "off"]

    def taken(*args):
        done = cli(*add, "--run-after", "1h", *args, data=server.data, check=0)
        return [server.client.job(i)["file_name"] for i in done.stdout.split()], done.stderr

    flat, said = taken(top)
    assert flat == ["a.wav", "b.wav", "link.wav"]
    assert "1 folder in it passed over" in said and "3 taken" in said.splitlines()[-1], said
    assert taken("--force", folder / "link")[0] == flat
    deep, said = taken("-r", "--force", top)
    assert deep == ["f.wav", "e.wav", "a.wav", "b.wav", "link.wav"], deep
    assert "passed over" not in said
    only = folder / "only"
    for path, why in ((only / "none", "there is no file in it"), (only, "--recursive")):
        path.mkdir(parents=True, exist_ok=True)
        done = cli(*add, path, data=server.data, check=3)
        assert why in done.stderr and str(path) in done.stderr, done
    (only / "a.wav").write_bytes(noise_wav(1, 7420))
    (only / "gone.wav").symlink_to(folder / "nowhere.wav")
    done = cli(*add, only, data=server.data)
    assert done.returncode != 0 and f"{only}/gone.wav" in done.stderr, done
    assert "1 taken, 1 refused" in done.stderr.splitlines()[-1], done
    done = cli(*add, "--dry-run", top, data=server.data, check=0)
    assert len(done.stdout.splitlines()) == 3 and "taken" not in done.stderr, done


def test_wait_gives_up_after_its_time(server, folder):
    path = folder / "long.wav"
    path.write_bytes(noise_wav(60, 7100))
    job_id = cli("add", "-e", "null", "--vad", "off", "-m", "hang_at=0", path,
                 data=server.data, check=0).stdout.strip()
    done = cli("wait", "--timeout", "300ms", job_id, data=server.data)
    assert done.returncode == 11, done
    assert server.client.job(job_id)["status"] in ("pending", "processing")
    cli("jobs", "cancel", job_id, data=server.data, check=0)


def test_scheduled_work_is_announced(server, clips):
    done = cli("add", "-e", "null", "--vad", "off", "--force", "--run-after", "8h", clips[0],
               data=server.data, check=0)
    job_id = done.stdout.strip()
    job = server.client.job(job_id)
    assert job["status"] == "pending" and job["run_after"]
    cli("jobs", "cancel", job_id, data=server.data, check=0)


def test_a_noop_needs_no_file_and_a_recording_no_noop(server, clips):
    job_id = cli("add", "--pipeline", "noop", data=server.data, check=0).stdout.strip()
    cli("wait", job_id, data=server.data, check=0)
    for args in (["add"], ["add", "--pipeline", "noop", clips[0]], ["transcribe", "--pipeline",
                                                                   "noop", clips[0]]):
        assert cli(*args, data=server.data).returncode == 2, args


def test_names_and_priorities_of_jobs(server, clips):
    job_id = cli("add", "-e", "null", "--vad", "off", "--force", "--name", "the board's \u65e5",
                 "--priority", "low", "--priority-order", "-5", clips[0], data=server.data,
                 check=0).stdout.strip()
    job = server.client.job(job_id)
    assert (job["name"], job["priority"], job["priority_order"]) == ("the board's \u65e5", "low",
                                                                     -5)


def test_lists_can_be_narrowed(server, clips):
    text = cli(*null(clips[0]), data=server.data, check=0).stdout
    assert text.split() == null_words(2)
    digest = hashlib.sha256(clips[0].read_bytes()).hexdigest()
    by_hash = cli_json("files", "list", "--hash", digest, data=server.data)["files"]
    assert [f["file_hash"] for f in by_hash] == [digest]
    by_name = cli_json("files", "list", "--name", "clip2.wav", data=server.data)["files"]
    assert by_name and {f["original_name"] for f in by_name} == {"clip2.wav"}
    file_id = by_hash[0]["id"]
    jobs = cli_json("jobs", "list", "--file-id", file_id, data=server.data)["jobs"]
    assert jobs and {j["file_id"] for j in jobs} == {file_id}
    for args in (["--file-id", file_id], ["--job-id", jobs[0]["job_id"]]):
        found = cli_json("transcripts", "list", *args, data=server.data)["transcripts"]
        assert found and {t["file_id"] for t in found} == {file_id}
    assert len(cli_json("jobs", "list", "-n", 1, data=server.data)["jobs"]) == 1
    done = cli_json("jobs", "list", "--status", "completed", data=server.data)["jobs"]
    assert {j["status"] for j in done} == {"completed"}


def test_an_export_to_a_file(server, clips, folder):
    cli(*null(clips[1]), data=server.data, check=0)
    transcript = cli_json("transcripts", "list", "-n", 1, data=server.data)["transcripts"][0]["id"]
    done = cli("transcripts", "export", "-f", "srt", "-o", folder / "x.srt", transcript,
               data=server.data, check=0)
    assert not done.stdout
    assert (folder / "x.srt").read_bytes() == \
        server.client.get(f"/api/transcripts/{transcript}/export.srt").body


def test_queues_can_be_paused(make_server):
    server = make_server()
    cli("queue", "pause", "low", "normal", data=server.data, check=0)
    paused = {q["name"]: q["paused"] for q in server.client.get("/api/queue").json["queues"]}
    assert paused == {"high": False, "normal": True, "low": True}
    rows = [x.split()[:2] for x in cli("queue", data=server.data, check=0).stdout.splitlines()]
    assert rows[1:4] == [["high", "no"], ["normal", "yes"], ["low", "yes"]]
    cli("queue", "resume", "low", "normal", data=server.data, check=0)
    assert not any(q["paused"] for q in server.client.get("/api/queue").json["queues"])
    assert cli("queue", "pause", "express", data=server.data).returncode in (2, 3)


def test_every_failed_job_can_be_retried_at_once(make_server):
    server = make_server({"SCRIPTA_QUEUE_BACKOFF": "10ms", "SCRIPTA_QUEUE_MAX_FAILURES": 1})
    jobs = [server.client.upload_null(1, seed=i, model="fail_rate=1")["job_id"] for i in range(3)]
    for job in jobs:
        assert server.client.wait_job(job)["status"] == "failed"
    dry = cli("jobs", "retry", "--all-failed", "--dry-run", data=server.data, check=0)
    assert sorted(dry.stdout.split("\n")[:-1]) == sorted(f"{j} would be retried" for j in jobs)
    none = cli("jobs", "retry", "--all-failed", "--error-code", "TIMEOUT", data=server.data, check=0)
    assert (none.stdout, "0 retried" in none.stderr) == ("", True)
    done = cli("jobs", "retry", "--all-failed", data=server.data, check=0)
    assert "3 retried" in done.stderr and all(f"{job} retried" in done.stdout for job in jobs)
    for job in jobs:
        wait_until(lambda: server.client.job(job)["retry_count"] == 1, 10, "a retry")


def test_a_server_by_its_address(make_server, clips):
    port = free_port()
    server = make_server(args=["--listen", f"127.0.0.1:{port}"])
    for address in (f"http://127.0.0.1:{port}", f"unix:{server.socket}"):
        assert cli("--server", address, *null(clips[0]), check=0).stdout.split() == null_words(2)
        done = cli("jobs", "list", env={"SCRIPTA_SERVER": address}, check=0)
        assert "completed" in done.stdout


def test_the_documents_are_what_the_program_says():
    assert cli("config", "docs", check=0).stdout == (ROOT / "docs" / "config.md").read_text()
    assert cli("help", "--markdown", check=0).stdout == (ROOT / "docs" / "cli.md").read_text()


def test_the_example_file_is_taken_and_changes_nothing(folder):
    data = folder / "d"
    data.mkdir()
    before = {s["name"]: s["value"] for s in cli_json("config", "show", data=data)["settings"]}
    (data / "scripta.yaml").write_text(cli("config", "example", check=0).stdout, encoding="utf-8")
    cli("config", "check", data=data, check=0)
    after = {s["name"]: s["value"] for s in cli_json("config", "show", data=data)["settings"]}
    assert before == after


def test_one_setting_on_the_command_line(folder):
    shown = cli("--set", "queue.max_failures=8", "config", "show", data=folder / "d", check=0)
    assert [x for x in shown.stdout.splitlines() if x.startswith("queue.max_failures")
            and " 8 " in x], shown.stdout
    done = cli("--set", "queue.max_failurs=8", "config", "show", data=folder / "d")
    assert done.returncode in (2, 12) and "max_failures" in done.stderr, done
