"""A disk that is full, a folder that turns read-only, an fsync that fails (G5, G6, G7)."""

import http.client
import os
import shutil
import signal
import subprocess
import time

import pytest

from harness import SCALE, SLOW, kill, noise_wav, null_words, wait_until


@pytest.fixture
def small_disk(folder):
    """A tmpfs of 24 MiB at folder/small."""
    path = folder / "small"
    path.mkdir()
    if os.geteuid() != 0:
        pytest.skip("needs root to mount a tmpfs")
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(path)],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"cannot mount a tmpfs here: {done.stderr.strip()}")
    yield path
    subprocess.run(["umount", "-l", str(path)], check=False)


def fill(path):
    """Takes all that is left; the ballast."""
    with open(path, "wb", buffering=0) as f:
        try:
            while True:
                f.write(bytes(65536))
        except OSError:
            pass
        try:
            while True:
                f.write(bytes(512))
        except OSError:
            pass


def submit(client, count, acknowledged, refused):
    """One upload and one noop; what came of them."""
    seconds = 3 + count % 5
    for kind in ("upload", "noop"):
        try:
            if kind == "upload":
                reply = client.upload(noise_wav(seconds, 7000 + count), engine="null", vad="off",
                                      timeout=30)
            else:
                reply = client.post("/api/jobs", {"pipeline": "noop"}, timeout=30)
        except (OSError, http.client.HTTPException) as e:
            refused.append((kind, None, repr(e)))
            continue
        if reply.status in (200, 201):
            acknowledged[reply.json["job_id"]] = seconds if kind == "upload" else 0
        else:
            refused.append((kind, reply.status, reply.error["code"]))


def check_all(client, acknowledged):
    for job_id, seconds in acknowledged.items():
        job = client.wait_job(job_id, 60)
        assert job["status"] == "completed", job
        if seconds:
            assert client.transcript(job)["text"].split() == null_words(seconds)


def test_g5_a_full_disk_is_said_and_got_over(make_server, small_disk):
    server = make_server(data=small_disk / "d")
    client = server.client
    acknowledged, count = {}, 0
    submit(client, count, acknowledged, [])
    assert len(acknowledged) == 2
    slowest = 0.0
    cycles = int(3 * SCALE)
    for _ in range(cycles):
        fill(small_disk / "ballast")
        refused = []
        for _ in range(4):
            count += 1
            submit(client, count, acknowledged, refused)
        uploads = [r for r in refused if r[0] == "upload"]
        assert uploads, "a full disk refused nothing"
        assert {r[1] for r in refused} <= {503, 507}, refused
        assert client.get("/api/health/live").status == 200
        os.unlink(small_disk / "ballast")
        start = time.monotonic()

        def works():
            nonlocal count
            count += 1
            before = len(acknowledged)
            submit(client, count, acknowledged, [])
            return len(acknowledged) == before + 2

        wait_until(works, 5 * max(1, SLOW / 2), "work goes on after space has returned", 0.1)
        slowest = max(slowest, time.monotonic() - start)
    check_all(client, acknowledged)
    assert server.process.poll() is None
    server.kill()
    server.check_database()
    server.start()
    check_all(client, acknowledged)
    assert not list(server.data.glob("temp/*"))
    print(f"G5: {cycles} times full, {len(acknowledged)} jobs acknowledged, 0 lost, "
          f"work went on after {slowest:.2f} s at most")


def test_g5_a_disk_that_fills_while_a_job_runs(make_server, small_disk):
    server = make_server(data=small_disk / "d")
    client = server.client
    made = client.upload_null(300, seed=1, model="delay_ms=300")
    wait_until(lambda: client.job(made["job_id"])["chunks_completed"] >= 1, 30, "a chunk")
    fill(small_disk / "ballast")
    time.sleep(1)
    assert client.get("/api/health/live").status == 200
    os.unlink(small_disk / "ballast")
    job = client.wait_job(made["job_id"], 90)
    assert job["status"] == "completed", job
    assert client.transcript(job)["text"].split() == null_words(300)


