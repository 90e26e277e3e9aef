#!/usr/bin/env python3
"""Every code of src/base/error.def is provoked by some test: its name stands in one.

check-errors.py [--list]   --list: each code with how many tests name it
"""

import argparse
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--list", action="store_true")
    args = parser.parse_args()
    table = (ROOT / "src" / "base" / "error.def").read_text(encoding="utf-8")
    codes = re.findall(r"^SC_ERROR\((\w+),", table, re.MULTILINE)
    tests = [p for pattern in ("unit/**/*.c", "e2e/**/*.py") for p in (ROOT / "tests").glob(pattern)
             if p.name != "test-error.c"]
    texts = [p.read_text(encoding="utf-8") for p in tests]
    missing = []
    for code in codes:
        pattern = re.compile(rf"\bSC_E_{code}\b|[\"']{code}[\"']")
        count = sum(1 for text in texts if pattern.search(text))
        if args.list:
            print(f"{count:3} {code}")
        if count == 0:
            missing.append(code)
    for code in missing:
        print(f"no test provokes {code}", file=sys.stderr)
    print(f"check-errors: {len(codes)} codes, {len(missing)} without a test")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
