"""The setting upload.quota at its edge: the last byte, one more, and those that come at once (F4)."""

import threading

import pytest

from harness import PATIENCE, noise_wav, wait_until
from remains import files_below, recount
from test_resumable import TUS, begin, offset_of, piece

SIZE = len(noise_wav(1, 1))
UPLOAD = "/api/files/upload"


def sound(seed, size=SIZE):
    """A recording of that many bytes: behind its sound stands what no player minds."""
    return noise_wav(1, seed).ljust(size, b"\0")


def used(server):
    return server.client.get("/api/files/usage").json["used_bytes"]


def limited(make_server, quota):
    server = make_server({"SCRIPTA_UPLOAD_QUOTA": str(quota), "SCRIPTA_HTTP_WORKERS": 16})
    return server, server.client


def refused(reply):
    return (reply.status, reply.error["code"]) == (507, "STORAGE_QUOTA")


def test_the_last_byte_has_room_and_one_more_has_none(make_server):
    server, client = limited(make_server, 3 * SIZE)
    reply = client.upload(sound(1, 3 * SIZE + 1), path=UPLOAD)
    assert refused(reply) and f"{3 * SIZE} bytes more" in reply.error["message"], reply
    assert client.upload(sound(1), path=UPLOAD).status == 201
    assert refused(client.upload(sound(2, 2 * SIZE + 1), path=UPLOAD))
    assert client.upload(sound(2, 2 * SIZE), path=UPLOAD).status == 201
    assert used(server) == 3 * SIZE
    assert refused(client.upload(sound(3), path=UPLOAD))
    assert client.upload(sound(1), path=UPLOAD).json["duplicate"], "known bytes take no room"
    # What was refused left nothing, and what goes makes room to the byte.
    assert len(files_below(server, "audio")) == 2
    wait_until(lambda: not files_below(server, "temp"), 20, "temp is empty")
    gone = client.get("/api/files").json["files"][0]["id"]
    assert client.request("DELETE", f"/api/files/{gone}").status == 200
    wait_until(lambda: used(server) < 3 * SIZE, 20, "the room")
    left = 3 * SIZE - used(server)
    assert refused(client.upload(sound(4, left + 1), path=UPLOAD))
    assert client.upload(sound(4, left), path=UPLOAD).status == 201
    recount(server)
    # To be refused is no failure of the server; that it would come was told.
    log = (server.data / "logs" / "scripta.log").read_text("utf-8")
    assert "[ERROR]" not in log and "95 % of it or more" in log, log


def test_what_is_no_recording_takes_no_room(make_server):
    server, client = limited(make_server, SIZE)
    for _ in range(3):
        assert client.upload(b"no sound at all" + bytes(SIZE - 15), path=UPLOAD).status == 400
    assert client.upload(sound(1), path=UPLOAD).status == 201
    recount(server)


@pytest.mark.parametrize("room", [1, 3, 8])
def test_of_those_that_come_at_once_as_many_as_fit_are_taken(make_server, room):
    """Also all of them, where they fill it to the last byte."""
    server, client = limited(make_server, room * SIZE)
    for turn in range(3):
        replies = []
        threads = [threading.Thread(target=lambda n=n: replies.append(
            client.upload(sound(100 * turn + n), path=UPLOAD))) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
        taken = [r for r in replies if r.status == 201]
        assert len(replies) == 8 and len(taken) == room, [r.status for r in replies]
        assert all(refused(r) for r in replies if r.status != 201), replies
        assert used(server) == room * SIZE
        for reply in taken:
            assert client.request("DELETE", f"/api/files/{reply.json['file_id']}").status == 200
        wait_until(lambda: used(server) == 0, 20, "the room")
    recount(server)


def test_equal_ones_that_come_at_once_take_the_room_of_one(make_server):
    server, client = limited(make_server, 2 * SIZE)
    assert client.upload(sound(1), path=UPLOAD).status == 201
    for turn in range(4):
        replies = []
        threads = [threading.Thread(target=lambda t=turn: replies.append(
            client.upload(sound(2 + t), path=UPLOAD))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
        assert sorted(r.status for r in replies) == [200] * 7 + [201], replies
        assert all(r.json["duplicate"] == (r.status == 200) for r in replies)
        assert used(server) == 2 * SIZE
        file = replies[0].json["file_id"]
        assert client.request("DELETE", f"/api/files/{file}").status == 200
        wait_until(lambda: used(server) == SIZE, 20, "the room")
    recount(server)


def test_uploads_in_pieces_are_held_to_the_byte(make_server):
    server, client = limited(make_server, 4 * SIZE)
    assert client.upload(sound(1), path=UPLOAD).status == 201
    one = begin(client, 2 * SIZE)
    ask = {**TUS, "Upload-Length": str(SIZE + 1)}
    assert refused(client.request("POST", "/api/uploads", headers=ask))
    two = begin(client, SIZE)
    assert refused(client.upload(sound(2), path=UPLOAD))
    # The room that is reserved is used, by both at once, and is none for others meanwhile.
    ends = []

    def finish(place, seed, size):
        data = sound(seed, size)
        half = size // 2
        ends.append(piece(client, place, 0, data[:half]).status)
        ends.append(piece(client, place, half, data[half:]).status)

    threads = [threading.Thread(target=finish, args=args) for args in ((one, 3, 2 * SIZE), (two, 4, SIZE))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert ends == [204] * 4
    wait_until(lambda: used(server) == 4 * SIZE, 20, "both")
    assert refused(client.request("POST", "/api/uploads", headers={**TUS, "Upload-Length": "1"}))
    recount(server)


def test_an_upload_of_unknown_length_grows_to_the_quota_and_no_further(make_server):
    server, client = limited(make_server, 2 * SIZE)
    reply = client.request("POST", "/api/uploads", headers={**TUS, "Upload-Defer-Length": "1"})
    assert reply.status == 201, reply
    place, data = reply.headers["Location"], sound(1, 2 * SIZE + 1)
    assert piece(client, place, 0, data[:SIZE]).status == 204
    assert refused(client.upload(sound(2, SIZE + 1), path=UPLOAD)), "what came counts"
    assert refused(piece(client, place, SIZE, data[SIZE:]))
    assert offset_of(client, place) == SIZE
    late = piece(client, place, SIZE, b"", {"Upload-Length": str(2 * SIZE + 1)})
    assert refused(late), late
    done = piece(client, place, SIZE, data[SIZE:-1], {"Upload-Length": str(2 * SIZE)})
    assert done.status == 204, done
    wait_until(lambda: used(server) == 2 * SIZE, 20, "the recording")
    recount(server)


def test_bytes_that_were_lost_keep_their_room(make_server):
    """Whoever brings a lost recording again is not refused because others came meanwhile."""
    server, client = limited(make_server, 2 * SIZE)
    first = client.upload(sound(1), path=UPLOAD).json["file_id"]
    assert client.upload(sound(2), path=UPLOAD).status == 201
    (server.data / client.get(f"/api/files/{first}").json["file_path"]).unlink()
    server.stop()
    server.start()
    wait_until(lambda: client.get("/api/files/recovery").json["finished_at"], 20, "the look")
    assert used(server) == 2 * SIZE and refused(client.upload(sound(3), path=UPLOAD))
    assert client.upload(sound(1), path=UPLOAD).json["duplicate"]
    assert client.get(f"/api/files/{first}/download").body == sound(1)
    assert used(server) == 2 * SIZE
    recount(server)
