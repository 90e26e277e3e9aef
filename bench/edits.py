"""Edits: ten hours, and who waits for them

`bench/edit-load.c` makes a transcript of 9,000 segments (ten hours) through the library's own verbs
and corrects one sentence after another, each beside a durable write of one row: what is over that
is the edit. Then a second thread writes one row each millisecond, as a claim or a heartbeat does,
and tells how long it waited: alone, while segments stream in, and while all of the text is saved;
all in one run.
"""

import json
import os
import subprocess

LIMIT_S = 300

TRIED = """
A save of the whole text was one write, for which every claim waited; it comes in slices of at most
3 ms now, which the last figures compare. As one write it takes longer by itself, too. A
correction read the order and the sums of all segments, twice (8.0 ms of processor time in the
median, 13.2 at p99, in the same hour on the same machine as 1.3 and 3.3 now); it reads what it
touches, and the checksum of the new version follows from that of the one before.
"""


def run(ctx):
    segments, edits, long, seconds = ctx.pick((9000, 400, 5, 10), (200, 5, 1, 1))
    ctx.note(f"Load of the machine before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.")
    done = subprocess.run([ctx.program("edit-load"), str(ctx.folder), str(segments), str(edits),
                           str(long), str(seconds)], stdout=subprocess.PIPE, text=True, check=True)
    found = json.loads(done.stdout)
    ctx.figure("durable write of one row, p99", found["sync"]["p99_ms"], "ms")
    ctx.figure("correction of one sentence, p50", found["edit"]["p50_ms"], "ms")
    ctx.figure("correction of one sentence, p99", found["edit"]["p99_ms"], "ms")
    ctx.figure("the same, processor, p50", found["edit_cpu"]["p50_ms"], "ms")
    ctx.figure("the same, processor, p99", found["edit_cpu"]["p99_ms"], "ms", at_most=5)
    for key, name in (("alone", "nothing else happens"),
                      ("stream", "1,000 segments a second come"),
                      ("sliced", "all of the text is saved"),
                      ("whole", "it is saved as one write")):
        for share in ("p50", "p99", "max"):
            ctx.figure(f"a short write while {name}, {share}", found[f"probe_{key}"][f"{share}_ms"],
                       "ms", at_most=20 if (key, share) == ("sliced", "p99") else None)
    for key, name in (("sliced", "saving all of the text"), ("whole", "the same as one write")):
        ctx.figure(name, found[key]["p50_ms"], "ms")
        ctx.figure(f"{name}, processor", found[f"{key}_cpu"]["p50_ms"], "ms")
