"""G1: the server is killed at random moments while clients submit."""

import time

from frame import Case, Result
from harness import kill, wait_until
from jobs import Submitter, all_jobs, check_ended, leftovers, of_session

CLIENTS = 6
JOBS_PER_KILL = 4


def run(ctx):
    rng = ctx.rng
    server = ctx.server({"SCRIPTA_QUEUE_MAX_CONCURRENT_NORMAL": 8})
    clients = [Submitter(server.client, rng.randrange(1 << 30), 0.03) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    slowest = 0.0
    for number in range(ctx.count):
        # Some work between kills, however slow the machine is; the moment stays random.
        wait_until(lambda: sum(len(c.acknowledged) for c in clients) >= JOBS_PER_KILL * number, 60,
                   "acknowledgements between kills")
        time.sleep(rng.uniform(0.005, 0.4))
        if rng.random() < 0.25:
            # As a machine that goes down does it: everything at once.
            for pid in of_session(server.process.pid):
                kill(pid)
        server.kill()
        server.check_database()
        start = time.monotonic()
        server.start()
        slowest = max(slowest, time.monotonic() - start)
    for client in clients:
        client.stop()
    acknowledged = {}
    for client in clients:
        assert not set(client.acknowledged) & set(acknowledged)
        acknowledged.update(client.acknowledged)
    check_ended(server.client, acknowledged)
    # Every key was acknowledged in the end: a job beyond them is one made twice.
    known = all_jobs(server.client)
    assert slowest < ctx.patient(1), f"a restart took {slowest:.2f} s"
    server.check_database()
    return Result(ctx.count, {"jobs acknowledged": len(acknowledged)},
                  lost=len(set(acknowledged) - set(known)),
                  twice=len(known) - len(acknowledged), leaked=leftovers(server),
                  recovery_s=slowest)


CASES = [Case("G1", "the server killed while 6 clients submit", "kills", run, short=8, one=100,
              full=500, round=50, minutes=2.2)]
