"""Webhooks: what a receiver gets, when again, and where none may point to (G36, G37)."""

import contextlib
import hashlib
import hmac
import http.server
import json
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time

import pytest

import harness
from harness import PATIENCE, cli, cli_json, wait_until

HERE = harness.ROOT / "tests" / "e2e"
# Nothing waits longer than a moment.
QUICK = {"SCRIPTA_WEBHOOKS_ALLOW": "127.0.0.1", "SCRIPTA_WEBHOOKS_BACKOFF": "20ms",
         "SCRIPTA_WEBHOOKS_BACKOFF_MAX": "50ms", "SCRIPTA_WEBHOOKS_TIMEOUT": "1m",
         "SCRIPTA_WORKERS": 1}
# A proxy that would be found out: nobody listens there.
PROXIES = {name: "http://127.0.0.1:9" for name in ("http_proxy", "https_proxy", "ALL_PROXY")}


class Receiver:
    """An HTTP server that notes what comes and answers with `statuses` in turn, then with the last.
    A status may be a function of the handler, which answers itself."""

    def __init__(self, *statuses, address="127.0.0.1", tls=None):
        self.statuses = list(statuses) or [200]
        self.hits = []
        self.lock = threading.Lock()
        self.done = threading.Event()  # those that hang may go
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):  # the name is http.server's
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                with receiver.lock:
                    receiver.hits.append((self.path, dict(self.headers), body))
                    status = receiver.statuses[0]
                    if len(receiver.statuses) > 1:
                        receiver.statuses.pop(0)
                if callable(status):
                    status(self)
                    return
                self.answer(status)

            def answer(self, status, headers=(), body=b"ok"):
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):  # the name is http.server's
                pass

        class Quiet(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                """A client that went away is nothing to tell."""

        self.server = Quiet((address, 0), Handler)
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.url = f"http{'s' if tls else ''}://{address}:{self.port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def messages(self):
        return [json.loads(body) for _, _, body in list(self.hits)]

    def wait(self, count=1):
        return wait_until(lambda: len(self.hits) >= count and self.messages(), PATIENCE,
                          f"{count} messages, not {len(self.hits)}")

    def close(self):
        self.done.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def receive():
    """receive(status, ...): any number of receivers."""
    made = []

    def make(*statuses, **how):
        made.append(Receiver(*statuses, **how))
        return made[-1]

    yield make
    for receiver in made:
        receiver.close()


def add(client, url, **more):
    reply = client.post("/api/webhooks", {"url": url, **more})
    assert reply.status == 201, reply
    return reply.json


def post_test(client, hook):
    reply = client.post(f"/api/webhooks/{hook['id']}/test")
    assert reply.status == 202, reply
    return reply.json


def noop(client):
    reply = client.post("/api/jobs", {"pipeline": "noop"})
    assert reply.status == 201, reply
    return reply.json["job_id"]


def deliveries(client, hook, query=""):
    reply = client.get(f"/api/webhooks/{hook['id']}/deliveries{query}")
    assert reply.status == 200, reply
    return reply.json["deliveries"]


def wait_delivery(client, hook, condition, what="a delivery"):
    """The newest delivery, once it is as it should be."""
    def look():
        rows = deliveries(client, hook)
        return rows[0] if rows and condition(rows[0]) else None

    return wait_until(look, PATIENCE, what)


def verify(secret, headers, body):
    """As the documentation tells it, written again."""
    text = headers["Scripta-Webhook-Id"] + "." + headers["Scripta-Timestamp"] + "." + body.decode()
    mac = hmac.new(secret.encode(), text.encode(), "sha256").hexdigest()
    return headers["Scripta-Signature"] == "v1=" + mac


def test_a_job_is_told_with_ids_and_a_signature(make_server, receive):
    server = make_server({**QUICK, **PROXIES})
    client, receiver = server.client, receive()
    hook = add(client, receiver.url + "/in?token=s3cr3t-path", events=["*"], description="all")
    assert re.fullmatch("whsec_[0-9a-f]{48}", hook["secret"])
    job = client.wait_job(client.upload_null(3)["job_id"])
    got = receiver.wait(3)
    assert {m["type"] for m in got} == {"job_created", "job_started", "job_complete"}
    end = next(m for m in got if m["type"] == "job_complete")
    assert end == {"id": end["id"], "type": "job_complete", "created_at": end["created_at"],
                   "job_id": job["job_id"], "status": "completed", "file_id": job["file_id"],
                   "transcript_id": job["transcript_id"], "error_code": None}
    described = harness.api().document["components"]["schemas"]["WebhookMessage"]
    for path, headers, body in receiver.hits:
        harness.api().schemas.check(described, json.loads(body), "message")
        assert path == "/in?token=s3cr3t-path"
        assert headers["User-Agent"].startswith("scripta/") and "Expect" not in headers
        assert headers["Content-Type"] == "application/json"
        assert headers["Scripta-Webhook-Id"] == json.loads(body)["id"]
        assert abs(time.time() - int(headers["Scripta-Timestamp"])) < 600
        assert verify(hook["secret"], headers, body)
        assert not verify(hook["secret"], headers, body + b" ")
        assert b"t0" not in body and b".wav" not in body
    rows = wait_until(lambda: (r := deliveries(client, hook, "?status=delivered")) and
                      len(r) == 3 and r, PATIENCE, "deliveries")
    assert {r["message_id"] for r in rows} == {m["id"] for m in got}
    assert all(r["attempts"] == 1 and r["response_code"] == 200 for r in rows)
    shown = client.get(f"/api/webhooks/{hook['id']}")
    assert shown.json["last_delivered_at"] and shown.json["failures"] == 0
    assert "secret" not in shown.json and hook["secret"] not in client.get("/api/webhooks").text
    log = server.tail(1 << 20)
    assert hook["secret"] not in log and "s3cr3t-path" not in log
    metrics = client.get("/metrics").text
    assert 'scripta_webhook_attempts_total{outcome="delivered"} 3\n' in metrics
    assert "scripta_webhook_deliveries_owed 0\n" in metrics


def test_only_what_was_asked_for_is_told(make_server, receive):
    client, ends, failures = make_server(QUICK).client, receive(), receive()
    first, second = add(client, ends.url), add(client, failures.url, events=["job_error"])
    assert first["events"] == ["job_complete", "job_error", "job_cancelled"]
    job = client.upload(harness.noise_wav(2), engine="null", vad="off", model="fail_rate=1",
                        max_retries=0).json
    client.wait_job(job["job_id"], states=("failed",))
    ends.wait()
    got = failures.wait()
    assert [(m["type"], m["status"], m["error_code"]) for m in got] == \
        [("job_error", "failed", "ENGINE_ERROR")]
    done = noop(client)
    client.wait_job(done)
    assert wait_until(lambda: {m["job_id"] for m in ends.messages()} == {job["job_id"], done},
                      PATIENCE, "both ends")
    assert len(deliveries(client, second)) == 1
    # What is disabled hears of nothing, also not afterwards.
    client.request("PATCH", f"/api/webhooks/{second['id']}", body='{"enabled": false}',
                   headers={"Content-Type": "application/json"})
    reply = client.post(f"/api/webhooks/{second['id']}/test")
    assert (reply.status, reply.error["code"]) == (409, "CONFLICT"), reply


def test_bad_requests_are_told_by_field(client):
    reply = client.post("/api/webhooks", {"url": "ftp://x", "events": ["no"], "description": "a\nb"})
    assert reply.status == 400
    assert {f["field"] for f in reply.error["fields"]} == {"url", "events", "description"}
    assert client.post("/api/webhooks", {"url": "https://x.example", "events": []}).status == 400
    assert client.post("/api/webhooks", {}).error["field"] == "url"
    for path in ("/api/webhooks/99", "/api/webhooks/x", "/api/webhooks/99/deliveries"):
        reply = client.get(path)
        assert (reply.status, reply.error["code"]) == (404, "WEBHOOK_NOT_FOUND"), reply
    hook = add(client, "https://hooks.example.invalid/", enabled=False)
    path = f"/api/webhooks/{hook['id']}"
    assert client.get(path).json["disabled_by"] == "user"
    reply = client.get(f"{path}/deliveries/1")
    assert (reply.status, reply.error["code"]) == (404, "DELIVERY_NOT_FOUND"), reply
    assert client.post(f"{path}/deliveries/1/replay").error["code"] == "DELIVERY_NOT_FOUND"
    assert client.request("DELETE", path).json["id"] == hook["id"]
    assert client.get(path).status == 404
    assert client.request("DELETE", path).status == 404


def test_an_owner_has_a_hundred(make_server):
    client = make_server().client
    for i in range(100):
        add(client, f"https://hooks.example.invalid/{i}", enabled=False)
    reply = client.post("/api/webhooks", {"url": "https://hooks.example.invalid/"})
    assert (reply.status, reply.error["code"]) == (409, "CONFLICT"), reply
    page = client.get("/api/webhooks?limit=60").json
    rest = client.get(f"/api/webhooks?limit=60&cursor={page['next_cursor']}").json
    assert len(page["webhooks"]) == 60 and len(rest["webhooks"]) == 40
    assert rest["next_cursor"] is None


@pytest.mark.threads
def test_failures_are_tried_again_with_the_same_id(make_server, receive):
    client = make_server(QUICK).client
    elsewhere = receive()

    def redirect(handler):
        handler.answer(307, [("Location", elsewhere.url + "/evil")])

    def close(handler):
        handler.connection.close()

    def later(handler):
        handler.answer(503, [("Retry-After", "0")])

    receiver = receive(500, redirect, close, later, 404, 204)
    hook = add(client, receiver.url, events=["job_complete"])
    client.wait_job(noop(client))
    receiver.wait(6)
    row = wait_delivery(client, hook, lambda r: r["status"] == "delivered")
    assert row["attempts"] == 6 and row["response_code"] == 204 and row["error"] is None
    assert len({m["id"] for m in receiver.messages()}) == 1
    assert all(verify(hook["secret"], h, b) for _, h, b in receiver.hits)
    assert elsewhere.hits == []
    assert client.get(f"/api/webhooks/{hook['id']}").json["failing_since"] is None


def test_what_is_given_up_can_be_replayed(make_server, receive):
    client = make_server({**QUICK, "SCRIPTA_WEBHOOKS_ATTEMPTS": 2}).client
    receiver = receive(500, 302, 200)
    hook = add(client, receiver.url, events=["job_complete"])
    client.wait_job(noop(client))
    row = wait_delivery(client, hook, lambda r: r["status"] == "failed")
    assert row["attempts"] == 2 and row["next_attempt_at"] is None
    assert "redirections are not followed" in row["error"]
    assert client.get(f"/api/webhooks/{hook['id']}").json["failures"] == 2
    path = f"/api/webhooks/{hook['id']}/deliveries/{row['id']}"
    reply = client.post(path + "/replay")
    assert reply.status == 202 and reply.json["attempts"] == 0, reply
    wait_delivery(client, hook, lambda r: r["status"] == "delivered")
    assert len({m["id"] for m in receiver.messages()}) == 1
    assert client.get(path).json["message_id"] == row["message_id"]


def test_a_receiver_that_wants_no_more_gets_no_more(make_server, receive):
    client = make_server(QUICK).client
    stream = harness.EventStream(client)
    receiver = receive(410, 200)
    hook = add(client, receiver.url, events=["job_complete"])
    client.wait_job(noop(client))
    wait_delivery(client, hook, lambda r: r["status"] == "failed")
    shown = client.get(f"/api/webhooks/{hook['id']}").json
    assert shown["enabled"] is False and shown["disabled_by"] == "gone"
    stream.wait(lambda kind, data: kind == "webhook_disabled" and "410" in data["message"])
    stream.close()
    client.wait_job(noop(client))
    assert len(deliveries(client, hook)) == 1
    reply = client.request("PATCH", f"/api/webhooks/{hook['id']}", body='{"enabled": true}',
                           headers={"Content-Type": "application/json"})
    assert reply.status == 200 and reply.json["disabled_by"] is None, reply
    client.wait_job(noop(client))
    wait_delivery(client, hook, lambda r: r["status"] == "delivered")


def test_a_receiver_that_fails_for_long_is_left_alone(make_server, receive):
    server = make_server({**QUICK, "SCRIPTA_WEBHOOKS_DISABLE_AFTER": "1ms"})
    client = server.client
    receiver = receive(500)
    hook = add(client, receiver.url, events=["job_complete"])
    client.wait_job(noop(client))
    shown = wait_until(lambda: (h := client.get(f"/api/webhooks/{hook['id']}").json) and
                       not h["enabled"] and h, PATIENCE, "disabled")
    assert shown["disabled_by"] == "failing" and shown["failures"] >= 2
    assert deliveries(client, hook)[0]["status"] == "pending"
    assert "scripta_webhooks_disabled_total 1\n" in client.get("/metrics").text
    wait_until(lambda: "webhook_disabled" in server.tail(), PATIENCE, "a line of the log")
    # What is owed goes on once it is enabled.
    receiver.statuses = [200]
    cli("webhooks", "edit", hook["id"], "--enable", data=server.data, check=0)
    wait_delivery(client, hook, lambda r: r["status"] == "delivered")


def test_a_kill_between_answer_and_record_posts_it_again(make_server, receive):
    server = make_server({**QUICK, "SCRIPTA_FAULT": "outbox.answered:kill"})
    receiver = receive()
    hook = add(server.client, receiver.url)
    with contextlib.suppress(OSError, Exception):
        noop(server.client)
    receiver.wait()
    server.process.wait(PATIENCE)
    server.process = None
    del server.env["SCRIPTA_FAULT"]
    server.start()
    got = receiver.wait(2)
    assert got[0] == got[1]
    row = wait_delivery(server.client, hook, lambda r: r["status"] == "delivered")
    assert row["message_id"] == got[0]["id"]


@pytest.mark.threads
def test_a_stop_keeps_what_is_owed(make_server, receive):
    server = make_server({**QUICK, "SCRIPTA_WEBHOOKS_BACKOFF": "1h",
                          "SCRIPTA_WEBHOOKS_BACKOFF_MAX": "1h"})
    receiver = receive(500, 200)
    hook = add(server.client, receiver.url, events=["job_complete"])
    jobs = {noop(server.client) for _ in range(5)}
    for job in jobs:
        server.client.wait_job(job)
    row = wait_delivery(server.client, hook, lambda r: True)
    assert server.stop() == 0
    server.start()
    assert len(deliveries(server.client, hook)) == 5
    assert row["message_id"] in {r["message_id"] for r in deliveries(server.client, hook)}
    # A change is a wish that it is tried now; the one that was tried keeps its own time.
    for r in deliveries(server.client, hook, "?status=pending"):
        server.client.post(f"/api/webhooks/{hook['id']}/deliveries/{r['id']}/replay")
    wait_until(lambda: {m["job_id"] for m in receiver.messages()} >= jobs, PATIENCE, "all five")


def outcome(client, hook):
    """Of a test of the webhook, which is tried once."""
    path = f"/api/webhooks/{hook['id']}/deliveries/{post_test(client, hook)['id']}"
    row = wait_until(lambda: (d := client.get(path).json)["attempts"] and d, PATIENCE, "an attempt")
    return row["status"], row["response_code"], row["error"]


def test_answers_are_limited_in_size(make_server, receive):
    client = make_server(QUICK).client
    written = []

    def endless(handler):
        handler.send_response(200)
        handler.end_headers()
        with contextlib.suppress(OSError):
            for _ in range(4096):
                handler.wfile.write(bytes(65536))
                written.append(1)

    def long_head(handler):
        with contextlib.suppress(OSError):
            handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
            for i in range(100000):
                handler.wfile.write(b"X-%d: %s\r\n" % (i, b"x" * 200))

    receiver = receive(endless, long_head)
    hook = add(client, receiver.url)
    assert outcome(client, hook) == ("delivered", 200, None)
    # A few socket buffers, of the 256 MB that it had to say.
    assert len(written) < 1024, len(written)
    assert outcome(client, hook)[:2] == ("delivered", 200)


def test_answers_are_limited_in_time(make_server, receive):
    client = make_server({**QUICK, "SCRIPTA_WEBHOOKS_TIMEOUT": "500ms"}).client

    def silent(handler):
        receiver.done.wait(PATIENCE)

    def slow(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "100000")
        handler.end_headers()
        receiver.done.wait(PATIENCE)

    receiver = receive(silent, slow)
    hook = add(client, receiver.url)
    assert outcome(client, hook) == ("failed", None, "no answer came within 0.5 s")
    # The status is enough; a busy machine may need some attempts to say even that in time.
    wait_until(lambda: outcome(client, hook) == ("delivered", 200, None), PATIENCE, "its status")


# Ways to write an address that is this machine, or its neighbours.
FORMS = [f.format(port="PORT") for f in """
http://127.0.0.1:{port}/ http://127.0.0.1:{port} http://127.0.0.2:{port}/ http://127.1:{port}/
http://127.0.1:{port}/ http://2130706433:{port}/ http://017700000001:{port}/
http://0177.0.0.1:{port}/ http://0177.0.0.01:{port}/ http://0x7f.0.0.1:{port}/
http://0x7f000001:{port}/ http://0X7F000001:{port}/ http://0x7f.1:{port}/ http://0x7f.0.1:{port}/
http://127.0.0.01:{port}/ http://127.0.0.1.:{port}/ http://0127.0.0.1:{port}/ http://0:{port}/
http://0.0.0.0:{port}/ http://00000000:{port}/ http://0x0:{port}/ http://0.0:{port}/
http://localhost:{port}/ http://LOCALHOST:{port}/ http://LocalHost:{port}/ http://localhost.:{port}/
http://a.localhost:{port}/ http://localhost.localdomain:{port}/ http://ip6-localhost:{port}/
http://ip6-loopback:{port}/ http://[::1]:{port}/ http://[0:0:0:0:0:0:0:1]:{port}/
http://[0000::1]:{port}/ http://[::]:{port}/ http://[::ffff:127.0.0.1]:{port}/
http://[::ffff:7f00:1]:{port}/ http://[0:0:0:0:0:ffff:127.0.0.1]:{port}/
http://[::127.0.0.1]:{port}/ http://[64:ff9b::127.0.0.1]:{port}/ http://[64:ff9b::7f00:1]:{port}/
http://[2002:7f00:1::]:{port}/ http://[2001:0:7f00:1::]:{port}/ http://[fe80::1%25lo]:{port}/
http://[::1%lo]:{port}/ http://[fe80::1]:{port}/ http://[fc00::1]:{port}/ http://[ff02::1]:{port}/
http://user@127.0.0.1:{port}/ http://user:pw@127.0.0.1:{port}/ http://8.8.8.8@127.0.0.1:{port}/
http://example.com@127.0.0.1:{port}/ http://127.0.0.1:{port}@example.com/
http://127.0.0.1:{port}#@example.com/ http://127.0.0.1:{port}?@example.com/
http://example.com\\@127.0.0.1:{port}/ http://127.0.0.1:{port}\\@example.com/
http://127.0.0.1%2f:{port}/ http://127%2e0%2e0%2e1:{port}/ http://%31%32%37.0.0.1:{port}/
http://127.0.0.1%00.example.com:{port}/ http://loc%61lhost:{port}/ http:127.0.0.1:{port}/
http:/127.0.0.1:{port}/ http:///127.0.0.1:{port}/ http:////127.0.0.1:{port}/
//127.0.0.1:{port}/ 127.0.0.1:{port}/ HTTP://127.0.0.1:{port}/ Http://localhost:{port}/
https://127.0.0.1:{port}/ https://localhost:{port}/ https://[::1]:{port}/ ftp://127.0.0.1:{port}/
gopher://127.0.0.1:{port}/_POST dict://127.0.0.1:{port}/ file:///etc/passwd
unix:/run/scripta.sock ws://127.0.0.1:{port}/ http+unix://127.0.0.1:{port}/
http://①②⑦.⓪.⓪.①:{port}/ http://１２７.0.0.1:{port}/ http://127。0。0。1:{port}/
http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ:{port}/ http://localhoſt:{port}/ http://127.0.0.1\t:{port}/
http://127.0.0.1\r\nHost:{port}/ http://10.0.0.1:{port}/ http://10.1:{port}/
http://172.16.0.1:{port}/ http://192.168.0.1:{port}/ http://192.168.1:{port}/
http://169.254.169.254/latest/meta-data/ http://0xa9fea9fe/ http://2852039166/
http://100.64.0.1:{port}/ http://198.18.0.1:{port}/ http://224.0.0.1:{port}/
http://255.255.255.255:{port}/ http://4294967295:{port}/ http://127.0.0.1:{port}:80/
http://[127.0.0.1]:{port}/ http://[localhost]:{port}/ http://[::1:{port}/ http://::1:{port}/
http://127.0.0.1:0{port}/ http://0x7f.0x0.0x0.0x1:{port}/ http://127.0.0.1;:{port}/
http://127.0.0.1,example.com:{port}/ http://*.localhost:{port}/ http://-localhost:{port}/
""".split()]


def test_a_hundred_forms_of_this_machine_are_never_called(make_server, receive):
    """What the text gives away is refused at once; names only when they are looked up."""
    client = make_server({"SCRIPTA_WEBHOOKS_ATTEMPTS": 1, "SCRIPTA_WEBHOOKS_TIMEOUT": "1s",
                          **PROXIES}).client
    receiver = receive()
    with contextlib.suppress(OSError):  # a machine without IPv6
        six = socket.socket(socket.AF_INET6)
        six.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        six.bind(("::1", receiver.port))
        six.listen()
        six.setblocking(False)
    assert len(FORMS) >= 100
    taken = []
    for form in FORMS:
        reply = client.post("/api/webhooks", {"url": form.replace("PORT", str(receiver.port))})
        if reply.status == 400:
            assert reply.error["field"] == "url", reply
            continue
        assert reply.status == 201, reply
        taken.append(reply.json)
    # Names alone are left.
    assert len(taken) <= 3 and all("localdomain" in h["url"] or "ip6-" in h["url"] for h in taken)
    for hook in taken:
        post_test(client, hook)
        row = wait_delivery(client, hook, lambda r: r["status"] == "failed")
        assert row["response_code"] is None, row
    assert receiver.hits == []
    with pytest.raises(BlockingIOError):
        six.accept()
    six.close()


@pytest.fixture(scope="module")
def resolver(tmp_path_factory):
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("there is no C compiler")
    path = tmp_path_factory.mktemp("resolver") / "resolver.so"
    subprocess.run([compiler, "-D_GNU_SOURCE", "-shared", "-fPIC", "-o", path,
                    HERE / "resolver.c"], check=True)
    return path


def preloaded(resolver, addresses, **more):
    return {**QUICK, "LD_PRELOAD": resolver, "FAKE_HOST": "hooks.example.com",
            "FAKE_ADDRESSES": addresses,
            "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1:verify_asan_link_order=0", **more}


def test_a_name_that_is_bound_to_another_address_is_not_called(make_server, receive, resolver):
    """The first look finds an address that is allowed, the next one this machine."""
    server = make_server(preloaded(resolver, "127.0.0.2,127.0.0.1",
                                   SCRIPTA_WEBHOOKS_ALLOW="127.0.0.2",
                                   SCRIPTA_WEBHOOKS_ATTEMPTS=3))
    allowed = receive(500, 200, address="127.0.0.2")
    secret = Receiver()
    try:
        secret.server.server_close()
        secret.server.socket = socket.create_server(("127.0.0.1", allowed.port))
        hook = add(server.client, f"http://hooks.example.com:{allowed.port}/")
        server.client.wait_job(noop(server.client))
        row = wait_delivery(server.client, hook, lambda r: r["status"] == "failed")
        assert "may not be called" in row["error"], row
        assert "127.0.0" not in row["error"]
        assert len(allowed.hits) == 1
        secret.server.socket.setblocking(False)
        with pytest.raises(BlockingIOError):
            secret.server.socket.accept()
    finally:
        secret.close()


def certificate(folder, name):
    """(certificate, key) of a host, signed by itself."""
    cert, key = folder / f"{name}.pem", folder / f"{name}.key"
    alt = f"IP:{name}" if name[0].isdigit() else f"DNS:{name}"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out", cert,
                    "-days", "2", "-subj", f"/CN={name}", "-addext", f"subjectAltName={alt}"],
                   check=True, capture_output=True)
    return cert, key


