#!/usr/bin/env python3
"""scripta-media worker against a server that this test plays, on a Unix socket."""

import http.server
import json
import os
import pathlib
import signal
import socket
import socketserver
import struct
import subprocess
import tempfile
import threading
import time
import unittest

PROGRAM = os.environ["SCRIPTA_MEDIA"]
RATE = 16000
# Seconds for what must happen, however busy the machine: only what never happens takes as long.
PATIENCE = 120


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body):
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.answer(*self.server.play.on_input(self.path))

    def do_POST(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length) or b"{}")
        try:
            self.answer(*self.server.play.on_post(self.path, body))
        except (BrokenPipeError, ConnectionResetError):
            pass


class Listener(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 16

    def get_request(self):
        connection, _ = super().get_request()
        return connection, ("worker", 0)

    def process_request(self, request, client_address):
        self.open.append(request)
        super().process_request(request, client_address)

    def hang_up(self):
        for connection in self.open:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def handle_error(self, request, client_address):
        pass


def error(code):
    return {"error": {"code": code, "message": f"test says {code}"}}


class Play:
    """A server with a list of tasks; notes every call as (verb, task id, body)."""

    def __init__(self, folder):
        self.path = str(folder / "s.sock")
        self.tasks = []
        self.calls = []
        self.changed = threading.Condition()
        self.all_tasks = []
        self.heartbeat_ms = 50
        self.delays = {}      # verb: seconds before it is answered
        self.gone = threading.Event()
        self.answers = {}     # task id: what a heartbeat says of it
        self.refusals = {}    # verb: list of (status, code), used up in order
        self.worker_id = 0
        self.listener = None
        self.start()

    def start(self):
        if os.path.exists(self.path):
            os.unlink(self.path)
        self.listener = Listener(self.path, Handler)
        self.listener.play = self
        self.listener.open = []
        threading.Thread(target=self.listener.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self):
        self.gone.set()
        self.listener.shutdown()
        self.listener.server_close()
        self.listener.hang_up()
        os.unlink(self.path)

    def note(self, verb, task, body):
        with self.changed:
            self.calls.append((verb, task, body))
            self.changed.notify_all()
            refusals = self.refusals.get(verb, [])
            refused = refusals.pop(0) if refusals else None
        self.gone.wait(self.delays.get(verb, 0))
        return refused

    def on_input(self, path):
        task = int(path.split("/")[4])
        refused = self.note("input", task, path)
        if refused:
            return refused[0], error(refused[1])
        samples = next(t["samples"] for t in self.all_tasks if t["task_id"] == task)
        return 200, struct.pack("<h", 0) * samples

    def claim(self, body):
        end = time.monotonic() + min(body["wait_ms"], 1000) / 1000
        mine = self.listener
        with self.changed:
            while not self.tasks and time.monotonic() < end:
                self.changed.wait(0.05)
            if self.listener is not mine:  # a server that is gone leases nothing
                return 503, error("SHUTTING_DOWN")
            taken = self.tasks[:body["max"]]
            del self.tasks[:len(taken)]
        return 200, {"tasks": taken}

    def on_post(self, path, body):
        parts = path.split("/")
        verb = parts[-1]
        refused = self.note(verb, int(parts[4]) if parts[3] == "tasks" else None, body)
        if refused:
            return refused[0], error(refused[1])
        if verb == "register":
            self.worker_id += 1
            return 200, {"worker_id": self.worker_id, "lease_ms": 1000,
                         "heartbeat_ms": self.heartbeat_ms}
        if body["worker_id"] != self.worker_id:
            return 404, error("NOT_FOUND")
        if verb == "claim":
            return self.claim(body)
        if verb == "heartbeat":
            return 200, {"tasks": [dict(t, answer=self.answers.get(t["task_id"], "ok"))
                                   for t in body["tasks"]]}
        return 200, {"status": "accepted"}

    def wait(self, verb, task=None, count=1):
        """The count-th call of this verb (for this task)."""
        end = time.monotonic() + PATIENCE
        with self.changed:
            while True:
                found = [c for c in self.calls if c[0] == verb and task in (None, c[1])]
                if len(found) >= count:
                    return found[count - 1][2]
                if time.monotonic() > end:
                    raise AssertionError(f"no {verb} of {task}: {self.calls}")
                self.changed.wait(0.1)

    def add(self, *tasks):
        with self.changed:
            self.all_tasks += tasks
            self.tasks += tasks
            self.changed.notify_all()

    def count(self, verb, task=None):
        with self.changed:
            return sum(1 for c in self.calls if c[0] == verb and task in (None, c[1]))


def task(number, model="", seconds=3, start_ms=0, **more):
    return {"task_id": number, "epoch": 5, "job_id": "j", "stage": "transcribe",
            "chunk_index": number, "engine": "null", "model": model, "language": "",
            "task": "transcribe", "settings": {}, "start_ms": start_ms,
            "end_ms": start_ms + seconds * 1000, "samples": seconds * RATE, "attempt": 1,
            "timeout_ms": 60000, **more}


class WorkerTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="scripta-test-")
        self.play = Play(pathlib.Path(self.folder.name))
        self.process = None

    def tearDown(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.play.stop()
        self.folder.cleanup()

    def work(self, *tasks, extra=(), **popen):
        self.play.add(*tasks)
        self.process = subprocess.Popen(
            [PROGRAM, "worker", "--server", f"unix:{self.play.path}", "--name", "w1",
             "--engines", "null", *extra], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            **popen)

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def test_a_chunk_is_claimed_recognised_and_completed(self):
        self.work(task(1, start_ms=10000))
        done = self.play.wait("complete", 1)
        self.assertEqual((done["worker_id"], done["epoch"]), (1, 5))
        segment, = done["segments"]
        self.assertEqual(segment["text"], "t10 t11 t12")
        self.assertEqual(segment["words"][1], {"word": "t11", "start": 1.0, "end": 2.0,
                                               "confidence": 1.0})
        registered = self.play.wait("register")
        self.assertEqual((registered["name"], registered["engines"], registered["local"]),
                         ("w1", ["null"], True))
        claim = self.play.wait("claim")
        self.assertEqual(claim["lanes"], ["engine:null", "noop"])
        self.assertEqual((claim["max"], claim["batch"]), (1, [1, 1]))
        self.assertEqual(done["claim"]["batch"], [1, 1])
        self.assertEqual(self.end(), 0)

    def test_noops_are_completed_without_input(self):
        self.work(task(1, stage="noop"))
        self.assertEqual(self.play.wait("complete", 1)["segments"], [])
        self.assertEqual(self.play.count("input"), 0)

    def test_heartbeats_list_what_is_held(self):
        self.work(task(1, "hang_at=1"))
        held, = self.play.wait("heartbeat", count=3)["tasks"]
        self.assertEqual((held["task_id"], held["epoch"]), (1, 5))
        self.assertTrue(0 <= held["progress"] <= 100, held)

    def test_failures_carry_their_code(self):
        self.work(task(1, "fail_rate=1"), task(2, "nonsense"), task(3, "hang_at=3", timeout_ms=100),
                  task(4, engine="none-such"))
        for number, code in ((1, "ENGINE_ERROR"), (2, "MODEL_ERROR"), (3, "TIMEOUT"),
                             (4, "ENGINE_UNAVAILABLE")):
            self.assertEqual(self.play.wait("fail", number)["code"], code)

    def test_cancelled_and_lost_chunks_stop_and_the_next_goes_on(self):
        self.play.answers = {1: "cancelled", 2: "lost"}
        self.work(task(1, "hang_at=1"), task(2, "hang_at=2"), task(3))
        self.play.wait("complete", 3)
        for verb in ("complete", "fail", "release"):
            self.assertEqual(self.play.count(verb, 1) + self.play.count(verb, 2), 0)

    def told(self, number=1):
        """What was told of a chunk, each segment where it says that it stands."""
        out = []
        with self.play.changed:
            bodies = [c[2] for c in self.play.calls if c[:2] == ("segments", number)]
            # Each is heard by a thread of its own: they may pass each other here.
            for body in sorted(bodies, key=lambda b: b["first"]):
                self.assertEqual((body["worker_id"], body["epoch"], body["first"]),
                                 (1, 5, len(out)))
                out += body["segments"]
        return out

    def test_what_is_said_is_told_while_the_chunk_goes_on(self):
        self.play.heartbeat_ms = 60000  # it has as long to be told
        self.work(task(1, "hang_behind=11", start_ms=10000))
        end = time.monotonic() + PATIENCE
        with self.play.changed:
            while len(self.told()) < 2 and time.monotonic() < end:
                self.play.changed.wait(0.1)
        self.assertEqual([s["text"] for s in self.told()], ["t10", "t11"])
        self.assertEqual([s["start"] for s in self.told()], [0, 1])
        self.assertEqual(self.play.count("complete"), 0)
        self.assertEqual(self.end(), 0)

    def test_a_server_that_wants_to_be_told_nothing_is_told_nothing_more(self):
        self.play.heartbeat_ms = 60000  # it has as long to refuse
        self.play.refusals = {"segments": [(404, "NOT_FOUND")]}
        self.work(task(1, "hang_behind=2005", seconds=2010, timeout_ms=3000),
                  task(2, "hang_behind=0"))
        self.assertEqual(self.play.wait("fail", 1)["code"], "TIMEOUT")
        self.assertLessEqual(self.play.count("segments", 1), 1)
        # Of another chunk it is told again.
        self.play.wait("segments", 2)
        self.assertEqual(self.play.worker_id, 1)

    def waited_for_a_heartbeat(self):
        """Seconds, from the claim; told 1.5 s before the heartbeat is due at 5 s."""
        self.play.heartbeat_ms = 5000
        self.play.delays = {"input": 3.5, "segments": 30}
        self.work(task(1, "hang_behind=0"))
        self.play.wait("input", 1)
        begun = time.monotonic()
        self.play.wait("segments", 1)
        self.play.wait("heartbeat")
        return time.monotonic() - begun

    def test_a_server_that_hears_nobody_out_keeps_no_heartbeat_waiting(self):
        """With 5 s of its own to answer it would keep it waiting for 8.5, each time."""
        for _ in range(4):
            if self.waited_for_a_heartbeat() < 8:
                return
            self.tearDown()
            self.setUp()
        self.fail("each heartbeat waited for what was told")

    def stop_amid(self, model, verb, other):
        """What is said of a chunk at SIGTERM, and nothing else. It is said within seconds, in which
        a busy machine may do nothing at all: then this begins anew."""
        for number in range(1, 8):
            self.work(task(number, model))
            self.play.wait("input", number)
            self.assertEqual(self.end(), 0)
            if self.play.count(verb, number) == 1 and self.play.count(other, number) == 0:
                return self.play.wait(verb, number)
        raise AssertionError(f"no {verb}: {self.play.calls}")

    def test_a_chunk_that_ends_soon_is_saved_at_sigterm(self):
        self.stop_amid("delay_ms=700", "complete", "release")

    def test_a_chunk_that_does_not_end_is_given_back_at_sigterm(self):
        given_back = self.stop_amid("hang_at=1", "release", "complete")
        self.assertEqual(given_back, {"worker_id": self.play.worker_id, "epoch": 5})

    def test_an_idle_worker_ends(self):
        self.work()
        self.play.wait("claim")
        self.assertEqual(self.end(), 0)

    def test_the_end_of_the_lifeline_ends_it_in_the_middle(self):
        reader, writer = os.pipe()
        self.work(task(1, "hang_at=1"), extra=["--lifeline", str(reader)], pass_fds=[reader])
        os.close(reader)
        self.play.wait("input", 1)
        os.close(writer)
        self.assertEqual(self.process.wait(PATIENCE), 0)
        self.assertEqual(self.play.count("release"), 0)

    def test_results_wait_for_a_server_that_is_away(self):
        self.play.refusals = {"complete": [(503, "STORE_UNAVAILABLE")] * 3,
                              "input": [(500, "IO_ERROR")]}
        self.work(task(1), task(2))
        self.play.wait("complete", 1, count=4)
        self.play.wait("complete", 2)
        self.assertEqual(self.play.count("fail"), 0)

    def test_results_of_a_lost_lease_are_dropped(self):
        self.play.refusals = {"complete": [(409, "LEASE_LOST")], "input": [(409, "LEASE_LOST")]}
        self.work(task(1), task(2), task(3))
        self.play.wait("complete", 3)
        self.assertEqual((self.play.count("complete", 1), self.play.count("complete", 2)), (0, 1))
        self.assertEqual(self.play.count("fail"), 0)

    def test_a_refused_result_is_said_to_have_failed(self):
        self.play.refusals = {"complete": [(400, "INVALID_VALUE")]}
        self.work(task(1))
        self.assertEqual(self.play.wait("fail", 1)["code"], "ENGINE_ERROR")

    def test_it_registers_anew_when_the_server_forgot_it(self):
        self.work()
        self.play.wait("claim")
        self.play.worker_id = 50
        self.play.wait("register", count=2)
        self.play.add(task(1))
        self.assertEqual(self.play.wait("complete", 1)["worker_id"], 51)

    def test_it_waits_for_a_server_that_is_gone_and_comes_back(self):
        self.work()
        self.play.wait("claim")
        self.play.stop()
        self.play.worker_id = 80
        self.play.start()
        self.play.add(task(1))
        self.assertEqual(self.play.wait("complete", 1)["worker_id"], 81)
        self.assertEqual(self.end(), 0)

    def test_it_dies_by_the_signal_of_its_engine(self):
        self.work(task(1, "crash_at=1"))
        self.assertEqual(self.process.wait(PATIENCE), -signal.SIGSEGV)

    def test_a_refused_token_ends_it(self):
        self.play.refusals = {"register": [(401, "UNAUTHENTICATED")]}
        self.work()
        self.assertEqual(self.process.wait(PATIENCE), 10)


if __name__ == "__main__":
    unittest.main(verbosity=1)
