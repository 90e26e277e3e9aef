"""Bytes that are no request, or two: each is refused, and the connection ends (G23, G28)."""

import os
import re
import socket

import pytest

LIVE = b"GET /api/health/live HTTP/1.1\r\n"
HOST = b"Host: localhost\r\n"
GET = LIVE + HOST
POST = b"POST /api/jobs HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
NOOP = b'{"pipeline":"noop"}'

REFUSED = {
    "two lengths": (400, POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} "),
    "the same length twice": (400, POST + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}"),
    "a list of lengths": (400, POST + b"Content-Length: 2, 2\r\n\r\n{}"),
    "length and chunks": (400, POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
                               b"0\r\n\r\n"),
    "chunks and length": (400, POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"
                               b"0\r\n\r\n"),
    "chunked twice": (400, POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"
                           b"\r\n0\r\n\r\n"),
    "chunks of HTTP/1.0": (400, b"POST /api/jobs HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"
                                b"0\r\n\r\n"),
    "a negative length": (400, POST + b"Content-Length: -2\r\n\r\n{}"),
    "a signed length": (400, POST + b"Content-Length: +2\r\n\r\n{}"),
    "a hexadecimal length": (400, POST + b"Content-Length: 0x2\r\n\r\n{}"),
    "an empty length": (400, POST + b"Content-Length:\r\n\r\n"),
    "a length of two words": (400, POST + b"Content-Length: 2 2\r\n\r\n{}"),
    "a length beyond all": (413, POST + b"Content-Length: 99999999999999999999\r\n\r\n"),
    "another coding": (501, POST + b"Transfer-Encoding: gzip\r\n\r\n"),
    "two codings": (501, POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    "nearly chunked": (501, POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
    "identity": (501, POST + b"Transfer-Encoding: identity\r\n\r\n{}"),
    "a chunk beyond all": (413, CHUNKED + b"fffffffffffffffff2\r\n{}\r\n0\r\n\r\n"),
    "a negative chunk": (400, CHUNKED + b"-2\r\n{}\r\n0\r\n\r\n"),
    "a chunk of 0x2": (400, CHUNKED + b"0x2\r\n{}\r\n0\r\n\r\n"),
    "a chunk of no length": (400, CHUNKED + b"\r\n{}\r\n0\r\n\r\n"),
    "a chunk and a bare line feed": (400, CHUNKED + b"2\n{}\r\n0\r\n\r\n"),
    "a chunk that ends with one": (400, CHUNKED + b"2\r\n{}\n0\r\n\r\n"),
    "a chunk that is longer": (400, CHUNKED + b"2\r\n{}  \r\n0\r\n\r\n"),
    "an extension with a line feed": (400, CHUNKED + b"2;a\nb\r\n{}\r\n0\r\n\r\n"),
    "a length behind the body": (400, CHUNKED + b"2\r\n{}\r\n0\r\nContent-Length: 5\r\n\r\n"),
    "a header in two lines": (400, GET + b"X: a\r\n b\r\n\r\n"),
    "with a tab": (400, GET + b"X: a\r\n\tb\r\n\r\n"),
    "a first line of space": (400, LIVE + b" X: a\r\n" + HOST + b"\r\n"),
    "line feeds alone": (400, b"GET /api/health/live HTTP/1.1\nHost: x\n\n"),
    "one line feed": (400, LIVE + b"X: a\nY: b\r\n" + HOST + b"\r\n"),
    "a line feed at the end": (400, GET + b"\n"),
    "a carriage return alone": (400, LIVE + b"X: a\rY: b\r\n" + HOST + b"\r\n"),
    "NUL in a value": (400, GET + b"X: a\0b\r\n\r\n"),
    "NUL in a name": (400, GET + b"X\0: a\r\n\r\n"),
    "NUL in the address": (400, b"GET /api/health\0/live HTTP/1.1\r\n" + HOST + b"\r\n"),
    "a space before the colon": (400, POST + b"Content-Length : 2\r\n\r\n{}"),
    "a tab before the colon": (400, GET + b"X\t: a\r\n\r\n"),
    "no colon": (400, GET + b"X\r\n\r\n"),
    "no name": (400, GET + b": a\r\n\r\n"),
    "an odd name": (400, GET + b"X(y): a\r\n\r\n"),
    "no host": (400, LIVE + b"\r\n"),
    "two hosts": (400, GET + HOST + b"\r\n"),
    "a host with a path": (400, LIVE + b"Host: a/b\r\n\r\n"),
    "an address of two words": (400, b"GET /api/health/live x HTTP/1.1\r\n" + HOST + b"\r\n"),
    "two spaces": (400, b"GET  /api/health/live HTTP/1.1\r\n" + HOST + b"\r\n"),
    "no version": (400, b"GET /api/health/live\r\n\r\n"),
    "a long version": (400, b"GET /api/health/live HTTP/1.10\r\n" + HOST + b"\r\n"),
    "another version": (505, b"GET /api/health/live HTTP/2.0\r\n" + HOST + b"\r\n"),
    "the preface of HTTP/2": (505, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "a handshake of TLS": (400, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
    "an odd method": (400, b"GE(T /api/health/live HTTP/1.1\r\n" + HOST + b"\r\n"),
    "an address of 1 MB": (414, b"GET /" + b"a" * 1_000_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n"),
    "8,000 parameters": (414, b"GET /?" + b"a&" * 4000 + b" HTTP/1.1\r\n" + HOST + b"\r\n"),
    "a header of 1 MB": (431, GET + b"X: " + b"a" * 1_000_000 + b"\r\n\r\n"),
    "10,000 headers": (431, GET + b"".join(b"X-%d: a\r\n" % i for i in range(10000)) + b"\r\n"),
    "a cookie of 1,000 pieces": (431, GET + b"Cookie: " + b"a;" * 1000 + b"\r\n\r\n"),
}


def ask(server, data):
    """What comes back until the server closes; it must."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(60)
        sock.connect(f"/proc/self/fd/{server.run}/scripta.sock")
        try:
            sock.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it has seen enough
        out = b""
        while chunk := sock.recv(65536):
            out += chunk
        return out


@pytest.fixture(name="door")
def _door(server):
    server.run = os.open(server.socket.parent, os.O_PATH)
    yield server
    os.close(server.run)


@pytest.mark.threads
@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_once_and_the_connection_ends(door, name):
    status, data = REFUSED[name]
    # What hides behind it must not be seen as a request.
    answer = ask(door, data + GET + b"\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status), answer[:300]
    assert answer.count(b"HTTP/1.1 %d" % status) == 1 and b"200 OK" not in answer
    assert b"\r\nConnection: close" in head
    length = int(re.search(rb"\r\nContent-Length: (\d+)", head).group(1))
    assert length == len(body) and re.match(rb'\{"error":\{"code":"[A-Z_]+","message":"', body)


@pytest.mark.parametrize("cut", [1, 30, 100])
def test_requests_before_a_refused_one_are_served(door, cut):
    """In one piece, and cut anywhere."""
    data = GET + b"\r\n" + POST + b"Content-Length: %d\r\n\r\n" % len(NOOP) + NOOP
    bad = GET + b"X : a\r\n\r\n"
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(60)
        sock.connect(f"/proc/self/fd/{door.run}/scripta.sock")
        sock.sendall((data + bad)[:-cut])
        try:
            sock.sendall((data + bad)[-cut:])
        except BrokenPipeError:
            pass
        out = b""
        while chunk := sock.recv(65536):
            out += chunk
    statuses = re.findall(rb"HTTP/1.1 (\d\d\d) ", out)
    assert statuses == [b"200", b"201", b"400"], out


def test_a_head_is_refused_without_a_body(door):
    answer = ask(door, b"HEAD /api/health/live HTTP/1.1\r\n" + HOST + b"X : a\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ") and answer.endswith(b"\r\n\r\n")


def test_what_is_odd_but_right_is_served(door):
    """Each ends its connection, so that all that came has been seen."""
    close = HOST + b"Connection: close\r\n"
    for data, status in (
            (b"\r\n" + LIVE + close + b"\r\n", 200),
            (b"GET http://localhost/api/health/live HTTP/1.1\r\n" + close + b"\r\n", 200),
            (b"GET /api/health/live HTTP/1.0\r\n\r\n", 200),
            (LIVE + close + b"X:\r\nY:  \t a\t\r\nZ: \xc3\xa4\r\n\r\n", 200),
            (LIVE + close + b"Cookie: " + b"a" * 9500 + b"\r\n\r\n", 200),
            (LIVE + close + b"".join(b"X-%d: a\r\n" % i for i in range(90)) + b"\r\n", 200),
            (b"OPTIONS * HTTP/1.1\r\n" + close + b"\r\n", 204),
            (b"POST /api/jobs HTTP/1.1\r\n" + close + b"Content-Type: application/json\r\n"
             b"Transfer-Encoding: Chunked\r\n\r\n%x;a=b\r\n%b\r\n0\r\nX: y\r\n\r\n"
             % (len(NOOP), NOOP), 201)):
        answer = ask(door, data)
        assert answer.startswith(b"HTTP/1.1 %d " % status), (data, answer)
