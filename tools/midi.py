"""Songs for a General MIDI synthesizer, by rule and chance: bands, solos, drums alone."""

import struct
import subprocess

TICKS = 240  # a beat
DRUMS = 9    # channel
SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 3, 5, 6, 7, 10),
          (0, 2, 3, 5, 7, 9, 10))
# No choirs, no voices and no effects: what sings is no music without a voice.
LEADS = [p for p in range(0, 112) if p not in (52, 53, 54, 55, 85, 91, 97, 99, 101, 102, 103)]
CHORDS = [0, 1, 2, 4, 5, 6, 7, 11, 16, 18, 19, 21, 22, 24, 25, 26, 27, 28, 29, 30, 46, 48, 49, 50,
          61, 62, 63, 80, 81, 88, 89, 90, 92, 93, 94, 95]
BASSES = [32, 33, 34, 35, 36, 37, 38, 39, 43, 58, 87]
BENDING = set(range(22, 32)) | set(range(40, 44)) | set(range(56, 84)) | {104, 105, 106, 107, 110}
KICK, SNARE, STICK, CLAP, HAT, PEDAL, OPEN, CRASH, RIDE = 36, 38, 37, 39, 42, 44, 46, 49, 51
TOMS = (41, 43, 45, 47, 48, 50)
HANDS = (54, 56, 60, 61, 62, 63, 64, 65, 66, 67, 68, 69, 70, 75, 76, 77)


