"""GET /api/jobs/{id}/output: of jobs that make text there is none; what is on the disk comes in
ranges. No pipeline of this release makes a file, so the row of one is written by hand."""

import sqlite3

from harness import noise_wav

DATA = bytes(range(256)) * 8


def set_output(server, job_id, path, pipeline="convert", state=2):
    with sqlite3.connect(server.data / "scripta.db") as db:
        db.execute("UPDATE jobs SET output_file_path = ?, pipeline = ?, state = ? WHERE job_id = ?",
                   (path, pipeline, state, job_id))
    db.close()


def test_the_output_of_a_job(make_server):
    server = make_server()
    job_id = server.client.upload(noise_wav(1, 3), engine="null", vad="off").json["job_id"]
    server.client.wait_job(job_id)
    path = f"/api/jobs/{job_id}/output"
    reply = server.client.get(path)
    assert (reply.status, reply.error["code"]) == (404, "NOT_FOUND")
    assert f"/api/jobs/{job_id}/transcripts" in reply.error["message"]
    missing = server.client.get("/api/jobs/01932d6e-7c8b-7c3a-9f41-3d2a5be1c7aa/output")
    assert missing.error["code"] == "JOB_NOT_FOUND"
    server.stop()
    (server.data / "output").mkdir()
    (server.data.parent / "elsewhere.flac").write_bytes(DATA)
    (server.data / "output" / "memo_final.flac").write_bytes(DATA)
    set_output(server, job_id, "output/memo_final.flac")
    get = lambda **headers: server.client.get(path, headers=headers)
    server.start()
    whole = get()
    assert (whole.status, whole.body, whole.headers["Content-Type"]) == (200, DATA, "audio/flac")
    assert "memo_final.flac" in whole.headers["Content-Disposition"]
    part = get(Range="bytes=10-19")
    assert (part.status, part.body) == (206, DATA[10:20])
    assert get(**{"If-None-Match": whole.headers["ETag"]}).status == 304
    beyond = get(Range="bytes=9999-")
    assert (beyond.status, beyond.error["code"]) == (416, "RANGE_NOT_SATISFIABLE")
    for place in ("../elsewhere.flac", "output/gone.flac"):
        server.stop()
        set_output(server, job_id, place)
        server.start()
        assert (get().status, get().error["code"]) == (404, "NOT_FOUND"), place
