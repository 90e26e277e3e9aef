"""What a fault case is made of. Each module gNN_*.py of this folder has a list CASES.

tools/torture.py runs them at the counts of SCALE=1 or SCALE=full, tests/e2e/test_torture.py a short
form of each in `make check`. A case is run in rounds, each with a seed of its own: a run that was
broken off goes on at the next round, and a round that failed is repeated with the same seed."""

import contextlib
import dataclasses
import functools
import hashlib
import importlib
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import typing

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e")]

import harness  # noqa: E402

# Times harness.SLOW: what a figure may take where cases run beside each other on a busy machine.
PATIENCE = 4


@dataclasses.dataclass(frozen=True)
class Case:
    name: str  # "G5", or "G5.running" for a second one
    what: str  # "a disk that fills while a job runs"
    unit: str  # "times full"
    run: typing.Callable  # run(Context) -> Result, once for each round
    short: int  # units in make check; 0: tests/e2e does as much by itself
    one: int  # units at SCALE=1
    full: int  # units at SCALE=full
    round: int = 1 << 30  # units for one call of run at most
    needs: tuple = ()  # names of NEEDS
    minutes: float = 1  # at SCALE=1, about
    alone: bool = False  # measures time: nothing runs beside it
    finite: bool = False  # there are no more than `full`

    @property
    def goal(self):
        return self.name.partition(".")[0]

    def count(self, scale):
        """Units at a scale: 'short', 'full' or a number."""
        if scale in ("short", "full"):
            return getattr(self, scale)
        count = max(1, round(self.one * float(scale)))
        return min(count, self.full) if self.finite else count

    def missing(self):
        """Why it cannot run here; empty: it can."""
        return next((why for why in map(missing, self.needs) if why), "")


@dataclasses.dataclass
class Result:
    """What a round did and found; rounds add up."""
    done: int
    sums: dict = dataclasses.field(default_factory=dict)  # {"jobs acknowledged": 231}
    most: dict = dataclasses.field(default_factory=dict)  # {"slowest start ms": 310}: maxima
    lost: int = 0
    twice: int = 0
    leaked: int = 0
    recovery_s: float | None = None

    def add(self, other):
        self.done += other.done
        for key, value in other.sums.items():
            self.sums[key] = self.sums.get(key, 0) + value
        for key, value in other.most.items():
            self.most[key] = max(self.most.get(key, value), value)
        self.lost += other.lost
        self.twice += other.twice
        self.leaked += other.leaked
        times = [t for t in (self.recovery_s, other.recovery_s) if t is not None]
        self.recovery_s = max(times) if times else None

    def wrong(self):
        return self.lost or self.twice or self.leaked

    def line(self, case):
        """Everything about it in one line."""
        figures = [f"{value:g} {key}" for key, value in self.sums.items()]
        figures += [f"{key} {value:g}" for key, value in self.most.items()]
        figures.append(f"{self.lost} lost, {self.twice} twice, {self.leaked} leaked")
        if self.recovery_s is not None:
            figures.append(f"recovery {self.recovery_s:.2f} s at most")
        return f"{case.name}: {self.done} {case.unit}, {case.what}: " + ", ".join(figures)


class Context:
    """One round: its count, its seed, its folder, and servers that are gone at its end."""

    def __init__(self, count, first, seed, in_check=False):
        self.count = count
        self.in_check = in_check
        self.first = first  # units done by earlier rounds: the number of the first of this one
        self.seed = seed
        self.rng = random.Random(seed)
        self.stack = contextlib.ExitStack()
        self.servers = []
        self.folder = None

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sc-",
                                                    dir=os.environ.get("TMPDIR", "/tmp")))
        return self

    def __exit__(self, kind, *_):
        try:
            if kind is None:
                self.stop()
        finally:
            for server in self.servers:
                server.destroy()
            self.stack.close()
        if kind is None:
            reports = [x for server in self.servers for x in server.sanitizer_reports()]
            shutil.rmtree(self.folder, ignore_errors=True)
            assert not reports, reports

    def stop(self):
        """Ends what still runs as a user would: LeakSanitizer speaks at the end of a program."""
        for server in self.servers:
            code = server.stop()
            assert code == 0, f"serve ended with {code}: {server.tail()}"

    def server(self, env=None, args=(), data=None, start=True, wrapper=()):
        """A harness.Server, started unless told otherwise."""
        server = harness.Server(data or self.folder / f"d{len(self.servers)}",
                                {**harness.SETTINGS, **(env or {})}, args, wrapper)
        self.servers.append(server)
        return server.start() if start else server

    def tmpfs(self, size):
        """A folder on a file system of its own; needs 'tmpfs'."""
        path = pathlib.Path(tempfile.mkdtemp(dir=self.folder))
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(path)],
                       check=True, capture_output=True)
        self.stack.callback(subprocess.run, ["umount", "-l", str(path)], check=False)
        return path

    def patient(self, goal_s):
        """What a time whose goal is goal_s may be here. In make check, beside which a machine may
        do anything else, no figure decides."""
        figure = goal_s * harness.SLOW * PATIENCE
        return max(figure, harness.PATIENCE) if self.in_check else figure


