"""GET /metrics: what Prometheus' own tool says of it, what it counts, and that labels stay few."""

import functools
import json
import pathlib
import re
import shutil
import subprocess
import sys
import threading

import pytest

import harness
from harness import Client, EventStream, free_port, noise_wav, wait_until

sys.path.insert(0, str(harness.ROOT / "tools"))
import metrics as table  # noqa: E402

PACKAGING = harness.ROOT / "packaging"
SAMPLE = re.compile(r"^([a-z_]+)(?:\{(.*)\})? (\S+)$")


@functools.cache
def promtool():
    found = shutil.which("promtool") or harness.ROOT / ".cache" / "promtool" / "promtool"
    if not pathlib.Path(found).exists():
        pytest.skip("promtool is missing: make promtool")
    return str(found)


def tool(*args, text=None, cwd=None):
    return subprocess.run([promtool(), *args], input=text, capture_output=True, text=True,
                          timeout=harness.PATIENCE, check=False, cwd=cwd)


def scrape(client):
    """{series: value} of one GET /metrics."""
    reply = client.get("/metrics")
    assert reply.status == 200, reply
    return parse(reply.text)


def parse(text):
    out = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        name, labels, value = SAMPLE.match(line).groups()
        series = f"{name}{{{labels}}}" if labels else name
        assert series not in out, series
        out[series] = float(value)
    return out


def test_promtool_has_nothing_to_say(client):
    client.wait_job(client.upload_null(3, 1)["job_id"])
    reply = client.get("/metrics")
    assert reply.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert reply.headers["Cache-Control"] == "no-store"
    other = client.get("/metrics", headers={"Accept": "application/openmetrics-text"})
    assert (other.status, other.headers["Content-Type"]) == (200, reply.headers["Content-Type"])
    checked = tool("check", "metrics", text=reply.text)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_every_metric_of_the_table_is_there_in_its_order(client):
    shown = re.findall(r"^# TYPE (\S+) (\S+)$", client.get("/metrics").text, re.MULTILINE)
    assert shown == [(name, kind) for name, (kind, _, _) in table.read_def().items()]


def test_each_sample_has_the_labels_of_the_table(client):
    client.wait_job(client.upload_null(2, 2)["job_id"])
    known = table.samples(table.read_def())
    for series in scrape(client):
        name, _, labels = series.partition("{")
        got = set(re.findall(r'([a-z_]+)="', labels)) - {"le", "quantile"}
        assert got == known[name], series


def test_alert_rules_and_dashboard():
    rules = PACKAGING / "prometheus"
    for args in (["check", "rules", "scripta-alerts.yaml"],
                 ["test", "rules", "scripta-alerts.test.yaml"]):
        done = tool(*args, cwd=rules)
        assert done.returncode == 0, done.stdout + done.stderr
    named = set(re.findall(r"alert: (\w+)", (rules / "scripta-alerts.yaml").read_text()))
    tests = (rules / "scripta-alerts.test.yaml").read_text()
    docs = (harness.ROOT / "docs" / "metrics.md").read_text()
    for alert in named:
        assert f"alertname: {alert}\n" in tests and alert in docs, alert
    dashboard = json.loads((PACKAGING / "grafana" / "scripta.json").read_text())
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(ids)) == len(ids)
    assert all(panel["targets"] for panel in dashboard["panels"] if panel["type"] != "row")


def test_the_queries_of_the_dashboard_are_promql(tmp_path):
    """promtool reads expressions in rules only, where a dashboard's variables have to be set."""
    rules = [{"record": f"dashboard:{i}", "expr": expression.replace("$__rate_interval", "5m")}
             for i, (path, expression) in enumerate(table.expressions())
             if path == table.DASHBOARD and not expression.startswith("label_values(")]
    path = tmp_path / "rules.yaml"
    path.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    done = tool("check", "rules", str(path))
    assert done.returncode == 0 and f"{len(rules)} rules found" in done.stdout, done.stderr


