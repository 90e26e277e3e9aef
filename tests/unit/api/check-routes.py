#!/usr/bin/env python3
"""Holds src/api/prose.md against src/api/routes.def.

Every route has a section, and every section a route, in the same order; and whoever runs the
examples from top to bottom deletes nothing that a later one needs. Every POST takes an
Idempotency-Key, or stands below with the reason why it need not.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
ROUTE = re.compile(r'^ROUTE\((\w+), "([^"]+)", \w+, \w+,', re.MULTILINE)
POST = re.compile(r'^ROUTE\(POST, "([^"]+)", (\w+), \w+, ([^,]+),', re.MULTILINE)
CHAPTER = re.compile(r"^### `(\w+) ([^`]+)`\n(.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)

# What goes with what is deleted, beside what lies below it.
GOES_WITH = {
    "/api/files/{id}": ("/api/jobs", "/api/transcripts"),
    "/api/jobs/{id}": ("/api/transcripts",),
}


# Handlers that read the key themselves, and the file that does: their bodies are too long to be
# kept for a comparison, or their answer is that of a job.
READS_KEY = {
    "upload_job": "upload.c",
    "upload_file": "upload.c",
    "resumable_create": "resumable.c",
    "job_create": "jobs.c",
    "openai_transcribe": "openai.c",
    "openai_translate": "openai.c",
    "compat_inference": "openai.c",
    "compat_asr": "openai.c",
    "compat_detect_language": "openai.c",
}
# Handlers that make nothing: what they do twice is as if it were done once.
MAKES_NOTHING = {
    "jobs_retry": "what goes on already is passed over",
    "job_clean": "removes",
    "files_clean": "removes",
    "queue_pause": "sets a state",
    "queue_resume": "sets a state",
    "db_check": "reads",
    "db_fsck": "reads, or mends what is damaged still",
    "worker_register": "a worker's own: one that is forgotten expires",
    "worker_claim": "of workers, whose epochs tell a repetition",
    "worker_heartbeat": "of workers, whose epochs tell a repetition",
    "worker_complete": "of workers, whose epochs tell a repetition",
    "worker_segments": "of workers, who number what they say: what was said is passed over",
    "worker_fail": "of workers, whose epochs tell a repetition",
    "worker_release": "of workers, whose epochs tell a repetition",
}


def keyless(routes_text, source):
    """Yields a sentence for each POST that nobody may repeat; source(file) is its text."""
    posts = {handler: (path, flags) for path, handler, flags in POST.findall(routes_text)}
    if not posts:
        yield "no POST found in routes.def"
    for handler, (path, flags) in posts.items():
        ways = [
            "SC_ROUTE_ONCE" in flags,
            "sc_request_idempotency_key(" in source(READS_KEY.get(handler)),
            handler in MAKES_NOTHING,
        ]
        if sum(ways) != 1:
            yield f"POST {path}: SC_ROUTE_ONCE, READS_KEY or MAKES_NOTHING, one of them ({ways})"
    for handler in sorted((READS_KEY.keys() | MAKES_NOTHING.keys()) - posts.keys()):
        yield f"{handler}: no POST has it"


def api_source(name):
    """The text of a file of the API; nothing for None."""
    return (ROOT / "src/api" / name).read_text() if name else ""


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
    routes = (ROOT / "src/api/routes.def").read_text()
    found = list(faults(routes, (ROOT / "src/api/prose.md").read_text()))
    found += keyless(routes, api_source)
    for fault in found:
        print(fault, file=sys.stderr)
    print(f"check-routes: {len(found)} faults")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
