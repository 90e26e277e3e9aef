#!/usr/bin/env python3
"""Holds what names metrics against src/base/metric.def.

metrics.py             docs/metrics.md has the table of the def, the dashboard and the alert rules
                       name only metrics and labels that there are
metrics.py --write     writes that table into docs/metrics.md
"""

import argparse
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
DEF = ROOT / "src" / "base" / "metric.def"
DOCS = ROOT / "docs" / "metrics.md"
DASHBOARD = ROOT / "packaging" / "grafana" / "scripta.json"
RULES = ROOT / "packaging" / "prometheus" / "scripta-alerts.yaml"
ROW = re.compile(r"^(COUNTER|GAUGE|HISTOGRAM|READ)\(([^\"]*)"
                 r"\"([a-z_]+)\", \"([a-z_,]*)\", \"(.*)\"\)$")
MARKS = ("<!-- metric.def -->\n", "<!-- end of metric.def -->\n")
# A metric in an expression, with the selector behind it.
NAME = re.compile(r"\b((?:scripta|process)_[a-z_]+)\b(?:\{([^}]*)\})?")
ALWAYS = {"job", "instance", "le", "quantile"}


def read_def(path=DEF):
    """{name: (type, [labels], help)} in the order of the file."""
    out = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.endswith(")") or line.startswith((" ", "/")):
            continue
        match = ROW.match(line)
        if not match:
            raise ValueError(f"{path}: cannot read {line[:60]!r}")
        kind, first, name, labels, text = match.groups()
        kind = first.split(",")[1].strip() if kind == "READ" else kind
        out[name] = (kind.lower(), labels.split(",") if labels else [], text)
    return out


def table(metrics):
    """The rows of docs/metrics.md."""
    out = ["| metric | type | labels | what it tells |\n", "|---|---|---|---|\n"]
    for name, (kind, labels, text) in metrics.items():
        shown = ", ".join(f"`{label}`" for label in labels)
        out.append(f"| `{name}` | {kind} | {shown} | {text} |\n")
    return "".join(out)


def samples(metrics):
    """{name of a series: its labels}, histograms and summaries taken apart."""
    out = {}
    for name, (kind, labels, _) in metrics.items():
        out[name] = set(labels)
        if kind in ("histogram", "summary"):
            for suffix in ("_bucket", "_sum", "_count"):
                out[name + suffix] = set(labels)
    return out


def expressions():
    """(where, PromQL) of each panel and each rule."""
    def walk(value):
        if isinstance(value, dict):
            for key, inner in value.items():
                if key in ("expr", "query") and isinstance(inner, str):
                    yield inner
                else:
                    yield from walk(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from walk(inner)

    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    for expression in walk(dashboard):
        yield DASHBOARD, expression
    for line in RULES.read_text(encoding="utf-8").splitlines():
        if line.strip().startswith("expr:"):
            yield RULES, line


def faults(metrics):
    """One complaint for each name that is none, and for a table that is not the def's."""
    known = samples(metrics)
    seen = 0
    for path, expression in expressions():
        for name, selector in NAME.findall(expression):
            seen += 1
            if name not in known:
                yield f"{path.relative_to(ROOT)}: there is no metric {name}"
                continue
            for label in re.findall(r"([a-z_]+)\s*(?:=|!=|=~|!~)\s*\"", selector):
                if label not in known[name] | ALWAYS:
                    yield f"{path.relative_to(ROOT)}: {name} has no label {label}"
    if seen == 0:
        yield "dashboard and rules name no metric at all"
    text = DOCS.read_text(encoding="utf-8")
    if MARKS[0] + table(metrics) + MARKS[1] not in text:
        yield "docs/metrics.md: its table is not that of metric.def: run tools/metrics.py --write"


def write(metrics):
    text = DOCS.read_text(encoding="utf-8")
    before, _, rest = text.partition(MARKS[0])
    _, _, behind = rest.partition(MARKS[1])
    DOCS.write_text(before + MARKS[0] + table(metrics) + MARKS[1] + behind, encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    metrics = read_def()
    if args.write:
        write(metrics)
    found = list(faults(metrics))
    for fault in found:
        print(fault, file=sys.stderr)
    print(f"metrics: {len(metrics)} metrics, {len(found)} faults")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
