"""What every bench needs: a server, figures with their bars, runs in turns, sizes of processes."""

import contextlib
import os
import pathlib
import platform
import shutil
import statistics
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent


class Skip(Exception):
    """This bench cannot run here; says why and what to do about it."""


def load_harness(build):
    """The server and client of the end-to-end tests, for the programs of this build."""
    os.environ["SCRIPTA_BUILD"] = str(build)
    sys.path.insert(0, str(ROOT / "tests" / "e2e"))
    import harness  # pylint: disable=import-outside-toplevel
    return harness


class Figure:
    """One line of a table: values of several runs, and the bar that their median is held to."""

    def __init__(self, what, values, unit, at_most=None, at_least=None):
        values = [float(x) for x in (values if isinstance(values, (list, tuple)) else [values])]
        self.fields = {
            "what": what, "unit": unit, "runs": len(values), "median": statistics.median(values),
            "low": min(values), "high": max(values), "at_most": at_most, "at_least": at_least,
        }
        bar = at_most if at_most is not None else at_least
        self.fields["met"] = None if bar is None else (
            self.fields["median"] <= bar if at_most is not None else self.fields["median"] >= bar)


class Context:
    """What a bench's run() is given."""

    def __init__(self, name, build, runs, smoke):
        self.name = name
        self.build = pathlib.Path(build).resolve()
        self.runs = 1 if smoke else runs
        self.smoke = smoke
        self.cores = len(os.sched_getaffinity(0))
        self.figures = []
        self.notes = []
        self.lacks = None
        self.harness = load_harness(self.build)
        self.scripta = str(self.build / "scripta")
        self.media = str(self.build / "scripta-media")
        # A short path: a Unix socket's is at most 107 bytes.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sc-"))
        self.count = 0

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def pick(self, full, tiny):
        return tiny if self.smoke else full

    def program(self, name):
        """A program of bench/ in this build."""
        path = self.build / "bench" / name
        if not path.exists():
            raise Skip(f"{path.name} is not built: meson configure {self.build.name} -Dbench=true")
        return str(path)

    def say(self, text):
        print(f"  {self.name}: {text}", file=sys.stderr, flush=True)

    def note(self, text):
        self.notes.append(text)

    def lack(self, text):
        """A note that something to compare with is missing: fuller figures of docs/benchmarks.md
        are not replaced by these."""
        self.lacks = text
        self.note(text)

    def figure(self, what, values, unit, at_most=None, at_least=None):
        self.figures.append(Figure(what, values, unit, at_most, at_least).fields)
        self.say(describe(self.figures[-1], bars=not self.smoke))

    @contextlib.contextmanager
    def server(self, env=None, args=(), data=None):
        """A server that is ready; killed at the end. A folder of its own unless data names one."""
        self.count += 1
        server = self.harness.Server(data or self.folder / f"d{self.count}", env, args)
        try:
            yield server.start()
        finally:
            server.destroy()


def number(x):
    """Three digits that count, and no more than that."""
    if x == 0:
        return "0"
    if abs(x) >= 100:
        return f"{x:,.0f}"
    return f"{x:.1f}" if abs(x) >= 10 else f"{x:.2f}" if abs(x) >= 0.1 else f"{x:.3g}"


def bar_text(figure):
    if figure["at_most"] is not None:
        return f"at most {figure['at_most']:g}"
    return f"at least {figure['at_least']:g}" if figure["at_least"] is not None else ""


def describe(figure, bars=True):
    """One line for a terminal."""
    text = f"{figure['what']}: {number(figure['median'])} {figure['unit']}"
    if figure["runs"] > 1:
        text += f" ({number(figure['low'])} to {number(figure['high'])})"
    if bars and figure["met"] is not None:
        text += f", {bar_text(figure)}: {'met' if figure['met'] else 'NOT met'}"
    return text


# ---- measuring ----


def timed(fn):
    """Seconds that a call takes."""
    begun = time.perf_counter()
    fn()
    return time.perf_counter() - begun


def pairs(runs, a, b):
    """Calls a b b a a b …, so that what drifts on the machine meets both: ([a's], [b's])."""
    out = ([], [])
    for i in range(runs):
        for which in ((0, 1) if i % 2 == 0 else (1, 0)):
            out[which].append((a, b)[which]())
    return out


def ratios(a, b):
    """Each of a by its neighbour in b."""
    return [x / y for x, y in zip(a, b)]


def _kb(path, key):
    with open(path, encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith(key + ":"))


def rss_kb(pid):
    return _kb(f"/proc/{pid}/status", "VmRSS")


def peak_kb(pid):
    """The most that has been resident at any time."""
    return _kb(f"/proc/{pid}/status", "VmHWM")


def pss_kb(pid):
    """Resident memory in which each page that several processes share counts by its share."""
    return _kb(f"/proc/{pid}/smaps_rollup", "Pss")


def cpu_s(pid):
    """Seconds of processor time that a process has used, with its threads."""
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# ---- the machine ----


def machine():
    """One line: what the figures were measured on."""
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as f:
        model = next((x.split(":", 1)[1].strip() for x in f if x.startswith("model name")), "?")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    folder = tempfile.gettempdir()
    with open("/proc/mounts", encoding="utf-8", errors="replace") as f:
        mounts = [x.split()[1:3] for x in f]
    kind = max((m for m in mounts if folder.startswith(m[0])), key=lambda m: len(m[0]),
               default=("", "?"))[1]
    return (f"{len(os.sched_getaffinity(0))} cores of {model}, {memory:.0f} GiB of memory, {kind}, "
            f"Linux {'.'.join(platform.release().split('.')[:2])}")
