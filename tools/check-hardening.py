#!/usr/bin/env python3
"""The programs are built so that a fault is hard to make use of (G48): what readelf says of them, and
the flags that it cannot show.

check-hardening.py [--commands compile_commands.json] PROGRAM…
"""

import argparse
import json
import re
import subprocess
import sys

FLAGS = ("-fstack-protector-strong", "-fcf-protection")


def readelf(program, *options):
    return subprocess.run(["readelf", "-W", *options, program], capture_output=True, text=True,
                          check=True).stdout


def faults_of(program):
    """What is wrong with a program, in words."""
    header = readelf(program, "-h", "-l")
    dynamic = readelf(program, "-d")
    symbols = readelf(program, "--dyn-syms")
    stack = re.search(r"GNU_STACK\s.*", header)
    checks = (
        (re.search(r"Type:\s+DYN", header) and re.search(r"FLAGS_1.*\bPIE\b", dynamic),
         "is not position-independent (-fPIE -pie)"),
        ("GNU_RELRO" in header, "has no read-only relocations (-z relro)"),
        (re.search(r"\bBIND_NOW\b|FLAGS_1.*\bNOW\b", dynamic), "binds lazily (-z now)"),
        (stack and " RWE " not in stack.group(), "has an executable stack"),
        (not re.search(r"LOAD\s.*RWE", header), "has memory that is both writable and executable"),
        (not re.search(r"\((RPATH|TEXTREL)\)", dynamic), "has RPATH or text relocations"),
        ("__stack_chk_fail" in symbols, "has no stack protector"),
    )
    return [f"{program} {why}" for fine, why in checks if not fine]


def faults_of_commands(path):
    """Our files that are compiled without a flag; FORTIFY_SOURCE=3 where it can be had."""
    with open(path, encoding="utf-8") as f:
        commands = [row for row in json.load(f) if "/src/" in row["file"].replace("../", "/")]
    out = [] if commands else [f"{path} names no file of ours"]
    # The sanitizers have checks of their own, and refuse these.
    sanitized = any("-fsanitize=" in row["command"] for row in commands)
    for row in commands:
        command = row["command"]
        missing = [flag for flag in FLAGS if flag not in command]
        if not sanitized and not re.search(r"-O0|-D_FORTIFY_SOURCE=3", command):
            missing.append("-D_FORTIFY_SOURCE=3")
        out += [f"{row['file']} is compiled without {flag}" for flag in missing]
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--commands", help="compile_commands.json of the build")
    parser.add_argument("programs", nargs="+")
    args = parser.parse_args()
    faults = [why for program in args.programs for why in faults_of(program)]
    if args.commands:
        faults += faults_of_commands(args.commands)
    for why in faults[:20]:
        print(why, file=sys.stderr)
    print(f"check-hardening: {len(args.programs)} programs, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
