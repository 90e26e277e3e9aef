#!/usr/bin/env python3
"""Breaks queue, store and seams in 100 small ways and counts how many the tests notice.

mutate.py [--seed N] [--count N] [--jobs N] [--only REGEX] [--survivors] [--list]

One mutation at a time is put into a private copy of the tree (build-mutate/tree-N), built without
optimisation, and the unit tests of its module are run until one fails: killed. One that no test
notices is a survivor: a test is missing, or code is superfluous, or the mutation changes nothing;
the last are listed with their reasons in tools/mutations-equivalent.txt. What does not compile, or
compiles to the same machine code, is replaced by the next.

The seed is printed; the same seed on the same tree makes the same mutations, and a round that was
interrupted goes on where it was. Passes when 95 of 100 are killed.
"""

import argparse
import collections
import concurrent.futures
import dataclasses
import hashlib
import json
import os
import pathlib
import random
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
import mutations  # noqa: E402
from tally import Tally  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
WORK = ROOT / "build-mutate"
EQUIVALENT = ROOT / "tools" / "mutations-equivalent.txt"
PYTHON = "/usr/bin/python3" if pathlib.Path("/usr/bin/python3").exists() else sys.executable
BAR = 95  # per cent
# Shorter time-outs would take a busy machine for a hanging test.
PATIENCE_S, PATIENCE_TIMES = 30, 4
# What costs next to nothing of the sanitizers of `make check`: an index past its array, an overflow
# and the like end the test.
CHECKS = "-fsanitize=undefined -fsanitize-undefined-trap-on-error"
# The test that fails when a text is no SQL, or asks for an index that cannot serve it.
PREPARES = ("store-open", "a_new_store_prepares_every_statement")


@dataclasses.dataclass(frozen=True)
class Area:
    name: str
    share: int      # of a hundred
    files: tuple    # globs
    tests: tuple    # beginnings of names of unit tests, those to ask first first


AREAS = (
    Area("queue", 35, ("src/queue/*.c",), ("queue-",)),
    Area("store", 20, ("src/store/*.c",), ("store-",)),
    Area("sql", 25, ("src/store/sql/*.sql",), ()),  # what the code of the other areas runs
    Area("seams", 20, ("src/vad/cutter.c", "src/vad/vad.c", "src/transcript/seam.c",
                       "src/pipeline/merge.c"), ()),
)
SEAM_TESTS = {"src/vad": ("vad-",), "src/transcript": ("transcript-seam",),
              "src/pipeline": ("pipeline-",)}
# Statements that handlers of the API run are seen from outside alone.
SQL_E2E = {"tokens.sql": ("e2e:test_tokens.py",),
           "removal.sql": ("e2e:test_removal.py",), "purge.sql": ("e2e:test_removal.py",)}


# ---- what there is to mutate ----

def users_of_statements():
    """The files that name each statement, below src."""
    users = collections.defaultdict(set)
    for path in (ROOT / "src").rglob("*.c"):
        for name in re.findall(r"\bSC_SQL_(\w+)", path.read_text(encoding="utf-8")):
            users[name.lower()].add(str(path.relative_to(ROOT / "src")))
    return users


def is_of_areas(m, users):
    """Whether the code of queue, store or seams runs the statement."""
    return any(u.startswith(("queue/", "store/")) or u == "pipeline/merge.c"
               for u in users.get(m.place, ()))


def tests_of(area, m, users):
    """Beginnings of the names of the tests that should notice, in the order to ask them."""
    if area.name == "seams":
        return SEAM_TESTS[str(pathlib.Path(m.path).parent)]
    if area.name != "sql":
        return area.tests
    modules = sorted({user.split("/")[0] for user in users.get(m.place, ())})
    return tuple(f"{module}-" for module in modules) + \
        SQL_E2E.get(pathlib.Path(m.path).name, ())


