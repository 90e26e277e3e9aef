"""G43: does the time of a refusal tell that another owner has what was asked for?"""

import http.client
import random
import time

from frame import Case, Result
from harness import Client, free_port, noise_wav

APART = 0.1  # of the time for a missing id
NEVER = "01932d6e-7c8b-7c3a-9f41-3d2a5be1c7aa"  # an id of the same shape, from another time
TAILS = {"files": ("", "/download", "/uploads", "/peaks"),
         "jobs": ("", "/events", "/chunks", "/log", "/transcripts"),
         "transcripts": ("", "/versions", "/blame", "/exports", "/history", "/export.srt")}


def low(times):
    """What a fifth of them stay below: what else the machine does makes the slow ones."""
    return sorted(times)[len(times) // 5]


def make_things(owner):
    """{collection: id} of what the first owner has."""
    job = owner.upload(noise_wav(2, 43), engine="null", vad="off").json
    made = owner.request("POST", f"/api/files/{job['file_id']}/transcripts?format=txt",
                         body=b"a text", headers={"Content-Type": "application/octet-stream"})
    return {"files": job["file_id"], "jobs": job["job_id"],
            "transcripts": made.json["transcript_id"]}


def run(ctx):
    port = free_port()
    local = ctx.server({"SCRIPTA_WORKERS": -1, "SCRIPTA_LISTEN": f"127.0.0.1:{port}",
                        "SCRIPTA_HTTP_RATE_LIMIT": 0, "SCRIPTA_HTTP_RATE_LIMIT_ADDRESS": 0}).client
    tokens = [local.post("/api/tokens", {"name": x, "owner": x, "scopes": ["read", "write"]})
              .json["token"] for x in ("ann", "bob")]
    things = make_things(Client(port=port, token=tokens[0]))
    headers = {"Authorization": f"Bearer {tokens[1]}"}
    connection = http.client.HTTPConnection("127.0.0.1", port)
    order = random.Random(ctx.seed)

    def ask(path):
        """Seconds until the refusal is there."""
        begun = time.perf_counter()
        connection.request("GET", path, headers=headers)
        reply = connection.getresponse()
        reply.read()
        took = time.perf_counter() - begun
        assert reply.status == 404, (path, reply.status)
        return took

    most = 0
    for kind, tails in TAILS.items():
        ids = {"theirs": things[kind], "missing": NEVER if kind == "jobs" else 999}
        for tail in tails:
            times = {name: [] for name in ids}
            for _ in range(ctx.count):
                for name in order.sample(sorted(ids), 2):
                    times[name].append(ask(f"/api/{kind}/{ids[name]}{tail}"))
            apart = abs(low(times["theirs"]) / low(times["missing"]) - 1)
            assert apart < APART, (kind + tail, {k: low(v) for k, v in times.items()})
            most = max(most, apart)
    return Result(ctx.count, {"routes": sum(map(len, TAILS.values()))},
                  {"% apart": round(100 * most, 1)})


CASES = [Case("G43", "of another owner's thing and of a missing one", "pairs for each route", run,
              short=0, one=1500, full=5000, minutes=0.8, alone=True)]
