"""Fixtures: data folders, servers that are gone when the test is, logs of those that failed."""

import os
import pathlib
import shutil
import tempfile

import pytest

import harness


@pytest.hookimpl(tryfirst=True)  # xdist reads the marks in the same hook
def pytest_collection_modifyitems(items):
    """The short tests first: a broken build then shows within seconds. Side by side, the tests of a
    file, which may share a server, stay together; the long ones at the end share nothing."""
    items.sort(key=lambda item: item.path.name.startswith(("test_faults", "test_torture")))
    for item in items:
        if item.path.name != "test_torture.py":
            item.add_marker(pytest.mark.xdist_group(item.path.stem))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    setattr(item, f"report_{call.when}", report)
    if report.when == "call" and report.failed:
        for server in getattr(item, "servers", []):
            report.sections.append((f"serve {server.data}", server.tail()))


@pytest.fixture(scope="session", autouse=True)
def programs():
    for program in (harness.SCRIPTA, harness.MEDIA):
        if not program.exists():
            pytest.exit(f"{program} is missing: build first, or set SCRIPTA_BUILD", 1)


@pytest.fixture
def folder(request):
    """A folder with a short path (a Unix socket's is at most 107 bytes); gone afterwards."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="sc-", dir=os.environ.get("TMPDIR", "/tmp")))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def data(folder):
    """A data folder that does not exist yet."""
    return folder / "d"


@pytest.fixture
def make_server(request, folder):
    """make_server(env={}, args=(), data=None, start=True): any number of servers."""
    servers = request.node.servers = []

    def make(env=None, args=(), data=None, start=True, wrapper=()):
        if "SCRIPTA_FAULT" in (env or {}) and not harness.has_faults():
            pytest.skip(f"{harness.BUILD.name} is built without -Dfaults=true")
        server = harness.Server(data or folder / f"d{len(servers)}",
                                {**harness.SETTINGS, **(env or {})}, args, wrapper)
        servers.append(server)
        return server.start() if start else server

    yield make
    for server in servers:
        server.destroy()
    reports = [x for server in servers for x in server.sanitizer_reports()]
    # A failed test says enough by itself.
    if getattr(request.node, "report_call", None) and request.node.report_call.passed:
        assert not reports, reports


@pytest.fixture(scope="module")
def shared(request, tmp_path_factory):
    """One server for all tests of a file that do not disturb it."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="sc-", dir=os.environ.get("TMPDIR", "/tmp")))
    server = harness.Server(path / "d", {**harness.SETTINGS,
                                         "SCRIPTA_QUEUE_MAX_CONCURRENT_NORMAL": 8})
    try:
        yield server.start()
        assert not server.sanitizer_reports(), server.sanitizer_reports()
    finally:
        server.destroy()
        shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def server(request, shared):
    """The shared server, whose log is shown when this test fails."""
    request.node.servers = [shared]
    return shared


@pytest.fixture
def client(server):
    return server.client