def find_mutations(area):
    enums = mutations.read_enums(
        [p.read_text(encoding="utf-8") for p in sorted((ROOT / "src").rglob("*.h"))],
        (ROOT / "src" / "base" / "error.def").read_text(encoding="utf-8"))
    found = []
    for glob in area.files:
        for path in sorted(ROOT.glob(glob)):
            text = path.read_text(encoding="utf-8")
            name = str(path.relative_to(ROOT))
            found += (mutations.find_sql(name, text) if path.suffix == ".sql"
                      else mutations.find_c(name, text, enums))
    return found


def read_equivalents():
    """The keys of the mutations that are known to change nothing, each with its reason."""
    known, where = {}, None
    text = EQUIVALENT.read_text(encoding="utf-8") if EQUIVALENT.exists() else ""
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith("- ") and where:
            before = line[2:]
        elif line.startswith("+") and where:
            after = line[2:]
        elif line.startswith("= ") and where:
            known["\t".join((where[0], where[1], before, after, where[2]))] = line[2:]
        else:
            words = line.split()
            if len(words) not in (2, 3):
                sys.exit(f"{EQUIVALENT.name}:{number}: expected 'FILE PLACE [nth]'")
            where = (words[0], words[1], words[2] if len(words) == 3 else "1")
    return known


# ---- the private copies ----

def tracked():
    out = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, check=True,
                         capture_output=True, text=True).stdout
    return [f for f in sorted(set(out.splitlines())) if (ROOT / f).is_file()]


def fingerprint(files):
    """Of all that a result rests on."""
    sums = hashlib.sha256()
    for name in files:
        if name.startswith(("src/", "tests/unit/", "tools/mutations.py")) or name == "meson.build":
            sums.update(name.encode() + b"\0" + (ROOT / name).read_bytes())
    return sums.hexdigest()[:16]


class Tree:
    """A copy of the project with a build of its own."""

    def __init__(self, number, files):
        self.path = WORK / f"tree-{number}"
        self.build = self.path / "b"
        shm = pathlib.Path("/dev/shm")
        # The tests sync a lot; what they sync need not reach a disk.
        base = shm if shm.is_dir() and os.access(shm, os.W_OK) else WORK
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="scripta-mutate-", dir=base))
        self.scratch.chmod(0o755)  # some tests become another user
        self.sync(files)

    def sync(self, files):
        for name in files:
            source, target = ROOT / name, self.path / name
            if target.is_file() and target.read_bytes() == source.read_bytes():
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
        keep = {self.path / name for name in files}
        for folder in ("src", "tests"):
            for path in (self.path / folder).rglob("*"):
                if path.is_file() and path not in keep:
                    path.unlink()

    def set_up(self):
        if not (self.build / "build.ninja").exists():
            env = dict(os.environ, CC="ccache gcc" if shutil.which("ccache") else "gcc")
            linker = next((x for x in ("lld", "gold") if shutil.which(f"ld.{x}")), "bfd")
            run_or_exit(["meson", "setup", str(self.build), str(self.path), "-Doptimization=0",
                         "-Ddebug=false", "-Dfaults=true", f"-Dc_link_args=-fuse-ld={linker}",
                         f"-Dc_args={CHECKS}"], env)
        else:
            run_or_exit(["ninja", "-C", str(self.build), "build.ninja"])

    def ninja(self, targets):
        """"" or what it said."""
        done = subprocess.run(["ninja", "-C", str(self.build), *targets], capture_output=True,
                              text=True, stdin=subprocess.DEVNULL, check=False)
        return "" if done.returncode == 0 else done.stdout[-3000:] or "failed"

    def tests(self):
        """Name to (command, environment, what to build first)."""
        info = self.build / "meson-info"
        targets = {t["id"]: os.path.relpath(t["filename"][0], self.build)
                   for t in json.loads((info / "intro-targets.json").read_text(encoding="utf-8"))}
        return {t["name"]: (t["cmd"], t["env"], [targets[i] for i in t["depends"]])
                for t in json.loads((info / "intro-tests.json").read_text(encoding="utf-8"))
                if "scripta:unit" in t["suite"]}

    def close(self):
        shutil.rmtree(self.scratch, ignore_errors=True)


def run_or_exit(command, env=None):
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=False,
                          stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}:\n{done.stdout[-3000:]}{done.stderr[-2000:]}")


