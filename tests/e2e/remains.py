"""What is left in a store and its folder, and whether the kept figures agree with a recount."""

import contextlib
import pathlib
import sqlite3


@contextlib.contextmanager
def beside(server):
    """The store, read beside the server."""
    db = sqlite3.connect(f"file:{server.data}/scripta.db?mode=ro", uri=True)
    try:
        yield db
    finally:
        db.close()


def rows(server, sql, *values):
    with beside(server) as db:
        return db.execute(sql, values).fetchall()


def count(server, sql, *values):
    return rows(server, sql, *values)[0][0]


def files_below(server, *folders):
    return sorted(str(p.relative_to(server.data)) for folder in folders
                  for p in (pathlib.Path(server.data) / folder).rglob("*")
                  if p.is_file() or p.is_dir() and not folder.startswith("audio"))


def recount(server):
    """The kept counters are what a recount gives."""
    used = count(server, "SELECT coalesce(sum(size_bytes), 0) FROM (SELECT DISTINCT file_hash, "
                         "size_bytes FROM files WHERE owner_id > 0 AND purged_ms IS NULL)")
    assert count(server, "SELECT coalesce(sum(value), 0) FROM counters "
                         "WHERE name = 'storage_bytes'") == used
    assert rows(server, "SELECT owner_id, files, bytes, arrivals FROM file_stats "
                        "WHERE files > 0 ORDER BY owner_id") == \
        rows(server, "SELECT owner_id, count(*), sum(size_bytes), sum((SELECT count(*) FROM uploads "
                     "WHERE file_id = files.id)) FROM files GROUP BY owner_id ORDER BY owner_id")
    assert rows(server, "SELECT owner_id, state, sum(jobs) FROM job_stats WHERE day = -1 "
                        "GROUP BY owner_id, state HAVING sum(jobs) > 0 ORDER BY owner_id, state") == \
        rows(server, "SELECT owner_id, state, count(*) FROM jobs GROUP BY owner_id, state "
                     "ORDER BY owner_id, state")


def assert_nothing_left(server):
    for table in ("files", "uploads", "jobs", "tasks", "chunks", "transcripts", "versions",
                  "segments", "export_history", "job_events", "idempotency"):
        assert count(server, f"SELECT count(*) FROM {table}") == 0, table
    with beside(server) as db:
        assert db.execute("SELECT count(*) FROM segments_fts_docsize").fetchone()[0] == 0
    left = files_below(server, "audio", "work", "transcripts", "logs/jobs")
    assert left == [], left
    recount(server)