def test_what_is_done_is_counted(make_server):
    server = make_server({"SCRIPTA_WORKERS": 1, "SCRIPTA_UPLOAD_QUOTA": "1000000",
                          "SCRIPTA_QUEUE_MAX_FAILURES": 1})
    client = server.client
    before = scrape(client)
    job = client.upload_null(10, 3, model="delay_ms=1")
    client.wait_job(job["job_id"])
    client.upload_null(10, 3, model="delay_ms=1")
    assert client.upload(b"no sound", engine="null").status == 400
    assert client.upload(noise_wav(120, 4), engine="null").status == 507
    client.wait_job(client.upload_null(2, 5, model="fail_rate=1")["job_id"])
    job = client.job(job["job_id"])
    assert client.get(f"/api/transcripts/{job['transcript_id']}/export.srt").status == 200
    assert client.get("/api/jobs/none").status == 404
    assert client.get("/nowhere").status == 404

    def grown():
        after = scrape(client)
        return {k: v - before.get(k, 0) for k, v in after.items()}

    # Requests are counted when they have been answered, exports written behind their job's end.
    requests = 'scripta_http_requests_total{route="%s",method="%s",code="%s"}'
    last = {'scripta_jobs_ended_total{state="failed"}': 1,
            requests % ("other", "other", "4xx"): 1,
            requests % ("/api/jobs/{id}", "GET", "4xx"): 1,
            'scripta_http_request_duration_seconds_count{kind="upload"}': 5,
            'scripta_exports_total{format="srt"}': 2}  # asked for, and auto_export
    got = wait_until(lambda: (g := grown()) and all(g.get(k) == n for k, n in last.items()) and g,
                     30, "the figures")
    other = '{engine="other",model="other"}'  # the orders of the null engine are no plain word
    assert got["scripta_uploads_total{outcome=\"stored\"}"] == 2
    assert got["scripta_uploads_total{outcome=\"duplicate\"}"] == 1
    assert got["scripta_uploads_total{outcome=\"refused\"}"] == 1
    assert got["scripta_uploads_total{outcome=\"failed\"}"] == 1
    assert got["scripta_jobs_ended_total{state=\"completed\"}"] == 1
    assert got["scripta_job_duration_seconds_count"] == 1
    assert got['scripta_stages_total{stage="transcribe"}'] >= 1
    assert got[f"scripta_engine_chunks_total{other}"] >= 1
    assert abs(got[f"scripta_engine_audio_seconds_total{other}"] - 10) < 0.5
    assert got['scripta_task_setbacks_total{kind="failure"}'] >= 1
    assert got[requests % ("/api/jobs/{id}", "GET", "2xx")] >= 1
    assert got["scripta_store_commit_seconds_count"] >= 3
    assert got["scripta_events_published_total"] >= 10
    now = scrape(client)
    assert now["scripta_storage_limit_bytes"] == 1000000
    assert 0 < now["scripta_storage_used_ratio"] < 1
    assert now['scripta_workers{state="idle"}'] + now['scripta_workers{state="busy"}'] == 1
    assert now["scripta_store_writable"] == 1
    assert now["scripta_http_requests_in_flight"] >= 1
    assert now["process_resident_memory_bytes"] > 1e6
    assert now["process_open_fds"] > 10 and now["process_threads"] > 10
    wait_until(lambda: scrape(client)["scripta_store_writer_queue"] == 0, 30, "an idle writer")


def test_lost_workers_streams_and_waits(make_server):
    server = make_server({"SCRIPTA_WORKERS": 1})
    client = server.client
    stream = EventStream(client)
    wait_until(lambda: scrape(client)["scripta_event_subscribers"] == 2, 30, "the listener")
    client.upload_null(4, 6)
    harness.kill(server.wait_workers(1)[0])
    wait_until(lambda: scrape(client)['scripta_workers_lost_total{reason="died"}'] == 1, 30, "it")
    stream.close()
    key = 'scripta_http_request_duration_seconds_count{kind="wait"}'
    wait_until(lambda: scrape(client).get(key, 0) >= 1, 30, "the end of the stream")


