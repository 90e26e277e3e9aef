"""A short form of each fault case of tests/torture; `make torture` runs them for longer."""

import os
import pathlib
import random
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
    print(frame.run_round(case, case.short, 0, SEED).line(case))
