#!/usr/bin/env python3
"""Runs the fault cases of tests/torture, some side by side; ends in a line 'N passed, N failed'.

torture.py BUILD                         all of them, at SCALE=1
torture.py BUILD --scale full G1 G9      two goals, at the stated counts
torture.py BUILD --seed 7 G2             the same random choices again
torture.py BUILD --list                  the table, and how long each takes

What was done is written down after each round, below BUILD/torture: a run that was broken off goes
on from there, what passed is not repeated (--fresh does all again), and neither holds for another
build.
"""

import argparse
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "torture"))
sys.path.insert(0, str(ROOT / "tools"))
from tally import Tally  # noqa: E402


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=pathlib.Path, nargs="?", default=ROOT / "build-san")
    parser.add_argument("cases", nargs="*", help="goals or names of cases; none: all")
    parser.add_argument("--scale", default="1", help="1, full, or a number to multiply with")
    parser.add_argument("--seed", type=int, default=0, help="of the random choices; 0: a new one")
    parser.add_argument("--jobs", type=int, default=2, help="cases at the same time")
    parser.add_argument("--fresh", action="store_true", help="forget what was done")
    parser.add_argument("--list", action="store_true", help="say what there is")
    parser.add_argument("--child", metavar="STATE", type=pathlib.Path, help=argparse.SUPPRESS)
    args = parser.parse_intermixed_args()
    if args.scale != "full":
        try:
            float(args.scale)
        except ValueError:
            parser.error(f"--scale {args.scale}: a number or 'full'")
    return args


class State:
    """What one case has done: a JSON file, replaced after each round."""

    def __init__(self, path):
        self.path = path
        self.value = {}
        if path.exists():
            self.value = json.loads(path.read_text(encoding="utf-8"))

    def __getattr__(self, name):
        return self.value[name]

    def save(self, **changes):
        self.value.update(changes)
        new = self.path.with_suffix(".new")
        new.write_text(json.dumps(self.value), encoding="utf-8")
        new.replace(self.path)

    def prepare(self, mark, seed, fresh):
        """Keeps what is there when it is of the same programs and seed."""
        old = self.value
        if fresh or old.get("mark") != mark or (seed and seed != old.get("seed")):
            seed = seed or random.SystemRandom().randrange(1, 1 << 31)
            self.value = {"mark": mark, "seed": seed, "result": None, "seconds": 0.0,
                          "passed": False}
        self.save(error="", began=time.time())


def child(args, frame):
    """Runs the rounds of one case that are not done yet. Its output goes to the case's log."""
    # A run that is broken off still unmounts, and ends its servers.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    case = next(c for c in frame.cases() if c.name == args.cases[0])
    state = State(args.child)
    total = frame.Result(0) if state.result is None else frame.Result(**state.result)
    count = case.count(args.scale)
    try:
        while total.done < count:
            start = time.monotonic()
            result = frame.run_round(case, min(case.round, count - total.done), total.done,
                                     state.seed)
            assert result.done > 0, "a round that did nothing"
            total.add(result)
            print(total.line(case), flush=True)
            state.save(result=vars(total), seconds=state.seconds + time.monotonic() - start)
    except Exception as e:
        # The rest is in the log: a case says one line.
        state.save(error=f"{type(e).__name__}: {(str(e).splitlines() or [''])[0]}"[:400])
        raise
    state.save(passed=True)
    return 0


class Running:
    """A case in a process of its own."""

    def __init__(self, case, args, folder, mark):
        self.case = case
        self.scale = args.scale
        self.state = State(folder / f"{case.name}.json")
        self.state.prepare(mark, args.seed, args.fresh)
        self.log = folder / f"{case.name}.log"
        self.deadline = None
        self.process = None

    def limit(self):
        """A case that takes this long hangs."""
        share = self.case.count(self.scale) / max(1, self.case.one)
        return 600 + 60 * 10 * self.case.minutes * max(1, share)

    def start(self, build):
        self.deadline = time.monotonic() + self.limit()
        # Debian's own interpreter everywhere: whatever cases import is Debian's.
        command = ["/usr/bin/python3", str(ROOT / "tools" / "torture.py"), str(build),
                   self.case.name, "--child", str(self.state.path), "--scale", self.scale]
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log)

    def ended(self):
        if self.process.poll() is None and time.monotonic() > self.deadline:
            self.stop()
            self.state = State(self.state.path)
            self.state.save(error=f"still not done after {self.limit():.0f} s")
        return self.process.poll() is not None

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def line(self, frame):
        """What it says when it is over, and whether it passed."""
        self.state = State(self.state.path)
        how = f"scale {self.scale}, seed {self.state.seed}, {self.state.seconds:.0f} s"
        if self.state.passed:
            return True, f"{frame.Result(**self.state.result).line(self.case)} ({how})"
        done = (self.state.result or {}).get("done", 0)
        why = self.state.error or f"its process ended with {self.process.returncode}"
        return False, (f"{self.case.name}: FAILED after {done} {self.case.unit}: {why} ({how}; "
                       f"{self.log}; again: make torture CASES={self.case.name} "
                       f"SCALE={self.scale} SEED={self.state.seed})")


