"""A real server on a Unix socket, a client for it, and recordings made on the spot.

Only the standard library. SCRIPTA_BUILD names the folder that holds scripta and scripta-media.
"""

import array
import contextlib
import functools
import http.client
import io
import itertools
import json
import math
import os
import pathlib
import random
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time
import wave

import description

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get("SCRIPTA_BUILD", ROOT / "build-san")).resolve()
SCRIPTA = BUILD / "scripta"
MEDIA = BUILD / "scripta-media"
# How many times as long the random tests run: make torture SCALE=10.
SCALE = float(os.environ.get("SCALE", "1"))
# What a figure of the release build may take under sanitizers on a busy machine.
SLOW = 4 if "san" in BUILD.name else 1
# Seconds that whatever must happen has at least, however busy the machine: only what never happens
# takes as long, so that no test is decided by time. Tests that say less mean a machine at rest.
PATIENCE = 120


def wait_until(condition, timeout, what, step=0.02):
    """The first true value of condition(); fails with what it was about."""
    timeout = max(timeout, PATIENCE)
    deadline = time.monotonic() + timeout
    while True:
        late = time.monotonic() > deadline
        value = condition()
        if value:
            return value
        if late:
            raise AssertionError(f"{what}: not within {timeout:g} s")
        time.sleep(step)


# ---- recordings ----


def wav(samples, rate=16000, channels=1):
    """A 16-bit WAV file as bytes."""
    out = io.BytesIO()
    with wave.open(out, "wb") as f:
        f.setnchannels(channels)
        f.setsampwidth(2)
        f.setframerate(rate)
        f.writeframes(samples)
    return out.getvalue()


def noise_wav(seconds, seed=0, rate=8000):
    """Noise, other bytes for each seed."""
    count = int(seconds * rate)
    return wav(random.Random(seed).randbytes(2 * count), rate)


def tone_wav(seconds, hertz=440, rate=16000, channels=1):
    one = [int(9000 * math.sin(2 * math.pi * hertz * i / rate)) for i in range(rate)]
    period = array.array("h", [x for x in one for _ in range(channels)]).tobytes()
    whole, rest = divmod(seconds, 1)
    return wav(period * int(whole) + period[:int(rest * rate) * 2 * channels], rate, channels)


def silence_wav(seconds, rate=16000):
    return wav(bytes(2 * int(seconds * rate)), rate)


def bursts_wav(seconds, seed=0, rate=16000):
    """Bursts of noise of 0.4 to 2 s with near-silence between them, as speech has."""
    rng = random.Random(seed)
    out = bytearray()
    while len(out) < 2 * seconds * rate:
        loud = int(rng.uniform(0.4, 2.0) * rate)
        quiet = int(rng.uniform(0.3, 0.9) * rate)
        out += rng.randbytes(2 * loud)
        out += array.array("h", [rng.randint(-20, 20) for _ in range(quiet)]).tobytes()
    return wav(bytes(out[:2 * int(seconds * rate)]), rate)


@functools.cache
def syllables(rate):
    """A second each of partials whose pitch glides, as only that of a voice does."""
    rng = random.Random(1)
    out = []
    for _ in range(12):
        low, high, phase = rng.uniform(90, 150), rng.uniform(180, 300), 0
        if rng.random() < 0.5:
            low, high = high, low
        samples = array.array("h")
        for i in range(rate):
            phase += 2 * math.pi * low * (high / low) ** (i / rate) / rate
            samples.append(int(2500 * sum(math.sin(k * phase) / k ** 0.5 for k in range(1, 7))))
        out.append(samples)
    return out


