"""Pieces of music for measuring: notes by rule and chance, and instruments that play them."""

import numpy as np

RATE = 16000
MAJOR, MINOR = (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10)


def ramp(count, attack, release):
    """1 with a rise and a fall of so many seconds."""
    env = np.ones(count)
    a, r = min(count, int(attack * RATE)), min(count, int(release * RATE))
    env[:a] *= np.linspace(0, 1, a)
    env[count - r:] *= np.linspace(1, 0, r)
    return env


def partials(hz, count, levels, decays=None, stretch=0.0):
    """Sines of multiples of `hz` (a number or one for each sample)."""
    t = np.arange(count) / RATE
    phase = 2 * np.pi * np.cumsum(np.broadcast_to(hz, count)) / RATE
    out = np.zeros(count)
    top = float(np.max(hz))
    for k, level in enumerate(levels, 1):
        factor = k * np.sqrt(1 + stretch * k * k)
        if factor * top > 0.47 * RATE:
            break
        wave = level * np.sin(factor * phase)
        out += wave if decays is None else wave * np.exp(-t * decays[k - 1])
    return out


def low(x, hz):
    """A simple low pass."""
    s = np.fft.rfft(x)
    f = np.fft.rfftfreq(len(x), 1 / RATE)
    return np.fft.irfft(s / (1 + (f / hz) ** 4), len(x))


