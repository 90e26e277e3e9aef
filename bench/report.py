"""docs/benchmarks.md: a section for each bench, renewed when that bench has run.

The prose of a section is in its module: the docstring (what is measured, and how) and TRIED (what a
gap is due to, what was tried). Nothing of the page is written by hand."""

import datetime
import importlib
import inspect
import re
import subprocess

from bench import common

PAGE = common.ROOT / "docs" / "benchmarks.md"
HEAD = """# Figures

`make bench` measures all of this and writes this page: the bar that a figure is held to, the median
of its runs, the lowest and the highest. `make bench ONLY="start upload" RUNS=9` renews some
sections. Each runs by itself, on an otherwise idle machine; where two things are compared they run
in turns. What depends on the machine is told as a ratio within one run, wherever that can be.

"""


def heading(name):
    return inspect.getdoc(importlib.import_module(f"bench.{name}")).split("\n", 1)[0]


def _commit():
    done = subprocess.run(["git", "describe", "--always", "--dirty", "--abbrev=10"],
                          cwd=common.ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "no commit"


def rows(figures):
    """[what, bar, median, lowest to highest, met] of each figure."""
    words = {True: "met", False: "**not met**", None: "for the record"}
    return [[f["what"], common.bar_text(f), f"{common.number(f['median'])} {f['unit']}",
             f"{common.number(f['low'])} to {common.number(f['high'])}" if f["runs"] > 1 else "",
             words[f["met"]]] for f in figures]


def terminal_table(name, result):
    lines = [f"\n{heading(name)}"]
    table = rows(result["figures"])
    widths = [max((len(row[i]) for row in table), default=0) for i in range(5)]
    for row in table:
        cells = (cell.ljust(width) for cell, width in zip(row, widths))
        lines.append("  " + "  ".join(cells).replace("**not met**", "NOT met").rstrip())
    lines += [f"  {note}" for note in result["notes"]]
    if result["skipped"] or result["why"]:
        lines.append(f"  {'skipped: ' + result['skipped'] if result['skipped'] else result['why']}")
    return "\n".join(lines)


def section(name, result, runs):
    module = importlib.import_module(f"bench.{name}")
    text = inspect.getdoc(module).split("\n", 1)
    today = datetime.datetime.now(datetime.timezone.utc).date()
    out = [f"## {text[0]}", ""]
    if len(text) > 1:
        out += [text[1].strip(), ""]
    out += [f"    make bench ONLY={name} RUNS={runs}", ""]
    if result["figures"]:
        out += ["| figure | bar | median | lowest to highest | |", "|---|---|---|---|---|"]
        out += ["| " + " | ".join(row) + " |" for row in rows(result["figures"])] + [""]
    for kind in ("skipped", "why"):
        if result[kind]:
            word = "Not measured" if kind == "skipped" else "The bench broke"
            out += [f"{word}: {result[kind]}", ""]
    for note in result["notes"]:
        out += [note, ""]
    tried = inspect.cleandoc(getattr(module, "TRIED", ""))
    out += [tried, ""] if tried else []
    out += [f"Measured on {today} at `{_commit()}`, {result['seconds']:.0f} s in all, on "
            f"{common.machine()}.", ""]
    return "\n".join(out)


def write(names, results, runs):
    """Renews the sections of results; the others stay as they are, and those of which less was
    measured now."""
    old = {}
    if PAGE.exists():
        for part in re.split(r"^(?=## )", PAGE.read_text(encoding="utf-8"), flags=re.M)[1:]:
            old[part.split("\n", 1)[0][3:]] = part.rstrip("\n") + "\n"
    parts = []
    for name in names:
        lacks = results[name]["lacks"] if name in results else None
        known = old.get(heading(name), lacks or "")
        if name in results and (lacks is None or lacks in known):
            parts.append(section(name, results[name], runs))
        elif heading(name) in old:
            parts.append(old[heading(name)])
    PAGE.write_text(HEAD + "\n".join(parts), encoding="utf-8")
