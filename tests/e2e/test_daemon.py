"""The server as a process: who owns the folder, handing over, stopping, its workers."""

import contextlib
import fcntl
import json
import os
import pathlib
import pty
import re
import resource
import signal
import struct
import subprocess
import time

import pytest

from harness import (PATIENCE, SCRIPTA, Client, clean_environment, cli, cli_json, kill, noise_wav,
                     null_words, processes, wait_until)


def start_with_pipe(data, *args, env=None):
    """(process, the line that came through its readiness pipe)."""
    read_end, write_end = os.pipe()
    process = subprocess.Popen(
        [str(SCRIPTA), "--data", str(data), "serve", "--ready-fd", str(write_end), *args],
        pass_fds=[write_end], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, start_new_session=True, env=clean_environment(env))
    os.close(write_end)
    with os.fdopen(read_end, "rb") as pipe:
        line = pipe.readline()
        rest = pipe.read()
    assert rest == b""
    return process, line.decode()


@pytest.fixture
def ephemeral(data):
    """A server as a command starts it."""
    process, line = start_with_pipe(data, "--ephemeral", env={"SCRIPTA_EPHEMERAL_LINGER": "1h"})
    assert line == "ready\n"
    yield process
    kill(process.pid)
    process.wait(PATIENCE)
    process.stderr.close()


def test_readiness_comes_through_the_pipe_and_the_server_is_ready_then(data):
    process, line = start_with_pipe(data)
    try:
        assert line == "ready\n"
        assert Client(data / "run" / "scripta.sock").get("/api/health/ready").status == 200
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
        process.stderr.close()


def test_failure_comes_through_the_pipe_as_an_error(make_server):
    server = make_server()
    process, line = start_with_pipe(server.data)
    assert process.wait(PATIENCE) == 7
    error = json.loads(line)
    assert error["code"] == "STORE_LOCKED" and f"process {server.pid} " in error["message"], error
    text = process.stderr.read().decode()
    process.stderr.close()
    assert re.fullmatch(r"scripta: [^\n]*\n", text), text


def test_the_address_is_told_in_log_and_file(make_server):
    server = make_server(args=["--listen", "127.0.0.1:0"])
    address = (server.data / "run" / "listen").read_text("ascii").strip()
    port = int(address.removeprefix("127.0.0.1:"))
    assert Client(port=port).get("/api/health").status == 200
    log = server.data / "logs" / "scripta.log"
    wait_until(lambda: f"listen={address}\n" in log.read_text("utf-8"), 30, "the address in the log")
    assert server.stop() == 0
    assert not (server.data / "run" / "listen").exists()


def test_an_ephemeral_server_hands_over(ephemeral, make_server, data):
    server = make_server(data=data)
    assert ephemeral.wait(PATIENCE) == 0
    assert f"pid={server.pid} " in (data / "run" / "lock").read_text("utf-8")


def test_an_ephemeral_server_does_not_displace_another(ephemeral, data):
    process, line = start_with_pipe(data, "--ephemeral")
    assert process.wait(PATIENCE) == 7 and json.loads(line)["code"] == "STORE_LOCKED"
    process.stderr.close()
    assert ephemeral.poll() is None


def test_an_ephemeral_server_ends_after_the_last_task(data):
    env = {"SCRIPTA_EPHEMERAL_LINGER": "300ms", "SCRIPTA_WORKERS": 1,
           "SCRIPTA_UPLOAD_RESERVE": "0"}
    process, line = start_with_pipe(data, "--ephemeral", env=env)
    try:
        assert line == "ready\n"
        client = Client(data / "run" / "scripta.sock")
        client.upload_null(20, model="delay_ms=1500")
        assert process.wait(PATIENCE) == 0
    finally:
        kill(process.pid)
        process.stderr.close()
    jobs = json.loads(cli("--json", "jobs", "list", data=data, check=0).stdout)
    assert [j["status"] for j in jobs.get("jobs", jobs)] == ["completed"]


def test_an_ephemeral_server_starts_no_worker_without_work(ephemeral, data):
    for _ in range(20):
        assert Client(data / "run" / "scripta.sock").get("/api/jobs").status == 200
    mine = [argv for parent, _, argv in processes().values() if parent == ephemeral.pid]
    assert not [argv for argv in mine if "worker" in argv[1:2]], mine


def test_temporary_files_of_a_killed_server_are_gone(make_server):
    server = make_server()
    server.kill()
    (server.data / "temp" / "left").write_bytes(b"x" * 1000)
    server.start()
    assert not (server.data / "temp" / "left").exists()


def test_workers_go_with_a_killed_server(make_server):
    server = make_server()
    server.client.upload_null(120, model="hang_at=0")
    workers = server.wait_workers(2)
    server.kill()
    wait_until(lambda: not set(workers) & set(processes()), 2, "workers are gone")