def beats_wav(seconds, seed=0, rate=8000):
    """A syllable in the middle of each second: null_words(seconds) with the detector on."""
    rng = random.Random(seed)
    out = bytearray()
    for _ in range(seconds):
        before, behind = (rng.randrange(rate // 20, rate // 5) for _ in range(2))
        for part in ((rng.randint(-20, 20) for _ in range(before)),
                     rng.choice(syllables(rate))[:rate - before - behind],
                     (rng.randint(-20, 20) for _ in range(behind))):
            out += array.array("h", part).tobytes()
    return wav(bytes(out), rate)


def pauses_wav(count, seed, pauses, lengths=(0.5, 3), rate=16000):
    """Sounds with pauses between them, the k-th as loud as 3000 + 100 k; and where they lie."""
    rng = random.Random(seed)
    out, spans = array.array("h"), []

    def rest(seconds):
        out.extend(rng.choices(range(-20, 21), k=int(seconds * rate)))

    rest(rng.uniform(0, 4))
    for k in range(count):
        start, peak = len(out), 3000 + 100 * k
        period = array.array("h", [peak] * 20 + [-peak] * 20)
        out.extend(period * int(rng.uniform(*lengths) * rate / 40))
        spans.append((start / rate, len(out) / rate))
        rest(rng.uniform(*pauses))
    return wav(out.tobytes(), rate), spans


def pcm_of(data):
    """The samples of a WAV made here: its header has 44 bytes."""
    return array.array("h", data[44:])


def interleave(*channels, rate=16000):
    size = min(len(c) for c in channels)
    return wav(array.array("h", itertools.chain.from_iterable(
        zip(*(c[:size] for c in channels)))).tobytes(), rate, len(channels))


def null_words(seconds):
    """What the null engine says about a whole recording cut with vad=off."""
    return [f"t{k}" for k in range(int(seconds))]


def librivox():
    """Debian's LibriVox clips, the shortest last; empty without pocketsphinx-testdata."""
    folder = pathlib.Path("/usr/share/pocketsphinx/test/data/librivox")
    return sorted(folder.glob("*.wav"), key=lambda p: -p.stat().st_size)


def make_model(path, script, **wishes):
    """A scripted model of whisper, which says that in each window."""
    maker = BUILD / "tests/unit/whisper/make-model"
    subprocess.run([maker, path, f"script={script}", *(f"{k}={v}" for k, v in wishes.items())],
                   check=True)


# ---- the client ----


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.socket_path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        # With a time-out set it would not wait while the server has too many to accept.
        self.sock.connect(str(self.socket_path))
        self.sock.settimeout(self.timeout)


class Response:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def text(self):
        return self.body.decode("utf-8")

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def error(self):
        """The error object of a refusal."""
        return self.json["error"]

    def __repr__(self):
        return f"<{self.status} {self.body[:600]!r}>"


def multipart(parts, boundary="----scripta-e2e-7d1f"):
    """(content type, body) of [(name, text or (file name, bytes))]."""
    out = bytearray()
    for name, value in parts:
        out += f"--{boundary}\r\n".encode()
        if isinstance(value, tuple):
            file_name, data = value
            head = f'Content-Disposition: form-data; name="{name}"; filename="'.encode()
            quoted = file_name if isinstance(file_name, bytes) else file_name.encode("utf-8")
            # As browsers and curl write it: these three signs and no others.
            quoted = quoted.replace(b'"', b"%22")
            quoted = quoted.replace(b"\r", b"%0D").replace(b"\n", b"%0A")
            out += head + quoted + b'"\r\nContent-Type: application/octet-stream\r\n\r\n'
            out += data
        else:
            out += f'Content-Disposition: form-data; name="{name}"\r\n\r\n'.encode()
            out += str(value).encode("utf-8")
        out += b"\r\n"
    out += f"--{boundary}--\r\n".encode()
    return f"multipart/form-data; boundary={boundary}", bytes(out)


@functools.cache
def api():
    """The description of the API by the program under test: every answer is held against it."""
    return description.Description(json.loads(cli("help", "--openapi", check=0).stdout))


class Client:
    """HTTP over the server's Unix socket or, with port, over TCP. Safe for several threads. Every
    answer must be one that the API's description names."""

    def __init__(self, socket_path=None, port=None, timeout=PATIENCE, token=None):
        self.socket_path = socket_path
        self.port = port
        self.timeout = timeout
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}

    def connect(self, timeout=None):
        timeout = timeout or self.timeout
        if self.port:
            return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        return UnixConnection(self.socket_path, timeout)

    def request(self, method, path, body=None, headers=None, timeout=None):
        connection = self.connect(timeout)
        try:
            # A server that refuses a body by its headers may answer and close before all is sent.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.request(method, path, body=body,
                                   headers={**self.headers, **(headers or {})})
            reply = connection.getresponse()
            answer = Response(reply.status, reply.headers, reply.read())
        finally:
            connection.close()
        api().check(method, path, answer)
        return answer

    def get(self, path, **kwargs):
        return self.request("GET", path, **kwargs)

    def post(self, path, value=None, headers=None, **kwargs):
        """POST of a JSON value; of nothing when it is None."""
        headers = dict(headers or {})
        body = None
        if value is not None:
            body = json.dumps(value)
            headers.setdefault("Content-Type", "application/json")
        return self.request("POST", path, body=body, headers=headers, **kwargs)

    def raw(self, data, timeout=None):
        """Bytes onto the wire; everything that comes back until the server closes."""
        connection = self.connect(timeout)
        connection.connect()
        try:
            connection.sock.sendall(data)
            out = b""
            with contextlib.suppress(socket.timeout, ConnectionResetError):
                while chunk := connection.sock.recv(65536):
                    out += chunk
            return out
        finally:
            connection.close()

    def upload(self, data, name="test.wav", key=None, file_first=False, path="/api/upload",
               timeout=None, **options):
        """POST multipart: options as form fields around the file."""
        fields = [(k, v) for k, v in options.items()]
        file_part = [("file", (name, data))]
        content_type, body = multipart(file_part + fields if file_first else fields + file_part)
        headers = {"Content-Type": content_type}
        if key:
            headers["Idempotency-Key"] = key
        return self.request("POST", path, body=body, headers=headers, timeout=timeout)

    def upload_null(self, seconds, seed=0, **options):
        """A recording for the null engine whose text is null_words(seconds); the job."""
        reply = self.upload(noise_wav(seconds, seed), engine="null", vad="off", **options)
        assert reply.status in (200, 201), reply
        return reply.json

    def job(self, job_id):
        reply = self.get(f"/api/jobs/{job_id}")
        assert reply.status == 200, reply
        return reply.json

    def wait_job(self, job_id, timeout=60, states=("completed", "failed", "cancelled")):
        def ended():
            job = self.job(job_id)
            return job if job["status"] in states else None

        try:
            return wait_until(ended, timeout, f"job {job_id}", 0.05)
        except AssertionError as e:
            raise AssertionError(f"{e}; it is {self.job(job_id)}") from None

    def transcript(self, job):
        """The transcript of a job that has one."""
        reply = self.get(f"/api/transcripts/{job['transcript_id']}")
        assert reply.status == 200, reply
        return reply.json

    def jobs(self):
        """All jobs: a list that takes too long, as on a busy machine, goes on at its cursor."""
        out, cursor = [], ""
        while cursor is not None:
            reply = self.get("/api/jobs?limit=500" + (f"&cursor={cursor}" if cursor else ""))
            assert reply.status == 200, reply
            out += reply.json["jobs"]
            cursor = reply.json["next_cursor"]
        return out

    def events(self, job_id):
        """All events of a job, page by page."""
        out = []
        since = ""
        while True:
            reply = self.get(f"/api/jobs/{job_id}/events?limit=500" +
                             (f"&since={since}" if since else ""))
            assert reply.status == 200, reply
            page = reply.json["events"]
            out += page
            if len(page) < 500:
                return out
            since = page[-1]["id"]


