#!/usr/bin/env python3
"""Turns the prose of the API (src/api/prose.md) into C: lines for X-macros.

embed-prose.py -o OUT FILE

The file begins with what holds for all calls. Each chapter ("## Jobs") opens with what holds for
its calls, and has a section for each ("### `GET /api/jobs`"):

    SC_PROSE_ALL("text")  SC_PROSE_CHAPTER("Jobs", "text")
    SC_PROSE_ROUTE("GET", "/api/jobs", "Jobs", "text")

Links to pages of docs/ become those of docs/api.md, which is made of it.
"""

import argparse
import pathlib
import re
import sys

from ctext import c_string, write_changed

HEADING = re.compile(r"^(##|###) (.*)$", re.MULTILINE)
ROUTE = re.compile(r"`([A-Z]+) (/\S*)`$")


class BadInput(Exception):
    """A fault in the file; the message says which."""


def sections(text):
    """Yields (heading or None, text) in order."""
    marks = list(HEADING.finditer(text))
    yield None, text[:marks[0].start()] if marks else text
    for mark, following in zip(marks, [*marks[1:], None]):
        yield mark, text[mark.end():following.start() if following else len(text)]


def embed(text):
    """The lines of the whole file."""
    out, chapter, seen = [], None, set()
    for mark, body in sections(text):
        body = c_string(body.strip().replace("](../../docs/", "]("))
        if mark is None:
            out.append(f"SC_PROSE_ALL({body})\n")
            continue
        level, title = mark.groups()
        if level == "##":
            chapter = title
            out.append(f"SC_PROSE_CHAPTER({c_string(title)}, {body})\n")
            continue
        route = ROUTE.match(title)
        if route is None or chapter is None:
            raise BadInput(f"'### {title}' is no call in a chapter")
        if title in seen:
            raise BadInput(f"'### {title}' is there twice")
        seen.add(title)
        out.append(f'SC_PROSE_ROUTE("{route[1]}", "{route[2]}", {c_string(chapter)}, {body})\n')
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--output", type=pathlib.Path, required=True)
    parser.add_argument("file", type=pathlib.Path)
    args = parser.parse_args()
    try:
        write_changed(args.output, "".join(embed(args.file.read_text(encoding="utf-8"))))
    except (BadInput, OSError, UnicodeDecodeError) as e:
        print(f"embed-prose: {args.file}: {e}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
