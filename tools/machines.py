"""Music of machines, to learn from: rhythms of instruments whose sound is left to chance as well.

Where tools/pieces.py imitates instruments that people play, this draws synthesizers: tones with any
partials, modulation, filters that move and pitches that glide; bursts of noise of any colour; drums
and other short sounds that fall or rise. Each piece has one to four of them, in patterns."""

import numpy as np

import pieces

RATE = pieces.RATE
SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 3, 5, 6, 7, 10), (0, 7),
          tuple(range(12)))


def between(dice, low, high):
    """By chance, as often in each octave."""
    return float(np.exp(dice.uniform(np.log(low), np.log(high))))


def curve(dice, n, rate):
    """A movement between 0 and 1: a swing, a fall, a rise, steps or none."""
    t = np.arange(n) / RATE
    kind = dice.integers(5)
    if kind == 0:
        return 0.5 + 0.5 * np.sin(2 * np.pi * rate * t + dice.uniform(0, 6))
    if kind == 1:
        return np.exp(-t / between(dice, 0.03, 0.6))
    if kind == 2:
        return 1 - np.exp(-t / between(dice, 0.03, 0.6))
    if kind == 3:
        return np.resize(np.repeat(dice.random(8), max(1, int(RATE / rate / 2))), n)
    return np.full(n, dice.random())


class Tone:
    """Notes of a scale, with one timbre."""

    def __init__(self, dice):
        self.base = between(dice, 32, 700)
        self.scale = SCALES[dice.integers(len(SCALES))]
        self.walk, self.degree, self.last = int(dice.integers(1, 5)), 0, 0.0
        count = int(dice.integers(1, 30))
        self.levels = np.arange(1, count + 1) ** -dice.uniform(0.3, 2.0)
        if dice.random() < 0.3:
            self.levels[1::2] *= dice.uniform(0, 0.3)
        if dice.random() < 0.3:
            self.levels *= dice.random(count)
        self.stretch = dice.choice([0, 0, 0, 1e-4, 3e-3])
        self.fm = dice.random() < 0.35 and (dice.choice([0.5, 1, 1.41, 2, 3, 3.5, 7]),
                                            between(dice, 0.3, 6))
        self.filter = dice.random() < 0.5 and (between(dice, 200, 1200), between(dice, 1.2, 8),
                                               dice.uniform(0.5, 6))
        self.glide = dice.uniform(0.02, 0.25) if dice.random() < 0.35 else 0
        self.bend = dice.choice([-12, -5, -2, 2, 5, 12]) if dice.random() < 0.15 else 0
        self.vibrato = (dice.uniform(0.05, 0.6), dice.uniform(3, 8)) if dice.random() < 0.3 else 0
        self.attack, self.release = between(dice, 0.001, 0.15), between(dice, 0.004, 0.3)
        self.decay = between(dice, 0.05, 3)
        self.drive = between(dice, 1, 8) if dice.random() < 0.3 else 0

    def pitches(self, dice, n):
        step = int(dice.integers(-self.walk, self.walk + 1))
        self.degree = max(-7, min(9, self.degree + step))
        octave, place = divmod(self.degree, len(self.scale))
        key, t = 12 * octave + self.scale[place], np.arange(n) / RATE
        keys = np.full(n, float(key))
        if self.glide:
            keys += (self.last - key) * np.exp(-t / self.glide)
        if self.bend:
            keys += self.bend * t / t[-1]
        if self.vibrato:
            depth, rate = self.vibrato
            keys += depth * np.sin(2 * np.pi * rate * t) * np.minimum(1, t / 0.2)
        self.last = keys[-1]
        return self.base * 2 ** (keys / 12)

    def play(self, dice, n):
        n = max(n, 200)
        hz, t = self.pitches(dice, n), np.arange(n) / RATE
        phase = 2 * np.pi * np.cumsum(hz) / RATE
        env = pieces.ramp(n, self.attack, self.release) * np.exp(-t / self.decay)
        if self.fm:
            ratio, index = self.fm
            out = np.sin(phase + index * curve(dice, n, 3) * np.sin(ratio * phase))
            return out * env
        if self.filter:
            low, octaves, rate = self.filter
            middle = np.log2(low * octaves ** curve(dice, n, rate))
        out = np.zeros(n)
        for k, level in enumerate(self.levels, 1):
            factor = k * np.sqrt(1 + self.stretch * k * k)
            if factor * hz.max() > 7500:
                break
            wave = level * np.sin(factor * phase)
            out += wave / (1 + 4 * (np.log2(factor * hz) - middle) ** 2) if self.filter else wave
        return (np.tanh(self.drive * out) if self.drive else out) * env


