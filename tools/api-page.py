#!/usr/bin/env python3
"""Writes docs/api.md from the API's own description.

    build-san/scripta help --openapi | tools/api-page.py > docs/api.md

The prose and the examples come from src/api/prose.md, the rest from the tables of the program; a test
(tests/e2e/test_openapi.py) holds the file against it.
"""

import json
import sys

EXAMPLE = "    curl $S"
INTRO = """# The HTTP API

Made by `tools/api-page.py` of what `scripta help --openapi` prints: edit `src/api/prose.md` and the tables
beside the handlers, not this page."""


def anchor(title):
    """As GitHub makes it of a heading."""
    return "".join(c for c in title.lower().replace(" ", "-") if c.isalnum() or c in "-_")


def cell(text):
    """What may stand in a table."""
    return text.replace("|", "\\|")


def link(ref):
    name = ref.rpartition("/")[2]
    return f"[`{name}`](#{name.lower()})"


def type_of(schema):
    """What a value is, in a few words."""
    if "$ref" in schema:
        return link(schema["$ref"])
    for joint in ("allOf", "anyOf"):
        if joint in schema:
            return " or ".join(type_of(s) for s in schema[joint])
    if "enum" in schema and len(schema["enum"]) <= 12:
        return ", ".join("null" if w is None else f"`{w}`" for w in schema["enum"])
    names = schema.get("type", "any value")
    names = [names] if isinstance(names, str) else names
    return " or ".join(type_name(name, schema) for name in names)


def type_name(name, schema):
    if name == "array":
        item = schema.get("items", {})
        return f"list of {type_of(item)}"
    if name == "string":
        return {"date-time": "time", "uuid": "UUID", "binary": "file"}.get(schema.get("format"),
                                                                           "text")
    return name


def table(head, rows):
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    return "\n".join(lines + [f"| {' | '.join(cell(c) for c in row)} |" for row in rows])


def parameters(operation):
    rows = [(f"`{p['name']}`" + (" (header)" if p["in"] == "header" else "")
             + (" (needed)" if p["required"] else ""), type_of(without_null(p["schema"])),
             p["description"])
            for p in operation["parameters"]
            if p["in"] != "path" and p["name"] not in COMMON_HEADERS]
    return table(("parameter", "is", ""), rows) if rows else ""


def without_null(schema):
    kind = schema.get("type")
    out = dict(schema)
    if isinstance(kind, list):
        out["type"] = [k for k in kind if k != "null"]
    if "enum" in out:
        out["enum"] = [w for w in out["enum"] if w is not None]
    return out


def body(operation):
    if "requestBody" not in operation:
        return ""
    content = operation["requestBody"]["content"]
    media, what = next(iter(content.items()))
    kind = "" if media == "application/json" else f" as `{media}`"
    return f"Body: {type_of(what['schema'])}{kind}."


def answers(operation):
    out = []
    for status, answer in operation["responses"].items():
        if status >= "300":
            continue
        kinds = [type_of(c["schema"]) if media == "application/json" and c["schema"]
                 else f"`{media}`" for media, c in answer.get("content", {}).items()]
        help_text = answer["description"]
        help_text = "" if help_text == "The answer" else f" ({help_text})"
        out.append(f"{status}: {', '.join(kinds) or 'no body'}{help_text}")
    return "Answers: " + "; ".join(out) + "."


# Codes of every call, told once too.
COMMON = {"INVALID_VALUE", "INVALID_REQUEST", "UNAUTHENTICATED", "FORBIDDEN", "BODY_TOO_LARGE",
          "UNSUPPORTED_TYPE", "NOT_ACCEPTABLE", "PRECONDITION_FAILED", "LENGTH_REQUIRED",
          "EXPECTATION_FAILED"}
# Told once for all calls.
COMMON_HEADERS = {"If-None-Match", "If-Match"}


def errors(operation):
    codes = [code for status, answer in operation["responses"].items() if status < "500"
             for code in answer.get("x-codes", []) if code not in COMMON]
    return "Errors of its own: " + ", ".join(f"`{c}`" for c in codes) + "." if codes else ""


def chapter(method, path, operation):
    prose, mark, examples = operation["description"].partition(EXAMPLE)
    scope = operation.get("x-scope")
    lead = f"Scope `{scope}`. " if scope else ""
    parts = [f"### `{method.upper()} {path}`", lead + prose.strip(), parameters(operation),
             " ".join(x for x in (body(operation), answers(operation), errors(operation)) if x),
             mark + examples.rstrip()]
    return "\n\n".join(p for p in parts if p)


def shape(name, schema):
    rows = []
    needed = schema.get("required", [])
    for member, about in schema.get("properties", {}).items():
        text = about.get("description", "")
        rows.append((f"`{member}`" + ("" if member in needed else " ?"),
                     type_of(about), text))
    intro = schema.get("description")
    return "\n\n".join(x for x in (f"### {name}", f"{intro}." if intro else "",
                                   table(("member", "is", ""), rows) if rows else "") if x)


def contents(document):
    titles = ["Rules for all calls", *(t["name"] for t in document["tags"]), "Objects",
              "Error codes"]
    return " ·\n".join(f"[{t}](#{anchor(t)})" for t in titles)


def page(document):
    info = document["info"]["description"]
    start, rest = info.split("\n\n**", 1)
    out = [INTRO, start, contents(document), "## Rules for all calls\n\n**" + rest]
    for tag in document["tags"]:
        text = tag.get("description", "")
        out.append("\n\n".join(x for x in (f"## {tag['name']}", text) if x))
        out += [chapter(method, path, operation)
                for path, method, operation in in_order(document, tag["name"])]
    out.append("## Objects\n\nThe members of what is sent and answered. A member with `?` need not be "
               "there.")
    out += [shape(name, schema) for name, schema in document["components"]["schemas"].items()]
    out.append("## Error codes\n\n" + table(("code", "status", ""), [
        (f"`{c['code']}`", str(c["status"]), c["message"]) for c in document["x-codes"]]))
    return "\n\n".join(out) + "\n"


def in_order(document, tag):
    """The calls of a chapter; x-order is their place in the prose."""
    calls = [(path, method, operation) for path, methods in document["paths"].items()
             for method, operation in methods.items() if operation["tags"] == [tag]]
    return sorted(calls, key=lambda c: c[2]["x-order"])


if __name__ == "__main__":
    sys.stdout.write(page(json.load(sys.stdin)))
