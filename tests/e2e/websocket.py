"""A WebSocket client that sends whatever bytes a test wants, right or wrong, and judges every byte
that comes back: the server may not mask, set a reserved bit, cut a control frame, or send text that
is no UTF-8."""

import base64
import contextlib
import hashlib
import json
import os
import socket
import struct
import time

from harness import PATIENCE

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def mask_bytes(data, mask):
    whole = mask * (len(data) // 4 + 1)
    return (int.from_bytes(data, "big") ^ int.from_bytes(whole[:len(data)], "big")).to_bytes(
        len(data), "big")


def frame(opcode, payload=b"", fin=True, rsv=0, masked=True, length=None, mask=None):
    """A frame of a client; length: what the header says, in the bytes of (kind, number)."""
    if isinstance(payload, str):
        payload = payload.encode()
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    bit = 0x80 if masked else 0
    if length is not None:
        kind, number = length
        head = struct.pack(">BB" + {126: "H", 127: "Q"}[kind], first, bit | kind, number)
    elif len(payload) < 126:
        head = struct.pack(">BB", first, bit | len(payload))
    elif len(payload) < 65536:
        head = struct.pack(">BBH", first, bit | 126, len(payload))
    else:
        head = struct.pack(">BBQ", first, bit | 127, len(payload))
    if not masked:
        return head + payload
    mask = os.urandom(4) if mask is None else mask
    return head + mask + mask_bytes(payload, mask)


class Refused(Exception):
    """The handshake was answered with something else than 101."""

    def __init__(self, status, headers, body):
        super().__init__(f"{status} {body[:200]!r}")
        self.status, self.headers, self.body = status, headers, body

    @property
    def error(self):
        return json.loads(self.body)["error"]


class Closed(Exception):
    """The server closed; code None: without a closing frame."""

    def __init__(self, code, reason=""):
        super().__init__(f"{code} {reason}")
        self.code, self.reason = code, reason


class WebSocket:
    """One connection; client: a harness.Client. headers with the value None are left out."""

    def __init__(self, client, path, headers=None, timeout=PATIENCE):
        if client.socket_path is None:
            self.socket = socket.create_connection(("127.0.0.1", client.port), timeout)
        else:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(timeout)
            self.socket.connect(str(client.socket_path))
        if getattr(client, "context", None) is not None:  # of TLS
            self.socket = client.context.wrap_socket(self.socket, server_hostname="localhost")
        self.key = base64.b64encode(os.urandom(16))
        self.buffer = b""
        self.closed = None  # the code of the server's closing frame
        head = {"Host": "localhost", "Upgrade": "websocket", "Connection": "keep-alive, Upgrade",
                "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": self.key.decode(),
                **client.headers, **(headers or {})}
        lines = [f"GET {path} HTTP/1.1"] + [f"{k}: {v}" for k, v in head.items() if v is not None]
        self.socket.sendall("\r\n".join(lines).encode() + b"\r\n\r\n")
        try:
            self._shake_hands()
        except BaseException:
            self.socket.close()
            raise

    def _shake_hands(self):
        while b"\r\n\r\n" not in self.buffer:
            self._more()
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        status, *lines = head.decode("latin-1").split("\r\n")
        self.headers = {k.lower(): v.strip() for k, _, v in (x.partition(":") for x in lines)}
        self.status = int(status.split()[1])
        if self.status != 101:
            with contextlib.suppress(Closed):
                while len(self.buffer) < int(self.headers.get("content-length", 0)):
                    self._more()
            raise Refused(self.status, self.headers, self.buffer)
        accept = base64.b64encode(hashlib.sha1(self.key + GUID).digest()).decode()
        assert self.headers["sec-websocket-accept"] == accept
        assert self.headers["upgrade"].lower() == "websocket"
        assert self.headers["connection"].lower() == "upgrade"
        assert "sec-websocket-extensions" not in self.headers

    def _more(self):
        try:
            data = self.socket.recv(65536)
        except (ConnectionResetError, BrokenPipeError):
            data = b""
        if not data:
            raise Closed(None)
        self.buffer += data

    def _take(self, count):
        while len(self.buffer) < count:
            self._more()
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def send(self, data):
        self.socket.sendall(data)

    def frame(self):
        """The next frame: (opcode, payload)."""
        first, second = self._take(2)
        assert first & 0x80, "the server sends no fragments"
        assert not first & 0x70, "a reserved bit is set"
        assert not second & 0x80, "a server does not mask"
        opcode, size = first & 15, second
        if size == 126:
            size, = struct.unpack(">H", self._take(2))
            assert size > 125, "the length is not the shortest"
        elif size == 127:
            size, = struct.unpack(">Q", self._take(8))
            assert size > 65535, "the length is not the shortest"
        assert opcode in (TEXT, BINARY, PING, PONG, CLOSE), opcode
        assert opcode < 8 or size < 126, "a control frame of more than 125 bytes"
        return opcode, self._take(size)

    def message(self):
        """The next message: (opcode, payload) of what is no ping, which is answered."""
        while True:
            opcode, payload = self.frame()
            if opcode == PING:
                self.send(frame(PONG, payload))
            elif opcode == CLOSE:
                self.closed = struct.unpack(">H", payload[:2])[0] if payload else 1005
                raise Closed(self.closed, payload[2:].decode())
            else:
                return opcode, payload

    def say(self, **value):
        self.send(frame(TEXT, json.dumps(value)))

    def hear(self):
        """The next message as JSON."""
        opcode, payload = self.message()
        assert opcode == TEXT
        return json.loads(payload.decode())

    def wait(self, condition, timeout=PATIENCE):
        """The next message for which condition holds; those before it are in self.passed."""
        deadline = time.monotonic() + timeout
        self.passed = []
        while time.monotonic() < deadline:
            value = self.hear()
            if condition(value):
                return value
            self.passed.append(value)
        raise AssertionError(f"none of {len(self.passed)} messages fits")

    def wait_closed(self):
        """What the server closed with; then its end of the connection must be closed too."""
        try:
            while True:
                self.message()
        except Closed as end:
            code = end
        if code.code is not None:
            with contextlib.suppress(OSError):
                self.send(frame(CLOSE, struct.pack(">H", code.code if code.code != 1005 else 1000)))
            try:
                assert self.socket.recv(1) == b"", "something came behind the closing"
            except ConnectionResetError:
                pass
        return code

    def close(self, code=1000):
        """Closes as one should; returns the code that the server answered."""
        try:
            self.send(frame(CLOSE, struct.pack(">H", code)))
            return self.wait_closed().code
        finally:
            self.socket.close()

    def drop(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.drop()
