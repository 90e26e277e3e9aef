#!/usr/bin/env python3
"""Static checks of the sources; ends in a line 'N passed, N failed'.

lint.py [BUILD]      BUILD is a folder configured with clang, for clang-tidy (default build-clang)
lint.py --list       what there is to run
lint.py --only NAME  one of them
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
from tally import Tally  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
JOBS = os.cpu_count() or 2
CORPUS = ("tests/fuzz/corpus/", "tests/golden/")
# Where a rule would find itself.
SELF = ("tools/lint.py", "tools/lint-rules.txt")


def tracked(*suffixes, within=("",)):
    """Files of the working tree that git knows or would add, in order."""
    out = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT,
                         capture_output=True, text=True, check=True).stdout
    return [f for f in sorted(set(out.splitlines()))
            if (not suffixes or f.endswith(suffixes)) and f.startswith(tuple(within))
            and (ROOT / f).is_file()]


def run(command, **kwargs):
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL, **kwargs)
    return done.returncode, (done.stdout + done.stderr).strip()


def one(command):
    """A tool that is one check: (passed, failed, skipped)."""
    if shutil.which(command[0]) is None and not pathlib.Path(command[0]).exists():
        print(f"{command[0]} is not installed: tools/bootstrap.sh lint")
        return 0, 1, []
    code, text = run(command)
    if code != 0:
        print(text[-20000:])
    return int(code == 0), int(code != 0), []


def clang_format(_build):
    files = tracked(".c", ".h", within=("src/", "tests/"))
    passed, failed, skipped = one(["clang-format", "--dry-run", "-Werror", "-ferror-limit=1", *files])
    if failed:
        print("make format mends this")
    return passed, failed, skipped


def clang_tidy(build):
    """One pass or fail for each source of ours."""
    database = build / "compile_commands.json"
    if not database.exists():
        print(f"{database} is missing: tools/build.sh clang")
        return 0, 1, []
    known = {os.path.realpath(os.path.join(e["directory"], e["file"]))
             for e in json.loads(database.read_text(encoding="utf-8"))}
    files = [f for f in tracked(".c", within=("src/",)) if str(ROOT / f) in known]

    def check(path):
        code, text = run(["clang-tidy", "-p", str(build), "--quiet", path])
        return path, code, text

    failed = 0
    # The longest first, so that the last ones to finish are short.
    files.sort(key=lambda f: -(ROOT / f).stat().st_size)
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        for path, code, text in pool.map(check, files):
            if code != 0:
                failed += 1
                print("\n".join(x for x in text.splitlines() if "warnings generated" not in x))
    return len(files) - failed, failed, []


def cppcheck(build):
    cache = build / "cppcheck"
    cache.mkdir(parents=True, exist_ok=True)
    return one(["cppcheck", "--quiet", f"-j{JOBS}", f"--cppcheck-build-dir={cache}", "--std=c11",
                "--enable=warning,performance,portability", "--inline-suppr", "--error-exitcode=1",
                "--suppressions-list=tools/cppcheck.txt", "--max-configs=1", "-D__GNUC__=12",
                "-DSC_WITH_FAULTS", "-Isrc", f"-I{build}/src", "src"])


def codespell(_build):
    files = [f for f in tracked(".c", ".h", ".def", ".md", ".py", ".sh", ".sql", ".txt", ".build",
                                "Makefile") if not f.startswith(CORPUS)]
    return one(["codespell", "--ignore-words=tools/codespell.txt", *files])


def shellcheck(_build):
    files = tracked(".sh") + [f for f in tracked(within=(".ci/", "tools/"))
                              if not pathlib.Path(f).suffix and starts_shell(f)]
    return one(["shellcheck", *files])


def starts_shell(path):
    with open(ROOT / path, "rb") as f:
        return re.match(rb"#!.*\b(ba)?sh\b", f.readline()) is not None


def python_compiles(_build):
    failed = 0
    files = tracked(".py")
    for path in files:
        try:
            compile((ROOT / path).read_text(encoding="utf-8"), path, "exec")
        except SyntaxError as e:
            failed += 1
            print(f"{path}: {e}")
    return len(files) - failed, failed, []


def read_rules():
    """(name, scopes, pattern, reason) of tools/lint-rules.txt."""
    for line in (ROOT / "tools" / "lint-rules.txt").read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            name, scopes, pattern, reason = re.split(r"\t+", line)
            yield name, scopes.split(","), re.compile(pattern), reason


def in_scope(path, scopes):
    if path in SELF or path.startswith(CORPUS):
        return False
    if f"!{path}" in scopes:
        return False
    return any(s == "*" or path.endswith(s) or (s.endswith("/*") and path.startswith(s[:-1]))
               for s in scopes)


def rules(_build):
    """Each rule of lint-rules.txt is one check over every line of the files in its scope."""
    texts = {}
    for path in tracked():
        try:
            texts[path] = (ROOT / path).read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue
    passed = failed = 0
    for name, scopes, pattern, reason in read_rules():
        hits = [f"{path}:{i}: {line.strip()}" for path, lines in texts.items()
                if in_scope(path, scopes) for i, line in enumerate(lines, 1)
                if pattern.search(line)]
        if hits:
            failed += 1
            print(f"{name}: {reason}", *hits[:20], sep="\n  ")
        else:
            passed += 1
    return passed, failed, []


def links(_build):
    """Relative links in our Markdown name files that exist."""
    faults = 0
    files = tracked(".md")
    for path in files:
        text = re.sub(r"```.*?```", "", (ROOT / path).read_text(encoding="utf-8"), flags=re.DOTALL)
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            name = target.split("#")[0]
            if "://" in target or target.startswith("mailto:") or not name:
                continue
            if not (ROOT / path).parent.joinpath(name).exists():
                faults += 1
                print(f"{path}: dead link to {target}")
    return max(len(files) - faults, 0), faults, []


def layers(_build):
    return one([sys.executable, "tools/check-layers.py"])


def sizes(_build):
    return one([sys.executable, "tools/check-sizes.py"])


def headers(build):
    return one([sys.executable, "tools/check-headers.py", f"--flags=-I{build}/src", "clang"])


CHECKS = {
    "clang-format": clang_format,
    "layers": layers,
    "sizes": sizes,
    "headers": headers,
    "rules": rules,
    "links": links,
    "codespell": codespell,
    "shellcheck": shellcheck,
    "python": python_compiles,
    "cppcheck": cppcheck,
    "clang-tidy": clang_tidy,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", nargs="?", type=pathlib.Path, default=ROOT / "build-clang")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--only", choices=CHECKS)
    args = parser.parse_args()
    if args.list:
        print(*CHECKS, sep="\n")
        return 0
    tally = Tally()
    build = args.build.resolve()
    for name, check in CHECKS.items():
        if args.only in (None, name):
            tally.timed(name, lambda check=check: check(build))
    return tally.close()


if __name__ == "__main__":
    sys.exit(main())
