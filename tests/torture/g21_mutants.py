"""G21: mutated recordings: no decoder dies by a signal, hangs or takes more memory than it may;
under the sanitizers there is no report.

Most go through the decoder in one process, many at a time; a sample takes the jailed way. A failure
keeps the file."""

import concurrent.futures
import json
import pathlib
import random
import resource
import shutil
import signal
import struct
import subprocess
import tempfile

import odd_media
from frame import Case, Result
from harness import BUILD, MEDIA, ROOT, clean_environment

BATCH = 125
FUZZ = BUILD / "tests" / "fuzz" / "fuzz-audio"
CORPUS = ROOT / "tests" / "fuzz" / "corpus" / "audio"
HANG_S = 10  # of the processor; tests/fuzz/standalone.c has the same for each file
WAIT_S = 120  # by the clock, for what sleeps: far beyond what a busy machine makes of a second
MEMORY_MB = 512

# One short file of each kind that the corpus does not have.
KINDS = {
    "a.ac3": (), "a.eac3": (), "a.dts": ("-c:a", "dca", "-strict", "-2"), "a.wv": (), "a.tta": (),
    "a.voc": (), "a.mp2": (), "a.mpg": (), "a.flv": ("-c:a", "mp3", "-ar", "22050"),
    "a.3gp": ("-c:a", "aac"), "a.mov": ("-c:a", "pcm_s24be"), "b.mov": ("-c:a", "adpcm_ima_qt"),
    "a.spx": ("-c:a", "libspeex"), "f.ogg": ("-c:a", "flac"), "a.gsm": ("-ar", "8000"),
    "g.wav": ("-c:a", "g723_1", "-b:a", "6300", "-ar", "8000"), "y.wav": ("-c:a", "adpcm_yamaha"),
    "i.wav": ("-c:a", "adpcm_ima_wav"), "f.wav": ("-c:a", "pcm_f64le"), "8.flac": ("-ac", "8"),
    "h.mkv": ("-c:a", "truehd", "-strict", "-2", "-ar", "48000"), "6.opus": ("-ac", "6"),
    "v.webm": ("-c:a", "libvorbis"), "e.ts": ("-c:a", "eac3"), "o.ts": ("-c:a", "libopus", ),
    "1.wma": ("-c:a", "wmav1"), "c.caf": ("-c:a", "alac"), "m.avi": ("-c:a", "adpcm_ms"),
}
NUMBERS = [0, 1, 2, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000,
           0xfffffff0, 0xffffffff]


def make_seeds(folder):
    """{name: bytes} of one short recording of each kind."""
    kitchen = odd_media.Kitchen(folder)
    short = ("-f", "lavfi", "-i", "sine=400:d=0.25:r=16000")
    out = {p.name: p.read_bytes() for p in sorted(CORPUS.iterdir())}
    out |= {name: kitchen.ffmpeg(name, *args, source=short) for name, args in KINDS.items()}
    out["a.amr"] = odd_media.amr(odd_media.amr_speech(20))
    return out


def mutate(rng, data, others):
    data = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 3, 6, 12])):
        if not data:
            break
        # What is interesting stands at the beginning.
        at = rng.randrange(min(len(data), rng.choice([64, 512, 1 << 30])))
        kind = rng.randrange(9)
        if kind == 0:
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            data[at] = rng.choice([0, 1, 0x7f, 0x80, 0xff, rng.randrange(256)])
        elif kind == 2:
            form = rng.choice(["<I", ">I", "<H", ">H"])
            number = rng.choice(NUMBERS) & (0xffffffff if form[1] == "I" else 0xffff)
            packed = struct.pack(form, number)
            data[at:at + len(packed)] = packed
        elif kind == 3:
            del data[at + 1:]
        elif kind == 4:
            del data[at:at + rng.randrange(1, 200)]
        elif kind == 5:
            piece = data[at:at + rng.randrange(1, 400)]
            where = rng.randrange(len(data))
            data[where:where] = piece
        elif kind == 6:
            data[at:at + rng.randrange(1, 200)] = rng.randbytes(rng.randrange(1, 200))
        elif kind == 7:
            data[at:at + 64] = bytes(64)
        else:
            other = rng.choice(others)
            start = rng.randrange(len(other)) if other else 0
            data[at:] = other[start:start + rng.randrange(1, 4000)]
    return bytes(data[:1 << 16])