# ---- what cases need ----


def need_root():
    return "" if os.geteuid() == 0 else "needs root"


def need_tmpfs():
    if os.geteuid() != 0:
        return "needs root to mount a tmpfs"
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder],
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            return f"cannot mount a tmpfs here: {done.stderr.strip()}"
        subprocess.run(["umount", folder], check=False)
    return ""


def need_strace():
    if shutil.which("strace") is None:
        return "strace is not installed"
    command = ["strace", "-f", "--seccomp-bpf", "-o", os.devnull, "-e",
               "inject=fsync:error=EIO", "true"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else f"strace cannot trace here: {done.stderr.strip()}"


# Shifts the wall clock that a program sees.
WALLCLOCK = harness.BUILD / "tests" / "torture" / "wallclock.so"


def need_test_programs():
    return "" if WALLCLOCK.exists() else f"{harness.BUILD.name} is built without -Dtests=true"


def need_faults():
    return "" if harness.has_faults() else f"{harness.BUILD.name} is built without -Dfaults=true"


def need_engine():
    folder = pathlib.Path("/usr/share/pocketsphinx/model/en-us")
    return "" if folder.exists() else "the model of pocketsphinx is not installed"


def need_fuzz_audio():
    path = harness.BUILD / "tests" / "fuzz" / "fuzz-audio"
    return "" if path.exists() else f"{harness.BUILD.name} has no fuzz-audio"


def need_ffmpeg():
    return "" if shutil.which("ffmpeg") else "ffmpeg is not installed"


NEEDS = {
    "root": need_root, "tmpfs": need_tmpfs, "strace": need_strace, "faults": need_faults,
    "test-programs": need_test_programs, "engine": need_engine, "ffmpeg": need_ffmpeg,
    "fuzz-audio": need_fuzz_audio,
}


@functools.cache
def missing(need):
    """Why a need is not met here; empty: it is."""
    return NEEDS[need]()


# ---- the table ----


@functools.cache
def cases():
    """All cases, by goal."""
    found = []
    for path in sorted(HERE.glob("g[0-9]*.py")):
        found += importlib.import_module(path.stem).CASES
    names = [c.name for c in found]
    assert len(set(names)) == len(names), f"two cases of one name: {names}"
    return sorted(found, key=lambda c: (int(re.sub(r"\D", "", c.goal)), c.name))


def fingerprint():
    """Of the programs and of the cases: what another build did says nothing about this one."""
    digest = hashlib.sha256()
    for path in [harness.SCRIPTA, harness.MEDIA, *sorted(HERE.glob("*.py")),
                 *sorted((HERE.parent / "e2e").glob("[!t]*.py"))]:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def round_seed(seed, case, first):
    """The seed of the round that begins at unit `first`."""
    text = f"{seed}/{case.name}/{first}".encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:6], "big")


def run_round(case, count, first, seed, in_check=False):
    """One round; its Result. Raises what went wrong; the folder then stays, and is named."""
    context = Context(count, first, round_seed(seed, case, first), in_check)
    try:
        with context:
            result = case.run(context)
            assert not result.wrong(), result.line(case)
    except BaseException:
        for server in context.servers:
            print(f"--- serve {server.data}\n{server.tail()}", file=sys.stderr)
        print(f"{case.name}: kept {context.folder}", file=sys.stderr)
        raise
    return result
