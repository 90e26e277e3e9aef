"""G10: bits turned and pages overwritten in a store; the work is done in C, in one process."""

import os
import re
import subprocess

from frame import Case, Result
from harness import BUILD

PROGRAM = BUILD / "tests" / "unit" / "library" / "test-library-fsck"
LINE = re.compile(r"G10: .* (\d+) times: (\d+) found, (\d+) restored, (\d+) harmless, (\d+) wrong")


def run(ctx):
    done = subprocess.run([PROGRAM], capture_output=True, text=True, check=False, timeout=3600,
                          env={**os.environ, "ROUNDS": str(ctx.count), "FIRST": str(ctx.first),
                               "SEED": str(ctx.seed), "TMPDIR": str(ctx.folder)})
    said = done.stdout + done.stderr
    assert done.returncode == 0, "\n".join(x for x in said.splitlines() if "ERROR" in x) or said
    rows = [[int(x) for x in m.groups()] for m in LINE.finditer(said)]
    assert len(rows) == 3, said
    return Result(ctx.count, {"damages": sum(r[0] for r in rows), "found": sum(r[1] for r in rows),
                              "restored exactly": sum(r[2] for r in rows),
                              "of no effect": sum(r[3] for r in rows)},
                  lost=sum(r[4] for r in rows))


CASES = [
    Case("G10", "a bit of a text, any bit, and a page damaged", "rounds", run, short=0, one=100,
         full=200, round=20, minutes=5.4,
         needs=("test-programs",)),
]
