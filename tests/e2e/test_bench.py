"""Every bench still works: tiny sizes, no figure decides. What it measures is for `make bench`."""

import os
import subprocess
import sys

import pytest

from harness import BUILD, ROOT

sys.path.insert(0, str(ROOT))
from bench.__main__ import BENCHES  # noqa: E402


@pytest.mark.parametrize("name", BENCHES)
def test_bench_works(name):
    command = [sys.executable, "-m", "bench", "--smoke", "--build", str(BUILD), name]
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=240, check=False,
                          env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
    assert done.returncode == 0, done.stdout + done.stderr
    if "skipped: " in done.stdout:
        pytest.skip(next(x for x in done.stdout.splitlines() if x.startswith("skipped: ")))