class Song:
    """Events of a song; what is left to chance comes from `dice`."""

    def __init__(self, dice, seconds):
        self.dice = dice
        self.bpm = dice.uniform(60, 180)
        self.beats = int(seconds * self.bpm / 60)
        self.scale = SCALES[dice.integers(len(SCALES))]
        self.root = int(dice.integers(12))
        self.roots = [int(dice.integers(len(self.scale))) for _ in range(4)]
        self.loose = dice.uniform(0, 0.04)
        self.events = []

    def chance(self, p):
        return self.dice.random() < p

    def pick(self, things):
        return things[int(self.dice.integers(len(things)))]

    def add(self, beat, *data):
        self.events.append((max(0, int(beat * TICKS)), bytes(int(x) for x in data)))

    def note(self, channel, beat, length, key, loud):
        beat += self.dice.normal(0, self.loose) * 0.5
        key, loud = max(0, min(127, int(key))), max(1, min(127, int(loud)))
        self.add(beat, 0x90 | channel, key, loud)
        self.add(beat + max(0.05, length), 0x80 | channel, key, 0)

    def key_of(self, degree, octave):
        n = len(self.scale)
        return 12 * (octave + degree // n) + self.root + self.scale[degree % n]

    def bend(self, channel, beat, semitones):
        value = int(max(0, min(16383, 8192 + semitones / 2 * 8192)))
        self.add(beat, 0xE0 | channel, value & 127, value >> 7)

    def melody(self, channel, program, octave):
        self.add(0, 0xC0 | channel, program)
        bends = program in BENDING
        if bends and self.chance(0.6):
            self.add(0, 0xB0 | channel, 1, self.dice.integers(20, 127))
        unit = self.pick((0.25, 0.25, 0.5, 0.5, 1 / 3, 1))
        hold, rest = self.dice.uniform(0.4, 1.05), self.dice.uniform(0, 0.25)
        wild = self.dice.uniform(0, 0.5) if bends else 0
        degree, at = 0, 0.0
        while at < self.beats:
            length = unit * self.pick((1, 1, 1, 2, 2, 3, 4))
            degree = max(-4, min(12, degree + int(self.dice.integers(-3, 4))))
            if not self.chance(rest):
                if self.chance(wild):
                    self.glide(channel, at, length)
                loud = self.dice.uniform(60, 115)
                self.note(channel, at, length * hold, self.key_of(degree, octave), loud)
            at += length

    def glide(self, channel, at, length):
        start, end = self.pick(((-2, 0), (-1, 0), (0, 2), (0, -2), (0, 1), (1, 0)))
        steps, over = 8, length * self.dice.uniform(0.2, 0.8)
        for i in range(steps + 1):
            self.bend(channel, at + over * i / steps, start + (end - start) * i / steps)
        self.bend(channel, at + length * 0.98, 0)

    def chords(self, channel, program, octave):
        self.add(0, 0xC0 | channel, program)
        every = self.pick((0.5, 1, 1, 2, 4))
        broken, strum = self.chance(0.4), self.dice.uniform(0, 0.05)
        hold = self.dice.uniform(0.3, 1.0)
        for i in range(int(self.beats / every)):
            at = i * every
            root = self.roots[int(at // 4) % 4]
            for k, degree in enumerate((0, 2, 4, 6)[:int(self.dice.integers(2, 5))]):
                late = every * k / 4 if broken else strum * k
                self.note(channel, at + late, every * hold, self.key_of(root + degree, octave),
                          self.dice.uniform(45, 95))

    def bass(self, channel, program):
        self.add(0, 0xC0 | channel, program)
        unit = self.pick((0.25, 0.5, 0.5, 1))
        for i in range(int(self.beats / unit)):
            if self.chance(0.2):
                continue
            root = self.roots[int(i * unit // 4) % 4]
            degree = root + (0 if self.chance(0.6) else self.pick((2, 4, 7, -1, 1)))
            self.note(channel, i * unit, unit * self.dice.uniform(0.4, 1), self.key_of(degree, 2 + (
                self.chance(0.2))), self.dice.uniform(70, 120))

    def drums(self):
        beat = {KICK: self.steps(0.25, (0, 8)), SNARE: self.steps(0.1, (4, 12))}
        top = self.pick((HAT, RIDE, HAT, OPEN, PEDAL))
        beat[top] = [float(i % self.pick((1, 2, 2, 4)) == 0) for i in range(16)]
        for _ in range(int(self.dice.integers(0, 3))):
            beat[self.pick(HANDS + (CLAP, STICK, TOMS[0], TOMS[2]))] = self.steps(0.25, ())
        vary, swing = self.dice.uniform(0, 0.15), self.pick((0, 0, 0.06))
        for i in range(self.beats * 4):
            fill = i % 64 >= 56 and vary > 0.05
            for key, steps in beat.items():
                struck = steps[i % 16] > 0 or self.chance(vary * 0.5)
                if struck and not self.chance(vary) and not fill:
                    self.note(DRUMS, i / 4 + swing * (i % 2), 0.1, key,
                              self.dice.uniform(50, 120))
            if fill and self.chance(0.8):
                self.note(DRUMS, i / 4, 0.1, self.pick(TOMS + (SNARE,)), self.dice.uniform(70, 120))
            if i % 64 == 0 and self.chance(0.5):
                self.note(DRUMS, i / 4, 0.1, CRASH, 100)

    def steps(self, p, always):
        return [float(i in always or self.chance(p)) for i in range(16)]

    def play(self):
        kind = self.pick(("band", "band", "band", "solo", "solo", "solo", "duo", "keys", "drums",
                          "rhythm"))
        if kind in ("band", "drums", "rhythm"):
            self.drums()
        if kind in ("band", "rhythm"):
            self.bass(1, self.pick(BASSES))
        if kind in ("band", "keys", "duo"):
            self.chords(2, self.pick(CHORDS), int(self.dice.integers(3, 6)))
        if kind == "keys":
            self.chords(3, self.pick(CHORDS), int(self.dice.integers(3, 6)))
        if kind in ("solo", "duo") or (kind == "band" and self.chance(0.7)):
            self.melody(4, self.pick(LEADS), int(self.dice.integers(4, 7)))
        if kind == "band" and self.chance(0.3):
            self.melody(5, self.pick(LEADS), int(self.dice.integers(3, 6)))
        return self

    def bytes(self):
        out, now = bytearray(), 0
        out += b"\0\xff\x51\x03" + int(60e6 / self.bpm).to_bytes(3, "big")
        for tick, data in sorted(self.events, key=lambda e: (e[0], e[1][0] & 0xF0)):
            out += length_of(tick - now) + data
            now = tick
        out += b"\0\xff\x2f\0"
        return (b"MThd" + struct.pack(">IHHH", 6, 0, 1, TICKS) + b"MTrk" +
                struct.pack(">I", len(out)) + bytes(out))


def length_of(n):
    out = [n & 127]
    while n > 127:
        n >>= 7
        out.insert(0, n & 127 | 128)
    return bytes(out)


def render(paths, out, soundfont):
    """Plays MIDI files, one after the other, into a WAV file."""
    subprocess.run(["fluidsynth", "-niq", "-r", "16000", "-g", "0.5", "-F", out, soundfont, *paths],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
