"""RFC 6455 to the letter, over /ws/echo, which builds with -Dtest_hooks=true serve: framing, pings,
reserved bits, opcodes, fragments, UTF-8, closings, limits. A case is what is sent, what must come
back, and how the server must close (None: it stays)."""

import random
import struct

import pytest

import harness
from websocket import BINARY, CLOSE, PING, PONG, TEXT, Refused, WebSocket, frame

pytestmark = pytest.mark.skipif(
    b"/ws/echo" not in harness.SCRIPTA.read_bytes(), reason="built without -Dtest_hooks=true")

CONT = 0


def text(payload="hi", **kwargs):
    return frame(TEXT, payload, **kwargs)


def closing(code=None, reason=b""):
    return frame(CLOSE, b"" if code is None else struct.pack(">H", code) + reason)


# ---- framing: sizes around the steps of the length field ----

SIZES = [0, 1, 125, 126, 127, 128, 65535, 65536, 65537, 1 << 20]
CASES = {}


def case(name, sent, expected=(), closes=None):
    assert name not in CASES
    CASES[name] = (sent if isinstance(sent, list) else [sent], list(expected), closes)


for size in SIZES:
    body = bytes(97 + i % 26 for i in range(size))
    case(f"text of {size}", frame(TEXT, body), [(TEXT, body)])
    case(f"binary of {size}", frame(BINARY, body[::-1]), [(BINARY, body[::-1])])
case("bytes of a frame one by one", [bytes([b]) for b in text("drip " * 30)],
     [(TEXT, b"drip " * 30)])
case("many frames in one piece", text("a") * 50 + frame(BINARY, b"b") * 50,
     [(TEXT, b"a")] * 50 + [(BINARY, b"b")] * 50)
case("mask of zeros", text("plain", mask=bytes(4)), [(TEXT, b"plain")])
case("mask of ones", text("plain", mask=b"\xff" * 4), [(TEXT, b"plain")])
case("length of 5 in two bytes", frame(TEXT, b"abcde", length=(126, 5)), closes=1002)
case("length of 5 in eight bytes", frame(TEXT, b"abcde", length=(127, 5)), closes=1002)
case("length with the highest bit", frame(TEXT, b"abcde", length=(127, 1 << 63)), closes=1002)
case("no mask", text(masked=False), closes=1002)
case("no mask on a ping", frame(PING, masked=False), closes=1002)

# ---- pings and pongs ----

case("ping", frame(PING), [(PONG, b"")])
case("ping with a payload", frame(PING, b"\x00\xff\xfe hello"), [(PONG, b"\x00\xff\xfe hello")])
case("ping of 125", frame(PING, b"p" * 125), [(PONG, b"p" * 125)])
case("ping of 126", frame(PING, b"p" * 126), closes=1002)
case("pong of 126", frame(PONG, b"p" * 126), closes=1002)
case("ping in drops", [bytes([b]) for b in frame(PING, b"slow")], [(PONG, b"slow")])
case("ten pings in a row", b"".join(frame(PING, str(i)) for i in range(10)),
     [(PONG, str(i).encode()) for i in range(10)])
case("a pong that nobody asked for", [frame(PONG, b"?"), frame(PING, b"x")], [(PONG, b"x")])
case("fragmented ping", frame(PING, b"p", fin=False), closes=1002)
case("fragmented pong", frame(PONG, b"p", fin=False), closes=1002)

# ---- reserved bits and opcodes ----

for rsv in range(1, 8):
    case(f"reserved bits {rsv:03b}", [text("first"), text(rsv=rsv)], [(TEXT, b"first")], 1002)
case("reserved bits of a ping", frame(PING, b"x", rsv=4), closes=1002)
case("reserved bits of a closing", frame(CLOSE, struct.pack(">H", 1000), rsv=2), closes=1002)
for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15):
    case(f"opcode {opcode}", frame(opcode, b"x"), closes=1002)
case("opcode 3 behind a message", [text("first"), frame(3)], [(TEXT, b"first")], 1002)

# ---- fragments ----

case("two fragments", [frame(TEXT, b"ab", fin=False), frame(CONT, b"cd")], [(TEXT, b"abcd")])
case("fragments in one piece", frame(BINARY, b"ab", fin=False) + frame(CONT, b"cd"),
     [(BINARY, b"abcd")])
case("a hundred fragments",
     [frame(TEXT, b"0", fin=False)] + [frame(CONT, b"0", fin=False)] * 98 + [frame(CONT, b"0")],
     [(TEXT, b"0" * 100)])
case("empty fragments", [frame(TEXT, b"", fin=False), frame(CONT, b"", fin=False),
                         frame(CONT, b"")], [(TEXT, b"")])
case("text only in the middle", [frame(TEXT, b"", fin=False), frame(CONT, b"mid", fin=False),
                                 frame(CONT, b"")], [(TEXT, b"mid")])