class EventStream:
    """Server-sent events, read by a thread into a list of {event, id, data}."""

    def __init__(self, client, path="/api/events"):
        self.connection = client.connect()
        self.connection.request("GET", path, headers={**client.headers,
                                                      "Accept": "text/event-stream"})
        self.reply = self.connection.getresponse()
        self.status = self.reply.status
        self.content_type = self.reply.headers.get("Content-Type", "")
        self.events = []
        self.mismatch = None  # the first event that the API's description does not fit
        self.closed = threading.Event()
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        event = {}
        with contextlib.suppress(OSError, ValueError, AttributeError, http.client.HTTPException):
            for line in self.reply:
                line = line.decode("utf-8").rstrip("\r\n")
                if line.startswith(":"):
                    continue
                if not line:
                    if event:
                        self.events.append(event)
                        self._check(event)
                    event = {}
                    continue
                name, _, value = line.partition(":")
                value = value[1:] if value.startswith(" ") else value
                event[name] = event[name] + "\n" + value if name in event else value
        self.closed.set()

    def _check(self, event):
        try:
            api().check_event(json.loads(event["data"]))
        except (KeyError, ValueError, AssertionError) as e:
            self.mismatch = self.mismatch or f"{event}: {e}"

    def wait(self, condition, timeout=30, what="an event"):
        """The first event for which condition(event with parsed data) holds."""
        def find():
            assert self.mismatch is None, self.mismatch
            for event in list(self.events):
                data = json.loads(event["data"]) if "data" in event else None
                if condition(event.get("event"), data):
                    return event
            return None

        return wait_until(find, timeout, what)

    def close(self):
        with contextlib.suppress(OSError):
            if self.connection.sock:
                self.connection.sock.shutdown(socket.SHUT_RDWR)
        self.connection.close()
        self.thread.join(PATIENCE)


