"""A program for the engine `command` that does what its prompt says: well-behaved and not.

usage: double_command.py WAV MODE [LANG] [OUT]
"""

import array
import json
import os
import signal
import subprocess
import sys
import time
import wave

path, mode = sys.argv[1:3]
lang = sys.argv[3] if len(sys.argv) > 3 else ""
out = sys.argv[4] if len(sys.argv) > 4 else ""
with wave.open(path) as f:
    assert (f.getnchannels(), f.getsampwidth(), f.getframerate()) == (1, 2, 16000)
    seconds = f.getnframes() / 16000


def cue(at):
    return f"{int(at) // 3600:02}:{int(at) // 60 % 60:02}:{at % 60:06.3f}"


def segments(*texts):
    step = seconds / len(texts)
    return [{"start": i * step, "end": (i + 1) * step, "text": t} for i, t in enumerate(texts)]


def whisper_cpp():
    cut = int(seconds * 500)
    return {"result": {"language": "de"}, "transcription": [
        {"offsets": {"from": 0, "to": cut}, "text": " eins"},
        {"offsets": {"from": cut, "to": 2 * cut}, "text": " zwei"}]}


def verbose_json():
    return {"task": "transcribe", "language": "german", "duration": seconds, "text": "eins zwei",
            "segments": [{"id": 0, "start": 0, "end": seconds, "text": " eins zwei",
                          "avg_logprob": -0.1}],
            "words": [{"word": "eins", "start": 0, "end": 0.4},
                      {"word": "zwei", "start": 0.5, "end": 0.9}]}


def say(text):
    if not out:
        sys.stdout.write(text)
        return
    with open(out, "w", encoding="utf-8") as f:
        f.write(text)


if mode == "whisper.cpp":
    say(json.dumps(whisper_cpp()))
elif mode == "verbose":
    say(json.dumps(verbose_json()))
elif mode == "list":
    say(json.dumps(segments("one", "two")))
elif mode == "tokens":
    say(json.dumps({"segments": [
        {**s, "id": i, "seek": 0, "tokens": [50364 + i, 257], "temperature": .2,
         "avg_logprob": -.25, "compression_ratio": 1.5, "no_speech_prob": .0125}
        for i, s in enumerate(segments(" one two", " three four"))]}))
elif mode == "no speech":
    say(json.dumps({"segments": [
        {**s, "no_speech_prob": p, "avg_logprob": l} for s, p, l in zip(
            segments("thanks for watching", "sure", "said"), (.9, .9, .2), (-2, -.1, -2))]}))
elif mode == "srt":
    say(f"1\n{cue(0)} --> {cue(seconds)}\none two\n".replace(".", ","))
elif mode == "vtt":
    say(f"WEBVTT\n\n{cue(0)} --> {cue(seconds)}\none two\n")
elif mode == "seconds":
    # The recording says its seconds by its level: word s<k> for each that is heard mostly.
    with wave.open(path) as f:
        samples = array.array("h", f.readframes(f.getnframes()))
    heard = [round(samples[i] / 100) for i in range(8000, len(samples), 16000)]
    say(json.dumps(segments(" ".join(f"s{k}" for k in heard))))
elif mode.startswith("bursts"):
    # Says where sound is in what it was given, and nothing else: b<k> for a peak of 3000 + 100 k.
    time.sleep(0.2 if mode == "bursts, slowly" else 0)
    with wave.open(path) as f:
        samples = array.array("h", f.readframes(f.getnframes()))
    found, last = [], None
    for i in (i for i, x in enumerate(samples) if abs(x) >= 2000):
        if last is None or i - last > 3200:
            found.append([i, i, 0])
        last = i
        found[-1][1:] = [i, max(found[-1][2], abs(samples[i]))]
    say(json.dumps([{"start": a / 16000, "end": b / 16000, "text": f"b{round(c / 100) - 30}"}
                    for a, b, c in found]))
elif mode == "text":
    say("one two\n")
elif mode == "lang":
    say(json.dumps(segments(f"lang {lang}")))
elif mode == "surroundings":
    fds = sorted(int(x) for x in os.listdir("/proc/self/fd"))[:-1]
    say(json.dumps(segments(json.dumps({
        "env": sorted(k for k in os.environ if k != "LC_CTYPE"), "fds": fds, "cwd": os.getcwd(),
        "session": os.getsid(0) == os.getpid(), "stdin": os.readlink("/proc/self/fd/0"),
        "args": sys.argv}))))
elif mode == "status":
    print("cannot load the model", file=sys.stderr)
    sys.exit(3)
elif mode == "signal":
    os.kill(os.getpid(), signal.SIGSEGV)
elif mode == "nothing":
    pass
elif mode == "flood":
    while True:
        sys.stdout.write("x" * 65536)
elif mode == "stderr flood":
    for i in range(20000):
        print(f"line {i}", file=sys.stderr)
    say(json.dumps(segments("one")))
elif mode == "latin-1":
    sys.stdout.buffer.write("über".encode("latin-1"))
elif mode == "no json":
    sys.stdout.write('{"segments": [')
elif mode == "beyond":
    say(json.dumps([{"start": 9000, "end": 9001, "text": "late"}]))
elif mode == "a little beyond":
    say(json.dumps([{"start": 0, "end": seconds + 20, "text": "padded"}]))
elif mode.startswith("hang"):
    # A child that hangs as well, and another that leaves the session: none may stay behind.
    subprocess.Popen(["sleep", mode.split()[1]])
    subprocess.Popen(["setsid", "sleep", mode.split()[1]])
    time.sleep(4711)
elif mode.startswith("leaves children"):
    subprocess.Popen(["sleep", mode.split()[2]])
    subprocess.Popen(["setsid", "sleep", mode.split()[2]])
    say(json.dumps(segments("left")))
elif mode == "junk files":
    with open("junk", "w", encoding="utf-8") as f:
        f.write("junk")
    say(json.dumps(segments("tidy")))
elif mode == "ignores TERM":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(4713)
elif mode.startswith("slow"):
    with open(os.environ["COUNT_FILE"], "a", encoding="utf-8") as f:
        f.write("+")
    time.sleep(0.3)
    with open(os.environ["COUNT_FILE"], "a", encoding="utf-8") as f:
        f.write("-")
    say(json.dumps(segments("slow")))
else:
    say(json.dumps(segments(f"mode {mode}")))
