"""Many WebSockets at once: what an idle one costs, and that all hear the same. 200 here; MANY=5000
SCRIPTA_BUILD=build (a build without sanitizers) holds the promise of docs/events.md."""

import os
import pathlib
import resource
import select
import time

import harness
from websocket import WebSocket

MANY = int(os.environ.get("MANY", "200"))


def memory(pid):
    """Resident bytes of a process."""
    pages = pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]
    return int(pages) * resource.getpagesize()


def test_idle_sockets_cost_little_and_all_hear(make_server):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 2 * MANY + 500)), hard))
    server = make_server()
    client = server.client
    client.wait_job(client.upload_null(1)["job_id"])
    before = memory(server.pid)
    begun = time.monotonic()
    sockets = [WebSocket(client, f"/ws/c{i}") for i in range(MANY)]
    opened = time.monotonic() - begun
    after = memory(server.pid)
    job = client.post("/api/jobs", {"pipeline": "noop", "run_after": "2099-01-01T00:00:00Z"}).json
    begun, cpu = time.monotonic(), cpu_seconds(server.pid)
    for ws in sockets:
        told = ws.hear()
        assert (told["type"], told["job_id"]) == ("job_created", job["job_id"])
    print(f"\n{MANY} WebSockets: opened in {opened:.1f} s, server at {after / 1e6:.0f} MB "
          f"({(after - before) / MANY / 1e3:.1f} kB each); one event heard by all after "
          f"{time.monotonic() - begun:.2f} s, {cpu_seconds(server.pid) - cpu:.2f} s of processor")
    assert client.get("/api/health/live").status == 200
    if MANY >= 5000:
        assert after < 150e6
    assert not select.select([sockets[0].socket], [], [], 0)[0], "an event was told twice"
    for ws in sockets:
        ws.drop()
    harness.wait_until(lambda: b"\nscripta_websockets 0\n" in client.get("/metrics").body, 60,
                       "the end of all sockets")


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
