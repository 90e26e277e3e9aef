"""Status codes and headers, as the standard (RFC 9110) has them."""

import gzip
import json
import re
import threading

import pytest


@pytest.mark.parametrize("method", ["BREW", "get", "PROPFIND"])
def test_methods_that_do_not_exist(client, method):
    reply = client.request(method, "/api/jobs")
    assert (reply.status, reply.error["code"]) == (501, "NOT_IMPLEMENTED"), reply


def test_an_expectation_that_nobody_knows(client):
    reply = client.request("POST", "/api/jobs", body=b"{}",
                           headers={"Expect": "miracles", "Content-Type": "application/json"})
    assert (reply.status, reply.error["code"]) == (417, "EXPECTATION_FAILED"), reply


def test_a_form_without_a_length(client):
    answer = client.raw(b"POST /api/upload HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                        b"Content-Type: multipart/form-data; boundary=x\r\n\r\n", timeout=60)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 411 "), answer
    assert json.loads(body)["error"]["code"] == "LENGTH_REQUIRED"


# ---- what is there already, and what has changed ----

def test_a_tag_saves_what_is_known(client):
    job_id = client.post("/api/jobs", {"pipeline": "noop"}).json["job_id"]
    client.wait_job(job_id)
    for path in (f"/api/jobs/{job_id}", "/api/jobs", "/api/files", "/api/transcripts",
                 "/api/formats", f"/api/jobs/{job_id}/events"):
        first = client.get(path)
        tag = first.headers["ETag"]
        assert re.fullmatch(r'"[0-9a-f]{16}"', tag), (path, tag)
        again = client.get(path, headers={"If-None-Match": f'"x", W/{tag}'})
        assert (again.status, again.body, again.headers["ETag"]) == (304, b"", tag), path
        assert client.get(path, headers={"If-None-Match": '"x"'}).body == first.body
        assert client.get(path, headers={"If-None-Match": "*"}).status == 304


def test_a_change_is_made_only_of_what_was_read(client):
    job_id = client.post("/api/jobs", {"pipeline": "noop"}).json["job_id"]
    client.wait_job(job_id)
    path = f"/api/jobs/{job_id}"

    def edit(notes, tag):
        return client.request("PATCH", path, body=json.dumps({"notes": notes}),
                              headers={"Content-Type": "application/json", "If-Match": tag})

    tag = client.get(path).headers["ETag"]
    assert edit("one", tag).status == 200
    late = edit("two", tag)
    assert (late.status, late.error["code"]) == (412, "PRECONDITION_FAILED"), late
    assert client.job(job_id)["notes"] == "one"
    assert edit("three", f'"x", {client.get(path).headers["ETag"]}').status == 200
    assert edit("four", "*").status == 200
    late = client.request("DELETE", path + "?force=1", headers={"If-Match": tag})
    assert late.status in (400, 412) and client.job(job_id)["notes"] == "four"
    assert client.request("DELETE", path, headers={"If-Match": tag}).status == 412
    assert client.request("PATCH", "/api/jobs/nonsuch", body="{}", headers={
        "Content-Type": "application/json", "If-Match": "*"}).status == 404
    tag = client.get(path).headers["ETag"]
    assert client.request("DELETE", path, headers={"If-Match": tag}).status in (200, 204)


