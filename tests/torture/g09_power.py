"""G9: the plug is pulled. The main job is recorded once for each round, down to every write and
sync; the disks that a loss of power could have left are made and looked at in C, in one process."""

import os
import re
import subprocess

from frame import Case, Result
from harness import BUILD, MEDIA

PROGRAM = BUILD / "tests" / "unit" / "daemon" / "test-daemon-power"
LINE = re.compile(r"G9: power lost (\d+) times in (\d+) changes of the disk, (\d+) promises, "
                  r"(\d+) starts that went on to the end, (\d+) with a loss")


def run(ctx):
    done = subprocess.run([PROGRAM], capture_output=True, text=True, check=False, timeout=3600,
                          env={**os.environ, "ROUNDS": str(ctx.count), "FIRST": str(ctx.first),
                               "SEED": str(ctx.seed % 1000003), "TMPDIR": str(ctx.folder),
                               "SCRIPTA_MEDIA": str(MEDIA)})
    said = done.stdout + done.stderr
    row = LINE.search(said)
    assert row and done.returncode == 0, said[-3000:]
    times, changes, promises, resumed, lost = map(int, row.groups())
    assert times == ctx.count
    return Result(ctx.count, {"starts that finished every job": resumed},
                  {"changes of the disk": changes, "promises": promises}, lost=lost)


CASES = [
    Case("G9", "at any moment, unsynced writes dropped, kept, reordered or torn", "losses of power",
         run, short=0, one=250, full=1000, round=125, minutes=0.8,
         needs=("test-programs",)),
]
