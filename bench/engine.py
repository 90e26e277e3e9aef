"""The Whisper network, beside libwhisper

Encoding a window and decoding a token, in f32, on one thread, with a model of random weights and
the dimensions of `base`; processor time. What a core can do at best is measured by products that
lie in its nearest cache. A step of the decoder reads each of its weights once, and the keys and
values of each chunk's window: it is held against what a core reads of memory at best. With
`REFERENCE=PREFIX` (a libwhisper that pkg-config finds below that folder, or `REFERENCE=system`) the
same is measured of it in turns, same file, one thread, with its own kernels and with OpenBLAS (the
fastest that this has for the CPU): the faster counts.
"""

import os
import pathlib
import shlex
import shutil
import statistics
import subprocess

from bench.common import Skip, pairs, ratios

LIMIT_S = 1800
BASE = (512, 6)
TINY = (32, 1)
# (name, seconds, (state, layers, bands)) of models whose waits for a cancellation are measured: so
# long each is heard at most, twice.
STOPPED = (("small", 60, (768, 12, 80)), ("medium", 60, (1024, 24, 80)),
           ("large-v3", 180, (1280, 32, 128)))
LARGE_KB = 10 << 20  # of free memory, and of the disk


def figures(command, env=None):
    """What a program prints: {name: number}."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          check=False, env={**os.environ, **(env or {})})
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]}: exit code {done.returncode}: {done.stderr[-500:]}")
    out = {}
    for line in done.stdout.splitlines():
        name, value = line.split(" ", 1)
        out[name] = value if name == "kernels" else float(value)
    return out


def reference(folder, where):
    """(command, environment) of libwhisper's program; where: a prefix, or "system"."""
    env, link, backends = dict(os.environ), [], "-"
    if where != "system":
        prefix = pathlib.Path(where).resolve()
        configs = sorted(prefix.glob("**/pkgconfig/whisper.pc"))
        if not configs:
            raise Skip(f"no whisper.pc below {prefix}: REFERENCE names a folder with libwhisper")
        libraries = configs[0].parent.parent
        env["PKG_CONFIG_PATH"] = str(configs[0].parent)
        if libraries.parent != prefix / "lib" and (prefix / "usr").exists():
            env["PKG_CONFIG_SYSROOT_DIR"] = str(prefix)
        blas = ":".join(str(x) for x in libraries.glob("openblas*") if x.is_dir())
        link = ["-Wl,--allow-shlib-undefined", "-Wl,--disable-new-dtags",
                f"-Wl,-rpath,{libraries}:{blas}".rstrip(":")]
        for loader in libraries.glob("ld-linux*.so.*"):
            link.append(f"-Wl,--dynamic-linker={loader}")
        for found in sorted(libraries.glob("ggml/backends*")):
            backends = str(found)
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "whisper", "ggml"], env=env,
                           capture_output=True, text=True, check=False)
    if flags.returncode != 0:
        raise Skip(f"no libwhisper in REFERENCE={where}: {flags.stderr.strip()}")
    program = folder / "engine-reference"
    source = pathlib.Path(__file__).with_name("engine-reference.c")
    subprocess.run([os.environ.get("CC", "cc"), "-O2", str(source), "-o", str(program),
                    *shlex.split(flags.stdout), *link], check=True)
    return [str(program), backends], {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


def blas_kernels():
    """OpenBLAS of Debian 12 takes new CPUs for old ones: say what this one has."""
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as f:
        return {"OPENBLAS_CORETYPE": "SkylakeX"} if " avx512f " in f.read() else {}


def compare(ctx, ours, model, steps, where):
    program, env = reference(ctx.folder, where)
    env |= blas_kernels()

    def theirs():
        both = [figures([*program, str(model), kind, "net", str(steps)], env)
                for kind in ("plain", "blas")]
        return {name: min(x[name] for x in both) for name in both[0]}

    a, b = pairs(ctx.runs, ours, theirs)
    for name, what in (("encode_ms", "encoding"), ("step_1_ms", "a token")):
        mine, other = [x[name] for x in a], [x[name] for x in b]
        ctx.figure(f"{what}, the reference", other, "ms")
        ctx.figure(f"{what}: ours by the reference", ratios(mine, other), "x", at_most=1)
    return a


def tiny_model(ctx, program):
    path = ctx.folder / "tiny.bin"
    subprocess.run([program, "make", str(path), *map(str, TINY)], check=True)
    return path


def available_kb(folder):
    """Of memory or of the disk, whichever has less."""
    with open("/proc/meminfo", encoding="ascii") as f:
        memory = next(int(x.split()[1]) for x in f if x.startswith("MemAvailable:"))
    return min(memory, shutil.disk_usage(folder).free >> 10)


def waits(ctx, program):
    """The longest wait for a cancellation in larger models, loading included."""
    for name, seconds, dims in ctx.pick(STOPPED, (("tiny", 0.2, (*TINY, 128)),)):
        if name == "large-v3" and available_kb(ctx.folder) < LARGE_KB:
            ctx.lack(f"{name} was left out: it wants 10 GiB of memory and of the disk.")
            continue
        path = ctx.folder / "stopped.bin"
        subprocess.run([program, "make", str(path), *map(str, dims)], check=True)
        seen = figures([program, "stop", str(path), "1", str(int(seconds * 1000))])
        path.unlink()
        ctx.figure(f"longest wait for a cancellation, {name}", seen["hear_gap_ms"], "ms",
                   at_most=100)
        ctx.figure(f"the same while {name} is loaded", seen["load_gap_ms"], "ms", at_most=100)
        ctx.figure(f"the same in processor time, {name}, hearing or loading",
                   max(seen["hear_work_ms"], seen["load_work_ms"]), "ms", at_most=100)


def reading(runs, count):
    """What a step of `count` chunks reads in its time, in per cent of what a core can."""
    return [100 * (x["weights_gb"] + count * x["window_gb"]) / x[f"step_{count}_ms"] * 1e3
            / x["read_gbs"] for x in runs]


def run(ctx):
    program = ctx.program("engine-net")
    model = ctx.folder / "model.bin"
    state, layers = ctx.pick(BASE, TINY)
    steps = ctx.pick(48, 3)
    subprocess.run([program, "make", str(model), str(state), str(layers)], check=True)

    def ours(kernels="best", threads=1):
        return figures([program, "run", str(model), kernels, str(threads), str(steps)])

    where = os.environ.get("REFERENCE")
    if where:
        all_of_it = compare(ctx, ours, model, steps, where)
    else:
        all_of_it = [ours() for _ in range(ctx.runs)]
        ctx.lack("Without `REFERENCE=PREFIX` nothing stands beside these figures.")

    def values(name):
        return [x[name] for x in all_of_it]

    speeds = [x["encode_gflop"] / x["encode_ms"] * 1e3 for x in all_of_it]
    kernels = all_of_it[0]["kernels"]
    ctx.figure(f"a core at its best ({kernels})", values("peak_gflops"), "GFLOP/s")
    ctx.figure("laying out the weights", values("open_ms"), "ms")
    ctx.figure("encoding a window", values("encode_ms"), "ms")
    ctx.figure("encoding, of the core's best",
               [100 * x / y for x, y in zip(speeds, values("peak_gflops"))], "%")
    ctx.figure("a core's reading at its best", values("read_gbs"), "GB/s")
    ctx.figure("a token of one chunk", values("step_1_ms"), "ms")
    ctx.figure("a token of one chunk, of reading at its best", reading(all_of_it, 1), "%")
    ctx.figure("a token of eight chunks together", [x / 8 for x in values("step_8_ms")], "ms")
    ctx.figure("eight tokens together, of reading at its best", reading(all_of_it, 8), "%")
    ctx.figure("longest wait for a cancellation", values("longest_gap_ms"), "ms", at_most=100)
    ctx.figure("resident, with eight windows and sequences", values("resident_mb"), "MiB")
    ctx.figure("resident, of what was foreseen",
               [x["resident_mb"] / x["foreseen_mb"] for x in all_of_it], "x", at_most=1)
    ctx.note(f"Foreseen were {all_of_it[0]['foreseen_mb']:,.0f} MiB, by `sc_whisper_memory`.")
    waits(ctx, program)
    grown = figures([program, "grow", str(tiny_model(ctx, program)), str(ctx.pick(1000, 2))])
    ctx.figure("memory grown over 1,000 windows of a tiny model", grown["grown_kb"], "KiB",
               at_most=1024)
    if kernels == "avx512":
        narrow = [ours("avx2") for _ in range(ctx.runs)]
        ctx.figure("encoding a window with AVX2",
                   statistics.median(x["encode_ms"] for x in narrow), "ms")