def test_what_survives_a_restart(make_server):
    server = make_server({"SCRIPTA_WORKERS": 1})
    server.client.wait_job(server.client.upload_null(2, 7)["job_id"])
    first = scrape(server.client)
    assert server.stop() == 0
    server.start()
    second = scrape(server.client)
    ever = 'scripta_store_jobs_total{state="completed"}'
    assert first[ever] == second[ever] == 1
    assert second['scripta_jobs_ended_total{state="completed"}'] == 0
    assert second["process_start_time_seconds"] >= first["process_start_time_seconds"]


def test_who_may_see_it(make_server):
    port = free_port()
    listen = ["--listen", f"127.0.0.1:{port}"]
    server = make_server({"SCRIPTA_WORKERS": -1, "SCRIPTA_AUTH_LOOPBACK_OPEN": "false"}, listen)
    tokens = {}
    for scope in ("read", "write"):
        reply = server.client.post("/api/tokens", {"name": scope, "scopes": [scope]})
        tokens[scope] = reply.json["token"]
    assert Client(port=port).get("/metrics").status == 401
    assert Client(port=port, token=tokens["write"]).get("/metrics").status == 403
    assert Client(port=port, token=tokens["read"]).get("/metrics").status == 200
    assert Client(port=port, token=tokens["read"]).get("/metrics?job=1").status == 400
    server.stop()
    server.env["SCRIPTA_METRICS_OPEN"] = "true"
    server.start()
    assert Client(port=port).get("/metrics").status == 200
    assert Client(port=port).get("/api/jobs").status == 401


def hostile_requests(client, numbers):
    """Requests of users who are unknown, at paths that are none; many in flight at once."""
    connection = client.connect(60)
    connection.connect()
    out = b"".join(
        f"{('GET', 'DELETE', f'M{i % 97}')[i % 3]} "
        f"{(f'/api/jobs/user-{i}', f'/p{i}/x%22%7B', f'/api/files/{i}?a={i}')[i // 3 % 3]} "
        "HTTP/1.1\r\n"
        f"Host: localhost\r\nAuthorization: Bearer scripta_{i:032d}\r\nUser-Agent: u{i}\r\n"
        f"X-Request-Id: r{i}\r\n\r\n".encode() for i in numbers)
    threading.Thread(target=connection.sock.sendall, args=(out,), daemon=True).start()
    answers, tail = 0, b""
    while answers < len(numbers):
        piece = connection.sock.recv(1 << 16)
        assert piece, f"{answers} answers of {len(numbers)}"
        tail += piece
        answers += tail.count(b"HTTP/1.1 ")
        tail = tail[-8:] if not tail.endswith(b"HTTP/1.1 ") else b""
    connection.close()


def test_ten_thousand_users_make_no_series(make_server):
    port = free_port()
    server = make_server({"SCRIPTA_WORKERS": 1}, ["--listen", f"127.0.0.1:{port}"])
    client = server.client
    client.wait_job(client.upload_null(3, 8)["job_id"])
    for i in range(20):
        reply = client.post("/api/tokens", {"name": f"t\"{i}", "scopes": ["read"],
                                            "owner": f"user-{i}"})
        assert Client(port=port, token=reply.json["token"]).get("/api/jobs").status == 200
    total = 10000
    before = set(scrape(client))
    threads = [threading.Thread(target=hostile_requests,
                                args=(Client(port=port), range(k, total, 4)))
               for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    key = "scripta_http_requests_total{"
    after = wait_until(lambda: (s := scrape(client)) and total <= sum(
        v for k, v in s.items() if k.startswith(key)) and s, 30, "all requests")
    new = sorted(set(after) - before)
    assert len(after) <= 200, sorted(after)
    assert not [s for s in new if "user-" in s or "scripta_0" in s or "%" in s], new
