"""docs/library.md: its terminals are run as they stand, and say what stands there.

Each section is a new server that SCENES has made ready. Outputs are compared word by word; times, ids of jobs and
the widths of columns may be others, and `…` stands for anything.
"""

import json
import os
import pty
import re
import subprocess

import pytest

import harness
from harness import cli

PAGE = harness.ROOT / "docs" / "library.md"
# Of this section somebody has spoilt the store by hand: test_fsck.py does that.
SPOILT = "When the store was damaged"
LOOSE = [  # what is another one each time
    (r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", "JOB"),
    # Terminals are told how long ago, programs when.
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z|just now|\d+ s ago", "WHEN"),
    (r"\[y/N\] y\b", "[y/N]"),
]
TALK = """WEBVTT

00:00.500 --> 00:03.000
<v Ann>Good mourning every one.

00:03.000 --> 00:06.500
<v Ann>Today we talk about bees, and about the honey that they make.

00:06.500 --> 00:08.000
<v Bob>Thank you.
"""
MEMO = "the mining the committee has met twice now that he objected to the budget"
MEMO_TIMES = (0.21, 0.33, 0.96, 1.06, 1.41, 1.63, 1.85, 2.44, 2.66, 2.87, 3.02, 3.59, 3.70, 3.78,
              4.20)


def sections():
    """{heading: [(command, what it says)]} of the page, in its order."""
    found, heading = {}, None
    for line in PAGE.read_text().splitlines():
        if line.startswith("##"):
            heading = line.lstrip("# ")
        elif line.startswith("    $ "):
            found.setdefault(heading, []).append((line[6:], ""))
        elif line.startswith("    ") and heading in found:
            command, said = found[heading].pop()
            if command.endswith("\\"):
                command = command[:-1] + line
            else:
                said += line + "\n"
            found[heading].append((command, said))
    return found


def settled(text):
    for there, name in LOOSE:
        text = re.sub(there, name, text)
    return " ".join(text.split())


def says(said, expected):
    """Is that what the page says, but for what it leaves out?"""
    parts = (re.escape(part) for part in settled(expected).split("…"))
    return re.fullmatch(".*?".join(parts), settled(said)) is not None


class Desk:
    """Where the reader sits: a folder with the server's data in it."""

    def __init__(self, make_server, folder):
        self.folder = folder
        self.server = make_server({"SCRIPTA_ENGINE_COMMAND_RUN": f"/bin/sh {folder}/hear {{in}} {{lang}}"},
                                  data=folder / "data")
        self.client = self.server.client
        bin_folder = folder / "bin"
        bin_folder.mkdir()
        for name, command in (("scripta", f"{harness.SCRIPTA} --data data"),
                              ("curl", "/usr/bin/curl -sS")):
            program = bin_folder / name
            program.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
            program.chmod(0o755)
        self.env = harness.clean_environment(
            {"PATH": f"{bin_folder}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8"})

    def write(self, name, text):
        (self.folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())

    def run(self, command):
        """What one command says; whoever is asked says yes."""
        keyboard, terminal = pty.openpty()
        os.write(keyboard, b"y\n")
        try:
            done = subprocess.run(
                ["bash", "-c", f"S=--unix-socket\\ data/run/scripta.sock\n{command}"],
                cwd=self.folder, env=self.env, stdin=terminal, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, timeout=harness.PATIENCE, check=False, encoding="utf-8")
        finally:
            os.close(keyboard)
            os.close(terminal)
        return done.stdout

    def scripta(self, *args):
        return cli(*args, data=self.server.data, cwd=self.folder, check=0).stdout

    def recording(self, name, seconds, engine="null"):
        reply = self.client.upload(harness.noise_wav(seconds, rate=16000), name=name, vad="off",
                                   engine=engine, language="en")
        assert reply.status == 201, reply
        return self.client.wait_job(reply.json["job_id"])["job_id"]

    def kept(self, name, cues=()):
        """A recording without a job; its text, where there is one, comes from elsewhere."""
        sound = harness.noise_wav(20 if cues else 2, name, rate=16000)
        reply = self.client.upload(sound, name=name, path="/api/files/upload")
        text = "WEBVTT\n" + "".join(f"\n00:{start:06.3f} --> 00:{end:06.3f}\n{said}\n"
                                    for start, end, said in cues)
        if cues:
            made = self.client.request("POST", f"/api/files/{reply.json['file_id']}/transcripts",
                                       body=text.encode(), headers={"Content-Type": "text/vtt"})
            assert made.status == 201, made


def six_seconds(desk):
    desk.write("talk.wav", harness.noise_wav(6))
    desk.scripta("transcribe", "-e", "null", "--vad", "off", "talk.wav")


def one_that_goes(desk):
    job = desk.recording("talk.wav", 6)
    desk.scripta("tag", "file", "1", "--add", "press")
    desk.scripta("files", "archive", "1")
    desk.scripta("tag", "job", job, "--add", "press")
    desk.scripta("jobs", "delete", "--yes", job)


def a_talk(desk):
    desk.recording("talk.wav", 12)
    desk.write("talk.vtt", TALK)


def a_corrected_talk(desk):
    a_talk(desk)
    for command, _ in sections()["Import"][:5]:
        desk.run(command)


def a_memo(desk):
    """What the page's engine heard is told by a program here."""
    words = [{"word": word, "start": start, "end": end} for word, start, end in zip(
        MEMO.split(), MEMO_TIMES, MEMO_TIMES[1:])]
    desk.write("heard.json", json.dumps({"segments": [
        {"start": words[0]["start"], "end": words[-1]["end"], "text": MEMO, "words": words}]}))
    desk.write("hear", f"cat {desk.folder}/heard.json\n")
    desk.write("lines.tpl", "{start:short} {if speaker}{speaker}: {/if}{text}\n")
    desk.recording("memo.wav", 4.2, engine="command")
    harness.wait_until(lambda: desk.client.get("/api/transcripts/1/exports").json["exports"], 20,
                       "the automatic export")


def meetings(desk):
    desk.kept("council.wav", [(0, 4, "Good evening and welcome to the council."),
                              (5, 10, "The annual budget of the town is on the table."),
                              (10, 14, "Nobody has spoken about the tax on parking."),
                              (14.9, 19.4, "Then we vote on the budget.")])
    desk.kept("library.wav", [(0, 4, "The budget of the library was cut last year."),
                              (6, 7, "今日の会議は長い。"),
                              (11, 12.5, "The Büchereigesetz has its second reading.")])


def two_recordings(desk):
    desk.recording("memo.wav", 2)
    desk.kept("talk.wav")


SCENES = {
    "Versions": six_seconds,
    "History": one_that_goes,
    "Compare": a_corrected_talk,
    "Export": a_memo,
    "Import": a_talk,
    "Search": meetings,
    "Tags and notes": two_recordings,
}


@pytest.mark.parametrize("heading", SCENES)
def test_what_the_page_shows_happens(make_server, folder, heading):
    desk = Desk(make_server, folder)
    SCENES[heading](desk)
    for command, expected in sections()[heading]:
        said = desk.run(command)
        assert says(said, expected), f"{command}\n{said}\n-- the page has:\n{expected}"


def test_no_terminal_of_the_page_is_left_out():
    assert set(sections()) == set(SCENES) | {SPOILT}