class Burst:
    """Noise of one colour, which comes and goes."""

    def __init__(self, dice):
        self.middle, self.width = between(dice, 100, 7000), dice.uniform(0.1, 2.5)
        self.attack, self.decay = between(dice, 0.001, 0.1), between(dice, 0.01, 0.5)
        self.moves = dice.uniform(-3, 3) if dice.random() < 0.4 else 0

    def play(self, dice, n):
        n = max(n, 400)
        noise = np.fft.rfft(dice.standard_normal(n))
        octaves = np.log2(np.maximum(np.fft.rfftfreq(n, 1 / RATE), 20) / self.middle)

        def coloured(move):
            return np.fft.irfft(noise * np.exp(-0.5 * ((octaves - move) / self.width) ** 2), n)
        t = np.arange(n) / RATE
        out = coloured(0)
        if self.moves:
            out = out * (1 - t / t[-1]) + coloured(self.moves) * t / t[-1]
        out /= np.sqrt(np.mean(out ** 2)) + 1e-9
        return out * np.minimum(1, t / self.attack) * np.exp(-t / self.decay)


class Drum:
    """A tone that falls or rises, with a click of noise."""

    def __init__(self, dice):
        self.low, self.sweep = between(dice, 40, 1500), dice.uniform(-1, 4)
        self.fall, self.decay = between(dice, 0.008, 0.2), between(dice, 0.03, 0.5)
        self.noise, self.dull = dice.uniform(0, 1) ** 2, between(dice, 500, 8000)
        self.partials = (1, dice.uniform(1.3, 2.9)) if dice.random() < 0.5 else (1,)

    def play(self, dice, n):
        n = min(max(n, int(4 * self.decay * RATE)), RATE)
        t = np.arange(n) / RATE
        phase = 2 * np.pi * np.cumsum(self.low * 2 ** (self.sweep * np.exp(-t / self.fall))) / RATE
        out = sum(np.sin(p * phase) for p in self.partials)
        out += self.noise * pieces.low(dice.standard_normal(n), self.dull)
        return out * np.exp(-t / self.decay) * pieces.ramp(n, 0.001, 0.01)


def pattern(dice):
    """Which of 16 or 12 steps sound, how loud, and how long each is held, in steps."""
    steps, share = int(dice.choice([16, 16, 12])), dice.uniform(0.15, 0.8)
    loud = (dice.random(steps) < share) * dice.uniform(0.5, 1, steps)
    if dice.random() < 0.3:
        loud = np.where(np.arange(steps) % int(dice.choice([2, 3, 4])) == 0, 1.0, 0)
    return loud, dice.uniform(0.2, 1.1) * dice.choice([1, 1, 1, 2, 4])


def layer(dice, count, step):
    who = (Tone, Tone, Burst, Drum)[dice.integers(4)](dice)
    loud, hold = pattern(dice)
    vary, loose = dice.uniform(0, 0.1), dice.uniform(0, 0.015) * (dice.random() < 0.5)
    out = np.zeros(count + 6 * RATE)
    for i in range(int(count / RATE / step)):
        here = loud[i % len(loud)] if dice.random() > vary else dice.random()
        if here < 0.05:
            continue
        at = max(0, int((i * step + dice.normal(0, loose)) * RATE))
        tone = who.play(dice, min(int(hold * step * RATE), 5 * RATE))
        out[at:at + len(tone)] += here * tone
    return out[:count]


def play(seed, seconds=20):
    """s16 samples at 16 kHz."""
    dice = np.random.default_rng([seed, 77])
    count, step = seconds * RATE, between(dice, 0.07, 0.3)
    out = np.zeros(count)
    for _ in range(dice.choice([1, 1, 2, 3, 4])):
        x = layer(dice, count, step)
        out += x * between(dice, 0.2, 1) / (np.sqrt(np.mean(x ** 2)) + 1e-9)
    if dice.random() < 0.3:  # an echo
        late, again = int(between(dice, 0.05, 0.5) * RATE), dice.uniform(0.2, 0.6)
        for k in range(1, 5):
            out[k * late:] += again ** k * out[:count][:max(0, count - k * late)]
    if dice.random() < 0.4:  # a room
        tail = dice.standard_normal(RATE // 2) * np.exp(-np.arange(RATE // 2) / between(
            dice, 400, 3000)) * 0.05
        tail[0], n = 1, count + RATE // 2
        out = np.fft.irfft(np.fft.rfft(out, n) * np.fft.rfft(tail, n), n)[:count]
    out *= 3000 / (np.sqrt(np.mean(out ** 2)) + 1e-9)
    return np.clip(np.rint(out + dice.normal(0, 2, count)), -32768, 32767).astype(np.int16)
