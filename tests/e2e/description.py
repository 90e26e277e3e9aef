"""Answers held against the API's own description: what a call answers that the document does not
name (a status, a type, a member, a code) fails the test that made the call.

A schema is compiled once into functions. Only the keywords that src/json/shape.c writes are known;
any other is an error, so that nothing goes unchecked.
"""

import functools
import gzip
import json
import re
import urllib.parse

FORMATS = {
    "date-time": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"),
    "uuid": re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"),
    "binary": re.compile(""),
}
NOTES = {"description", "examples", "additionalProperties", "required"}


class Mismatch(AssertionError):
    """What the document does not say."""


def shown(value):
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) < 200 else text[:200] + "..."


def is_type(name, value):
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return {"null": value is None, "boolean": isinstance(value, bool), "string":
            isinstance(value, str), "array": isinstance(value, list), "object":
            isinstance(value, dict), "number": number,
            "integer": number and float(value).is_integer()}[name]


class Schemas:
    """Compiles schemas; where: the path of the value, for messages."""

    def __init__(self, document):
        self.document = document
        self.known = {}

    def look_up(self, ref):
        node = self.document
        for name in ref.removeprefix("#/").split("/"):
            node = node[name]
        return node

    def check(self, schema, value, where="answer"):
        key = id(schema)
        if key not in self.known:
            self.known[key] = self.compile(schema)
        for one in self.known[key]:
            one(value, where)

    def compile(self, schema):
        makers = {"$ref": self.ref, "type": self.type, "enum": self.enum, "format": self.format,
                  "properties": self.properties, "items": self.items, "anyOf": self.any_of,
                  "allOf": self.all_of, "minimum": self.minimum, "maximum": self.maximum,
                  "minLength": self.shortest, "maxLength": self.longest}
        unknown = schema.keys() - makers.keys() - NOTES
        if unknown:
            raise Mismatch(f"keywords that this checks nothing of: {unknown}")
        checks = [makers[name](schema) for name in makers if name in schema]
        extra = schema.get("additionalProperties")
        if isinstance(extra, dict):
            checks.append(functools.partial(self.values, extra))
        return checks

    def ref(self, schema):
        target = self.look_up(schema["$ref"])
        return lambda value, where: self.check(target, value, where)

    def type(self, schema):
        names = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]

        def check(value, where):
            if not any(is_type(name, value) for name in names):
                raise Mismatch(f"{where} is {shown(value)}, not {' or '.join(names)}")
        return check

    def enum(self, schema):
        words = schema["enum"]

        def check(value, where):
            if value not in words:
                raise Mismatch(f"{where} is {shown(value)}, none of {words}")
        return check

    def format(self, schema):
        pattern = FORMATS[schema["format"]]

        def check(value, where):
            if isinstance(value, str) and not pattern.match(value):
                raise Mismatch(f"{where} is {shown(value)}, no {schema['format']}")
        return check

    def properties(self, schema):
        members, needed = schema["properties"], set(schema.get("required", []))
        closed = schema.get("additionalProperties") is False

        def check(value, where):
            if not isinstance(value, dict):
                return
            if closed and value.keys() - members.keys():
                raise Mismatch(f"{where} has {sorted(value.keys() - members.keys())}, "
                               "which the document does not name")
            if needed - value.keys():
                raise Mismatch(f"{where} lacks {sorted(needed - value.keys())}")
            for name, member in value.items():
                if name in members:
                    self.check(members[name], member, f"{where}.{name}")
        return check

    def values(self, schema, value, where):
        for name, member in value.items() if isinstance(value, dict) else ():
            self.check(schema, member, f"{where}.{name}")

    def items(self, schema):
        def check(value, where):
            for i, item in enumerate(value if isinstance(value, list) else ()):
                self.check(schema["items"], item, f"{where}[{i}]")
        return check

    def any_of(self, schema):
        def check(value, where):
            why = []
            for one in schema["anyOf"]:
                try:
                    return self.check(one, value, where)
                except Mismatch as e:
                    why.append(str(e))
            raise Mismatch(" and ".join(why))
        return check

    def all_of(self, schema):
        def check(value, where):
            for one in schema["allOf"]:
                self.check(one, value, where)
        return check

    def minimum(self, schema):
        return self.compare(lambda v: v >= schema["minimum"], (int, float), "too small")

    def maximum(self, schema):
        return self.compare(lambda v: v <= schema["maximum"], (int, float), "too large")

    def shortest(self, schema):
        return self.compare(lambda v: len(v) >= schema["minLength"], str, "too short")

    def longest(self, schema):
        return self.compare(lambda v: len(v) <= schema["maxLength"], str, "too long")

    @staticmethod
    def compare(holds, types, what):
        def check(value, where):
            if isinstance(value, types) and not isinstance(value, bool) and not holds(value):
                raise Mismatch(f"{where} is {shown(value)}, {what}")
        return check


