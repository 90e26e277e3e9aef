"""G7: the Nth fsync, or the Nth write, fails. What is acknowledged after that must be on the disk all the same, and no
sync is tried again as if the first had not lost anything."""

import signal

from disks import Requests
from frame import Case, Result
from harness import PATIENCE, kill

# strace counts in each thread by itself. These come first: past the start, and once and for all.
FIRST = ("12+", "9", "10+", "14")


def one(ctx, calls, nth):
    data = ctx.folder / f"n{nth}"
    first = ctx.server(data=data)
    first.stop()
    trace = ctx.folder / f"trace{nth}"
    # LeakSanitizer cannot work under a tracer.
    server = ctx.server({"ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1"}, data=data,
                        start=False, wrapper=["strace", "-f", "--seccomp-bpf", "-o", str(trace), "-e",
                                              "trace=fsync,fdatasync,pwrite64", "-e",
                                              f"inject={calls}:error=EIO:when={nth}"])
    try:
        server.start()
    except AssertionError:
        # The start itself met the error: refusing to serve is right. It must have said so.
        assert server.process.poll() not in (0, None), server.tail()
        server.process = None
    requests = Requests()
    if server.process is not None:
        for _ in range(12):
            requests.submit(server.client)
            if server.process.poll() is not None:
                break
        if server.process.poll() is None:
            # Before the pages reach the disk by themselves: as a loss of power would find it.
            kill(server.pid, signal.SIGKILL)
            server.process.wait(PATIENCE)
        server.process = None
    assert {r[1] for r in requests.refused} <= {None, 500, 503, 507}, requests.refused
    if str(nth).endswith("+"):
        # No fsync of that thread works any more: what it is asked to make durable, it must refuse.
        noops = [r for r in requests.refused if r[0] == "noop"]
        assert noops, "every fsync fails and still jobs are acknowledged"
    hit = "INJECTED" in trace.read_text("utf-8", "replace")
    again = ctx.server(data=data)
    again.check_database()
    requests.check(again.client)
    again.kill()
    return hit, len(requests.acknowledged), len(requests.refused)


def run_calls(ctx, calls, first):
    hits = acknowledged = refused = 0
    for n in range(ctx.first, ctx.first + ctx.count):
        nth = first[n] if n < len(first) else n - len(first) + 1
        was_hit, some, others = one(ctx, calls, nth)
        hits += was_hit
        acknowledged += some
        refused += others
    return Result(ctx.count, {"that were reached": hits, "jobs acknowledged": acknowledged,
                              "refused": refused})


def run_syncs(ctx):
    return run_calls(ctx, "fsync,fdatasync", FIRST)


def run_writes(ctx):
    return run_calls(ctx, "pwrite64", ("120",))


CASES = [
    Case("G7", "the Nth fsync or fdatasync of a thread fails with EIO", "failing syncs", run_syncs,
         short=4, one=44, full=204, round=10, needs=("strace",), minutes=2.9, finite=True),
    Case("G7.write", "the Nth write to the store by a thread fails with EIO", "failing writes",
         run_writes, short=1, one=21, full=201, round=10, needs=("strace",), minutes=0.9,
         finite=True),
]
