"""Counts what passed and failed, part by part, and says so in one closing line.

Each part prints one line; SCRIPTA_TALLY names a file to which the sums are appended, so that a
script which runs several of our commands can close with the sum of all.
"""

import os
import sys
import time


class Tally:
    def __init__(self):
        self.passed = 0
        self.failed = 0
        self.skipped = []

    def add(self, part, passed, failed, skipped=(), seconds=None):
        """One part is done; skipped holds 'name: reason'."""
        self.passed += passed
        self.failed += failed
        self.skipped += skipped
        line = f"== {part}: {passed} passed, {failed} failed"
        if skipped:
            line += f", {len(skipped)} skipped"
        if seconds is not None:
            line += f" ({seconds:.0f} s)"
        print(line, flush=True)
        for reason in skipped:
            print(f"   skipped {reason}", flush=True)

    def timed(self, part, run):
        """Runs a part: run() gives (passed, failed, skipped)."""
        start = time.monotonic()
        passed, failed, skipped = run()
        self.add(part, passed, failed, skipped, time.monotonic() - start)

    def close(self):
        """Prints the closing line and gives the exit code."""
        path = os.environ.get("SCRIPTA_TALLY")
        if path:
            with open(path, "a", encoding="ascii") as out:
                out.write(f"{self.passed} {self.failed}\n")
        sys.stderr.flush()
        print(f"{self.passed} passed, {self.failed} failed", flush=True)
        return 1 if self.failed or not self.passed else 0
