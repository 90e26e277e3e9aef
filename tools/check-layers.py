#!/usr/bin/env python3
"""Holds the includes under src/ against tools/layers.txt.

check-layers.py                  includes point down the order; library headers stay in their module
check-layers.py --ldd PROGRAM    also: the program links no decoder and no recognizer
"""

import argparse
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"]+)"|<([^>]+)>)', re.MULTILINE)
BANNED_LIBRARIES = re.compile(r"\blib(?:av\w+|sw\w+|pocketsphinx|sphinxbase)\.so")


def read_layers(path):
    """The modules in order, and each library header prefix with its owner."""
    order, owners = [], {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        module, _program, headers = line.split()
        order.append(module)
        if headers != "-":
            owners.update((prefix, module) for prefix in headers.split(","))
    return order, owners


def owner_of(header, owners):
    """The module that alone may include a library header; None when anyone may."""
    for prefix, module in owners.items():
        if header == prefix or (prefix.endswith("/") and header.startswith(prefix)):
            return module
    return None


def check_file(path, src, order, owners):
    """Yields one complaint for each include of path that the table refuses."""
    module = path.relative_to(src).parts[0]
    rank = {name: i for i, name in enumerate(order)}
    if module not in rank:
        yield f"{path}: '{module}' is not in layers.txt"
        return
    text = path.read_text(encoding="utf-8")
    for match in INCLUDE.finditer(text):
        where = f"{path}:{text.count(chr(10), 0, match.start()) + 1}"
        header = match.group(1) or match.group(2)
        target = header.split("/")[0]
        if match.group(1) and target in rank and (src / header).parent.is_dir():
            if rank[target] > rank[module]:
                yield f"{where}: {module} must not use {target} ({header})"
            if target != module and header.endswith("-internal.h"):
                yield f"{where}: {header} is private to {target}"
            continue
        owner = owner_of(header, owners)
        if owner is not None and owner != module:
            yield f"{where}: only {owner} may include {header}"


def check_libraries(program):
    """Yields one complaint for each library that the program must not link."""
    out = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    for name in sorted(set(BANNED_LIBRARIES.findall(out))):
        yield f"{program}: links {name}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=pathlib.Path, default=ROOT)
    parser.add_argument("--ldd", metavar="PROGRAM")
    args = parser.parse_args()
    src = args.root / "src"
    order, owners = read_layers(args.root / "tools" / "layers.txt")
    faults = []
    files = sorted(p for p in src.glob("*/**/*") if p.suffix in (".c", ".h", ".def"))
    for path in files:
        faults.extend(check_file(path, src, order, owners))
    if args.ldd:
        faults.extend(check_libraries(args.ldd))
    for fault in faults:
        print(fault, file=sys.stderr)
    print(f"check-layers: {len(files)} files, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