# ---- running tests ----

class Bench:
    """Runs tests in a tree, and knows how long each takes when nothing is broken."""

    def __init__(self, tree, seconds):
        self.tree, self.seconds = tree, seconds
        self.tests = tree.tests()

    def names(self, beginnings):
        """The tests asked for, group by group, the quick ones of each group first."""
        names = []
        for start in beginnings:
            group = [start] if start.startswith("e2e:") else \
                [n for n in self.tests if n.startswith(start)]
            names += sorted((n for n in group if n not in names),
                            key=lambda n: (self.seconds.get(n, 0), n))
        return names

    def targets(self, names):
        wanted = {d for n in names if n in self.tests for d in self.tests[n][2]}
        if any(n.startswith("e2e:") for n in names):
            wanted |= {"scripta", "scripta-media"}
        return sorted(wanted)

    def run(self, name, limit_s):
        """(passed, what was printed)."""
        if name.startswith("e2e:"):
            command = [PYTHON, "-m", "pytest", "-p", "no:cacheprovider", "-q", "-x",
                       str(self.tree.path / "tests" / "e2e" / name[4:])]
            extra = {"SCRIPTA_BUILD": str(self.tree.build)}
        else:
            command, extra, _ = self.tests[name]
        # Memory that is given back is overwritten: using it shows, as with AddressSanitizer.
        env = dict(os.environ, TMPDIR=str(self.tree.scratch), PYTHONDONTWRITEBYTECODE="1",
                   MALLOC_PERTURB_="165", **extra)
        # A new session, so that what a broken test leaves behind is ended with it.
        with tempfile.TemporaryFile() as out, \
                subprocess.Popen(command, cwd=self.tree.build, env=env, stdin=subprocess.DEVNULL,
                                 stdout=out, stderr=out, start_new_session=True) as child:
            try:
                code = child.wait(limit_s)
            except subprocess.TimeoutExpired:
                code = None
            try:
                os.killpg(child.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            child.wait()
            out.seek(max(0, out.seek(0, 2) - 20000))
            text = out.read().decode(errors="replace")
        for path in self.tree.scratch.iterdir():
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink()
        return code == 0, text if code is not None else text + "\ntimed out"

    def limit(self, name):
        return max(PATIENCE_S, PATIENCE_TIMES * self.seconds.get(name, 0))


def same_code(tree, path, texts):
    """Whether the compiler makes the same of both texts at -O2: then they do the same."""
    database = json.loads((tree.build / "compile_commands.json").read_text(encoding="utf-8"))
    file = str(tree.path / path)
    entry = next((e for e in database
                  if os.path.realpath(os.path.join(e["directory"], e["file"])) == file), None)
    if entry is None:
        return False
    command = shlex.split(entry["command"])
    command[command.index("-o") + 1] = str(tree.scratch / "same.o")
    objects = []
    for content in texts:
        (tree.path / path).write_text(content, encoding="utf-8")
        done = subprocess.run([*command, "-O2"], cwd=tree.build, capture_output=True, check=False)
        if done.returncode != 0:
            return False
        objects.append((tree.scratch / "same.o").read_bytes())
    return objects[0] == objects[1]


def judge(bench, m, tests):
    """(outcome, by which test) of one mutation."""
    tree, target = bench.tree, bench.tree.path / m.path
    original = target.read_text(encoding="utf-8")  # as it was when the round began
    mutated = m.apply(original)
    names = bench.names(tests)
    sql = m.path.endswith(".sql")
    if not names:
        return "survived", "no test"
    try:
        target.write_text(mutated, encoding="utf-8")
        if tree.ninja(bench.targets([PREPARES[0]] if sql else names[:1])):
            return "stillborn", ""
        if sql and f"[  FAILED  ] {PREPARES[1]}" in bench.run(PREPARES[0], PATIENCE_S)[1]:
            return "stillborn", ""
        if tree.ninja(bench.targets(names)):
            return "stillborn", ""
        for name in names:
            passed, text = bench.run(name, bench.limit(name))
            if not passed:
                return "killed", f"{name}{', hung' if text.endswith('timed out') else ''}"
        if not sql and same_code(tree, m.path, (original, mutated)):
            return "equivalent", "same machine code"
        return "survived", ""
    finally:
        target.write_text(original, encoding="utf-8")


# ---- a round ----

class Round:
    """Which mutations are to be tried, and what became of those that were; also in a file, so that
    a round can be interrupted."""

    def __init__(self, args, files, tally):
        self.args, self.tally = args, tally
        self.lock = threading.Lock()
        self.known = read_equivalents()
        only = re.sub(r"\W+", "_", args.only or "")
        self.path = WORK / f"round-{args.seed}{only}.jsonl"
        self.results = {}
        self.print_mark = fingerprint(files)
        self.users = users_of_statements()
        self.candidates, self.all_keys = {}, set()
        for area in AREAS:
            found = find_mutations(area)
            self.all_keys |= {m.key() for m in found}
            wanted = [m for m in found if m.key() not in self.known and
                      (re.search(args.only, f"{m.path}:{m.line}:{m.place}") if args.only else
                       area.name != "sql" or is_of_areas(m, self.users))]
            self.candidates[area] = sorted(wanted, key=lambda m: m.rank(args.seed))
        self.stopping = False
        self.started = {area: 0 for area in AREAS}
        self.wanted = {area: self.quota(area) for area in AREAS}
        self.load()

    def quota(self, area):
        share = round(self.args.count * area.share / 100)
        return min(len(self.candidates[area]), self.args.count if self.args.only else share)

    def rotten(self):
        return sorted(set(self.known) - self.all_keys)

    def load(self):
        """What is known from before; of another tree only which ones survived."""
        if not self.path.exists():
            lines = []
        else:
            lines = [json.loads(x) for x in self.path.read_text(encoding="utf-8").splitlines()]
        same = bool(lines) and lines[0].get("tree") == self.print_mark
        rows = {x["key"]: x for x in lines[1:]}
        if self.args.survivors:
            for area in AREAS:
                self.candidates[area] = [m for m in self.candidates[area] if
                                         rows.get(m.key(), {}).get("outcome") == "survived"]
                self.wanted[area] = len(self.candidates[area])
        elif same:
            self.results = rows
        else:
            self.path.write_text(json.dumps({"tree": self.print_mark}) + "\n", encoding="utf-8")

    def next(self):
        """(area, mutation) to try, or None; those that are known count without being tried."""
        with self.lock:
            for area in () if self.stopping else AREAS:
                while self.started[area] < min(self.wanted[area], len(self.candidates[area])):
                    m = self.candidates[area][self.started[area]]
                    self.started[area] += 1
                    if m.key() not in self.results:
                        return area, m
                    self.count(area, self.results[m.key()]["outcome"])
            return None

    def count(self, area, outcome):
        if outcome in ("stillborn", "equivalent") and not self.args.survivors:
            self.wanted[area] += 1  # another in its place

    def note(self, area, m, outcome, by, seconds):
        with self.lock:
            row = {"key": m.key(), "outcome": outcome, "by": by, "seconds": round(seconds, 1)}
            self.results[m.key()] = row
            self.count(area, outcome)
            if not self.args.survivors:
                with open(self.path, "a", encoding="utf-8") as out:
                    out.write(json.dumps(row) + "\n")
            done = sum(r["outcome"] in ("killed", "survived") for r in self.results.values())
            total = sum(self.wanted.values()) - sum(
                r["outcome"] in ("stillborn", "equivalent") for r in self.results.values())
            print(f"{done:3}/{total} {outcome:10} {m.path}:{m.line} {m.place} {m.kind}"
                  f"{', by ' + by if by else ''} ({seconds:.1f} s)", flush=True)

    def report(self):
        """Prints the table and the survivors; counts the round in the tally."""
        sums = {area: collections.Counter() for area in AREAS}
        survivors = []
        for area in AREAS:
            for m in self.candidates[area][:self.started[area]]:
                outcome = self.results.get(m.key(), {}).get("outcome", "")
                sums[area][outcome] += 1
                if outcome == "survived":
                    survivors.append(m)
        if survivors:
            print("\nsurvived:")
        for m in sorted(survivors, key=lambda m: (m.path, m.line)):
            print(m.show())
        print(f"\n{'area':8}{'of':>6}{'killed':>8}{'survived':>10}{'did not compile':>17}"
              f"{'same code':>11}")
        for area in AREAS:
            s = sums[area]
            print(f"{area.name:8}{len(self.candidates[area]):6}{s['killed']:8}{s['survived']:10}"
                  f"{s['stillborn']:17}{s['equivalent']:11}")
        killed = sum(s["killed"] for s in sums.values())
        tried = killed + len(survivors)
        percent = 100 * killed / tried if tried else 0
        print(f"seed {self.args.seed}: {killed} of {tried} killed ({percent:.0f} %), "
              f"{len(survivors)} survived; {len(self.known)} more are known to change nothing")
        enough = tried > 0 and percent >= BAR
        self.tally.add(f"at least {BAR} % killed", int(enough), int(not enough))


def work(round_, bench):
    while True:
        job = round_.next()
        if job is None:
            return
        area, m = job
        start = time.monotonic()
        outcome, by = judge(bench, m, tests_of(area, m, round_.users))
        round_.note(area, m, outcome, by, time.monotonic() - start)


def check_baseline(bench, names, print_mark):
    """Times each test on the sound tree; one that fails there could kill nothing. Done once for a
    tree: seconds.json remembers."""
    path = WORK / "seconds.json"
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    if known.get("tree") == print_mark:
        bench.seconds.update(known["seconds"])
    names = [name for name in names if name not in bench.seconds]
    said = bench.tree.ninja(bench.targets(names)) if names else ""
    if said:
        sys.exit(said)
    for name in names:
        start = time.monotonic()
        passed, text = bench.run(name, 600)
        if not passed:
            sys.exit(f"{name} fails on the sound tree:\n{text}")
        bench.seconds[name] = time.monotonic() - start
    path.write_text(json.dumps({"tree": print_mark, "seconds": bench.seconds}), encoding="utf-8")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0, help="0: a new one, which is printed")
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", metavar="REGEX", help="of FILE:LINE:PLACE, in all areas together")
    parser.add_argument("--survivors", action="store_true",
                        help="try again what survived the last round of this seed")
    parser.add_argument("--list", action="store_true", help="print the mutations, try none")
    args = parser.parse_args()
    args.seed = args.seed or random.SystemRandom().randrange(1, 10000)
    return args