class Description:
    """The document, with the means to hold an answer against it."""

    def __init__(self, document):
        self.document = document
        self.schemas = Schemas(document)
        self.seen = set()  # (method, path of the document, status) of answers that were right
        # A pattern without names goes before one with them, as in the server.
        self.patterns = sorted(((p.count("{"), p.split("/"), p) for p in document["paths"]),
                               key=lambda x: x[0])

    def find(self, path):
        """The path of the document that an address belongs to, or None."""
        parts = path.split("?")[0].split("/")
        for _, pattern, name in self.patterns:
            if len(pattern) == len(parts) and all(
                    p == q or (p.startswith("{") and q) for p, q in zip(pattern, parts)):
                return name
        return None

    def check(self, method, path, reply):
        """Fails unless the document says that this call may be answered so."""
        path = urllib.parse.urlsplit(path).path
        name = self.find(path)
        try:
            self.check_call(method, name, path, reply)
        except Mismatch as e:
            raise Mismatch(f"{method} {path} -> {reply.status}: {e} (openapi.json)") from None

    def check_call(self, method, name, path, reply):
        operation = None
        if method == "OPTIONS" and reply.status == 204 and name is not None:
            return
        if name is not None and method.isupper():
            methods = self.document["paths"][name]
            operation = methods.get(("GET" if method == "HEAD" else method).lower())
        if operation is None:
            self.check_refusal(name, path, reply)
            return
        answer = operation["responses"].get(str(reply.status))
        if answer is None:
            raise Mismatch(f"the status is not among {sorted(operation['responses'])}")
        if "$ref" in answer:
            answer = self.schemas.look_up(answer["$ref"])
        if method == "HEAD":
            return
        self.check_content(answer, reply)
        self.seen.add((method, name, reply.status))

    def check_content(self, answer, reply):
        content = answer.get("content")
        if content is None:
            if reply.body:
                raise Mismatch(f"a body, {shown(reply.body[:80].decode('latin-1'))}, not described")
            return
        media = (reply.headers.get("Content-Type") or "").split(";")[0].strip()
        ranged = media.split("/")[0] + "/*"
        if media not in content and ranged not in content:
            raise Mismatch(f"Content-Type is '{media}', none of {sorted(content)}")
        if media != "application/json":
            return
        packed = reply.headers.get("Content-Encoding") == "gzip"
        value = json.loads(gzip.decompress(reply.body) if packed else reply.body)
        self.schemas.check(content[media]["schema"], value)
        if "x-codes" in answer and value["error"]["code"] not in answer["x-codes"]:
            raise Mismatch(f"the code {value['error']['code']} is none of {answer['x-codes']}")

    def check_refusal(self, name, path, reply):
        """Of a call that there is none of: as the other calls of that path tell their errors."""
        if reply.status < 400:
            raise Mismatch("there is no such call in the document")
        media = (reply.headers.get("Content-Type") or "").split(";")[0].strip()
        if media != "application/json":
            return
        dialect = "OpenAIError" if path.startswith("/v1/") or path == "/v1" else "Error"
        schema = {"$ref": f"#/components/schemas/{dialect}"}
        if name is not None:
            other = next(iter(self.document["paths"][name].values()))
            schema = other["responses"]["400"]["content"]["application/json"]["schema"]
        self.schemas.check(self.schemas.look_up(schema["$ref"]), json.loads(reply.body))

    def check_event(self, event):
        """Of a stream of server-sent events: the JSON of a data line."""
        self.schemas.check(self.document["components"]["schemas"]["Event"], event, "event")
