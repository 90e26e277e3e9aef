"""G8: memory is exhausted. The Nth allocation of a kind fails, each in a process of its own on a copy
of a data folder; done and looked at in C."""

import os
import re
import subprocess

from frame import Case, Result
from harness import BUILD, MEDIA

PROGRAM = BUILD / "tests" / "unit" / "daemon" / "test-daemon-memory"
LINE = re.compile(r"G8: (\d+) of (\d+) allocations failed, one in each run: (\d+) answered with an "
                  r"error, (\d+) done all the same, (\d+) stopped, (\d+) not met, (\d+) wrong")


def run(ctx):
    done = subprocess.run([PROGRAM], capture_output=True, text=True, check=False, timeout=7200,
                          env={**os.environ, "ROUNDS": str(ctx.count), "FIRST": str(ctx.first),
                               "TMPDIR": str(ctx.folder), "SCRIPTA_MEDIA": str(MEDIA)})
    said = done.stdout + done.stderr
    row = LINE.search(said)
    assert row and done.returncode == 0, said[-3000:]
    runs, places, refused, tolerated, stopped, not_met, wrong = map(int, row.groups())
    return Result(runs, {"answered with an error": refused, "done all the same": tolerated,
                         "stopped": stopped, "not met": not_met},
                  {"allocations": places}, lost=wrong)


# SCALE=full is about every place there is. `not met`: the scenario came to fewer allocations than
# when they were counted.
CASES = [
    Case("G8", "the Nth allocation fails", "runs", run, short=0, one=300, full=11000, round=250,
         minutes=4.8, needs=("test-programs", "faults")),
]