case("ping between fragments", [frame(TEXT, b"ab", fin=False), frame(PING, b"now"),
                                frame(CONT, b"cd")], [(PONG, b"now"), (TEXT, b"abcd")])
case("ping between fragments, in one piece",
     frame(TEXT, b"ab", fin=False) + frame(PING, b"now") + frame(CONT, b"cd"),
     [(PONG, b"now"), (TEXT, b"abcd")])
case("nothing to continue", frame(CONT, b"x"), closes=1002)
case("nothing to continue, not the last", frame(CONT, b"x", fin=False), closes=1002)
case("nothing to continue behind a message", [text("a"), frame(CONT, b"x")], [(TEXT, b"a")], 1002)
case("a message within a message", [frame(TEXT, b"ab", fin=False), text("cd")], closes=1002)
case("binary within text", [frame(TEXT, b"ab", fin=False), frame(BINARY, b"cd")], closes=1002)
case("reserved bit of a continuation", [frame(TEXT, b"a", fin=False), frame(CONT, b"b", rsv=1)],
     closes=1002)
case("two fragmented messages", [frame(TEXT, b"a", fin=False), frame(CONT, b"b"),
                                 frame(BINARY, b"c", fin=False), frame(CONT, b"d")],
     [(TEXT, b"ab"), (BINARY, b"cd")])

# ---- UTF-8 ----

GOOD = ["κόσμε", "Hello-µ@ßöäüàá-UTF-8!!", "\u0000", "\u0080\u07ff\u0800\uffff", "\U00010000",
        "\U0010ffff", "\ud7ff\ue000", "\ufffd\ufeff", "日本語 🎧"]
for number, sample in enumerate(GOOD):
    case(f"good text {number}", text(sample), [(TEXT, sample.encode())])
case("a sign cut by a fragment", [frame(TEXT, "κ".encode()[:1], fin=False),
                                  frame(CONT, "κ".encode()[1:])], [(TEXT, "κ".encode())])
case("an emoji in four fragments",
     [frame(TEXT, "🎧".encode()[:1], fin=False), frame(CONT, "🎧".encode()[1:2], fin=False),
      frame(CONT, "🎧".encode()[2:3], fin=False), frame(CONT, "🎧".encode()[3:])],
     [(TEXT, "🎧".encode())])
BAD = [b"\x80", b"\xbf", b"\xc0\xaf", b"\xc1\xbf", b"\xe0\x80\xaf", b"\xf0\x80\x80\xaf",
       b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xed\xa0\x80\xed\xb0\x80", b"\xf4\x90\x80\x80",
       b"\xf5\x80\x80\x80", b"\xf8\x88\x80\x80\x80", b"\xfe", b"\xff", b"ok \xce",
       b"ok \xf0\x9f\x8e", b"\xce\xbaa\xff\xcf\x83"]
for sample in BAD:
    case(f"bad text {sample.hex()}", text(sample), closes=1007)
case("text that ends within a sign", [frame(TEXT, b"a", fin=False), frame(CONT, b"\xce")],
     closes=1007)
case("bad in a second fragment", [frame(TEXT, b"ok", fin=False), frame(CONT, b"\xff")],
     closes=1007)
case("told at the bad fragment, not at the end",
     [frame(TEXT, b"ok \xff", fin=False)], closes=1007)
case("told at the bad byte, not at the end of the frame",
     [frame(TEXT, b"\xce\xba\xff" + b"a" * 100)[:6 + 4]], closes=1007)
case("binary need not be UTF-8", frame(BINARY, b"\xff\xfe\x80"), [(BINARY, b"\xff\xfe\x80")])

# ---- closings ----

case("closing without a code", closing(), closes=1005)
case("closing of one byte", frame(CLOSE, b"\x03"), closes=1002)
case("closing with a reason", closing(1000, b"done"), closes=1000)
case("closing with a reason of 123", closing(1000, b"r" * 123), closes=1000)
case("closing of 126 bytes", closing(1000, b"r" * 124), closes=1002)
case("closing with bad text", closing(1000, b"\xff\xfe"), closes=1007)
for code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999):
    case(f"closing with {code}", closing(code), closes=code)
for code in (0, 999, 1004, 1005, 1006, 1012, 1016, 1100, 2000, 2999, 5000, 65535):
    case(f"closing with the bad code {code}", closing(code), closes=1002)
case("nothing is answered behind a closing", closing(1000) + text("late") + frame(PING, b"late"),
     closes=1000)
case("closing between fragments", [frame(TEXT, b"ab", fin=False), closing(1001)], closes=1001)
case("closing behind a message", [text("last"), closing(1000)], [(TEXT, b"last")], 1000)

# ---- limits: /ws/echo takes 16 MiB ----

