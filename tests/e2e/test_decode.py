"""scripta-media decode: the frames it writes, and what it never does."""

import json
import os
import socket
import struct
import subprocess

import pytest

from harness import MEDIA, PATIENCE, clean_environment, noise_wav, silence_wav, tone_wav

FORMAT_EXIT = 5


def decode(path, *args, timeout=60):
    """(exit code, [(type, payload)], stderr)."""
    fd = os.open(path, os.O_RDONLY)
    try:
        done = subprocess.run([str(MEDIA), "decode", "--fd", str(fd), *args], pass_fds=[fd],
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout,
                              check=False, env=clean_environment())
    finally:
        os.close(fd)
    frames, at = [], 0
    while at < len(done.stdout):
        kind, length = done.stdout[at:at + 4].decode("ascii"), \
            struct.unpack_from("<I", done.stdout, at + 4)[0]
        frames.append((kind, done.stdout[at + 8:at + 8 + length]))
        assert len(frames[-1][1]) == length, "a frame is cut short"
        at += 8 + length
    return done.returncode, frames, done.stderr.decode("utf-8", "replace")


@pytest.fixture
def clip(folder):
    path = folder / "clip.wav"
    path.write_bytes(tone_wav(5, rate=16000))
    return path


def test_frames_in_order(clip):
    code, frames, err = decode(clip)
    assert code == 0, err
    kinds = [k for k, _ in frames]
    assert kinds[0] == "INFO" and kinds[-1] == "DONE" and set(kinds[1:-1]) == {"PCM "}
    info, done = json.loads(frames[0][1]), json.loads(frames[-1][1])
    assert (info["format"], info["sample_rate"], info["channels"]) == ("wav", 16000, 1)
    assert info["duration_ms"] == 5000
    pcm = b"".join(p for k, p in frames if k == "PCM ")
    assert done["samples"] == len(pcm) // 2 == 5 * 16000
    assert all(len(p) <= 65536 and len(p) % 2 == 0 for k, p in frames if k == "PCM ")
    assert pcm == clip.read_bytes()[-len(pcm):]


def test_the_same_bytes_give_the_same_samples(folder):
    path = folder / "n.wav"
    path.write_bytes(noise_wav(20, 3, rate=44100))
    first, second = decode(path), decode(path)
    assert first[1] == second[1]
    assert abs(json.loads(first[1][-1][1])["samples"] - 20 * 16000) <= 160


def test_probe_keeps_the_pcm_to_itself(clip):
    code, frames, err = decode(clip, "--probe")
    assert code == 0 and [k for k, _ in frames] == ["INFO", "DONE"], err


def test_a_limit_of_seconds(folder):
    path = folder / "s.wav"
    path.write_bytes(silence_wav(30))
    code, frames, _ = decode(path, "--max-seconds", "10")
    samples = sum(len(p) // 2 for k, p in frames if k == "PCM ")
    assert samples <= 11 * 16000
    assert code != 0 or json.loads(frames[-1][1])["samples"] <= 11 * 16000


@pytest.mark.parametrize("content", [b"", b"x", b"#EXTM3U\nfile:///etc/passwd\n",
                                     b"ffconcat version 1.0\nfile /etc/passwd\n", bytes(5000)])
def test_refusals_are_a_frame_too(folder, content):
    path = folder / "bad"
    path.write_bytes(content)
    code, frames, _ = decode(path)
    assert code == FORMAT_EXIT and frames[-1][0] == "FAIL"
    assert json.loads(frames[-1][1])["code"] == "FILE_FORMAT"


def test_a_playlist_never_reaches_the_network(folder):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.setblocking(False)
        port = listener.getsockname()[1]
        for text in (f"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:{port}/a.wav\n#EXT-X-ENDLIST\n",
                     f"ffconcat version 1.0\nfile 'tcp://127.0.0.1:{port}'\n",
                     f"concat:http://127.0.0.1:{port}/a\n"):
            path = folder / "p.m3u8"
            path.write_text(text, encoding="utf-8")
            assert decode(path)[0] == FORMAT_EXIT
        # A connection would wait in the backlog.
        with pytest.raises(BlockingIOError):
            listener.accept()


@pytest.mark.parametrize("args", [[], ["--fd", "x"], ["--fd", "99"], ["--nonsuch"]])
def test_bad_calls(args):
    done = subprocess.run([str(MEDIA), "decode", *args], stdin=subprocess.DEVNULL,
                          capture_output=True, check=False, timeout=PATIENCE, close_fds=True,
                          env=clean_environment())
    assert done.returncode not in (0, 70) and done.returncode > 0


def test_truncated_recordings_give_what_is_there(folder):
    whole = noise_wav(10, 4)
    path = folder / "t.wav"
    path.write_bytes(whole[:len(whole) // 2])
    code, frames, _ = decode(path)
    assert code == 0
    samples = json.loads(frames[-1][1])["samples"]
    assert 4.8 * 16000 < samples < 5.2 * 16000


def test_a_reader_that_leaves_ends_it(clip):
    fd = os.open(clip, os.O_RDONLY)
    process = subprocess.Popen([str(MEDIA), "decode", "--fd", str(fd)], pass_fds=[fd],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, env=clean_environment())
    os.close(fd)
    process.stdout.read(100)
    process.stdout.close()
    assert process.wait(PATIENCE) is not None


def test_engines_as_json():
    done = subprocess.run([str(MEDIA), "engines", "--json"], capture_output=True, text=True,
                          check=True, timeout=PATIENCE, stdin=subprocess.DEVNULL,
                          env=clean_environment())
    engines = {e["name"]: e for e in json.loads(done.stdout)["engines"]}
    assert engines["null"]["usable"] and engines["null"]["batch"] >= 1
    for e in engines.values():
        assert {"version", "usable", "reason", "max_chunk_s", "aim_chunk_s", "threads", "word_times",
                "languages", "default_model", "models", "note"} <= set(e)