def test_a_killed_worker_is_replaced(make_server):
    server = make_server({"SCRIPTA_WORKERS": 1})
    client = server.client
    client.wait_job(client.upload_null(3)["job_id"])
    for turn in range(2):
        worker = server.wait_workers(1)[0]
        kill(worker)
        wait_until(lambda w=worker: server.workers() and w not in server.workers(), 5,
                   "another worker")
        job = client.wait_job(client.upload_null(3, seed=turn + 1)["job_id"])
        assert job["status"] == "completed"
    alive = client.get("/api/queue").json["workers"]
    assert [w["name"] for w in alive].count("local-1") == 1, alive


@pytest.mark.parametrize("own", [None, "glibc.malloc.arena_max=2"])
def test_a_worker_gets_huge_pages_unless_malloc_is_tuned_already(make_server, own):
    server = make_server({"SCRIPTA_WORKERS": 1, **({"GLIBC_TUNABLES": own} if own else {})})
    server.client.wait_job(server.client.upload_null(3)["job_id"])
    [worker] = server.wait_workers(1)
    environment = pathlib.Path(f"/proc/{worker}/environ").read_bytes().split(b"\0")
    tunables = [x for x in environment if x.startswith(b"GLIBC_TUNABLES=")]
    assert tunables == [f"GLIBC_TUNABLES={own or 'glibc.malloc.hugetlb=1'}".encode()]


def test_a_server_may_keep_no_workers_of_its_own(make_server):
    server = make_server({"SCRIPTA_WORKERS": -1})
    client = server.client
    job = client.post("/api/jobs", {"pipeline": "noop"}).json
    worker = client.post("/api/worker/register", {"name": "far", "host": "h", "pid": 1, "engines": []}).json
    claim = {"worker_id": worker["worker_id"], "lanes": ["noop"], "max": 2, "wait_ms": 5000}
    [task] = client.post("/api/worker/claim", claim).json["tasks"]
    assert task["job_id"] == job["job_id"] and not server.workers()


def test_a_crash_over_a_batch_condemns_only_the_guilty(make_server):
    """One worker takes several chunks at once; the poisoned one is found by claiming it alone."""
    server = make_server({"SCRIPTA_WORKERS": 1, "SCRIPTA_QUEUE_BACKOFF": "50ms",
                          "SCRIPTA_QUEUE_MAX_CONCURRENT_NORMAL": 8})
    client = server.client
    client.post("/api/queue/normal/pause")
    others = [client.upload_null(5, seed=i)["job_id"] for i in range(6)]
    poison = client.upload_null(5, seed=50, model="crash_at=0")["job_id"]
    others += [client.upload_null(5, seed=10 + i)["job_id"] for i in range(6)]
    client.post("/api/queue/normal/resume")
    job = client.wait_job(poison, 60)
    assert (job["status"], job["error_code"]) == ("failed", "WORKER_CRASHED"), job
    for job_id in others:
        job = client.wait_job(job_id, 60)
        assert client.transcript(job)["text"].split() == null_words(5)
        assert "task_failed" not in [e["type"] for e in client.events(job_id)]


def test_sigterm_lets_short_work_finish_and_gives_long_work_back(make_server):
    server = make_server({"SCRIPTA_WORKERS": 2})
    client = server.client

    def kinds(job_id):
        return [e["type"] for e in client.events(job_id) if e["stage"] == "transcribe"]

    long = client.upload_null(5, seed=2, model="hang_at=0")["job_id"]
    for tried in range(1, 9):  # short work has three seconds, in which a busy machine may do nothing
        short = client.upload_null(5, seed=2 + tried, model="delay_ms=1000")["job_id"]
        wait_until(lambda s=short: "task_claimed" in kinds(s) and
                   kinds(long).count("task_claimed") == tried, 20, "both claimed")
        assert server.stop() == 0
        server.start()
        told = kinds(long)
        assert told.count("task_released") == tried and "task_interrupted" not in told, told
        told = kinds(short)
        assert "task_interrupted" not in told, told
        if "task_released" not in told:
            break
    assert told.count("task_completed") == 1 and "task_released" not in told, told


def test_a_second_signal_hurries(make_server):
    server = make_server({"SCRIPTA_WORKERS": 1})
    made = server.client.upload_null(5, model="hang_at=0")["job_id"]

    def kinds():
        return [e["type"] for e in server.client.events(made) if e["stage"] == "transcribe"]

    for tried in range(1, 9):
        wait_until(lambda n=tried: kinds().count("task_claimed") == n, 20, "a claim")
        begun = time.monotonic()
        kill(server.pid, signal.SIGTERM)
        wait_until(lambda n=tried: server.log.read_text().count("stopping signal=TERM") == n, 20,
                   "the first to be seen")
        kill(server.pid, signal.SIGTERM)
        code = server.process.wait(PATIENCE)
        took = time.monotonic() - begun
        server.process = None
        # What its worker had in hand is nobody's fault.
        assert "WORKER_CRASHED" not in (server.data / "logs" / "scripta.log").read_text()
        server.start()
        told = kinds()
        assert told.count("task_released") == tried and "task_interrupted" not in told, told
        if took < 3:  # that long a single signal waits for the worker, however quick the machine
            assert code == 0
            return
    raise AssertionError("each time the worker was waited for")


