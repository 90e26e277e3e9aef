#!/usr/bin/env python3
"""Every code of src/base/error.def is provoked by some test, which holds an answer against it.

check-errors.py [--list]   --list: each code with the tests that provoke it

No provocation is: a comment or a docstring; an error that the test makes itself (sc_error_set, a
return of its callback); a test that only translates codes, which is given them. Calls of /v1 answer
in OpenAI's words; those of src/api/openai-view.c count as the code that they stand for.
"""

import argparse
import ast
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
# They are handed codes and look how these are spelled, or parse answers that they wrote themselves.
TRANSLATE = {"base/test-error.c", "api/test-openai.c", "api/test-views.c", "net/test-client.c"}
C_COMMENT = re.compile(r'/\*.*?\*/|//[^\n]*|("(?:\\.|[^"\\\n])*")', re.DOTALL)
MADE = re.compile(r"\bsc_error_(?:set|field)\((?!.*\bassert_).*|\breturn SC_E_\w+")


def codes_of_c(path):
    """The codes that a C test names other than in making them."""
    text = C_COMMENT.sub(lambda m: m.group(1) or " ", path.read_text(encoding="utf-8"))
    found = set()
    for statement in text.split(";"):
        one_line = " ".join(statement.split())
        if "assert_" not in one_line:
            one_line = MADE.sub(" ", one_line)
        found |= set(re.findall(r'\bSC_E_(\w+)|"([A-Z_]+)"', one_line))
    return {a or b for a, b in found}


def codes_of_python(path, spellings):
    """String constants that are a code, or OpenAI's word for one; a docstring says more."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    texts = {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and
             isinstance(n.value, str)}
    return texts | {spellings[t] for t in texts if t in spellings}


def openai_spellings():
    """OpenAI's word to ours, where it stands for one code alone."""
    text = (ROOT / "src" / "api" / "openai-view.c").read_text(encoding="utf-8")
    pairs = re.findall(r'\{ SC_E_(\w+), \d+, "(\w+)" \}', text)
    words = [word for _, word in pairs]
    return {word: code for code, word in pairs if words.count(word) == 1}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--list", action="store_true")
    args = parser.parse_args()
    table = (ROOT / "src" / "base" / "error.def").read_text(encoding="utf-8")
    codes = re.findall(r"^SC_ERROR\((\w+),", table, re.MULTILINE)
    spellings = openai_spellings()
    provoked = {code: [] for code in codes}
    tests = ROOT / "tests"
    for path in sorted([*tests.glob("unit/**/test-*.c"), *tests.glob("unit/**/test-*.py"),
                        *tests.glob("e2e/*.py"), *tests.glob("torture/*.py")]):
        name = str(path.relative_to(tests))
        if name.removeprefix("unit/") in TRANSLATE:
            continue
        found = codes_of_c(path) if path.suffix == ".c" else codes_of_python(path, spellings)
        for code in found & set(codes):
            provoked[code].append(name)
    missing = [code for code in codes if not provoked[code]]
    if args.list:
        for code in codes:
            print(f"{len(provoked[code]):3} {code}: {', '.join(provoked[code][:3])}")
    for code in missing:
        print(f"no test provokes {code}", file=sys.stderr)
    print(f"check-errors: {len(codes)} codes, {len(missing)} without a test")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
