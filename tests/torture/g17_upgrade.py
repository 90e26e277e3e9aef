"""G17: the server is killed while it brings an old store to its own schema."""

import contextlib
import hashlib
import shutil
import sqlite3
import subprocess
import time

from frame import Case, Result
from harness import BUILD, PATIENCE, ROOT, clean_environment, has_faults
from jobs import copied_store

OLD_STORE = BUILD / "tests" / "torture" / "old-store"
JOBS = 3000
# What the last migration is, and so the one before it, which is upgraded.
LATEST = max(int(p.name[:4]) for p in (ROOT / "src" / "store" / "migrations").glob("*.sql"))


def make_old(folder, version):
    path = folder / "old" / "scripta.db"
    path.parent.mkdir(mode=0o700)
    subprocess.run([str(OLD_STORE), str(path), str(version), str(JOBS)], check=True,
                   env=clean_environment())
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    return path


def look(db):
    """(version, everything that the schema consists of); checks rows and references."""
    version = db.execute("SELECT max(version) FROM schema_migrations").fetchone()[0]
    for table in ("jobs", "files", "uploads"):
        assert db.execute(f"SELECT count(*) FROM {table}").fetchone() == (JOBS,), table
    assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert db.execute("PRAGMA foreign_key_check").fetchall() == []
    return version, sorted(db.execute("SELECT type, name, sql FROM sqlite_master").fetchall(),
                           key=str)


def check_backups(data, version):
    """Whatever has the name of a backup is whole."""
    found = sorted((data / "backups").glob("*.db"))
    for path in found:
        with contextlib.closing(sqlite3.connect(path)) as db:
            assert look(db)[0] == version, path
    return len(found)


def refuse_newer(ctx, data):
    """A store from the future is refused with its reason, and not touched."""
    db = sqlite3.connect(data / "scripta.db")
    with db:
        db.execute("INSERT INTO schema_migrations SELECT max(version) + 1, '9999_later', 'x', 1"
                   " FROM schema_migrations")
    db.close()
    before = hashlib.sha256((data / "scripta.db").read_bytes()).digest()
    server = ctx.server(data=data, start=False).start(wait=False)
    assert server.process.wait(PATIENCE) != 0
    server.process = None
    assert f"knows up to {LATEST}: use a newer Scripta" in server.tail(), server.tail()
    assert hashlib.sha256((data / "scripta.db").read_bytes()).digest() == before


def upgrade(ctx, old, number):
    """A fresh copy of the old store; a server that is not started yet."""
    data = ctx.folder / f"u{number}"
    data.mkdir(mode=0o700)
    shutil.copy(old, data / "scripta.db")
    (data / "audio" / "uploads").mkdir(parents=True, mode=0o700)
    (data / "audio" / "uploads" / "a.wav").write_bytes(bytes(100))
    return ctx.server({"SCRIPTA_WORKERS": -1}, data=data, start=False)


def run(ctx):
    old = make_old(ctx.folder, LATEST - 1)
    with sqlite3.connect(old) as db:
        schemas = {LATEST - 1: look(db)[1]}
    start = time.monotonic()
    server = upgrade(ctx, old, 0).start()
    takes = time.monotonic() - start
    server.stop()
    with copied_store(server.data) as db:
        assert look(db)[0] == LATEST
        schemas[LATEST] = look(db)[1]
    assert check_backups(server.data, LATEST - 1) == 1
    found = {LATEST - 1: 0, LATEST: 0}
    slowest, left = 0.0, 0
    for number in range(1, ctx.count + 1):
        server = upgrade(ctx, old, number)
        if has_faults() and ctx.rng.random() < 0.25:
            server.env["SCRIPTA_FAULT"] = "store.migrate:kill"  # all is done but the commit
            server.start(wait=False)
            server.process.wait(PATIENCE)
            server.process = None
            del server.env["SCRIPTA_FAULT"]
        else:
            server.start(wait=False)
            time.sleep(ctx.rng.uniform(0, takes * 1.1))
            server.kill()
        with copied_store(server.data) as db:
            version, schema = look(db)
        assert schema == schemas[version], f"something between {LATEST - 1} and {LATEST}"
        check_backups(server.data, LATEST - 1)
        found[version] += 1
        start = time.monotonic()
        server.start()
        slowest = max(slowest, time.monotonic() - start)
        assert server.client.get("/api/stats").status == 200
        server.stop()
        with copied_store(server.data) as db:
            assert look(db) == (LATEST, schemas[LATEST])
        assert check_backups(server.data, LATEST - 1) >= 1
        left += len(list(server.data.glob("backups/*.part*")))
        if number < ctx.count:
            shutil.rmtree(server.data)
    refuse_newer(ctx, server.data)
    return Result(ctx.count, {"old schemas found": found[LATEST - 1],
                              "new ones": found[LATEST], "newer stores refused": 1},
                  leaked=left, recovery_s=slowest)


CASES = [Case("G17", f"an upgrade from schema {LATEST - 1} to {LATEST} killed", "kills", run,
              short=2, one=25, full=50, round=25, needs=("test-programs",), minutes=0.3)]
