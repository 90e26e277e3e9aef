#!/usr/bin/env python3
"""Turns SQL files into C: lines for X-macros.

embed-sql.py -o OUT FILE...               one SC_SQL(NAME, "text") per `-- name: job_claim` statement
embed-sql.py --names -o OUT FILE...       one SC_SQL(NAME) per statement, for the enum
embed-sql.py --migrations -o OUT FILE...  one SC_MIGRATION(1, "0001_init", "sha256", "text") per file

OUT is left alone when nothing in it changes, so that a changed text compiles one file, not those that
use the enum.
"""

import argparse
import hashlib
import pathlib
import re
import sys

from ctext import c_string, write_changed

NAME_LINE = re.compile(r"--\s*name:\s*(\S*)\s*$")
NAME = re.compile(r"[a-z][a-z0-9_]*$")
MIGRATION = re.compile(r"([0-9]{4})_[a-z0-9_]+$")
# A piece of SQL in which -- and /* mean nothing, or a comment.
TOKEN = re.compile(
    r"""'(?:[^']|'')*' | "(?:[^"]|"")*" | `[^`]*` | \[[^\]]*\] | (?P<comment>--[^\n]* | /\*.*?(?:\*/|\Z))""",
    re.DOTALL | re.VERBOSE,
)


class BadInput(Exception):
    """A fault in the SQL files; the message names file and line."""


def strip_comments(text):
    """The statement without comments, blank lines and white space at the ends of lines."""
    bare = TOKEN.sub(lambda m: " " if m.group("comment") else m.group(0), text)
    lines = (line.rstrip() for line in bare.splitlines())
    return "\n".join(line for line in lines if line)


def read_text(path):
    """The text of a file, which must be UTF-8 without NUL."""
    try:
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as e:
        raise BadInput(f"{path}: not UTF-8 at byte {e.start}") from e
    if "\0" in text:
        raise BadInput(f"{path}: holds a NUL byte")
    return text


def split_statements(path):
    """Yields (name, line number, raw text) of each named statement."""
    name, start, lines = None, 0, []
    for number, line in enumerate(read_text(path).split("\n"), 1):
        mark = NAME_LINE.match(line)
        if mark is None:
            lines.append(line)
            continue
        if name is not None:
            yield name, start, "\n".join(lines)
        elif strip_comments("\n".join(lines)):
            raise BadInput(f"{path}:{number}: text before the first name")
        name, start, lines = mark.group(1), number, []
        if NAME.match(name) is None:
            raise BadInput(f"{path}:{number}: bad name '{name}'")
    if name is not None:
        yield name, start, "\n".join(lines)
    elif strip_comments("\n".join(lines)):
        raise BadInput(f"{path}: no '-- name:' line")


def embed_statements(paths, names_only=False):
    """SC_SQL lines of all files; names are unique over all of them."""
    seen, out = {}, []
    for path in paths:
        for name, line, raw in split_statements(path):
            where = f"{path}:{line}"
            if name in seen:
                raise BadInput(f"{where}: '{name}' is already at {seen[name]}")
            seen[name] = where
            text = strip_comments(raw).strip()
            if not text.rstrip(";").strip():
                raise BadInput(f"{where}: '{name}' has no statement")
            if not text.endswith(";"):
                raise BadInput(f"{where}: '{name}' does not end in ';'")
            value = "" if names_only else f", {c_string(text)}"
            out.append(f"SC_SQL({name.upper()}{value})\n")
    return out


def embed_migrations(paths):
    """SC_MIGRATION lines; the versions must be 1, 2, 3 and so on without a gap."""
    out = []
    for number, path in enumerate(sorted(paths, key=lambda p: p.name), 1):
        name = MIGRATION.match(path.stem)
        if name is None or path.suffix != ".sql":
            raise BadInput(f"{path}: not named like 0001_init.sql")
        if int(name.group(1)) != number:
            raise BadInput(f"{path}: expected version {number:04d}")
        text = read_text(path)
        if not strip_comments(text):
            raise BadInput(f"{path}: is empty")
        digest = hashlib.sha256(text.encode("utf-8")).hexdigest()
        out.append(f'SC_MIGRATION({number}, "{path.stem}", "{digest}", {c_string(text)})\n')
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--migrations", action="store_true", help="embed whole files in order")
    parser.add_argument("--names", action="store_true", help="the names of the statements alone")
    parser.add_argument("-o", "--output", type=pathlib.Path, required=True)
    parser.add_argument("files", type=pathlib.Path, nargs="+")
    args = parser.parse_args()
    try:
        lines = (embed_migrations(args.files) if args.migrations
                 else embed_statements(args.files, args.names))
        write_changed(args.output, "".join(lines))
    except (BadInput, OSError) as e:
        print(f"embed-sql: {e}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
