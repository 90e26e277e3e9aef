"""Names, ids and paths that mean harm: data, never places."""

import os
import pathlib
import threading
import urllib.parse

import pytest

from harness import PATIENCE, Server, cli, multipart, noise_wav, wait_until



def payloads():
    """500 ways to say a path that leads elsewhere."""
    targets = ["etc/passwd", "canary", "etc/cron.d/x", "root/.ssh/authorized_keys", "tmp/canary.wav"]
    ups = ["../", "..\\", "....//", "..;/", "%2e%2e%2f", "%2e%2e/", "..%2f", "%252e%252e%252f",
           "..%c0%af", "..%ef%bc%8f", ".%00./", "..%00/", "\u2025/", "\uff0e\uff0e/", "..%5c",
           "..%255c", "./../", "a/../../", "//../", ".../"]
    out = [up * n + target for up in ups for n in (1, 2, 3, 8, 12) for target in targets]
    out += ["/" + t for t in targets] + ["//" + t for t in targets]
    out += ["file:///" + t for t in targets] + ["\\\\host\\share\\" + t for t in targets]
    out += ["C:\\" + t for t in targets] + ["~/" + t for t in targets]
    out += ["/proc/self/cwd/" + t for t in targets] + ["/dev/fd/0", "/dev/full", "", ".", "..",
                                                        "-", "--help", "CON", "a" * 300]
    out += [t + "\0.wav" for t in targets] + [t + "\n.wav" for t in targets]
    out += [f"../../../{t}%00.wav" for t in targets] + [f"$(touch /tmp/canary){i}" for i in range(10)]
    out += [f"`touch canary{i}`" for i in range(10)] + [f";touch canary{i};" for i in range(10)]
    return out


def snapshot(folder, data):
    """Everything around the data folder."""
    return sorted(str(p) for p in folder.rglob("*") if data not in p.parents and p != data)


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    around = tmp_path_factory.mktemp("around")
    server = Server(around / "deep" / "er" / "data").start()
    sound = noise_wav(1, 77)
    job = server.client.wait_job(server.client.upload(sound, engine="null").json["job_id"])
    # Its automatic export comes behind its end, and must not come into what a test compares.
    wait_until((server.data / "transcripts" / job["job_id"] / "transcript.srt").exists, 20,
               "the export")
    yield server, around, sound, job
    server.destroy()


def test_there_are_500():
    assert len(set(payloads())) >= 500


def test_names_of_uploads_are_data(house):
    """One connection's worth of requests; bytes that are known cost no probe."""
    server, around, sound, _ = house
    before = snapshot(around, server.data)
    inside = sorted(p for p in server.data.rglob("*") if p.is_file() and "logs" not in p.parts)
    for name in payloads():
        content_type, body = multipart([("file", (name.replace("\0", "%00"), sound))])
        reply = server.client.request("POST", "/api/files/upload", body=body,
                                      headers={"Content-Type": content_type})
        assert reply.status in (200, 400), (name, reply)
    assert snapshot(around, server.data) == before

    def strangers():
        after = sorted(p for p in server.data.rglob("*") if p.is_file() and "logs" not in p.parts)
        return [p for p in after if p not in inside and "scripta.db" not in p.name]

    # The bytes of the last request may go behind its answer.
    wait_until(lambda: strangers() == [], 20, f"{strangers()} to be gone")


def test_ids_and_queries_lead_nowhere(house):
    server, around, _, job = house
    before = snapshot(around, server.data)
    secret = around / "canary"
    secret.write_text("the secret of the house")
    places = ["/api/files/{}", "/api/files/{}/download", "/api/files/{}/peaks", "/api/jobs/{}",
              "/api/jobs/{}/log", "/api/transcripts/{}/export.srt", "/api/transcripts/{}",
              "/api/files?name={}", "/api/files?hash={}", "/api/files?cursor={}",
              "/api/jobs?name={}", "/api/files/verify/{}"]
    for i, payload in enumerate(payloads()):
        # Both as clients send it: encoded, and raw where that makes a request at all.
        for text in (urllib.parse.quote(payload, safe=""), payload):
            place = places[i % len(places)].format(text)
            if any(ord(c) <= 0x20 or ord(c) > 0x7e for c in place):
                continue
            reply = server.client.get(place)
            assert reply.status in (200, 400, 404, 405, 414), (place, reply)
            assert b"the secret of the house" not in reply.body and b"root:" not in reply.body
    secret.unlink()
    assert snapshot(around, server.data) == before


def test_exports_stay_below_transcripts(house):
    server, around, _, job = house
    before = snapshot(around, server.data)
    path = f"/api/transcripts/{job['transcript_id']}/export"
    for payload in payloads():
        reply = server.client.post(path, {"format": "txt", "output_path": payload})
        assert reply.status in (200, 201, 400, 409), (payload, reply)
        if reply.status in (200, 201):
            written = (server.data / reply.json["file_path"]).resolve()
            assert (server.data / "transcripts").resolve() in written.parents, payload
    assert snapshot(around, server.data) == before
    for p in server.data.rglob("*"):
        assert "canary" not in p.name or (server.data / "transcripts") in p.parents