class Player:
    """Plays notes with one instrument; what is left to chance comes from `dice`."""

    def __init__(self, dice):
        self.dice = dice

    def pitch(self, hz, count, vibrato=0.0, rate=5.5, scoop=0.0, slide=0.0):
        """Hertz of each sample. vibrato, scoop (from below) and slide (to the end): semitones."""
        t = np.arange(count) / RATE
        bend = vibrato * np.sin(2 * np.pi * rate * t + self.dice.uniform(0, 6)) * np.minimum(
            1, t / 0.25)
        bend -= scoop * np.exp(-t / 0.03)
        if slide:
            bend += slide * np.clip(t / 0.12, 0, 1)
        return hz * 2 ** (bend / 12)

    def synth(self, hz, n, v):
        return partials(hz, n, [1 / k for k in range(1, 40)]) * ramp(n, 0.008, 0.02)

    def square(self, hz, n, v):
        return partials(hz, n, [k % 2 / k for k in range(1, 40)]) * ramp(n, 0.002, 0.004)

    def sine(self, hz, n, v):
        return partials(hz, n, [1]) * ramp(n, 0.01, 0.02)

    def flute(self, hz, n, v):
        tone = partials(self.pitch(hz, n, 0.12, 5), n, [1, 0.5, 0.2, 0.06, 0.03])
        breath = low(self.dice.standard_normal(n), 4000) * 0.02
        return (tone + breath) * ramp(n, 0.03, 0.04)

    def whistle(self, hz, n, v):
        tone = partials(self.pitch(hz * 2, n, 0.2, 6, scoop=0.7), n, [1, 0.03])
        return tone * ramp(n, 0.02, 0.02)

    def piano(self, hz, n, v):
        n += RATE // 5
        levels = [v ** (k / 4) / k ** 1.2 for k in range(1, 25)]
        decays = [1.2 + 0.35 * k + hz / 500 for k in range(1, 25)]
        tone = partials(hz, n, levels, decays, 4e-4)
        thump = low(self.dice.standard_normal(n), 800) * np.exp(-np.arange(n) / 400) * 0.1
        return (tone + thump) * ramp(n, 0.003, 0.15)

    def pluck(self, hz, n, v):
        levels = [np.abs(np.sin(np.pi * k * 0.18)) / k for k in range(1, 30)]
        decays = [1.5 + 0.5 * k for k in range(1, 30)]
        return partials(self.pitch(hz, n, scoop=-0.15), n, levels, decays, 5e-5) * ramp(
            n, 0.002, 0.03)

    def harpsichord(self, hz, n, v):
        levels = [1 / k ** 0.6 for k in range(1, 40)]
        return partials(hz, n, levels, [1.5 + 0.15 * k for k in range(1, 40)], 1e-5) * ramp(
            n, 0.001, 0.03)

    def bent(self, hz, n, v):
        """An electric guitar whose notes are bent up now and then."""
        slide = self.dice.choice([0, 0, 0, 1, 2])
        tone = partials(self.pitch(hz, n, 0.2, 5.5, slide=slide), n,
                        [1 / k for k in range(1, 25)], [0.6] * 24)
        return np.tanh(2 * tone) * ramp(n, 0.004, 0.03)

    def marimba(self, hz, n, v):
        n = max(n, RATE // 4)
        t = np.arange(n) / RATE
        out = sum(a * np.sin(2 * np.pi * hz * m * t) * np.exp(-t * d) for m, a, d in
                  ((1, 1, 7), (3.93, 0.4, 18), (9.2, 0.12, 40)) if hz * m < 7500)
        return out * ramp(n, 0.001, 0.02)

    def bell(self, hz, n, v):
        n = max(n, int(1.2 * RATE))
        t = np.arange(n) / RATE
        out = sum(a * np.sin(2 * np.pi * hz * m * t) * np.exp(-t * d) for m, a, d in
                  ((0.5, 0.5, 1), (1, 1, 1.4), (1.19, 0.5, 2), (1.5, 0.4, 2), (2, 0.7, 2.5),
                   (2.74, 0.3, 4), (3.0, 0.2, 5), (4.1, 0.15, 6)) if hz * m < 7500)
        return out * ramp(n, 0.001, 0.05)

    def brass(self, hz, n, v):
        t = np.arange(n) / RATE
        bright = 0.4 + 2.2 * np.minimum(1, t / 0.06) * v
        f = self.pitch(hz, n, 0.08, 5, scoop=0.6)
        phase = 2 * np.pi * np.cumsum(f) / RATE
        out = np.zeros(n)
        for k in range(1, 25):
            if k * hz * 1.1 < 7500:
                out += np.sin(k * phase) * np.exp(-(k - 1) / (bright * 2.5))
        return out * ramp(n, 0.03, 0.05)

    def violin(self, hz, n, v):
        levels = [(1 + 0.8 * np.cos(2.1 * k)) / k for k in range(1, 30)]
        f = self.pitch(hz, n, 0.25, 5.8, scoop=self.dice.choice([0, 0, 0.5]))
        return partials(f, n, levels) * ramp(n, 0.05, 0.06)

    def reed(self, hz, n, v):
        return partials(self.pitch(hz, n, 0.03), n,
                        [(1 if k % 2 else 0.2) / k ** 0.8 for k in range(1, 20)]) * ramp(
                            n, 0.02, 0.03)

    def accordion(self, hz, n, v):
        levels = [1 / k ** 0.7 for k in range(1, 20)]
        return (partials(hz, n, levels) + partials(hz * 1.006, n, levels)) * ramp(n, 0.04, 0.04)

    def organ(self, hz, n, v):
        return partials(hz, n, [1, 0.8, 0.5, 0.5, 0, 0.3, 0, 0.3]) * ramp(n, 0.01, 0.02)

    def pad(self, hz, n, v):
        levels = [1 / k ** 1.3 for k in range(1, 15)]
        out = sum(partials(hz * d, n, levels) for d in (0.996, 1, 1.005))
        return out * ramp(n, 0.3, 0.4)

    def bass(self, hz, n, v):
        return partials(hz, n, [1, 0.8, 0.5, 0.35, 0.25, 0.15, 0.1], [3 + k for k in range(7)]
                        ) * ramp(n, 0.004, 0.03)

    def glissando(self, hz, n, v):
        return partials(self.pitch(hz, n, slide=self.dice.choice([-5, -2, 3, 7])), n,
                        [1 / k for k in range(1, 20)]) * ramp(n, 0.01, 0.02)

    # Drums: their pitch is that of the drum.

    def kick(self, hz, n, v):
        n = int(0.25 * RATE)
        t = np.arange(n) / RATE
        return 2 * np.sin(2 * np.pi * (50 * t + 2.5 * (1 - np.exp(-t * 40)))) * np.exp(-t * 14)

    def snare(self, hz, n, v):
        n = int(0.2 * RATE)
        t = np.arange(n) / RATE
        noise = self.dice.standard_normal(n)
        return noise * np.exp(-t * 22) * 0.7 + np.sin(2 * np.pi * 190 * t) * np.exp(-t * 30)

    def hat(self, hz, n, v):
        n = int(0.08 * RATE)
        noise = self.dice.standard_normal(n + 1)
        return np.diff(noise) * np.exp(-np.arange(n) / RATE * 60) * 0.3

    def ride(self, hz, n, v):
        n = int(0.5 * RATE)
        t = np.arange(n) / RATE
        noise = np.diff(self.dice.standard_normal(n + 1)) * 0.2
        ring = sum(np.sin(2 * np.pi * f * t) for f in (2113, 3307, 4523, 5171)) * 0.05
        return (noise + ring) * np.exp(-t * 9)

    def tom(self, hz, n, v):
        n = int(0.35 * RATE)
        t = np.arange(n) / RATE
        f = self.dice.choice([90, 120, 160])
        return 1.5 * np.sin(2 * np.pi * (f * t + 2 * (1 - np.exp(-t * 20)))) * np.exp(-t * 9)

    def clap(self, hz, n, v):
        n = int(0.15 * RATE)
        t = np.arange(n) / RATE
        return low(self.dice.standard_normal(n), 2500) * np.exp(-t * 25)


# ---- tunes: (instrument, seconds from the start, length in seconds, MIDI key, loudness 0 to 1) ----

class Tune:
    def __init__(self, dice, seconds):
        self.dice, self.seconds, self.notes = dice, seconds, []
        self.key = int(dice.integers(0, 12))
        self.scale = MAJOR if dice.random() < 0.5 else MINOR

    def degree(self, d, octave=5):
        return 12 * octave + self.key + 12 * (d // 7) + self.scale[d % 7]

    def add(self, who, at, length, key, loud=0.8):
        if at < self.seconds and length > 0:
            self.notes.append((who, max(0, at), length, key, loud))

    def line(self, who, beat, octave=5, rest=0.08, lengths=(1, 1, 1, 2, 0.5, 0.5), hold=1.0,
             loud=0.8, span=7, loose=0.0, walk=(-2, -1, -1, 1, 1, 2, 3, -3)):
        """A melody that walks about."""
        at, d = 0.0, 0
        while at < self.seconds:
            length = beat * self.dice.choice(lengths)
            if self.dice.random() >= rest:
                late = self.dice.normal(0, loose) if loose else 0
                self.add(who, at + late, length * hold, self.degree(d, octave),
                         loud * self.dice.uniform(0.7, 1))
            at += length
            d += int(self.dice.choice(walk))
            d = max(-span, min(span, d))

    def chords(self, who, beat, octave=4, every=4, hold=0.95, loud=0.5, strum=0.0, broken=False):
        at = 0.0
        roots = [0, 5, 3, 4] if self.dice.random() < 0.5 else [0, 3, 4, 0]
        bar = 0
        while at < self.seconds:
            root = roots[bar % 4]
            for i, d in enumerate((0, 2, 4, 7) if broken else (0, 2, 4)):
                if broken:
                    for j in range(every):
                        self.add(who, at + beat * (j + i / 4), beat / 4 * hold,
                                 self.degree(root + d, octave), loud)
                else:
                    self.add(who, at + strum * i, beat * every * hold,
                             self.degree(root + d, octave), loud)
            at += beat * every
            bar += 1

    def walk_bass(self, who, beat, octave=3, loud=0.8, loose=0.0, hold=0.9):
        self.line(who, beat, octave, rest=0.03, lengths=(1, 1, 1, 0.5), hold=hold, loud=loud,
                  span=5, loose=loose)

    def drums(self, beat, pattern, loose=0.0, vary=0.0):
        """pattern: instrument -> sixteenths of a bar of four beats, 'x' hit, 'o' sometimes."""
        at = 0.0
        while at < self.seconds:
            for who, steps in pattern.items():
                for i, step in enumerate(steps):
                    hit = step == "x" or step == "o" and self.dice.random() < 0.5
                    hit ^= vary > 0 and self.dice.random() < vary / 4
                    if hit:
                        self.add(who, at + beat * i * 4 / len(steps) + self.dice.normal(0, loose)
                                 if loose else at + beat * i * 4 / len(steps), 0.1, 36,
                                 self.dice.uniform(0.7, 1) if loose else 0.9)
            at += 4 * beat


ROCK = {"kick": "x.....x.x.......", "snare": "....x.......x..o", "hat": "x.x.x.x.x.x.x.x."}
FUNK = {"kick": "x..x..x...x..o..", "snare": "....x..o.o..x..o", "hat": "xxx.xxxoxx.xxxx."}
FOUR = {"kick": "x...x...x...x...", "hat": "..x...x...x...x.", "clap": "....x.......x..."}
JAZZ = {"ride": "x...x.xx..x.", "hat": "...x.....x..", "kick": "o.....o....."}
TOMS = {"tom": "x.xox..xx.oox.x.", "kick": "x...x...x...x...", "snare": "o...o.o...o...oo"}


def melody(who, beat, **options):
    return lambda t: t.line(who, beat * t.dice.uniform(0.9, 1.1), **options)


def trill(t):
    at, d = 0.0, 0
    while at < t.seconds:
        if t.dice.random() < 0.5:
            for i in range(int(t.dice.integers(6, 16))):
                t.add("flute", at, 0.085, t.degree(d + i % 2))
                at += 0.085
        t.add("flute", at, 0.35, t.degree(d))
        at += 0.37
        d = max(-5, min(7, d + int(t.dice.integers(-3, 4))))


def ornaments(t):
    at, d = 0.0, 0
    while at < t.seconds:
        length = float(t.dice.choice([0.2, 0.3, 0.4]))
        grace = int(t.dice.integers(0, 4))
        for i in range(grace):
            t.add("reed", at, 0.055, t.degree(d + (1, -1, 1)[i]))
            at += 0.055
        t.add("reed", at, length, t.degree(d))
        at += length
        d = max(-5, min(7, d + int(t.dice.integers(-2, 3))))


def two_hands(who, beat, hold=1.0):
    def make(t):
        t.line(who, beat / 2, 6, rest=0.02, lengths=(1, 1, 1, 1, 2), hold=hold)
        t.line(who, beat, 4, rest=0.05, lengths=(1, 1, 2, 0.5), hold=hold, loud=0.6)
    return make


def band(beat, pattern, *parts, loose=0.008, vary=0.03):
    def make(t):
        t.drums(beat, pattern, loose, vary)
        for part in parts:
            part(t)
    return make


def bass(beat, **options):
    return lambda t: t.walk_bass("bass", beat, loose=0.006, **options)


def chords(who, beat, **options):
    return lambda t: t.chords(who, beat, **options)


def together(*parts):
    def make(t):
        for part in parts:
            part(t)
    return make


PIECES = {
    "synth, legato": melody("synth", 0.2, rest=0),
    "synth, quick": melody("synth", 0.12, rest=0, lengths=(1,)),
    "synth, detached": melody("synth", 0.25, hold=0.6),
    "sine, legato": melody("sine", 0.2, rest=0),
    "chip tune": together(melody("square", 0.15, rest=0.05),
                          chords("square", 0.2, octave=4, broken=True, loud=0.4)),
    "flute": melody("flute", 0.25),
    "flute, detached": melody("flute", 0.22, hold=0.55),
    "flute, trills": trill,
    "clarinet, ornaments": ornaments,
    "clarinet, staccato": melody("reed", 0.2, hold=0.5),
    "whistle": melody("whistle", 0.25),
    "piano, one line": melody("piano", 0.22),
    "piano, quick": melody("piano", 0.11, rest=0, lengths=(1, 1, 1, 2)),
    "piano, two hands": two_hands("piano", 0.4),
    "piano, chords": chords("piano", 0.5, every=1),
    "harpsichord": two_hands("harpsichord", 0.36),
    "guitar, plucked": melody("pluck", 0.25),
    "guitar, arpeggios": chords("pluck", 0.5, broken=True, hold=3),
    "guitar, strummed": chords("pluck", 0.45, every=1, strum=0.02),
    "guitar, bent": melody("bent", 0.3),
    "marimba": two_hands("marimba", 0.36),
    "bells": melody("bell", 0.5),
    "trumpet": melody("brass", 0.28),
    "brass": together(melody("brass", 0.4), melody("brass", 0.4, octave=4),
                      chords("brass", 0.4, octave=4, every=2)),
    "violin": melody("violin", 0.4),
    "strings": together(melody("violin", 0.4), melody("violin", 0.5, octave=4),
                        melody("violin", 0.8, octave=3)),
    "accordion waltz": together(melody("accordion", 0.3),
                                chords("accordion", 0.35, every=3, hold=0.3, octave=4)),
    "organ": two_hands("organ", 0.6),
    "pads": chords("pad", 0.8),
    "glissandi": melody("glissando", 0.35),
    "drums, loop": band(0.5, ROCK, loose=0, vary=0),
    "drums, played": band(0.5, ROCK),
    "drums, funk": band(0.55, FUNK, vary=0.08),
    "drums, toms": band(0.45, TOMS, vary=0.1),
    "bass alone": bass(0.3),
    "bass, drums": band(0.5, ROCK, bass(0.25)),
    "bass, funk drums": band(0.55, FUNK, bass(0.14)),
    "techno": band(0.47, FOUR, melody("synth", 0.1175, octave=3, rest=0.2, lengths=(1,)), loose=0,
                   vary=0),
    "house": band(0.48, FOUR, bass(0.24), chords("organ", 0.48, every=1, hold=0.4)),
    "rock": band(0.45, ROCK, bass(0.225), chords("bent", 0.45, every=2, octave=4)),
    "jazz trio": band(0.4, JAZZ, bass(0.4), melody("piano", 0.2), chords("piano", 0.8, loud=0.3)),
    "funk with lead": band(0.55, FUNK, bass(0.14), melody("brass", 0.28)),
}


def notes(name, seed, seconds=20):
    dice = np.random.default_rng([seed, *name.encode()])
    tune = Tune(dice, seconds)
    PIECES[name](tune)
    return tune.notes


def play(name, seed, seconds=20):
    """s16 samples at 16 kHz, with a room around them, at some -20 dB."""
    dice = np.random.default_rng([seed, 1])
    player = Player(dice)
    out = np.zeros((seconds + 3) * RATE)
    for who, at, length, key, loud in notes(name, seed, seconds):
        hz = 440 * 2 ** ((key - 69) / 12)
        tone = loud * getattr(player, who)(hz, int(length * RATE), loud)
        start = int(at * RATE)
        out[start:start + len(tone)] += tone[:len(out) - start]
    out = out[:seconds * RATE]
    if seed % 2 == 0:  # in a room
        tail = dice.standard_normal(RATE // 3) * np.exp(-np.arange(RATE // 3) / 1200) * 0.05
        tail[0] = 1
        n = len(out) + len(tail)
        out = np.fft.irfft(np.fft.rfft(out, n) * np.fft.rfft(tail, n), n)[:len(out)]
    out *= 3000 / np.sqrt(np.mean(out ** 2))
    return np.clip(np.rint(out + dice.normal(0, 3, len(out))), -32768, 32767).astype(np.int16)
