"""G14: jobs of class high among many of class low: how many others begin before them, and whether
low ones still get on. Counted in the order of events, so that no machine is too slow for it."""

from frame import Case, Result
from harness import wait_until
from jobs import leftovers
from remains import beside

# Numbers of the store: sc_event_kind and sc_class.
CREATED, CLAIMED = 0, 9
HIGH, LOW = 0, 2
EVENTS = """SELECT job_events.kind, jobs.class, jobs.id FROM job_events
            JOIN jobs ON jobs.id = job_events.job WHERE job_events.kind IN (0, 9)
            ORDER BY job_events.id"""
WORKERS = 2
# One claim in ten goes to the oldest, of whatever class.
TURN = 10


def submit(client, count, priority):
    for _ in range(count):
        reply = client.post("/api/jobs", {"pipeline": "noop", "priority": priority})
        assert reply.status == 201, reply


def totals(client):
    return client.get("/api/queue").json["totals"]


def wait_drained(client):
    wait_until(lambda: totals(client)["queued"] + totals(client)["active"] == 0, 600,
               "the end of all jobs", 0.05)


def claims(server):
    """[(class, job)] in the order of the claims, and {job: claims before it was made}."""
    order, before = [], {}
    with beside(server) as db:
        for kind, level, job in db.execute(EVENTS):
            if kind == CREATED:
                before[job] = len(order)
            else:
                order.append((level, job))
    assert len(order) == len(before), "a task was claimed twice, or never"
    return order, before


def run_high(ctx):
    highs = max(1, ctx.count // 100)
    server = ctx.server({"SCRIPTA_WORKERS": WORKERS})
    client = server.client
    client.post("/api/queue/low/pause")
    submit(client, ctx.count, "low")
    client.post("/api/queue/low/resume")
    for i in range(highs):
        # Spread over the time that the low ones take.
        goal = ctx.count * i // highs
        wait_until(lambda: totals(client)["completed"] >= goal, 600, "progress", 0.005)
        submit(client, 1, "high")
    wait_drained(client)
    order, before = claims(server)
    place = {job: i for i, (_, job) in enumerate(order)}
    passed = sorted(sum(level == LOW for level, _ in order[before[job]:place[job]])
                    for level, job in order if level == HIGH)
    p95 = passed[(len(passed) - 1) * 95 // 100]
    assert p95 <= WORKERS, f"more than a slot for each worker: {passed}"
    ended = totals(client)
    assert ended["failed"] == 0, ended
    return Result(ctx.count, {"high ones": highs},
                  {"low ones that began before a waiting high one, p95": p95, "most": passed[-1]},
                  lost=ctx.count + highs - ended["completed"], leaked=leftovers(server))


def run_low(ctx):
    """High ones wait all the time; the low ones are older."""
    server = ctx.server({"SCRIPTA_WORKERS": WORKERS})
    client = server.client
    for name in ("low", "high"):
        client.post(f"/api/queue/{name}/pause")
    submit(client, ctx.count, "low")
    submit(client, ctx.count * 2 * TURN, "high")
    for name in ("low", "high"):
        client.post(f"/api/queue/{name}/resume")
    wait_drained(client)
    order, _ = claims(server)
    low = [i for i, (level, _) in enumerate(order) if level == LOW]
    longest = max(b - a for a, b in zip([0, *low], low))
    assert longest <= 2 * TURN, f"{longest} claims passed without a low one"
    assert low[-1] < len(order) - TURN, "the low ones came last"
    return Result(ctx.count, {"high ones before them": ctx.count * 2 * TURN},
                  {"claims between two low ones at most": longest},
                  lost=len(order) - totals(client)["completed"], leaked=leftovers(server))


CASES = [
    Case("G14", "high ones come while low ones are worked off", "low jobs", run_high, short=200,
         one=3000, full=10000, minutes=0.2),
    Case("G14.low", "high ones always wait", "low jobs", run_low, short=5, one=40, full=200,
         minutes=0.1),
]
