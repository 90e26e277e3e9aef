#!/usr/bin/env python3
"""Compiles each header under src/ alone: it must include what it needs.

check-headers.py --flags=-IBUILD/src CC...    the compiler, with its wrapper if any: ccache gcc

BUILD is any folder that has been built: some headers include generated ones. `make lint` gives
build-clang and clang.
"""

import argparse
import concurrent.futures
import os
import pathlib
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FLAGS = ["-std=gnu17", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-xc", "-"]
PACKAGES = ["gnutls", "jansson", "yaml-0.1", "sqlite3", "libmicrohttpd", "libcurl", "libseccomp",
            "libavformat", "libavcodec", "libswresample", "libavutil", "pocketsphinx", "sphinxbase"]


def package_flags():
    """Include paths of the libraries; empty without pkg-config."""
    try:
        out = subprocess.run(["pkg-config", "--cflags", *PACKAGES], capture_output=True, text=True,
                             check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return []
    return shlex.split(out)


def compile_alone(command, src, header):
    """The compiler's complaint about one header, or ''."""
    unit = f'#include "{header.relative_to(src)}"\n#include "{header.relative_to(src)}"\n'
    done = subprocess.run(command, input=unit, capture_output=True, text=True, check=False)
    return f"{header}:\n{done.stderr}" if done.returncode != 0 else ""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=pathlib.Path, default=ROOT)
    parser.add_argument("--flags", default="", help="more compiler flags, as one word")
    parser.add_argument("compiler", nargs="+")
    args = parser.parse_args()
    src = args.root / "src"
    headers = sorted(src.rglob("*.h"))
    command = [*args.compiler, "-iquote", str(src), *package_flags(), *shlex.split(args.flags), *FLAGS]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        faults = [x for x in pool.map(lambda h: compile_alone(command, src, h), headers) if x]
    for fault in faults:
        print(fault, file=sys.stderr)
    print(f"check-headers: {len(headers)} headers, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