def test_of_many_changes_with_one_tag_one_is_made(client):
    job_id = client.post("/api/jobs", {"pipeline": "noop"}).json["job_id"]
    client.wait_job(job_id)
    path = f"/api/jobs/{job_id}"
    tag = client.get(path).headers["ETag"]
    statuses = []

    def edit(n):
        statuses.append(client.request(
            "PATCH", path, body=json.dumps({"notes": f"of {n}"}),
            headers={"Content-Type": "application/json", "If-Match": tag}).status)

    threads = [threading.Thread(target=edit, args=(n,)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] + [412] * 11


# ---- what is taken ----

def test_types_that_nobody_has(client):
    for accept, status in (("application/xml", 406), ("text/html", 406), ("application/json", 200),
                           ("text/html, */*;q=0.1", 200), ("*/*;q=0", 406), ("nonsense", 406)):
        reply = client.get("/api/formats", headers={"Accept": accept})
        assert reply.status == status, (accept, reply)
        if status == 406:
            assert reply.error["code"] == "NOT_ACCEPTABLE"
            assert reply.headers["Content-Type"] == "application/json"


def test_long_answers_travel_compressed(client):
    plain = client.get("/api/openapi.json")
    assert "Content-Encoding" not in plain.headers
    assert "Accept-Encoding" in plain.headers["Vary"]
    small = client.raw(b"GET /api/openapi.json HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                       b"Accept-Encoding: br;q=1, gzip;q=0.5\r\n\r\n", timeout=60)
    head, _, body = small.partition(b"\r\n\r\n")
    assert b"\r\nContent-Encoding: gzip" in head and b'\r\nETag: W/"' in head
    assert gzip.decompress(body) == plain.body and len(body) < len(plain.body) / 3
    assert int(re.search(rb"Content-Length: (\d+)", head).group(1)) == len(body)
    known = client.get("/api/openapi.json", headers={
        "If-None-Match": re.search(rb"ETag: (\S+)", head).group(1).decode()})
    assert known.status == 304
    for header in ("gzip;q=0", "identity", "gzip;q=0.2, identity;q=0.5"):
        reply = client.get("/api/openapi.json", headers={"Accept-Encoding": header})
        assert "Content-Encoding" not in reply.headers, header
    short = client.get("/api/formats", headers={"Accept-Encoding": "gzip"})
    assert ("Content-Encoding" in short.headers) == (len(client.get("/api/formats").body) >= 1024)


# ---- every call ----

def test_head_has_the_headers_of_get(client):
    """On every call that reads, also where it refuses."""
    document = client.get("/api/openapi.json").json
    varies = {"Date", "X-Request-Id", "Server-Timing", "ETag", "Content-Length"}
    for path, item in document["paths"].items():
        if "get" not in item or path in ("/api/events",):
            continue
        path = re.sub(r"\{\w+\}", "1", path)
        get, head = client.get(path), client.request("HEAD", path)
        assert head.status == get.status and head.body == b"", path
        assert set(head.headers) == set(get.headers), path
        for name in set(get.headers) - varies:
            assert head.headers[name] == get.headers[name], (path, name)
        if path.startswith(("/api/jobs", "/api/files", "/api/formats", "/api/engines")):
            assert abs(int(head.headers["Content-Length"]) - len(get.body)) < 64, path


def test_options_and_refusals_name_the_methods(client):
    document = client.get("/api/openapi.json").json
    for path, item in document["paths"].items():
        methods = {m.upper() for m in item if m in ("get", "post", "put", "patch", "delete")}
        methods |= {"OPTIONS"} | ({"HEAD"} if "GET" in methods else set())
        path = re.sub(r"\{\w+\}", "1", path)
        options = client.request("OPTIONS", path)
        assert options.status == 204 and options.body == b"", path
        allowed = {m.strip() for m in options.headers["Allow"].split(",")}
        # A path with a name may fit another row too.
        assert methods <= allowed, path
        wrong = next(m for m in ("PUT", "TRACE", "DELETE") if m not in allowed)
        refused = client.request(wrong, path)
        assert refused.status == 405 and refused.headers["Allow"] == options.headers["Allow"], path


def test_every_answer_says_how_long_it_took(client):
    for path in ("/api/jobs", "/api/health/live", "/api/nonsuch"):
        timing = client.get(path).headers["Server-Timing"]
        assert re.fullmatch(r"total;dur=[\d.]+, queue;dur=[\d.]+, store;dur=[\d.]+", timing), timing
    reply = client.post("/api/jobs", {"pipeline": "noop"})
    parts = dict(re.findall(r"(\w+);dur=([\d.]+)", reply.headers["Server-Timing"]))
    assert float(parts["total"]) >= float(parts["store"]) > 0, parts


@pytest.mark.parametrize("sent, kept", [("abc-1.2_3", True), ("a" * 64, True), ("a" * 65, False),
                                        ("a b", False), ("a;b", False), ("", False)])
def test_request_ids(client, sent, kept):
    got = client.get("/api/formats", headers={"X-Request-Id": sent}).headers["X-Request-Id"]
    assert (got == sent) == kept and re.fullmatch(r"[\w.-]{1,64}", got)
