"""G20, G38: odd and hostile files and the decoder's jail. Their tests of make check are the whole
table already; these cases run them again and count."""

import os
import subprocess
import sys
import xml.etree.ElementTree as ET

from frame import Case, Result
from harness import ROOT

E2E = ROOT / "tests" / "e2e"


def tests(*words):
    """A case that runs these end-to-end tests once for each unit."""
    def run(ctx):
        passed = 0
        for number in range(ctx.count):
            report = ctx.folder / f"{number}.xml"
            command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q",
                       f"--junitxml={report}", *words]
            done = subprocess.run(command, cwd=E2E, stdin=subprocess.DEVNULL, check=False,
                                  capture_output=True, text=True,
                                  env={**os.environ, "TMPDIR": str(ctx.folder)})
            assert done.returncode == 0, done.stdout[-3000:]
            passed += sum(case.find("skipped") is None
                          for case in ET.parse(report).getroot().iter("testcase"))
        return Result(ctx.count, {"tests passed": passed})

    return run


CASES = [
    Case("G20", "a hundred odd, damaged and hostile files handed in", "times",
         tests("test_odd_media.py", "-k", "odd_files or nobody_called"), short=0, one=1, full=5,
         round=1, needs=("ffmpeg",), minutes=0.2),
    Case("G38", "the ways out of the decoder's jail tried", "times", tests("test_jail.py"), short=0,
         one=1, full=10, round=1, minutes=0.1),
]