# ---- processes ----


@functools.cache
def has_faults():
    """Whether SCRIPTA_FAULT means anything to this build."""
    return b"bad SCRIPTA_FAULT" in SCRIPTA.read_bytes()


def clean_environment(extra=None):
    """No SCRIPTA_ setting of the caller; a home that nothing is found in."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("SCRIPTA_")}
    env.pop("XDG_DATA_HOME", None)
    env["HOME"] = "/nonexistent"
    env["LC_ALL"] = "C.UTF-8"
    env.setdefault("ASAN_OPTIONS", "abort_on_error=1")
    env.setdefault("UBSAN_OPTIONS", "print_stacktrace=1:halt_on_error=1")
    env.update({k: str(v) for k, v in (extra or {}).items()})
    return env


def processes():
    """{pid: (parent, state, argv)} of everything alive."""
    out = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as f:
                fields = f.read().rpartition(")")[2].split()
            with open(f"/proc/{entry}/cmdline", "rb") as f:
                argv = f.read().decode("utf-8", "replace").split("\0")[:-1]
        except OSError:
            continue
        out[int(entry)] = (int(fields[1]), fields[0], argv)
    return out


def kill(pid, number=signal.SIGKILL):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


# What servers under test are started with, unless a test says otherwise.
SETTINGS = {"SCRIPTA_WORKERS": 2, "SCRIPTA_UPLOAD_RESERVE": "0"}


class Server:
    """scripta serve on a data folder; can be killed and started again."""

    def __init__(self, data, env=None, args=(), wrapper=()):
        self.data = pathlib.Path(data)
        self.env = dict(env or {})
        self.args = list(args)
        self.wrapper = list(wrapper)
        self.log = self.data.parent / f"{self.data.name}.server.log"
        self.process = None
        self.socket = self.data / "run" / "scripta.sock"
        self.client = Client(self.socket)

    def start(self, wait=True, timeout=30):
        assert self.process is None, "already running"
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [*self.wrapper, str(SCRIPTA), "--data", str(self.data), "serve", *self.args],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env=clean_environment(self.env))
        if wait:
            self.wait_ready(timeout)
        return self

    def is_ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"serve ended with {self.process.returncode}: {self.tail()}")
        try:
            return self.client.get("/api/health/ready", timeout=5).status == 200
        except (OSError, http.client.HTTPException):
            return False

    def wait_ready(self, timeout=30):
        wait_until(self.is_ready, timeout, "serve ready", 0.005)

    @property
    def pid(self):
        """Of the server itself, also under a wrapper such as strace."""
        if not self.wrapper:
            return self.process.pid
        found = [p for p, (parent, _, argv) in processes().items()
                 if parent == self.process.pid and argv[:1] == [str(SCRIPTA)]]
        return found[0] if found else self.process.pid

    def children(self, word=None):
        """Pids of its living children; word: 'worker' or 'decode'."""
        me = self.pid
        return [p for p, (parent, state, argv) in processes().items()
                if parent == me and state != "Z" and (word is None or word in argv[1:3])]

    def workers(self):
        return self.children("worker")

    def wait_workers(self, count, timeout=30):
        return wait_until(lambda: (w := self.workers()) and len(w) >= count and w, timeout,
                          f"{count} workers")

    def kill(self):
        """SIGKILL to the server alone: its children must notice by themselves."""
        kill(self.pid)
        self.process.wait(PATIENCE)
        self.process = None

    def stop(self):
        """SIGTERM; the exit code."""
        if self.process is None:
            return 0
        kill(self.pid, signal.SIGTERM)
        try:
            code = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.destroy()
            raise AssertionError(f"serve did not stop within {PATIENCE} s: {self.tail()}") from None
        self.process = None
        return code

    def destroy(self):
        """At the end of a test: the whole session, whatever state it is in."""
        if self.process is not None:
            session = self.process.pid
            for pid, (_, _, argv) in processes().items():
                with contextlib.suppress(OSError):
                    if os.getsid(pid) == session and pid != session:
                        kill(pid, signal.SIGCONT)
                        kill(pid)
            kill(session)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(PATIENCE)
            self.process = None

    def tail(self, size=6000):
        text = self.log.read_bytes()[-size:].decode("utf-8", "replace") if self.log.exists() else ""
        own = self.data / "logs" / "scripta.log"
        if own.exists():
            text += f"\n--- {own.name}\n" + own.read_bytes()[-size:].decode("utf-8", "replace")
        return text

    def sanitizer_reports(self):
        """Lines of the log that a sanitizer wrote."""
        text = self.log.read_text("utf-8", "replace") if self.log.exists() else ""
        return [x for x in text.splitlines()
                if "ERROR: AddressSanitizer" in x or "ERROR: LeakSanitizer" in x
                or "runtime error:" in x or "WARNING: ThreadSanitizer" in x]

    def check_database(self):
        """PRAGMA integrity_check and foreign_key_check on a copy: recovery stays the server's."""
        with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", "/tmp")) as folder:
            for suffix in ("", "-wal"):
                source = self.data / f"scripta.db{suffix}"
                if source.exists():
                    shutil.copy(source, pathlib.Path(folder) / f"scripta.db{suffix}")
            copy = sqlite3.connect(pathlib.Path(folder) / "scripta.db")
            try:
                assert copy.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
                assert copy.execute("PRAGMA foreign_key_check").fetchall() == []
            finally:
                copy.close()