def tls_server(cert, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context


def test_certificates_are_verified(make_server, receive, folder):
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl")
    good, wrong = certificate(folder, "127.0.0.1"), certificate(folder, "other.example")
    trusted = folder / "trusted.pem"
    trusted.write_text(good[0].read_text() + wrong[0].read_text())
    right, other = receive(tls=tls_server(*good)), receive(tls=tls_server(*wrong))
    strangers = make_server({**QUICK, "SCRIPTA_WEBHOOKS_ATTEMPTS": 1}).client
    hook = add(strangers, right.url)
    post_test(strangers, hook)
    row = wait_delivery(strangers, hook, lambda r: r["status"] == "failed")
    assert "certificate" in row["error"], row
    house = make_server({**QUICK, "SCRIPTA_WEBHOOKS_CA_FILE": trusted}).client
    hooks = [add(house, r.url) for r in (right, other)]
    for hook in hooks:
        post_test(house, hook)
    assert wait_delivery(house, hooks[0], lambda r: r["attempts"])["status"] == "delivered"
    row = wait_delivery(house, hooks[1], lambda r: r["attempts"])
    assert row["status"] == "failed" and "certificate" in row["error"], row
    assert len(right.hits) == 1 and other.hits == []


def snippet(language):
    page = (harness.ROOT / "docs" / "webhooks.md").read_text()
    return re.search(rf"```{language}\n(.*?)```", page, re.DOTALL)[1]


def test_the_receivers_of_the_documentation_verify(make_server, receive, folder):
    client, receiver = make_server(QUICK).client, receive()
    hook = add(client, receiver.url)
    post_test(client, hook)
    receiver.wait()
    _, headers, body = receiver.hits[0]
    old = {**headers, "Scripta-Timestamp": str(int(time.time()) - 3600)}
    text = headers["Scripta-Webhook-Id"] + "." + old["Scripta-Timestamp"] + "."
    old["Scripta-Signature"] = "v1=" + hmac.new(hook["secret"].encode(), text.encode() + body,
                                                hashlib.sha256).hexdigest()
    cases = [(hook["secret"], headers, body, True), ("whsec_x", headers, body, False),
             (hook["secret"], headers, body + b"x", False), (hook["secret"], old, body, False),
             (hook["secret"], {**headers, "Scripta-Signature": "v1="}, body, False)]
    module = {}
    exec(snippet("python"), module)  # the page's own words
    assert [module["verify"](s, h, b) for s, h, b, _ in cases] == [x for *_, x in cases]
    if shutil.which("node") is None:
        pytest.skip("there is no node")
    (folder / "verify.mjs").write_text(snippet("javascript"))
    (folder / "cases.json").write_text(json.dumps(
        [[s, {k.lower(): v for k, v in h.items()}, b.decode()] for s, h, b, _ in cases]))
    (folder / "run.mjs").write_text("""
import { verify } from "./verify.mjs";
import { readFileSync } from "node:fs";
const cases = JSON.parse(readFileSync(new URL("cases.json", import.meta.url)));
console.log(JSON.stringify(cases.map(([s, h, b]) => verify(s, h, Buffer.from(b)))));
""")
    done = subprocess.run(["node", folder / "run.mjs"], capture_output=True, check=True, text=True)
    assert json.loads(done.stdout) == [x for *_, x in cases]


def test_the_command_line(make_server, receive):
    server, receiver = make_server(QUICK), receive(200, 500, 200)
    data = server.data
    secret = cli("webhooks", "add", receiver.url, "--events", "job_complete, job_error",
                 "--description", "the archive", data=data, check=0)
    assert re.fullmatch("whsec_[0-9a-f]{48}\n", secret.stdout) and "not shown again" in secret.stderr
    listed = cli("webhooks", "list", data=data, check=0).stdout
    assert "the archive" in listed and receiver.url in listed
    shown = cli("webhooks", "show", 1, data=data, check=0).stdout
    assert "job_complete" in shown and secret.stdout.strip() not in shown
    assert "answered 200" in cli("webhooks", "test", 1, data=data, check=0).stdout
    failed = cli("webhooks", "test", 1, data=data)
    assert failed.returncode != 0 and "it answered 500" in failed.stderr
    rows = cli_json("webhooks", "deliveries", 1, data=data)["deliveries"]
    assert [r["status"] for r in rows] == ["failed", "delivered"]
    table = cli("webhooks", "deliveries", 1, "--status", "failed", data=data, check=0).stdout
    assert "webhook_test" in table and "500" in table
    assert "answered 200" in cli("webhooks", "replay", 1, rows[0]["id"], data=data, check=0).stdout
    assert cli("webhooks", "edit", 1, "--disable", data=data, check=0).stdout == "1 changed\n"
    again = cli("webhooks", "edit", 1, "--enable", "--new-secret", data=data, check=0).stdout
    assert again != secret.stdout and again.startswith("whsec_")
    post_test(server.client, {"id": 1})
    receiver.wait(4)
    assert verify(again.strip(), *receiver.hits[3][1:])
    assert cli("webhooks", "edit", 1, data=data).returncode == 2
    assert cli("webhooks", "edit", 1, "--enable", "--disable", data=data).returncode == 2
    assert cli("webhooks", "remove", 1, data=data, check=0).stdout == "1 removed\n"
    assert cli("webhooks", "show", 1, data=data).returncode == 3
    assert "no webhooks" in cli("webhooks", "list", data=data, check=0).stderr


@pytest.mark.threads
def test_what_was_removed_is_forgotten(make_server, receive):
    server = make_server(QUICK)
    client, receiver = server.client, receive(500)
    hook = add(client, receiver.url, events=["job_complete"])
    client.wait_job(noop(client))
    wait_delivery(client, hook, lambda r: r["attempts"])
    client.request("DELETE", f"/api/webhooks/{hook['id']}")
    wait_until(lambda: client.get("/api/db/info").json["tables"].items() >=
               {"webhooks": 0, "webhook_deliveries": 0}.items(), PATIENCE, "no rows")


def test_a_server_that_a_command_started_stays_for_what_it_owes(folder, receive):
    receiver = receive()
    data = folder / "d"
    env = {**harness.SETTINGS, **QUICK}
    cli("webhooks", "add", receiver.url, "--events", "job_complete", data=data, env=env, check=0)
    (folder / "a.wav").write_bytes(harness.noise_wav(2))
    cli("transcribe", folder / "a.wav", "--engine", "null", "--vad", "off", data=data, env=env,
        check=0)
    assert receiver.wait()[0]["type"] == "job_complete"
    cli("serve", "--stop", data=data, env=env)