def test_a_download_lands_where_it_is_told(house, tmp_path):
    server, _, _, _ = house
    sent = {"../../escape.wav": ".._.._escape.wav", "/etc/cron.d/x.wav": "_etc_cron.d_x.wav",
            "-rf": "_rf", ".bashrc": "_bashrc", "a\u202egpj.wav": "a_gpj.wav", "x\\..\\y": "x_.._y"}
    here = tmp_path / "here"
    here.mkdir()
    for i, name in enumerate(sent):
        file = server.client.upload(noise_wav(1, 200 + i), name=name, path="/api/files/upload").json
        cli("files", "download", file["file_id"], data=server.data, cwd=here, check=0)
    # The name that the server kept is the last part of a path, as browsers mean it.
    names = sorted(p.name for p in here.iterdir())
    assert len(names) == len(sent)
    assert not any(n.startswith((".", "-")) or "/" in n or "\u202e" in n for n in names), names
    assert [p.name for p in tmp_path.iterdir()] == ["here"]


# ---- what `scripta add` may be given (G32) ----


def test_add_takes_names_as_they_are(house, tmp_path):
    server, _, _, _ = house
    names = ["new\nline.wav", "quo'te\".wav", "$(touch canary).wav", "`touch canary`.wav",
             "\u6f22\u5b57 \U0001f3a7.wav", " lead.wav", "tab\there.wav", "semi;touch canary.wav",
             "perc%s%n.wav", "a\x1b[31m.wav", "-f.wav"]
    for i, name in enumerate(names):
        (tmp_path / name).write_bytes(noise_wav(1, 300 + i))
    done = cli("add", "-e", "null", *[f"./{n}" for n in names], data=server.data, cwd=tmp_path,
               check=0)
    ids = done.stdout.split()
    assert len(ids) == len(names)
    stored = [server.client.job(i)["file_name"] for i in ids]
    assert stored == names
    assert not (tmp_path / "canary").exists() and not pathlib.Path("canary").exists()
    assert "\x1b" not in cli("files", "list", data=server.data).stdout


def test_add_refuses_what_is_no_file_and_never_hangs(house, tmp_path):
    server, _, _, _ = house
    good = tmp_path / "good.wav"
    good.write_bytes(noise_wav(1, 320))
    (tmp_path / "folder").mkdir()
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "link.wav").symlink_to(good)
    locked = tmp_path / "locked.wav"
    locked.write_bytes(noise_wav(1, 321))
    locked.chmod(0)
    add = lambda *args: cli("add", "-e", "null", *args, data=server.data, cwd=tmp_path, timeout=PATIENCE)
    for name, word in (("folder", "folder"), ("dangling", "no file"), ("missing", "no file"),
                       ("/dev/zero", "device")):
        done = add(name)
        assert done.returncode in (2, 3, 5) and word in done.stderr, done
    if os.geteuid() != 0:
        assert add("locked.wav").returncode == 13
    assert add("link.wav").returncode == 0  # a link that the user names is followed
    # One bad file does not keep the good ones.
    done = add("folder", "good.wav", "dangling")
    assert done.returncode != 0
    assert "folder" in done.stderr and "dangling" in done.stderr


def test_add_of_a_fifo_takes_what_comes_through_it(house, tmp_path):
    server, _, _, _ = house
    fifo = tmp_path / "pipe.wav"
    os.mkfifo(fifo)

    def feed():
        with open(fifo, "wb") as f:
            f.write(noise_wav(1, 330))

    thread = threading.Thread(target=feed, daemon=True)
    thread.start()
    done = cli("add", "-e", "null", fifo, data=server.data, timeout=PATIENCE)
    thread.join(PATIENCE)
    assert done.returncode == 0, done
    assert server.client.job(done.stdout.strip())["file_name"] == "pipe.wav"


def test_add_of_a_growing_file_keeps_one_whole_state_of_it(house, tmp_path):
    """What is sent is hashed as it comes: the bytes and their hash always agree."""
    server, _, _, _ = house
    path = tmp_path / "grows.wav"
    path.write_bytes(noise_wav(2, 340))
    stop = threading.Event()

    def grow():
        with open(path, "ab") as f:
            while not stop.is_set():
                f.write(os.urandom(4096))
                f.flush()
                stop.wait(0.001)

    thread = threading.Thread(target=grow, daemon=True)
    thread.start()
    try:
        done = cli("add", "-e", "null", path, data=server.data, timeout=PATIENCE)
    finally:
        stop.set()
        thread.join(PATIENCE)
    if done.returncode == 0:
        file_id = server.client.job(done.stdout.strip())["file_id"]
        run = server.client.post(f"/api/files/{file_id}/verify").json
        assert run["altered"] == run["missing"] == 0 and run["files_done"] == 1
    else:
        assert done.stderr.strip(), done
