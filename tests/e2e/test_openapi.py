"""The API's own description: whole, valid to others, and held to by the server."""

import copy
import json
import re
import shutil
import subprocess

import pytest

import harness
from description import Description, Mismatch

NODE = harness.ROOT / "tests" / "node"
ROUTE = re.compile(r'^ROUTE\((\w+), "([^"]+)", (\w+), (\w+),', re.MULTILINE)
ROUTES = ROUTE.findall((harness.ROOT / "src" / "api" / "routes.def").read_text())


@pytest.fixture(scope="module")
def document():
    return harness.api().document


def test_the_server_serves_what_the_program_prints(client, document):
    reply = client.get("/api/openapi.json")
    assert reply.status == 200
    assert reply.json == document
    assert document["openapi"] == "3.1.0"


@pytest.mark.parametrize("method, pattern, name, scope", ROUTES)
def test_every_route_is_described(document, method, pattern, name, scope):
    operation = document["paths"][pattern][method.lower()]
    assert operation["operationId"] == name
    assert operation["summary"]
    assert len(operation["description"]) > 20, "src/api/prose.md says nothing of it"
    assert operation["tags"]
    assert operation.get("x-scope", "none") == scope.lower()
    for parameter in operation["parameters"]:
        assert parameter["description"], parameter
    good = [r for status, r in operation["responses"].items() if status < "300"]
    assert good, "no answer but errors"
    for answer in good:
        for media, content in answer.get("content", {}).items():
            assert "schema" in content
            assert "json" not in media or "example" in content or not content["schema"]


def test_nothing_else_is_described(document):
    known = {(method.lower(), pattern) for method, pattern, _, _ in ROUTES}
    assert {(m, p) for p, methods in document["paths"].items() for m in methods} == known


def test_every_member_is_explained(document):
    for name, schema in document["components"]["schemas"].items():
        for member, about in schema.get("properties", {}).items():
            target = about.get("$ref", "").rpartition("/")[2]
            assert target or about.get("description"), f"{name}.{member}"


def test_no_member_stands_twice():
    """Readers of JSON keep one of two silently."""
    def members(pairs):
        names = [name for name, _ in pairs]
        assert len(names) == len(set(names)), names
        return dict(pairs)
    json.loads(harness.cli("help", "--openapi", check=0).stdout, object_pairs_hook=members)


def test_redocly_finds_no_fault(folder):
    """The linter that others use, with its recommended rules (tests/node/redocly.yaml)."""
    redocly = NODE / "node_modules" / ".bin" / "redocly"
    if not redocly.exists() or shutil.which("node") is None:
        pytest.skip("redocly is not here: make node")
    path = folder / "openapi.json"
    path.write_text(json.dumps(harness.api().document))
    done = subprocess.run(["node", str(redocly), "lint", "--config", str(NODE / "redocly.yaml"),
                           "--max-problems", "50", str(path)],
                          capture_output=True, timeout=300, check=False, encoding="utf-8",
                          env=harness.clean_environment({"REDOCLY_SUPPRESS_UPDATE_NOTICE": "true",
                                                         "CI": "true", "NO_COLOR": "1"}))
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "warning" not in said, said


# What the harness must not let pass: (change of the answer to GET /api/health, words of the
# complaint).
LIES = [
    (lambda a: a.update(colour="red"), "'colour'"),
    (lambda a: a.pop("version"), "lacks ['version']"),
    (lambda a: a.update(status="fine"), "none of ['ok', 'degraded', 'stopping']"),
    (lambda a: a.update(workers="two"), "not integer or null"),
    (lambda a: a.update(workers=1.5), "not integer or null"),
    (lambda a: a.update(version=None), "not string"),
]


@pytest.mark.parametrize("lie, complaint", LIES, ids=range(len(LIES)))
def test_an_answer_that_the_document_does_not_name_is_noticed(client, lie, complaint):
    reply = client.get("/api/health")
    value = reply.json
    lie(value)
    reply.body = json.dumps(value).encode()
    with pytest.raises(Mismatch, match=re.escape(complaint)):
        harness.api().check("GET", "/api/health", reply)


def test_other_statuses_types_codes_and_calls_are_noticed(client):
    reply = client.get("/api/jobs?limit=0")
    assert reply.status == 400
    api = harness.api()

    def refused(status=reply.status, method="GET", path="/api/jobs", headers=None, body=None):
        lie = harness.Response(status, headers or reply.headers, body or reply.body)
        with pytest.raises(Mismatch) as found:
            api.check(method, path, lie)
        return str(found.value)

    assert "the status is not among" in refused(status=418)
    assert "no such call" in refused(status=200, path="/api/cupboards")
    assert "no such call" in refused(status=200, method="PUT")
    assert "Content-Type" in refused(headers={"Content-Type": "text/html"})
    body = reply.body.replace(b"INVALID_VALUE", b"TOKEN_NOT_FOUND")
    assert "TOKEN_NOT_FOUND" in refused(body=body)


def test_a_keyword_that_is_not_checked_is_no_silence(client, document):
    changed = copy.deepcopy(document)
    changed["components"]["schemas"]["Health"]["properties"]["version"]["pattern"] = "x"
    with pytest.raises(Mismatch, match="pattern"):
        Description(changed).check("GET", "/api/health", client.get("/api/health"))


# ---- what is described is what is read ----

