"""G22: decompression bombs: little that is handed in becomes much. What the server and the decoder
take, how soon a limit is noticed, and what lies on the disk meanwhile."""

import contextlib
import gzip
import io
import os
import subprocess
import threading
import zipfile

import odd_media
from frame import Case, Result
from harness import BUILD, MEDIA, clean_environment, wait_until

SERVER_MB = 64
DECODER_MB = 256
DISK_MB = 64
LIMIT_S = 10
LIMITED = {"SCRIPTA_UPLOAD_MAX_DURATION": "10m"}
# The sanitizer keeps freed memory; that is not the server's.
LEAN = "abort_on_error=1:quarantine_size_mb=1" if "san" in BUILD.name else "abort_on_error=1"


def zipped(megabytes):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z, z.open("a.wav", "w") as f:
        for _ in range(megabytes):
            f.write(bytes(1 << 20))
    return out.getvalue()


def resident_mb(pid, field):
    with open(f"/proc/{pid}/status", encoding="utf-8") as f:
        return next(int(x.split()[1]) for x in f if x.startswith(f"{field}:")) / 1024


def disk_mb(folders):
    total = 0
    for folder in folders:
        for path in folder.rglob("*"):
            with contextlib.suppress(FileNotFoundError):
                total += path.lstat().st_blocks * 512
    return total / (1 << 20)


@contextlib.contextmanager
def watched(server):
    """Yields {"MB": the most that the server's folders of passing things held}."""
    folders = [server.data / "temp", server.data / "work"]
    most, done = {"MB": 0}, threading.Event()

    def watch():
        while not done.wait(0.05):
            most["MB"] = max(most["MB"], disk_mb(folders))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield most
    finally:
        done.set()
        thread.join()


def decode(path):
    """(peak MB, seconds of CPU) of a decoder that stops at an hour of sound."""
    with open(path, "rb") as f:
        process = subprocess.Popen([str(MEDIA), "decode", "--fd", str(f.fileno()), "--max-seconds",
                                    "3600"], pass_fds=[f.fileno()], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   env=clean_environment())
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode not in (0, 70) and process.returncode > 0, process.returncode
    return usage.ru_maxrss / 1024, usage.ru_utime + usage.ru_stime


def hand_in(client, sounds, archives):
    for name, bomb in sounds.items():
        made = client.upload(bomb, name=name, engine="null", timeout=120)
        assert made.status in (200, 201, 413), (name, made)
        if made.status != 413:
            job = client.wait_job(made.json["job_id"], timeout=120)
            assert (job["error_code"], job["retry_count"]) == ("FILE_TOO_LARGE", 0), (name, job)
    for name, bomb in archives.items():
        reply = client.upload(bomb, name=name, engine="null", timeout=120)
        assert (reply.status, reply.error["code"]) == (400, "FILE_FORMAT"), (name, reply)
        # A body is what it is: nothing is unpacked because a header says so.
        for kind in ("multipart/form-data; boundary=x", "application/json"):
            path = "/api/upload" if "form" in kind else "/api/jobs"
            reply = client.request("POST", path, body=bomb, timeout=120, headers={
                "Content-Type": kind, "Content-Encoding": "gzip"})
            assert 400 <= reply.status < 500, (name, kind, reply)


def bombs(ctx):
    hours = 3600
    sounds = {"claimed.flac": odd_media.flac_bomb(72 * hours),
              "unclaimed.flac": odd_media.flac_bomb(72 * hours, claimed=False)}
    archives = {"a.vgz": odd_media.bomb(1024), "a.wav.gz": gzip.compress(bytes(64 << 20)),
                "a.zip": zipped(256)}
    most = {}
    for number in range(ctx.count):
        server = ctx.server(env={**LIMITED, "ASAN_OPTIONS": LEAN}, data=ctx.folder / str(number))
        # What the first job and the first upload take for good is no bomb's.
        server.client.wait_job(server.client.upload_null(2)["job_id"])
        before = resident_mb(server.pid, "VmRSS")
        with watched(server) as disk:
            hand_in(server.client, sounds, archives)
        grown = resident_mb(server.pid, "VmHWM") - before
        path = ctx.folder / "bomb.flac"
        path.write_bytes(sounds["unclaimed.flac"])
        megabytes, seconds = decode(path)
        for key, value, limit in (("server MB more", grown, SERVER_MB),
                                  ("decoder MB", megabytes, DECODER_MB),
                                  ("limit after s of CPU", seconds, LIMIT_S),
                                  ("passing MB on the disk", disk["MB"], DISK_MB)):
            assert value <= limit, (key, value, limit)
            most[key] = max(most.get(key, 0), round(value, 1))
        wait_until(lambda: disk_mb([server.data / "temp"]) < 0.1, 30, "temp is empty")
        server.stop()
    return Result(ctx.count, {"bombs": ctx.count * (len(sounds) + len(archives))}, most)


CASES = [
    Case("G22", "days of silence and gigabytes of zeros in 0.1 to 1 MB", "times", bombs, short=0,
         one=1, full=5, round=1, minutes=0.2),
]
