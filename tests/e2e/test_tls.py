"""TLS: what is spoken and what is not, certificates that change while they are used, who trusts
whom."""

import http.client
import json
import os
import shutil
import signal
import socket
import ssl
import struct
import subprocess

import pytest

from harness import (MEDIA, PATIENCE, Client, EventStream, clean_environment, cli, free_port, kill,
                     noise_wav, wait_until)
from websocket import WebSocket

pytestmark = pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is missing")
# Of openssl's s_client: (arguments, is it spoken?)
DIALECTS = [
    (["-tls1_3"], True),
    (["-tls1_2"], True),
    (["-tls1_2", "-cipher", "ECDHE+AESGCM:@SECLEVEL=0"], True),
    (["-tls1_2", "-cipher", "ECDHE+CHACHA20:@SECLEVEL=0"], True),
    (["-tls1_2", "-cipher", "ECDHE+AES+SHA1:@SECLEVEL=0"], False),
    (["-tls1_2", "-cipher", "ECDHE+AES+SHA256:!AESGCM:!AESCCM:@SECLEVEL=0"], False),
    (["-tls1_2", "-cipher", "kRSA:@SECLEVEL=0"], False),
    (["-tls1_2", "-cipher", "DHE:@SECLEVEL=0"], False),
    (["-tls1_2", "-cipher", "eNULL:@SECLEVEL=0"], False),
    (["-tls1_2", "-cipher", "aNULL:@SECLEVEL=0"], False),
    (["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], False),
    (["-tls1", "-cipher", "ALL:@SECLEVEL=0"], False),
]


def openssl(*args):
    subprocess.run(["openssl", *map(str, args)], check=True, capture_output=True, timeout=PATIENCE)


def certify(folder, name, days=365):
    """A certificate for this machine and its key, in folder."""
    cert, key, ask = folder / f"{name}.pem", folder / f"{name}.key", folder / f"{name}.csr"
    more = folder / f"{name}.ext"
    more.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", key, "-out", ask, "-subj", f"/CN={name}")
    openssl("x509", "-req", "-in", ask, "-signkey", key, "-days", days, "-extfile", more,
            "-out", cert)
    return cert, key


class TlsClient(Client):
    def __init__(self, port, ca, token=None):
        super().__init__(port=port, token=token)
        self.context = ssl.create_default_context(cafile=ca)

    def connect(self, timeout=None):
        return http.client.HTTPSConnection("127.0.0.1", self.port, context=self.context,
                                           timeout=timeout or self.timeout)


class House:
    def __init__(self, make_server, folder, **env):
        self.cert, self.key = certify(folder, "first")
        self.folder, self.port = folder, free_port()
        self.server = make_server({"SCRIPTA_TLS_CERT": self.cert, "SCRIPTA_TLS_KEY": self.key,
                                   **env}, ["--listen", f"127.0.0.1:{self.port}"])
        self.url = f"https://localhost:{self.port}"

    def client(self, ca=None, token=None):
        return TlsClient(self.port, ca or self.cert, token)

    def replace(self, cert, key):
        """As those do who renew certificates: new files get the names of the old."""
        for new, old in ((cert, self.cert), (key, self.key)):
            shutil.copy(new, self.folder / "new")
            (self.folder / "new").rename(old)

    def log(self):
        return (self.server.data / "logs" / "scripta.log").read_text()


@pytest.fixture
def house(make_server, folder):
    return House(make_server, folder, SCRIPTA_WORKERS=-1)


def is_spoken(port, arguments):
    done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", *arguments],
                          input=b"", capture_output=True, timeout=PATIENCE, check=False)
    return b"Cipher is (NONE)" not in done.stdout and b"New, TLSv1." in done.stdout


def test_only_what_is_safe_is_spoken(house):
    got = [(arguments, is_spoken(house.port, arguments)) for arguments, _ in DIALECTS]
    assert got == DIALECTS
    with pytest.raises((OSError, http.client.HTTPException)):
        Client(port=house.port).get("/api/health")
    assert house.server.client.get("/api/health").status == 200, "the socket stays as it is"
    assert "TLS is on" in house.log()


def extension(kind, content):
    return struct.pack(">HH", kind, len(content)) + content


def client_hello(*extensions):
    """As a client that offers nothing of its own: what RFC 8446 asks for, and RFC 5246."""
    words = {10: (29, 23), 13: (0x0403, 0x0804)}  # groups, signatures
    lists = [struct.pack(f">H{len(v)}H", 2 * len(v), *v) for v in words.values()]
    every = b"".join([*map(extension, words, lists), *extensions])
    body = (b"\x03\x03" + os.urandom(32) + b"\x20" + os.urandom(32)
            + struct.pack(">H3H", 6, 0x1301, 0xc02b, 0xc02c) + b"\x01\x00"
            + struct.pack(">H", len(every)) + every)
    hello = b"\x01" + struct.pack(">I", len(body))[1:] + body
    return b"\x16\x03\x01" + struct.pack(">H", len(hello)) + hello


def server_version(port, hello):
    """What the server chooses."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as sock:
        sock.settimeout(PATIENCE)
        sock.sendall(hello)
        answer = sock.recv(4096)
    assert answer[:1] == b"\x16" and answer[5:6] == b"\x02", answer[:20]  # a ServerHello
    return "1.3" if b"\x00\x2b\x00\x02\x03\x04" in answer else "1.2"


def test_nobody_has_to_speak_of_renegotiation(house):
    """Clients of TLS 1.3 alone need not know of it."""
    share = struct.pack(">HHH", 36, 29, 32) + os.urandom(32)
    only_13 = extension(43, b"\x02\x03\x04"), extension(51, share)
    assert server_version(house.port, client_hello(*only_13)) == "1.3"
    assert server_version(house.port, client_hello()) == "1.2"


def test_nothing_is_renegotiated(house):
    process = subprocess.Popen(["openssl", "s_client", "-connect", f"127.0.0.1:{house.port}",
                                "-tls1_2", "-state"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT)
    try:
        said = b""
        while b"Verify return code" not in said:  # the end of what it tells of the handshake
            said += process.stdout.readline()
        process.stdin.write(b"R\n")  # its word for: once more
        process.stdin.flush()
        said = process.communicate(b"Q\n", timeout=PATIENCE)[0]
    finally:
        process.kill()
    behind = said.partition(b"RENEGOTIATING")[2]
    assert b"write client hello" in behind and b"read server hello" not in behind, said
    assert house.client().get("/api/health/live").status == 200


def test_uploads_downloads_streams_and_pages_pass(house):
    client = house.client()
    sound = noise_wav(60)
    made = client.upload(sound, path="/api/files/upload")
    assert made.status == 201, made
    path = f"/api/files/{made.json['id']}/download"
    assert client.get(path).body == sound
    part = client.get(path, headers={"Range": "bytes=1000-1999"})
    assert part.status == 206 and part.body == sound[1000:2000]
    stream = EventStream(client)
    job = client.post("/api/jobs", {"pipeline": "noop"}).json
    stream.wait(lambda _, data: job["job_id"] in json.dumps(data))
    stream.close()
    # A page of this very server, and one that came without TLS.
    own, other = (client.get("/api/jobs", headers={"Origin": f"{scheme}://127.0.0.1:{house.port}"})
                  for scheme in ("https", "http"))
    assert own.status == 200 and other.status == 403, (own, other)


def test_websockets_pass(house):
    client = house.client()
    with WebSocket(client, "/ws/tls") as one, WebSocket(client, "/ws/more") as other:
        job = client.post("/api/jobs", {"pipeline": "noop"}).json
        for ws in (one, other):
            assert ws.wait(lambda m: m["type"] == "job_created")["job_id"] == job["job_id"]
        assert one.close() == 1000
        other.say(type="ping")
        assert other.wait(lambda m: m["type"] == "pong")
        other.drop()
        wait_until(lambda: b"\nscripta_websockets 0\n" in client.get("/metrics").body, 30,
                   "the end of both")
    with WebSocket(client, "/ws/tls") as ws:
        assert house.server.stop() == 0
        assert ws.wait_closed().code == 1001


def test_bytes_are_judged_as_without_tls(house):
    reply = house.client().raw(b"GET /api/health HTTP/1.1\nHost: localhost\n\n")
    assert reply.startswith(b"HTTP/1.1 400 ") and b"INVALID_REQUEST" in reply, reply
    # What came before it is answered first.
    ok = b"GET /api/health HTTP/1.1\r\nHost: localhost\r\n\r\n"
    both = house.client().raw(ok + b"GET / HTTP/1.1\r\nHost : localhost\r\n\r\n")
    assert both.startswith(b"HTTP/1.1 200 ") and b"\r\n\r\n" in both, both
    assert both.count(b"HTTP/1.1 ") == 2 and b"HTTP/1.1 400 " in both, both


def test_a_renewed_certificate_is_found_and_breaks_no_connection(house):
    first = house.client().connect()
    first.request("GET", "/api/health")
    assert first.getresponse().read()
    cert, key = certify(house.folder, "second")
    house.replace(cert, key)

    def new_one_answers():
        try:
            return house.client(cert).get("/api/health").status == 200
        except ssl.SSLError:
            return False

    wait_until(new_one_answers, 30, "the new certificate", 0.2)
    assert "the certificate has changed" in house.log()
    before = first.sock
    first.request("GET", "/api/health")
    assert first.getresponse().read() and first.sock is before
    first.close()


def test_a_bad_one_leaves_that_of_before(house):
    client = house.client()
    _, other_key = certify(house.folder, "third")
    good_cert = house.folder / "good.pem"
    shutil.copy(house.cert, good_cert)
    house.replace(good_cert, other_key)
    kill(house.server.pid, signal.SIGHUP)
    wait_until(lambda: "that of before stays" in house.log(), 30, "the error in the log")
    assert "tls.key: the key" in house.log()
    assert client.get("/api/health").status == 200
    cert, key = certify(house.folder, "fourth")
    house.replace(cert, key)
    kill(house.server.pid, signal.SIGHUP)
    wait_until(lambda: "name=localhost" in house.log().split("that of before stays")[-1], 30,
               "the certificate after that")
    assert house.client(cert).get("/api/health").status == 200


def test_the_command_line_and_workers_far_away(make_server, folder):
    house = House(make_server, folder, SCRIPTA_WORKERS=-1, SCRIPTA_AUTH_LOOPBACK_OPEN="off")
    server = house.server
    ours, work = (server.client.post("/api/tokens", {"name": "t", "owner": "local",
                                                     "scopes": scopes}).json["token"]
                  for scopes in (["read", "write"], ["work"]))
    far = ["--server", house.url, "--ca-file", house.cert]
    worker = subprocess.Popen(
        [MEDIA, "worker", "--server", house.url, "--name", "away", "--engines", "null"],
        stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env=clean_environment({"SCRIPTA_TOKEN": work, "SCRIPTA_CA_FILE": str(house.cert)}))
    try:
        sound = folder / "a.wav"
        sound.write_bytes(noise_wav(2))
        done = cli(*far, "transcribe", sound, "--engine", "null", "--vad", "off", check=0,
                   env={"SCRIPTA_TOKEN": ours})
        assert "t0" in done.stdout, done
    finally:
        worker.kill()
        worker.communicate()
    refused = cli("--server", house.url, "jobs", "list", env={"SCRIPTA_TOKEN": ours})
    assert refused.returncode == 9 and "--ca-file" in refused.stderr, refused
    refused = cli("--server", house.url, "--ca-file", folder / "none", "jobs", "list")
    assert refused.returncode == 12 and "ca_file" in refused.stderr, refused


@pytest.mark.parametrize("fault,words", [
    ("missing", ["tls.cert: ", "no such file"]),
    ("key missing", ["tls.key: ", "no such file"]),
    ("junk", ["tls.cert: ", "holds no chain of certificates in PEM"]),
    ("other key", ["tls.key: ", "is not that of the certificate"]),
    ("password", ["tls.key: ", "without a password"]),
    ("half", ["tls.key is not set, but tls.cert is"]),
])
def test_what_is_no_certificate_is_told_at_the_start(folder, fault, words):
    cert, key = certify(folder, "good")
    if fault == "missing":
        cert.unlink()
    elif fault == "key missing":
        key.unlink()
    elif fault == "junk":
        cert.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    elif fault == "other key":
        _, key = certify(folder, "other")
    elif fault == "password":
        openssl("ec", "-in", key, "-out", folder / "locked", "-aes256", "-passout", "pass:x")
        key = folder / "locked"
    args = ["--set", f"tls.cert={cert}"]
    if fault != "half":
        args += ["--set", f"tls.key={key}"]
    done = cli(*args, "serve", "--listen", "127.0.0.1:0", data=folder / "d")
    assert done.returncode == 12, done
    assert all(word in done.stderr for word in words), done.stderr


@pytest.mark.parametrize("days,status", [(365, "ok"), (3, "warning"), (-1, "problem")])
def test_doctor_tells_when_a_certificate_ends(folder, days, status):
    cert, key = certify(folder, "one", days)
    done = cli("--set", f"tls.cert={cert}", "--set", f"tls.key={key}", "--json", "doctor",
               data=folder / "d")
    assert f'"status":"{status}","check":"certificate"' in done.stdout.replace(" ", ""), done.stdout