def main():
    args = arguments()
    files = tracked()
    tally = Tally()
    WORK.mkdir(exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what is below cleans up
    round_ = Round(args, files, tally)
    rotten = round_.rotten()
    for key in rotten:
        print(f"{EQUIVALENT.name}: no such mutation any more: {key!r}")
    if args.list:
        for area in AREAS:
            for m in round_.candidates[area][:round_.wanted[area]]:
                print(m.show())
        return 0
    print(f"seed {args.seed}: {sum(round_.wanted.values())} mutations of "
          f"{len(round_.all_keys)}, {args.jobs} at a time", flush=True)
    trees = [Tree(i, files) for i in range(args.jobs)]
    try:
        seconds = {}
        for tree in trees:
            tree.set_up()
        benches = [Bench(tree, seconds) for tree in trees]
        planned = {t for area in AREAS for m in round_.candidates[area][:round_.wanted[area] * 2]
                   for t in tests_of(area, m, round_.users)}
        names = benches[0].names([PREPARES[0], *sorted(planned)])
        check_baseline(benches[0], names, round_.print_mark)
        print(f"{len(names)} tests take {sum(seconds.values()):.0f} s when nothing is broken",
              flush=True)
        with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
            try:
                for done in [pool.submit(work, round_, bench) for bench in benches]:
                    done.result()
            finally:
                round_.stopping = True  # when interrupted: after the mutation under way
    finally:
        for tree in trees:
            tree.close()
    round_.report()
    tally.add("equivalent ones still exist", int(not rotten), len(rotten))
    return tally.close()


if __name__ == "__main__":
    sys.exit(main())
