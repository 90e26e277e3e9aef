"""G16: the server is told to stop (SIGTERM) in the middle of work, and started again."""

import time

from frame import Case, Result
from jobs import Submitter, all_jobs, check_ended, leftovers, of_session

CLIENTS = 4


def run(ctx):
    rng = ctx.rng
    server = ctx.server({"SCRIPTA_QUEUE_MAX_CONCURRENT_NORMAL": 8})
    clients = [Submitter(server.client, rng.randrange(1 << 30), 0.03, (0, 2, 5, 31, 65, 65))
               for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    slowest, left = 0.0, 0
    for _ in range(ctx.count):
        time.sleep(rng.uniform(0.02, 0.5))
        session = server.process.pid
        start = time.monotonic()
        code = server.stop()
        slowest = max(slowest, time.monotonic() - start)
        assert code == 0, f"serve ended with {code}: {server.tail()}"
        left += len(of_session(session))
        server.check_database()
        server.start()
    for client in clients:
        client.stop()
    acknowledged = {k: v for client in clients for k, v in client.acknowledged.items()}
    check_ended(server.client, acknowledged)
    interrupted = sum(e["type"] == "task_interrupted" for job_id in acknowledged
                      for e in server.client.events(job_id))
    cut = sum(client.cut_off for client in clients)
    assert slowest < ctx.patient(5), f"a stop took {slowest:.2f} s"
    known = all_jobs(server.client)
    return Result(ctx.count, {"jobs acknowledged": len(acknowledged), "requests cut off": cut,
                              "interruptions charged": interrupted},
                  {"slowest stop ms": round(1000 * slowest)},
                  lost=len(set(acknowledged) - set(known)), twice=len(known) - len(acknowledged),
                  leaked=left + leftovers(server))


CASES = [Case("G16", "SIGTERM while 4 clients submit and work runs", "stops", run, short=3, one=30,
              full=100, round=25, minutes=0.8)]