BIG = bytes(16 << 20)
case("a message of 16 MiB", frame(BINARY, BIG), [(BINARY, BIG)])
case("a message of 16 MiB and a byte", frame(BINARY, b"x", length=(127, (16 << 20) + 1)),
     closes=1009)
case("fragments of more than 16 MiB", [frame(BINARY, BIG[:8 << 20], fin=False),
                                       frame(CONT, BIG[:8 << 20], fin=False),
                                       frame(CONT, b"x")], closes=1009)
case("a message that claims an exabyte", frame(BINARY, b"x", length=(127, 1 << 60)), closes=1009)


def test_there_are_cases_of_every_group():
    assert len(CASES) > 120


@pytest.mark.parametrize("name", CASES)
def test_conformance(client, name):
    sent, expected, closes = CASES[name]
    with WebSocket(client, "/ws/echo") as ws:
        heard = []
        try:
            for piece in sent:
                ws.send(piece)
            heard = [ws.frame() for _ in expected]
        except (BrokenPipeError, ConnectionResetError):
            assert closes is not None
        assert heard == expected
        if closes is None:
            ws.send(frame(PING, b"still there"))
            assert ws.frame() == (PONG, b"still there")
            assert ws.close() == 1000
            return
        end = ws.wait_closed()
        assert end.code == closes, end


def test_random_fragments_come_back_whole(client):
    dice = random.Random(6455)
    with WebSocket(client, "/ws/echo") as ws:
        for _ in range(50):
            body = dice.randbytes(dice.randrange(3000))
            cuts = sorted(dice.randrange(len(body) + 1) for _ in range(dice.randrange(5)))
            parts = [body[a:b] for a, b in zip([0] + cuts, cuts + [len(body)])]
            data = b"".join(frame(BINARY if i == 0 else CONT, part, fin=i == len(parts) - 1)
                            for i, part in enumerate(parts))
            while data:
                step = dice.randrange(1, 700)
                ws.send(data[:step])
                data = data[step:]
            assert ws.frame() == (BINARY, body)


def test_who_does_not_read_is_not_read_from(client):
    """No more is taken than was answered: the memory of a socket is bounded by its one message."""
    block = frame(BINARY, bytes(1 << 16))
    with WebSocket(client, "/ws/echo") as ws:
        ws.socket.settimeout(0.5)
        sent = 0
        try:
            while sent < 1 << 28:
                ws.send(block)
                sent += 1 << 16
        except TimeoutError:
            pass
        assert sent < 1 << 26, "the server takes whatever comes"


HANDSHAKES = [
    ({"Upgrade": None}, 426), ({"Upgrade": "h2c"}, 426), ({"Connection": "close"}, 426),
    ({"Sec-WebSocket-Version": "8"}, 426), ({"Sec-WebSocket-Version": None}, 426),
    ({"Sec-WebSocket-Key": None}, 400), ({"Sec-WebSocket-Key": "short"}, 400),
    ({"Sec-WebSocket-Key": "!" * 22 + "=="}, 400), ({"Sec-WebSocket-Key": "A" * 24}, 400),
]


@pytest.mark.parametrize("headers, status", HANDSHAKES, ids=range(len(HANDSHAKES)))
def test_bad_handshakes(client, headers, status):
    with pytest.raises(Refused) as refused:
        WebSocket(client, "/ws/echo", headers)
    assert refused.value.status == status
    if status == 426:
        assert refused.value.error["code"] == "UPGRADE_REQUIRED"
        assert refused.value.headers["sec-websocket-version"] == "13"
        assert refused.value.headers["upgrade"] == "websocket"


def test_words_of_a_handshake_in_any_case(client):
    with WebSocket(client, "/ws/echo", {"Upgrade": "WebSocket", "Connection": "UPGRADE"}) as ws:
        ws.send(text("x"))
        assert ws.frame() == (TEXT, b"x")


def test_other_methods_and_http_1_0(client):
    head = ("Host: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade, close\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
    for line, status in (("GET /ws/echo HTTP/1.0", b" 426 "), ("HEAD /ws/echo HTTP/1.1", b" 426 "),
                         ("POST /ws/echo HTTP/1.1", b" 405 ")):
        answer = client.raw(f"{line}\r\n{head}".encode())
        assert status in answer.split(b"\r\n")[0], answer


def test_the_extension_is_declined(client):
    offer = {"Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits"}
    with WebSocket(client, "/ws/echo", offer) as ws:
        assert "sec-websocket-extensions" not in ws.headers


def test_the_end_without_a_closing(client):
    with WebSocket(client, "/ws/echo") as ws:
        ws.send(frame(TEXT, b"never whole", fin=False))
    with WebSocket(client, "/ws/echo") as ws:
        ws.send(text("x"))
        assert ws.frame() == (TEXT, b"x")
