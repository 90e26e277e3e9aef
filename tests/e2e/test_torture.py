"""A short form of each fault case of tests/torture; `make torture` runs them for longer."""

import os
import pathlib
import random
import re
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "torture"))
import frame  # noqa: E402

SEED = int(os.environ.get("SEED", "0")) or random.SystemRandom().randrange(1, 1 << 31)


@pytest.mark.parametrize("case", [c for c in frame.cases() if c.short], ids=lambda c: c.name)
def test_faults(case):
    if why := case.missing():
        pytest.skip(why)
    print(f"SEED={SEED}")
    print(frame.run_round(case, case.short, 0, SEED, in_check=True).line(case))


def test_the_list_says_how_long_each_case_takes():
    build, tool = frame.harness.BUILD, frame.HERE.parent.parent / "tools" / "torture.py"
    done = subprocess.run(["/usr/bin/python3", str(tool), str(build), "--list"], text=True,
                          capture_output=True, check=True)
    lines = done.stdout.splitlines()
    assert [x.split()[0] for x in lines[1:-1]] == [c.name for c in frame.cases()]
    assert all(re.search(r"\d+ +~?[\d.]+ (min|h) +\d+ +~?[\d.]+ (min|h)  ", x) for x in lines[1:-1])
    assert lines[-1].startswith("two at a time: SCALE=1 about "), lines[-1]


def test_cases_are_named_behind_options():
    """As make torture CASES=... does it."""
    build, tool = frame.harness.BUILD, frame.HERE.parent.parent / "tools" / "torture.py"
    done = subprocess.run(["/usr/bin/python3", str(tool), str(build), "--scale", "1", "--jobs", "2",
                           "G1", "G0"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "torture: no case G0; --list says what there is\n")
