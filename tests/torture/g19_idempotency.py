"""G19: the same request many times at once is one job."""

import concurrent.futures

from frame import Case, Result
from harness import noise_wav

AT_ONCE = 50


def by_key(ctx, client, number):
    """One key, fifty times at once, for uploads and for bare jobs in turns."""
    key = f"same-{ctx.seed}-{number}"
    data = noise_wav(3, number)
    if number % 2:
        return lambda _: client.post("/api/jobs", {"pipeline": "noop"}, {"Idempotency-Key": key})
    return lambda _: client.upload(data, key=key, engine="null", vad="off", force="true")


def run(ctx):
    server = ctx.server({"SCRIPTA_QUEUE_MAX_CONCURRENT_NORMAL": 8})
    client = server.client
    jobs = set()
    for number in range(ctx.first, ctx.first + ctx.count):
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            replies = list(pool.map(by_key(ctx, client, number), range(AT_ONCE)))
        assert {r.status for r in replies} <= {200, 201}, [r for r in replies if r.status > 201][:3]
        found = {r.json["job_id"] for r in replies}
        assert len(found) == 1, f"{len(found)} jobs for one key"
        jobs |= found
        assert client.wait_job(replies[0].json["job_id"])["status"] == "completed"
    known = len(client.get("/api/jobs?limit=500").json["jobs"])
    return Result(ctx.count, {"requests": ctx.count * AT_ONCE, "jobs": known},
                  twice=known - len(jobs))


def run_without_key(ctx):
    """The same recording with the same options, fifty times at once, and no key."""
    server = ctx.server()
    client = server.client
    for number in range(ctx.first, ctx.first + ctx.count):
        data = noise_wav(3, number)
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            replies = list(pool.map(lambda _: client.upload(data, engine="null", vad="off"),
                                    range(AT_ONCE)))
        assert sorted(r.status for r in replies) == [200] * (AT_ONCE - 1) + [201]
        assert len({r.json["job_id"] for r in replies}) == 1
    files = len(client.get("/api/files?limit=500").json["files"])
    return Result(ctx.count, {"requests": ctx.count * AT_ONCE, "files": files},
                  twice=files - ctx.count)


CASES = [
    Case("G19", "one Idempotency-Key 50 times at once", "keys", run, short=2, one=20, full=100,
         round=20),
    Case("G19.same", "the same recording 50 times at once", "recordings", run_without_key, short=1,
         one=10, full=50, round=10),
]