def run_all(waiting, jobs, build, report):
    """Runs cases, `jobs` at a time; those that measure time by themselves, at the end."""
    waiting = sorted(waiting, key=lambda r: (r.case.alone, -r.case.minutes))
    running = []
    try:
        while waiting or running:
            for one in [r for r in running if r.ended()]:
                running.remove(one)
                report(one)
            while waiting and len(running) < jobs and not any(r.case.alone for r in running):
                if waiting[0].case.alone and running:
                    break
                running.append(waiting.pop(0))
                running[-1].start(build)
            time.sleep(0.2)
    finally:
        for one in running:
            one.stop()


def seconds_each(case, build):
    """(seconds for a unit, whether this build has measured that): by the run that did the most."""
    most, seconds = 0, 0.0
    for path in (build / "torture").glob(f"*/{case.name}.json"):
        state = State(path)
        done = (state.result or {}).get("done", 0)
        if done > most:
            most, seconds = done, state.seconds
    return (seconds / most, True) if most else (60 * case.minutes / case.one, False)


def show_time(seconds):
    return f"{seconds / 3600:.1f} h" if seconds >= 5400 else f"{max(0.1, seconds / 60):.1f} min"


def show_list(frame, build):
    print(f"{'case':<13}{'short':>6}{'SCALE=1':>8}{'takes':>11}{'full':>7}{'takes':>11}"
          "  what (needs)")
    sums = {"1": 0.0, "full": 0.0}
    for case in frame.cases():
        needs = f" ({', '.join(case.needs)})" if case.needs else ""
        each, measured = seconds_each(case, build)
        times = []
        for scale in sums:
            seconds = each * case.count(scale)
            sums[scale] += seconds
            times.append(("" if measured else "~") + show_time(seconds))
        print(f"{case.name:<13}{case.short or '-':>6}{case.one:>8}{times[0]:>11}{case.full:>7}"
              f"{times[1]:>11}  {case.unit}: {case.what}{needs}")
    print(f"two at a time: SCALE=1 about {show_time(sums['1'] / 2)}, full about "
          f"{show_time(sums['full'] / 2)}; ~ is not measured with this build")


def choose(frame, words):
    """The cases that the words name."""
    known = frame.cases()
    wrong = [w for w in words if w not in {c.name for c in known} | {c.goal for c in known}]
    if wrong:
        sys.exit(f"torture: no case {', '.join(wrong)}; --list says what there is")
    return [c for c in known if not words or c.name in words or c.goal in words]


def main():
    args = arguments()
    build = args.build.resolve()
    os.environ["SCRIPTA_BUILD"] = str(build)
    import frame  # needs to know the build
    if args.list:
        show_list(frame, build)
        return 0
    if args.child:
        return child(args, frame)
    folder = build / "torture" / args.scale
    folder.mkdir(parents=True, exist_ok=True)
    tally = Tally()
    mark = frame.fingerprint()
    start = time.monotonic()
    sums = {"passed": 0, "failed": 0}
    skipped, waiting = [], []

    def report(one):
        passed, line = one.line(frame)
        sums["passed" if passed else "failed"] += 1
        print(line, flush=True)

    for case in choose(frame, args.cases):
        why = case.missing()
        if why:
            skipped.append(f"{case.name}, {case.what}: {why}")
            continue
        one = Running(case, args, folder, mark)
        if one.state.passed:
            report(one)
        else:
            waiting.append(one)
    try:
        run_all(waiting, args.jobs, build, report)
    except KeyboardInterrupt:
        print("torture: broken off; the same command goes on from here", file=sys.stderr)
        return 130
    tally.add("torture", sums["passed"], sums["failed"], skipped, time.monotonic() - start)
    return tally.close()


if __name__ == "__main__":
    sys.exit(main())
