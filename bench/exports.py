"""Exports: ten hours in every format

Processor time of the writer of each format over a transcript of ten hours (9,000 segments, 108,000
words), by `bench/export-load.c`, and how many bytes it holds at most beside the transcript: a
writer is a stream, so these do not grow with the length. That is the writer alone: a server reads
the transcript first, and hands the whole of the text on at once.
"""

import subprocess

FORMATS = ("txt", "srt", "vtt", "json", "csv", "tsv", "lrc", "md", "docx", "ass")


def load(ctx, name, *hours):
    """A row of numbers for each length."""
    out = subprocess.run([ctx.program("export-load"), name, *map(str, hours)], check=True,
                         stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True).stdout
    return [[float(x) for x in line.split()] for line in out.splitlines()]


def run(ctx):
    hours = ctx.pick(10, 1)
    for name in ctx.pick(FORMATS, FORMATS[:2]):
        times, held = [], []
        for _ in range(ctx.runs):
            # The longest comes last: what one run leaves behind is no part of the next.
            short, long = load(ctx, name, hours, 2 * hours)
            times.append(short[2] * 1000)
            held.append(long[4] / max(short[4], 1)) # sanitizers count nothing
        at_most = 100 if name == "srt" else None
        ctx.figure(f"{name}: {hours} hours, written", times, "ms", at_most=at_most)
        # The text of JSON stands in front of its segments: it is held.
        bar = None if name == "json" else 1.05
        ctx.figure(f"{name}: bytes held for {2 * hours} hours, by those for {hours}", held, "x",
                   at_most=bar)
