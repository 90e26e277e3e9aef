"""Upload, beside `dd conv=fsync`

A recording of a gigabyte goes to `POST /api/files/upload` over the Unix socket, sent by `sendfile`
from the page cache, until the answer `201` is there: hashed, looked into by the jailed decoder,
fsynced, renamed and recorded in the store. In turns with it `dd bs=1M conv=fsync` copies the same
file, on the same disk. Memory is what the server's peak grows by while two gigabytes arrive, when
it has taken a small recording before.
"""

import json
import os
import socket
import struct
import subprocess
import time

from bench.common import pairs, peak_kb, ratios, timed

LIMIT_S = 300
MIB = 1 << 20
FLAT_MIB = 4  # what stacks and allocators may take of their own
BOUNDARY = "----scripta-bench-4c9e"
HEAD = (f"--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n"
        "Content-Type: audio/wav\r\n\r\n").encode()
TAIL = f"\r\n--{BOUNDARY}--\r\n".encode()


TRIED = """
One thread that received, hashed and wrote each byte in turn needed 1.4 to 1.8 s of processor time
for a gigabyte, all of it one after the other, and left the writing to the disk to the fsync (0.4 s
and more). Then a second thread hashed (0.5 s) while the first received and wrote, and write-back
was begun every 8 MiB. Now a third one writes: what receives does not wait for the page cache or
the disk, where most of the kernel's time goes (half of it into copying into fresh pages). Slices
end at line ends, not at each CR, of which sound has one in 256 bytes. The decoder that looks into
the recording starts once, where it started twice (OpenBLAS had to be told to have no threads):
fsync, rename, probe and commit together take some 0.1 s. Blocks of 64 KiB and of 1 MiB, and twice
as large a buffer per connection, gained nothing.
"""


def make(path, size):
    """Noise as a WAV file of so many bytes."""
    block = os.urandom(16 * MIB)
    with open(path, "wb") as f:
        f.write(struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", size - 8, b"WAVE", b"fmt ", 16, 1, 2,
                            48000, 192000, 4, 16, b"data", size - 44))
        left = size - 44
        while left > 0:
            left -= f.write(block[:left])
        os.fsync(f.fileno())


def renew(path):
    """Other bytes from its middle on, so that no server knows them already."""
    with open(path, "r+b") as f:
        f.seek(os.path.getsize(path) // 2)
        f.write(os.urandom(4096))
        os.fsync(f.fileno())


def upload(server, path):
    """Seconds until the answer is there; the file's id."""
    size = os.path.getsize(path)
    begun = time.perf_counter()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s, open(path, "rb") as f:
        s.connect(str(server.socket))
        s.sendall((f"POST /api/files/upload HTTP/1.1\r\nHost: localhost\r\n"
                   f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n"
                   f"Content-Length: {len(HEAD) + size + len(TAIL)}\r\nConnection: close\r\n\r\n"
                   ).encode() + HEAD)
        s.sendfile(f)
        s.sendall(TAIL)
        reply = b""
        while chunk := s.recv(65536):
            reply += chunk
    took = time.perf_counter() - begun
    head, _, body = reply.partition(b"\r\n\r\n")
    if b" 201 " not in head.split(b"\r\n", 1)[0]:
        raise RuntimeError(f"the upload was answered by {reply[:600]!r}")
    return took, json.loads(body)["file_id"]


def run(ctx):
    source = ctx.folder / "a.wav"
    make(source, ctx.pick(1024, 2) * MIB)
    with ctx.server(env={"SCRIPTA_WORKERS": -1}) as server:
        def ours():
            renew(source)
            took, file_id = upload(server, source)
            reply = server.client.request("DELETE", f"/api/files/{file_id}?force=1")
            if reply.status >= 300:
                raise RuntimeError(f"{reply}")
            return took

        def dd():
            copy = server.data / "temp" / "copy"
            took = timed(lambda: subprocess.run(
                ["dd", f"if={source}", f"of={copy}", "bs=1M", "conv=fsync", "status=none"],
                check=True))
            copy.unlink()
            return took

        a, b = pairs(ctx.runs, ours, dd)
        size = source.stat().st_size
        ctx.figure("upload", [size / MIB / x for x in a], "MiB/s")
        ctx.figure("`dd conv=fsync`", [size / MIB / x for x in b], "MiB/s")
        ctx.figure("time of the upload by that of `dd`", ratios(a, b), "x", at_most=1.3)
    source.unlink()
    run_memory(ctx)


def run_memory(ctx):
    small, large = ctx.folder / "small.wav", ctx.folder / "large.wav"
    make(small, 8 * MIB)
    make(large, ctx.pick(2048, 16) * MIB)
    with ctx.server(env={"SCRIPTA_WORKERS": -1}) as server:
        upload(server, small)
        before = peak_kb(server.pid)
        upload(server, large)
        ctx.figure("the server's memory grows, while 2 GiB arrive, by",
                   (peak_kb(server.pid) - before) / 1024, "MiB", at_most=FLAT_MIB)