def can_strace(folder):
    if shutil.which("strace") is None:
        return "strace is not installed"
    done = subprocess.run(["strace", "-f", "-o", str(folder / "trace"), "-e",
                           "inject=fsync:error=EIO", "true"], capture_output=True, text=True,
                          check=False)
    return "" if done.returncode == 0 else f"strace cannot trace here: {done.stderr.strip()}"


# What a file system refuses that the kernel has turned read-only after an error. A remount by hand
# is no test of it: that is refused while files are open for writing.
READ_ONLY = "pwrite64,fsync,fdatasync,ftruncate,fallocate,mkdir,rename,renameat,renameat2,linkat"


def test_g6_a_read_only_disk_still_reads(make_server, folder):
    reason = can_strace(folder)
    if reason:
        pytest.skip(reason)
    server = make_server()
    client = server.client
    job = client.wait_job(client.upload_null(3, seed=1)["job_id"])
    running = client.upload_null(300, seed=2, model="delay_ms=200")["job_id"]
    with open(folder / "strace", "wb") as said:
        tracer = subprocess.Popen(["strace", "-f", "-p", str(server.pid), "-o",
                                   str(folder / "trace"), "-e", f"trace={READ_ONLY}", "-e",
                                   f"inject={READ_ONLY}:error=EROFS"], stderr=said)
    try:
        wait_until(lambda: client.get("/api/health/ready").status == 503, 10, "noticing")
        reply = client.upload(noise_wav(2, 2), engine="null")
        assert (reply.status, reply.error["code"]) == (503, "STORE_READ_ONLY"), reply
        reply = client.post("/api/jobs", {"pipeline": "noop"})
        assert (reply.status, reply.error["code"]) == (503, "STORE_READ_ONLY"), reply
        assert client.transcript(job)["text"].split() == null_words(3)
        assert client.get("/api/health/live").status == 200
        assert client.get("/api/health").json["status"] == "degraded"
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.wait(10)
    wait_until(lambda: client.upload(noise_wav(2, 3), engine="null").status == 201, 10, "writing")
    job = client.wait_job(running, 60)
    assert job["status"] == "completed", job
    assert client.transcript(job)["text"].split() == null_words(300)
    assert "task_failed" not in [e["type"] for e in client.events(running)]


@pytest.mark.parametrize("nth", ["2", "5", "9", "14", "6+", "12+"] +
                         [str(n) for n in range(15, int(15 * SCALE))])
def test_g7_nothing_is_acknowledged_after_an_fsync_has_failed(make_server, folder, nth):
    reason = can_strace(folder)
    if reason:
        pytest.skip(reason)
    data = folder / "d"
    first = make_server(data=data)
    first.stop()
    # LeakSanitizer cannot work under a tracer.
    server = make_server({"ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1"}, data=data,
                         start=False, wrapper=["strace", "-f", "-o", str(folder / "trace"), "-e",
                                               "trace=fsync,fdatasync", "-e",
                                               f"inject=fsync,fdatasync:error=EIO:when={nth}"])
    try:
        server.start()
    except AssertionError:
        # The start itself met the error: refusing to serve is right. It must have said so.
        assert server.process.poll() not in (0, None), server.tail()
        server.process = None
    acknowledged, refused = {}, []
    if server.process is not None:
        for count in range(12):
            submit(server.client, count, acknowledged, refused)
            if server.process.poll() is not None:
                break
        if server.process.poll() is None:
            # Before the pages reach the disk by themselves: as a loss of power would find it.
            kill(server.pid, signal.SIGKILL)
            server.process.wait(20)
        server.process = None
    assert {r[1] for r in refused} <= {None, 500, 503, 507}, refused
    if nth.endswith("+"):
        # No fsync of that thread works any more: what it is asked to make durable, it must refuse.
        noops = [r for r in refused if r[0] == "noop"]
        assert noops, "every fsync fails and still jobs are acknowledged"
        assert len([j for j, seconds in acknowledged.items() if not seconds]) <= 12 - len(noops)
    injected = "INJECTED" in (folder / "trace").read_text("utf-8", "replace")
    again = make_server(data=data)
    again.check_database()
    check_all(again.client, acknowledged)
    print(f"G7: fsync {nth} of a thread failed ({'hit' if injected else 'never reached'}), "
          f"{len(acknowledged)} acknowledged, all there; {len(refused)} refused")
