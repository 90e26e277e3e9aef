"""Start: a server, and commands

From the call of a program to its end, or to the line `ready` that `scripta serve` writes into
`--ready-fd` once it listens and answers. A command that finds no server starts one, and ends it
when nothing has been asked for a while; each time that one is ended first.
"""

import contextlib
import os
import re
import signal
import subprocess
import time

READY_MS, COMMAND_MS, COLD_MS = 50, 20, 150


def ready_ms(ctx, data):
    """Starts a server on a data folder and ends it."""
    ours, theirs = os.pipe()
    begun = time.perf_counter()
    process = subprocess.Popen(
        [ctx.scripta, "--data", str(data), "serve", "--ready-fd", str(theirs)], pass_fds=[theirs],
        stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=ctx.harness.clean_environment())
    os.close(theirs)
    try:
        line = os.read(ours, 200)
        took = 1000 * (time.perf_counter() - begun)
    finally:
        os.close(ours)
        process.terminate()
        process.wait()
    if line != b"ready\n":
        raise RuntimeError(f"serve said {line!r}")
    return took


def command_ms(ctx, *args):
    begun = time.perf_counter()
    done = subprocess.run([ctx.scripta, *map(str, args)], check=False, stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          env=ctx.harness.clean_environment())
    took = 1000 * (time.perf_counter() - begun)
    if done.returncode != 0:
        raise RuntimeError(f"scripta {args}: {done.stderr!r}")
    return took


def end_ephemeral(ctx, data):
    """Ends the server that a command has started, and waits until it has gone."""
    holder = re.search(r"--ephemeral pid=(\d+)", (data / "run" / "lock").read_text())
    pid = int(holder.group(1))
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    ctx.harness.wait_until(
        lambda: ctx.harness.processes().get(pid, (0, "Z", ""))[1] in ("Z", "X"), 30,
        "the end of a server", 0.005)


def cold_ms(ctx, data, *args):
    took = command_ms(ctx, "--data", data, *args)
    end_ephemeral(ctx, data)
    return took


def run(ctx):
    count = ctx.pick(4 * ctx.runs, 1)
    data = ctx.folder / "d"
    new = [ready_ms(ctx, ctx.folder / f"new{i}") for i in range(count)]
    ready_ms(ctx, data)
    ctx.figure("`scripta serve` to ready", [ready_ms(ctx, data) for _ in range(count)], "ms",
               at_most=READY_MS)
    ctx.figure("the same, making the data folder", new, "ms")
    jobs = ctx.pick(5000, 20)
    with ctx.server(data=data, env={"SCRIPTA_WORKERS": -1}) as server:
        for verb in ("submit", "work"):
            subprocess.run([ctx.program("queue-load"), str(server.socket), verb, "16", str(jobs)],
                           check=True, stdout=subprocess.DEVNULL)
    ctx.figure(f"the same, {jobs:,} finished jobs in its store",
               [ready_ms(ctx, data) for _ in range(count)], "ms", at_most=READY_MS)
    with ctx.server(data=data):
        command_ms(ctx, "--data", data, "jobs", "list")
        ctx.figure("`scripta jobs list` on a running server",
                   [command_ms(ctx, "--data", data, "jobs", "list") for _ in range(count)], "ms",
                   at_most=COMMAND_MS)
    ctx.figure("`scripta jobs list` with no server running",
               [cold_ms(ctx, data, "jobs", "list") for _ in range(count)], "ms", at_most=COLD_MS)
    ctx.figure("`scripta help`, which needs none",
               [command_ms(ctx, "help") for _ in range(count)], "ms", at_most=COLD_MS)
