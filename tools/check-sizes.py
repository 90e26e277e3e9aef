#!/usr/bin/env python3
"""Prints the longest functions, files and parameter lists and fails on one past its limit.

Functions: review at 60 lines, stop at 100. Files: review at 800, stop at 1200. Headers: stop at 200.
Parameters: stop at 6, where a trailing `struct sc_error *err` does not count: it is how a function
fails, not what it works on. Nothing here parses C: the code is in the shape that clang-format gives
it, so a function starts at column 0 and its brace stands alone in column 0.
"""

import argparse
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LIMITS = {"function": 100, "file": 1200, "header": 200, "parameters": 6}
# Callbacks whose parameters a library dictates: libmicrohttpd's post processor, access handler and
# upgrade handler, GnuTLS's choice of a certificate.
DICTATED = {"src/http/spool.c on_part", "src/http/server.c on_request",
            "src/http/ws-reply.c on_upgrade", "src/http/tls.c retrieve"}
ERROR = re.compile(r",\s*struct\s+sc_error\s*\*\s*\w+\s*$")
NOISE = re.compile(
    r"""/\*.*?\*/ | //[^\n]* | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*'""", re.DOTALL | re.VERBOSE
)
HEAD = re.compile(r"^[A-Za-z_][^;{}=]*?\b(\w+)\(([^;{}]*)\)\s*$", re.DOTALL)


def without_noise(text):
    """The text without comments and literals, with its line breaks kept."""
    return NOISE.sub(lambda m: "\n" * m.group(0).count("\n") or " ", text)


def count_parameters(text):
    """How many parameters a list names; a trailing error and the dots of a variadic are none."""
    text = ERROR.sub("", text)
    depth, count = 0, 1
    for sign in text:
        depth += (sign == "(") - (sign == ")")
        count += sign == "," and depth == 0
    if text.rstrip().endswith("..."):
        count -= 1
    return 0 if text.strip() in ("", "void") else count


def functions_of(text):
    """Yields (name, first line, lines, parameters) of each function defined in text."""
    lines = without_noise(text).split("\n")
    start = 0
    for number, line in enumerate(lines):
        if line.startswith("{"):
            head = HEAD.match("\n".join(x for x in lines[start:number] if not x.startswith("#")).strip())
            if head is not None:
                end = next((i for i in range(number, len(lines)) if lines[i].startswith("}")), number)
                yield head.group(1), number, end - number - 1, count_parameters(head.group(2))
        if not line.strip() or line.startswith(("}", "#")) or line.rstrip().endswith(";"):
            start = number + 1


def measure(path, name):
    """Yields (kind, size, where) of everything in one file that has a limit."""
    text = path.read_text(encoding="utf-8")
    yield ("header" if path.suffix == ".h" else "file"), text.count("\n"), name
    for function, line, size, parameters in functions_of(text):
        yield "function", size, f"{name}:{line} {function}"
        if f"{name} {function}" not in DICTATED:
            yield "parameters", parameters, f"{name}:{line} {function}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=pathlib.Path, default=ROOT)
    parser.add_argument("--worst", type=int, default=10, help="how many of each kind to print")
    args = parser.parse_args()
    found = {kind: [] for kind in LIMITS}
    for folder in ("src", "tests"):
        for path in sorted((args.root / folder).rglob("*.[ch]")):
            for kind, size, where in measure(path, str(path.relative_to(args.root))):
                found[kind].append((size, where))
    past = 0
    for kind, rows in found.items():
        print(f"{kind} (limit {LIMITS[kind]}):")
        rows.sort(key=lambda row: (-row[0], row[1]))
        stops = sum(size > LIMITS[kind] for size, _ in rows)
        for size, where in rows[: max(args.worst, stops)]:
            print(f"  {size:5d} {where}{'  STOP' if size > LIMITS[kind] else ''}")
        past += stops
    if past:
        print(f"check-sizes: {past} past their limit", file=sys.stderr)
    return 1 if past else 0


if __name__ == "__main__":
    sys.exit(main())
