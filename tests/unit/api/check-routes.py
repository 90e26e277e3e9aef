#!/usr/bin/env python3
"""Holds src/api/prose.md against src/api/routes.def.

Every route has a section, and every section a route, in the same order; and whoever runs the
examples from top to bottom deletes nothing that a later one needs.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
ROUTE = re.compile(r'^ROUTE\((\w+), "([^"]+)", \w+, \w+,', re.MULTILINE)
CHAPTER = re.compile(r"^### `(\w+) ([^`]+)`\n(.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)

# What goes with what is deleted, beside what lies below it.
GOES_WITH = {
    "/api/files/{id}": ("/api/jobs", "/api/transcripts"),
    "/api/jobs/{id}": ("/api/transcripts",),
}


def out_of_order(routes, chapters):
    """Yields a sentence for each chapter that stands in a wrong place; both lists hold the same."""
    for route, chapter in zip(routes, chapters):
        if route != chapter:
            yield f"{chapter[0]} {chapter[1]}: routes.def has {route[0]} {route[1]} in its place"
            break
    for i, (method, path) in enumerate(chapters):
        gone = (path, *GOES_WITH.get(path, ())) if method == "DELETE" else ()
        for later_method, later in chapters[i + 1 :]:
            if later_method != "DELETE" and any(later.startswith(g) for g in gone):
                yield f"{later_method} {later}: what its example needs was deleted by {path}"


def faults(routes_text, docs_text):
    """Yields a sentence for each difference."""
    routes = dict.fromkeys(ROUTE.findall(routes_text))
    chapters = {(method, path): text for method, path, text in CHAPTER.findall(docs_text)}
    if not routes:
        yield "no routes found in routes.def"
    for method, path in sorted(routes.keys() - chapters.keys()):
        yield f"prose.md has no section '### `{method} {path}`'"
    for method, path in sorted(chapters.keys() - routes.keys()):
        yield f"prose.md describes {method} {path}, which is no route"
    if routes.keys() == chapters.keys():
        yield from out_of_order(list(routes), list(chapters))
    for route in sorted(routes.keys() & chapters.keys()):
        text = chapters[route]
        if "curl $S" not in text:
            yield f"{route[0]} {route[1]}: no example"


def main():
    found = list(
        faults((ROOT / "src/api/routes.def").read_text(), (ROOT / "src/api/prose.md").read_text())
    )
    for fault in found:
        print(fault, file=sys.stderr)
    print(f"check-routes: {len(found)} faults")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
