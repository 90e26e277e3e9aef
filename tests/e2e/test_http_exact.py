"""Status codes and headers, as the standard (RFC 9110) has them."""

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
    assert answer.startswith(b"HTTP/1.1 411 ") and b"LENGTH_REQUIRED" in answer, answer