def test_sighup_opens_the_log_anew(make_server):
    server = make_server()
    log = server.data / "logs" / "scripta.log"
    log.rename(log.with_suffix(".old"))
    kill(server.pid, signal.SIGHUP)
    wait_until(log.exists, 30, "a new log")
    assert server.client.get("/api/health").status == 200


def test_it_serves_within_few_descriptors(make_server):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (128, hard))
    try:
        server = make_server()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    limits = open(f"/proc/{server.pid}/limits", encoding="ascii").read()
    found = int(re.search(r"Max open files\s+(\d+)", limits)[1])
    assert found >= min(hard if hard > 0 else 65536, 65536), limits
    job = server.client.wait_job(server.client.upload(noise_wav(2), engine="null",
                                                      vad="off").json["job_id"])
    assert job["status"] == "completed"


# ---- in the background, and in a terminal ----


def test_background_returns_when_ready_and_stop_ends_it(data):
    done = cli("serve", "--background", "--listen", "127.0.0.1:0", data=data, check=0)
    pid, port = map(int, re.match(r"process (\d+) serves http://127\.0\.0\.1:(\d+)\n$",
                                  done.stdout).groups())
    try:
        assert Client(port=port).get("/api/health/ready").status == 200
        assert processes()[pid][2][1] == "serve" and os.getsid(pid) == pid
        assert f"{data}/logs/scripta.log" in done.stderr
        assert f"`scripta --data {data} serve --stop`" in done.stderr, "what ends this one"
        again = cli("serve", "-b", data=data, check=7)
        assert f"process {pid} " in again.stderr
    finally:
        stopped = cli("serve", "--stop", data=data, check=0)
    assert f"process {pid} has stopped" in stopped.stdout
    assert pid not in processes() or processes()[pid][1] == "Z"
    assert "no server runs" in cli("serve", "--stop", data=data, check=0).stderr
    assert cli_json("serve", "--stop", data=data) == {"stopped": False}
    failed = cli("serve", "-b", "--listen", "192.0.2.1:8000", data=data)
    assert failed.returncode not in (0, 70) and "192.0.2.1:8000" in failed.stderr


def test_stop_leaves_alone_what_is_no_server(data):
    cli("db", "init", data=data, check=0)
    with subprocess.Popen(["sleep", "600"]) as other, open(data / "run/lock", "r+b") as lock:
        try:
            fcntl.fcntl(lock, fcntl.F_OFD_SETLK, struct.pack("hhqqi", fcntl.F_WRLCK, 0, 0, 0, 0))
            lock.write(b"db pid=%d" % other.pid)
            lock.flush()
            done = cli("serve", "--stop", data=data, check=7)
            assert f"db pid={other.pid}" in done.stderr and other.poll() is None, done
        finally:
            other.kill()


def in_terminal(data, ignore_hangup=False):
    """(pid, master end) of a server in a terminal of its own."""
    pid, master = pty.fork()
    if pid == 0:
        signal.signal(signal.SIGHUP, signal.SIG_IGN if ignore_hangup else signal.SIG_DFL)
        os.execve(str(SCRIPTA), [str(SCRIPTA), "--data", str(data), "serve"],
                  clean_environment({"TERM": "xterm"}))
    client = Client(data / "run" / "scripta.sock")

    def ready():
        with contextlib.suppress(OSError):
            return client.get("/api/health/ready").status == 200
        return False
    wait_until(ready, 30, "the server is ready")
    return pid, master


def reopens_its_log(data, order):
    """A service opens its log again on SIGHUP, so the signal has been dealt with."""
    (data / "logs" / "scripta.log").rename(data / "logs" / "moved.log")
    order()
    wait_until((data / "logs" / "scripta.log").exists, 30, "the log is opened again")
    assert Client(data / "run" / "scripta.sock").get("/api/health").status == 200


def test_a_server_in_a_terminal_ends_with_it(data):
    pid, master = in_terminal(data)
    reopens_its_log(data, lambda: os.kill(pid, signal.SIGHUP))
    os.close(master)
    wait_until(lambda: os.waitpid(pid, os.WNOHANG)[0] == pid, 30, "the server ends")
    assert 'signal=HUP' in (data / "logs" / "scripta.log").read_text()


def test_nohup_keeps_it(data):
    pid, master = in_terminal(data, ignore_hangup=True)
    try:
        reopens_its_log(data, lambda: os.close(master))
    finally:
        os.kill(pid, signal.SIGTERM)
        os.waitpid(pid, 0)