def cli(*args, data=None, env=None, timeout=PATIENCE, stdin=None, check=None, cwd=None):
    """Runs scripta; check: the exit code that it must have. Text as surrogate-escaped UTF-8."""
    command = [str(SCRIPTA), *(["--data", str(data)] if data else []), *map(str, args)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL if stdin is None else None,
                          input=stdin, capture_output=True, timeout=max(timeout, PATIENCE),
                          check=False, cwd=cwd,
                          env=clean_environment(env), encoding="utf-8", errors="surrogateescape")
    if check is not None:
        assert done.returncode == check, (args, done.returncode, done.stdout, done.stderr)
    return done


def cli_json(*args, **kwargs):
    return json.loads(cli("--json", *args, check=0, **kwargs).stdout)


def media_engines(env):
    """The engines with these settings, as scripta-media tells them."""
    done = subprocess.run([str(MEDIA), "engines", "--json"], capture_output=True, timeout=PATIENCE,
                          check=True, env=clean_environment(env), encoding="utf-8")
    return json.loads(done.stdout)["engines"]


def free_port():
    """Below those that the kernel gives to connections: none takes it before a server does."""
    for port in random.sample(range(20000, 32000), 100):
        with socket.socket() as s, contextlib.suppress(OSError):
            s.bind(("", port))
            return port
    raise RuntimeError("no free port")