NAMES = {"{id}": "1", "{name}": "low", "{format}": "srt", "{v}": "1", "{engine}": "a", "{model}": "b"}
UNKNOWN = ("is not known here", "there is no job option", "cannot be changed; ",
           "unknown query parameter")
# These look at no query at all: two touch memory only, three are read by clients of OpenAI's.
DEAF = {"health_show", "health_live", "health_ready", "openai_models", "openai_model",
        "openai_engine_model", "resumable_options"}
PIECE = "application/offset+octet-stream"
# An export's option that is no text unless one is given.
EMPTY = {"template"}
# Their errors have no list of fields.
FOREIGN = {"openai_transcribe", "openai_translate", "compat_inference", "compat_asr",
           "compat_detect_language"}


def address(pattern):
    if pattern.startswith("/api/jobs/"):
        pattern = pattern.replace("{id}", "0198a5c2-6c1e-7b3a-9a51-3f1f5f0c2d11")
    for name, value in NAMES.items():
        pattern = pattern.replace(name, value)
    return pattern


def complaints(reply):
    """{field: message} of a refusal; {} of anything else."""
    if reply.status != 400:
        return {}
    return {f["field"]: f["message"] for f in reply.error.get("fields", [])}


HANDSHAKE = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
             "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="}


@pytest.mark.parametrize("method, pattern, name, scope",
                         [r for r in ROUTES if r[2] not in DEAF | FOREIGN])
def test_the_parameters_are_those_that_are_read(client, document, method, pattern, name, scope):
    operation = document["paths"][pattern][method.lower()]
    form = "multipart/form-data" in operation.get("requestBody", {}).get("content", {})
    headers, body = {"Content-Type": "application/json"}, None
    if pattern.startswith("/ws/"):
        headers = HANDSHAKE
    if form:
        headers["Content-Type"], body = harness.multipart([("file", ("a.wav", b"RIFF"))])
    elif PIECE in operation.get("requestBody", {}).get("content", {}):
        headers["Content-Type"], body = PIECE, "x"
    elif "requestBody" in operation:
        body = "{}"

    def call(query):
        return client.request(method, f"{address(pattern)}?{query}", body=body, headers=headers)

    assert "zz" in complaints(call("zz=1")), "an unknown parameter is let in"
    known = [p["name"] for p in operation["parameters"] if p["in"] == "query"]
    # One that is bad beside them all keeps the call from doing anything.
    found = complaints(call("&".join(f"{p}=" for p in [*known, "zz"])))
    wrong = [f for f in known if any(w in found.get(f, "") for w in UNKNOWN)]
    assert not wrong, f"described, but not read: {wrong}"
    let_in = [p for p in known if p not in found and p not in EMPTY]
    assert not let_in, f"empty, and taken for something: {let_in}"


def test_the_members_are_those_that_are_read(client, document):
    read = 0
    for method, pattern, _, _ in ROUTES:
        operation = document["paths"][pattern][method.lower()]
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if content is None:
            continue
        schema = harness.api().schemas.look_up(content["schema"]["$ref"])
        value = {**dict.fromkeys(schema["properties"]), "zz": 1}
        reply = client.request(method, address(pattern), body=json.dumps(value),
                               headers={"Content-Type": "application/json"})
        found = complaints(reply)
        assert "zz" in found, f"{pattern}: an unknown member is let in"
        wrong = [f for f in schema["properties"] if any(w in found.get(f, "") for w in UNKNOWN)]
        assert not wrong, f"{pattern}: described, but not read: {wrong}"
        missing = {f for f, message in found.items() if "is missing" in message}
        assert missing == set(schema["required"]), pattern
        read += 1
    assert read > 10


# ---- all that is wrong is told at once ----


@pytest.mark.parametrize("path, value, fields", [
    ("/api/jobs", {"file_id": "one", "engine": 7, "colour": "red"}, ["file_id", "engine", "colour"]),
    ("/api/tokens", {"scopes": ["fly"], "name": "a\x01", "owner": "?"}, ["name", "owner", "scopes"]),
    ("/api/files/clean", {"kind": "dust", "older_than_days": -1, "x": 1},
     ["kind", "older_than_days", "x"]),
    ("/api/worker/register", {}, ["name", "host", "pid", "engines"]),
])
def test_a_body_hears_of_every_bad_field(client, path, value, fields):
    reply = client.post(path, value)
    assert reply.status == 400
    assert [f["field"] for f in reply.error["fields"]] == fields
    assert reply.error["field"] == fields[0]
    assert reply.error["message"].startswith(reply.error["fields"][0]["message"] + "; ")


def test_a_form_hears_of_every_bad_field(client):
    reply = client.upload(harness.noise_wav(1), engine="null", vad="perhaps", colour="red")
    assert reply.status == 400
    assert {f["field"] for f in reply.error["fields"]} == {"vad", "colour"}


def test_a_query_hears_of_every_bad_parameter(client):
    reply = client.get("/api/jobs?limit=0&colour=red&stage=sleep&created_since=soon&tag=")
    assert reply.status == 400
    assert {f["field"] for f in reply.error["fields"]} == {"colour", "limit", "stage", "tag",
                                                           "created_since"}


def test_what_does_not_fit_is_left_out_of_the_list(client):
    reply = client.post("/api/tokens", {f"field{i:04}": i for i in range(200)})
    assert reply.status == 400
    listed = reply.error["fields"]
    assert listed[0]["field"] == "field0000"
    assert 10 < len(listed) < 200