def mutants(ctx):
    """[(name, bytes)] of this round."""
    kitchen = ctx.folder / "seeds"
    kitchen.mkdir()
    seeds = make_seeds(kitchen)
    others = list(seeds.values())
    names = list(seeds)
    for i in range(ctx.first, ctx.first + ctx.count):
        name = names[i % len(names)]
        yield f"{i:06}-{name}", mutate(random.Random(f"{ctx.seed}/{i}"), seeds[name], others)


def keep(path, why):
    kept = pathlib.Path(tempfile.gettempdir()) / f"scripta-mutant-{path.name}"
    shutil.copy(path, kept)
    return f"{why}; the file is kept as {kept}"


def ended(code):
    # SIGKILL where the jail has made both limits one.
    hung = code in (-signal.SIGXCPU, -signal.SIGKILL)
    return f"it takes over {HANG_S} s of the processor" if hung else f"exit code {code}"


def run_batch(folder):
    """Decodes the files of a folder in one process; None, or what went wrong."""
    env = clean_environment({
        "ASAN_OPTIONS": "abort_on_error=1:allocator_may_return_null=1:detect_leaks=1",
        "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1"})
    count = len(list(folder.iterdir()))
    try:
        done = subprocess.run([str(FUZZ), str(folder)], stdin=subprocess.DEVNULL, env=env,
                              capture_output=True, text=True, errors="replace", check=False,
                              timeout=WAIT_S + count)
        if done.returncode == 0:
            return None
        said, why = done.stderr, ended(done.returncode)
    except subprocess.TimeoutExpired as e:
        said, why = (e.stderr or b"").decode("utf-8", "replace"), "it hangs"
    lines = [x for x in said.splitlines() if x.endswith(" bytes)")]
    last = lines[-1].rpartition(" (")[0] if lines else ""
    tail = "\n".join(said.splitlines()[-40:])
    return f"{keep(folder / last, why) if last else why}\n{tail}"


def run_jailed(path):
    """One file the way that uploads take; None, or what went wrong."""
    with open(path, "rb") as f:
        process = subprocess.Popen(
            [str(MEDIA), "decode", "--fd", str(f.fileno()), "--max-seconds", "600"],
            pass_fds=[f.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env=clean_environment())
        try:
            resource.prlimit(process.pid, resource.RLIMIT_CPU, (HANG_S, HANG_S))
            out, err = process.communicate(timeout=WAIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return keep(path, "it hangs")
    if process.returncode < 0 or process.returncode == 70 or b"Sanitizer" in err:
        return keep(path, f"{ended(process.returncode)}: {err[-2000:]!r}")
    # The last frame is DONE or FAIL, and whole.
    at, kind, payload = 0, b"", b""
    while at + 8 <= len(out):
        kind, length = out[at:at + 4], struct.unpack_from("<I", out, at + 4)[0]
        payload = out[at + 8:at + 8 + length]
        at += 8 + length
    if at != len(out) or kind not in (b"DONE", b"FAIL"):
        return keep(path, f"its last frame is {kind!r}")
    value = json.loads(payload)
    if kind == b"FAIL" and value["code"] not in ("FILE_FORMAT", "FILE_TOO_LARGE", "AUDIO_ERROR"):
        return keep(path, f"it fails with {value}")
    return None


def run_plain(ctx):
    batches = []
    for i, (name, data) in enumerate(mutants(ctx)):
        if i % BATCH == 0:
            batches.append(ctx.folder / f"batch{len(batches)}")
            batches[-1].mkdir()
        (batches[-1] / name).write_bytes(data)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        wrong = [x for x in pool.map(run_batch, batches) if x]
    assert not wrong, "\n\n".join(wrong)
    return Result(ctx.count, {"deaths, hangs or reports": 0})


def run_in_jail(ctx):
    paths = []
    for name, data in mutants(ctx):
        paths.append(ctx.folder / name)
        paths[-1].write_bytes(data)
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        wrong = [x for x in pool.map(run_jailed, paths) if x]
    assert not wrong, "\n\n".join(wrong)
    # Of all children so far; the makers of the seeds are among them.
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    assert peak == before or peak < MEMORY_MB * 1024, f"{peak} KiB"
    return Result(ctx.count, {"deaths or hangs": 0}, {"MB at most": peak // 1024})


CASES = [
    Case("G21", "decoded many to a process", "mutated recordings", run_plain, short=1500, one=10000,
         full=10000, round=1000, needs=("ffmpeg", "fuzz-audio"), minutes=1.4),
    Case("G21.jail", "decoded each in its jail", "mutated recordings", run_in_jail, short=30,
         one=600, full=2000, round=200, needs=("ffmpeg",), minutes=1.4),
]
