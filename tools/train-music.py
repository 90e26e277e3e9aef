#!/usr/bin/env python3
"""Teaches the network of src/vad/voice.c what voices and music sound like.

tools/train-music.py SOUNDS HEARD OUT.npz [--steps N] [--seed N] [--again FIRST.npz]
tools/train-music.py --export OUT.npz

SOUNDS is a folder with a folder for each Debian package named below, as `apt-get download NAME`
and `dpkg -x NAME_*.deb SOUNDS/NAME` make it (the .pk3 of nexuiz-music and ufoai-music unzipped
there as well). Their sounds are only listened to: what is kept is some 31,000 numbers. Songs for a
synthesizer are made by tools/midi.py, pieces by tools/pieces.py (every second kind of them), voices
by flite and espeak-ng. Packages, voices and kinds that are not named here are for measuring:
tools/music.py. Those named under CHECK are not learned from either: limits are chosen by them.

HEARD is a folder for the bands of all that was listened to, which takes some ten minutes once.
From these, clips of 10 s are mixed anew for each step: music, speech in noise, speech over music,
as loud and as coloured as rooms, telephones and microphones make them. Bands are added up as if
sounds met by chance in phase. --again goes on with the network FIRST, and every fifth piece of
music is one in which it hears voices. 1,000 steps of 32 clips take half a minute with a good BLAS.

--export writes src/vad/voice-weights.c and the answers that tests/unit/vad/test-voice.c compares.
Needs python3-numpy, ffmpeg, fluidsynth, fluid-soundfont-gm, flite, espeak-ng.
"""

import argparse
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

import midi
import music
import pieces

ROOT = pathlib.Path(__file__).resolve().parent.parent
SOUNDFONT = "/usr/share/sounds/sf2/FluidR3_GM.sf2"
MUSIC = ("alienblaster-data", "asc-music", "asterisk-moh-opsound-wav", "enigma-data",
         "extremetuxracer-data", "fillets-ng-data", "freeorion-data",
         "fretsonfire-songs-muldjord", "fretsonfire-songs-sectoid", "gunroar-data",
         "lincity-ng-data", "lugaru-data", "marsshooter-data", "megaglest-data", "mu-cade-data",
         "nexuiz-music", "pingus-data", "planetblupi-music-ogg", "singularity-music",
         "starfighter-data", "supertux-data", "titanion-data", "torus-trooper-data",
         "ufoai-music", "unknown-horizons", "wesnoth-1.16-music", "xmoto-data", "zaz-data")
CHECK = ("flare-game", "hyperrogue-music", "trackballs-data")
SUNG = ("muldjord/armygeddon/song", "muldjord/chaos_god/song", "internal_degeneration/song",
        "mutilated_mime/song", "calling-bogus", "ttn1.ogg")  # with voices in them
NO_MUSIC = ("voice", "speech", "dialog", "sfx", "effects", "/sounds/", "noise", "weapon")
MADE = {"songs": 9, "pieces": 4}  # their shares; of a package, the root of its minutes
SPEECH = ("asterisk-core-sounds-en-wav", "asterisk-core-sounds-es-wav",
          "asterisk-core-sounds-ru-wav", "asterisk-core-sounds-it-wav",
          "asterisk-prompt-it-menardi-wav", "asterisk-prompt-fr-armelle", "asterisk-prompt-es-co",
          "fillets-ng-data-cs")
LETTERS = ("cs", "da", "en_GB", "es", "nl", "pt_BR")  # of klettres-data
TALES = ("ca", "da", "de", "el", "en", "fr", "gl", "lt", "ru", "sl", "uk", "wa")  # ktuberling-data
CHECK_SPEECH = ("asterisk-core-sounds-fr-wav", "fillets-ng-data-nl")
FLITE = ("kal", "awb")
ESPEAK = ("de", "es", "pl", "ru", "tr", "fi", "el", "pt", "sv", "ko", "cmn", "id", "sw", "hu")
KINDS = list(pieces.PIECES)[::2]

RATE, HOP, SIZE = 16000, 320, 1024
BANDS, BINS, FLOOR, SIDE, STEP = 32, 272, 100.0, 50, 8  # as in src/vad/voice.c
FRAMES = 512
CLIP = FRAMES * HOP
HIDDEN = 32
# inputs, outputs, taps, stride, frames between taps
LAYERS = ((BANDS + 1, HIDDEN, 5, 2, 1), (HIDDEN, HIDDEN, 5, 2, 1), (HIDDEN, HIDDEN, 5, 2, 1),
          (HIDDEN, HIDDEN, 5, 1, 1), (HIDDEN, HIDDEN, 5, 1, 2), (HIDDEN, HIDDEN, 5, 1, 4),
          (HIDDEN, 1, 1, 1, 1))
BATCH = 32
VOICE, FAINT, NONE, UNSAID = 1, 2, 0, -1  # labels; faint: a voice below the music

# ---- what the network is told of each frame ----


def edges():
    low, high = (1127 * np.log(1 + hz / 700) for hz in (60, 4150))
    return 700 * (np.exp(np.linspace(low, high, BANDS + 2) / 1127) - 1)


def bank():
    edge, k = edges() / (RATE / SIZE), np.arange(BINS)[:, None]
    up = (k - edge[:-2]) / (edge[1:-1] - edge[:-2])
    down = (edge[2:] - k) / (edge[2:] - edge[1:-1])
    weights = np.maximum(np.minimum(up, down), 0)
    return (weights / weights.sum(0)).astype(np.float32)


CENTRES = edges()[1:-1]
WINDOW = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(SIZE) / SIZE)).astype(np.float32)
BANK = bank()


def bands(x, kind=np.float16):
    """[frames, BANDS + 1] of samples: of each frame the logarithms of what is in each band, and of
    its mean square."""
    count = -(-len(x) // HOP)
    padded = np.zeros(SIZE + HOP * count, np.float32)
    padded[SIZE - 2 * HOP:SIZE - 2 * HOP + len(x)] = x
    frames = np.lib.stride_tricks.sliding_window_view(padded, SIZE)[::HOP][:count]
    out = np.empty((count, BANDS + 1), np.float32)
    for at in range(0, count, 2048):
        s = np.fft.rfft(frames[at:at + 2048] * WINDOW, axis=1)[:, :BINS]
        power = (s.real ** 2 + s.imag ** 2).astype(np.float32) @ BANK
        out[at:at + 2048, :BANDS] = np.log10(power + 1)
    whole = np.zeros(count * HOP, np.float32)
    whole[:len(x)] = x
    out[:, BANDS] = np.log10((whole.reshape(-1, HOP) ** 2).mean(1) + 0.01)
    return out.astype(kind)


def features(logs):
    """What the network is told, of the logarithms of bands: [..., frames, BANDS]."""
    logs = np.log10(10 ** np.minimum(logs.astype(np.float32), 13) + FLOOR)
    level = logs.mean(-1)
    count = level.shape[-1]
    sums = np.concatenate([np.zeros((*level.shape[:-1], 1)), np.cumsum(level, -1, dtype=float)], -1)
    first = np.maximum(np.arange(count) - SIDE, 0)
    last = np.minimum(np.arange(count) + SIDE + 1, count)
    around = (sums[..., last] - sums[..., first]) / (last - first)
    return np.concatenate([logs - level[..., None], (level - around)[..., None]],
                          -1).astype(np.float32)

# ---- the network ----


def taps_of(x, taps, stride, apart):
    pad = (taps - 1) * apart // 2
    padded = np.pad(x, ((0, 0), (pad, pad), (0, 0)))
    return np.concatenate([padded[:, j * apart:j * apart + x.shape[1]:stride]
                           for j in range(taps)], 2)


def forward(weights, x, trail=None, layers=LAYERS):
    for n, ((w, b), (_, _, taps, stride, apart)) in enumerate(zip(weights, layers)):
        inputs = taps_of(x, taps, stride, apart)
        out = inputs @ w + b
        if trail is not None:
            trail.append((x.shape, inputs, out))
        x = out if n == len(layers) - 1 else np.maximum(out, 0)
    return x[..., 0]


def backward(weights, trail, grad):
    grads = []
    for n in range(len(LAYERS) - 1, -1, -1):
        _, outputs, taps, stride, apart = LAYERS[n]
        (batch, count, size), inputs, out = trail[n]
        if n < len(LAYERS) - 1:
            grad = grad * (out > 0)
        flat = grad.reshape(-1, outputs)
        grads[:0] = [inputs.reshape(-1, inputs.shape[2]).T @ flat, flat.sum(0)]
        if n == 0:
            return grads
        back, pad = grad @ weights[n][0].T, (taps - 1) * apart // 2
        grad = np.zeros((batch, count + 2 * pad, size), np.float32)
        for j in range(taps):
            grad[:, j * apart:j * apart + count:stride] += back[:, :, j * size:(j + 1) * size]
        grad = grad[:, pad:pad + count]
    return grads


def untaught(dice):
    return [((dice.standard_normal((t * i, o)) * np.sqrt(2 / (t * i))).astype(np.float32),
             np.zeros(o, np.float32)) for i, o, t, _, _ in LAYERS]


def train(dice, mixer, weights, steps, most):
    """Adam, with a step that falls to nothing; what is kept is the mean of the last few hundred."""
    flat = [p for layer in weights for p in layer]
    first, second = [np.zeros_like(p) for p in flat], [np.zeros_like(p) for p in flat]
    means = [p.copy() for p in flat]
    for step in range(1, steps + 1):
        x, labels = mixer.batch()
        y, trail = labels[:, STEP // 2::STEP], []
        logits = forward(weights, x, trail)
        counts = np.select([y == UNSAID, y == FAINT], [0, 0.4], 1)
        error = counts / max(counts.sum(), 1) * (1 / (1 + np.exp(-logits)) - (y > 0))
        grads = backward(weights, trail, error[..., None].astype(np.float32))
        rate = most * min(1, step / 150) * (0.5 + 0.5 * np.cos(np.pi * step / steps)) + 1e-5
        for p, grad, a, b, mean in zip(flat, grads, first, second, means):
            a += 0.1 * (grad - a)
            b += 0.001 * (grad * grad - b)
            p -= rate * (a / (1 - 0.9 ** step) / (np.sqrt(b / (1 - 0.999 ** step)) + 1e-8) +
                         1e-3 * p * (p.ndim > 1))
            mean += max(0.005, 1 / step) * (p - mean)
        if step % 200 == 0:
            heard = [np.mean((logits > 0)[y == label]) for label in (NONE, VOICE)]
            print(f"step {step} of {steps}: heard {heard[0]:.3f} of music and {heard[1]:.3f} of"
                  " voices", flush=True)
    return list(zip(means[::2], means[1::2]))


def evidence(net, logs):
    """As src/vad/music.c has it, of one recording."""
    weights, layers = net
    x = features(logs[:, :BANDS])
    x = np.pad(x, ((0, -len(x) % STEP), (0, 0)))
    return np.convolve(forward(weights, x[None], None, layers)[0], np.ones(5) / 5, "same")

# ---- sounds ----


def decode(path, start=0, seconds=90):
    run = subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-ss", str(start), "-t",
                          str(seconds), "-i", str(path), "-f", "s16le", "-ar", str(RATE), "-ac",
                          "1", "-"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                         check=False)
    return np.frombuffer(run.stdout, np.int16)


def kept(path, make):
    """The arrays of a file, which `make` makes when it is not there."""
    if not path.exists():
        np.savez(path, **make())
        print(f"{path.name}: heard", flush=True)
    return np.load(path)


def tunes_of(folder):
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder)).lower()
        if path.suffix.lower() not in music.MUSIC_FILES + (".it", ".s3m", ".mod") or \
                path.is_symlink() or path.stat().st_size < 60000 or \
                any(s in name for s in NO_MUSIC) and "music" not in name:
            continue
        x = decode(path)
        if len(x) >= 15 * RATE:
            found[name.replace("/", "|")] = bands(x)
    return found


def songs():
    found = {}
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        for batch in range(4):
            paths = []
            for i in range(30):
                paths.append(work / f"{i}.mid")
                song = midi.Song(np.random.default_rng(1000 + batch * 30 + i), 30)
                paths[-1].write_bytes(song.play().bytes())
            midi.render(paths, work / "songs.wav", SOUNDFONT)
            found[str(batch)] = bands(decode(work / "songs.wav", seconds=3600))
    return found


def played():
    return {f"{kind}|{seed}": bands(pieces.play(kind, seed))
            for kind in KINDS for seed in (50, 51, 52)}


def recorded(folder):
    paths = [p for p in sorted(folder.rglob("*"))
             if p.suffix in (".wav", ".gsm", ".ogg") and p.parent.name != "silence"]
    found = (decode(p) for p in paths[::len(paths) // 600 + 1])
    return [x for x in found if len(x) > 1600]


def made():
    """Voices of synthesizers."""
    dice, texts, out = np.random.default_rng(5), music.TEXT.replace("\n", " ").split(". "), []
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        for v in FLITE:
            out += [music.spoken(work, ["flite", "-voice", v, "-o", "{}", "-t", t])
                    for t in texts[:6]]
        for voice in ESPEAK:
            variant = dice.choice(["", "+f2", "+m3", "+f4", "+whisper"])
            how = ["-s", str(dice.integers(110, 280)), "-p", str(dice.integers(20, 90))]
            out += [music.spoken(work, ["espeak-ng", "-v", voice + variant, *how, "-w", "{}", t])
                    for t in texts[:4]]
    return [out[i::4] for i in range(4)]


class Speech:
    def __init__(self, dice, voices):
        self.dice, self.voices = dice, [v for v in voices if sum(map(len, v)) > 15 * RATE]
        minutes = [sum(map(len, v)) / RATE / 60 for v in self.voices]
        self.shares = np.sqrt(np.minimum(minutes, 12))
        self.shares /= self.shares.sum()

    @classmethod
    def of(cls, dice, sounds, names):
        voices = [recorded(sounds / name) for name in names]
        if names is SPEECH:
            voices += made()
            voices += [recorded(sounds / "klettres-data/usr/share/klettres" / x) for x in LETTERS]
            tales = sounds / "ktuberling-data/usr/share/ktuberling/sounds"
            voices += [recorded(tales / x) for x in TALES]
        return cls(dice, voices)

    def clip(self):
        dice, out = self.dice, np.zeros(CLIP)
        voice = self.voices[dice.choice(len(self.voices), p=self.shares)]
        speed = dice.uniform(0.72, 1.4) if dice.random() < 0.7 else 1
        at = 0 if dice.random() < 0.5 else int(dice.uniform(0, RATE))
        while at < CLIP:
            x = voice[dice.integers(len(voice))]
            count = int(len(x) / speed)
            x = np.interp(np.arange(count) * speed, np.arange(len(x)), x)
            out[at:at + count] = x[:CLIP - at]
            at += count + int(dice.uniform(0, 0.4 if dice.random() < 0.7 else 3) * RATE)
        return out

# ---- clips ----


def near(on, frames):
    sums, i = np.concatenate([[0], np.cumsum(on)]), np.arange(len(on))
    return sums[np.minimum(i + frames + 1, len(on))] - sums[np.maximum(i - frames, 0)] > 0


def levels(x):
    return 10 * np.log10((x.reshape(-1, HOP) ** 2).mean(1) + 1)


def active(x):
    """Frames with a voice, and short pauses in it."""
    level = levels(x)
    on = level > max(np.percentile(level, 95) - 30, 12)
    return ~near(~near(on, 12), 12)


def in_a_room(dice, x):
    count = int(dice.uniform(0.15, 0.8) * RATE)
    tail = dice.standard_normal(count) * np.exp(-np.arange(count) / (count / 6))
    tail *= dice.uniform(0.01, 0.06)
    tail[0], n = 1, 1 << int(np.ceil(np.log2(len(x) + count)))
    return np.fft.irfft(np.fft.rfft(x, n) * np.fft.rfft(tail, n), n)[:len(x)]


def noise(dice, speech):
    kind = dice.integers(7)
    if kind == 0:
        return music.band(dice.standard_normal(CLIP), 0, dice.uniform(300, 2000))
    if kind == 1:
        return sum(speech.clip() for _ in range(6))
    if kind == 2:
        swell = dice.uniform(0, 1, 20) ** 2
        return music.pink(dice, CLIP) * np.interp(np.arange(CLIP), np.linspace(0, CLIP, 20), swell)
    return dice.standard_normal(CLIP) if kind < 5 else music.pink(dice, CLIP)


def voice_in(dice, speech):
    x = speech.clip()
    if dice.random() < 0.06:
        x = music.whispered(dice, x)
    on = active(x)
    return (in_a_room(dice, x) if dice.random() < 0.2 else x), on


def spoken(dice, speech, count):
    """Clips of speech as they are said in rooms, cut off or coded in eight bits, all as loud."""
    b, on = np.empty((count, FRAMES, BANDS + 1), np.float16), np.empty((count, FRAMES), bool)
    for i in range(count):
        x, on[i] = voice_in(dice, speech)
        x = x * 10 ** dice.uniform(np.log10(150), np.log10(6000)) / (np.sqrt(np.mean(x ** 2)) + 1)
        chance = dice.random()
        if chance < 0.12:
            x = np.tanh(x / 1500) * 20000
        elif chance < 0.18:  # eight bits, as of a telephone
            small = np.log1p(255 * np.minimum(abs(x) / 32768, 1)) / np.log(256)
            x = np.sign(x) * (256 ** (np.rint(small * 127) / 127) - 1) / 255 * 32768
        b[i] = bands(x * (2500 / (np.sqrt(np.mean(x ** 2)) + 1)))
    return {"bands": b, "on": on}


def noises(dice, speech):
    found = (noise(dice, speech) for _ in range(140))
    return {"bands": np.array([bands(x * (2500 / np.sqrt(np.mean(x ** 2)))) for x in found])}


def loudness(b):
    """The logarithm of the mean square of the louder half of frames."""
    power = 10 ** b[:, BANDS]
    return np.log10(np.mean(power[power >= np.median(power)]) + 1)


class Mixer:
    """Clips of 10 s, mixed from bands."""

    def __init__(self, dice, groups, speech, noise_bands):
        self.dice, self.speech, self.noise = dice, speech, noise_bands
        self.groups = [[t for t in g.values() if len(t) > FRAMES] for g in groups.values()]
        minutes = [sum(map(len, g)) * HOP / RATE / 60 for g in self.groups]
        self.shares = np.array([MADE.get(name, np.sqrt(min(m, 60)))
                                for name, m in zip(groups, minutes)])
        self.shares /= self.shares.sum()
        self.hard = []

    def find_hard(self, net):
        """Places at which `net` hears voices in music."""
        self.hard = [(t, step * STEP) for g in self.groups for t in g
                     for step in np.flatnonzero(evidence(net, t) > -1.5)[::6]]
        print(f"{len(self.hard)} places of music sound like voices", flush=True)

    def tune(self):
        dice = self.dice
        if self.hard and dice.random() < 0.2:
            t, at = self.hard[dice.integers(len(self.hard))]
            at = int(np.clip(at - dice.integers(100, FRAMES - 100), 0, len(t) - FRAMES))
            return t[at:at + FRAMES].astype(np.float32)
        while True:
            group = self.groups[dice.choice(len(self.groups), p=self.shares)]
            t = group[dice.integers(len(group))]
            at = dice.integers(len(t) - FRAMES + 1)
            b = t[at:at + FRAMES].astype(np.float32)
            if b[:, BANDS].max() > 2.5:
                break
        if dice.random() < 0.3:  # a little higher or lower
            k = np.arange(BANDS) + dice.uniform(-1.2, 1.2) * np.linspace(0.7, 1, BANDS)
            low = np.clip(np.floor(k), 0, BANDS - 2).astype(int)
            part = np.clip(k - low, 0, 1).astype(np.float32)
            b[:, :BANDS] = b[:, low] * (1 - part) + b[:, low + 1] * part
        return b

    def add(self, a, b):
        phase = 0.6 * self.dice.uniform(-1, 1, a.shape).astype(np.float32)
        x, y = 10 ** a, 10 ** b
        return np.log10(np.maximum(x + y + 2 * phase * np.sqrt(x * y), 1))

    def recorded(self, b):
        """As some microphone, line and level would have it."""
        dice, out = self.dice, b[:, :BANDS]
        if dice.random() < 0.4:
            out = out + np.interp(CENTRES, (0, 150, 400, 1000, 2000, 4000, 8001),
                                  dice.normal(0, 4, 7)) / 10
        chance = dice.random()
        if chance < 0.12:
            out = np.where((CENTRES < 300) | (CENTRES > 3400), out - 6, out)
        elif chance < 0.2:
            low, high = dice.uniform(50, 200), dice.uniform(2000, 4000)
            out = np.where((CENTRES < low) | (CENTRES > high), out - 6, out)
        level = 2 * dice.uniform(np.log10(150), np.log10(6000))
        return out + (level - np.log10(np.mean(10 ** b[:, BANDS]) + 1))

    def in_noise(self, b, on):
        if self.dice.random() < 0.75:
            n = self.noise[self.dice.integers(len(self.noise))].astype(np.float32)
            b = self.add(b, n + np.float32(loudness(b) - loudness(n) -
                                           self.dice.uniform(0, 30) / 10))
        return b, np.where(on, VOICE, UNSAID)

    def over_music(self, b, on):
        dice, tune = self.dice, self.tune()
        snr = dice.uniform(-5, 20)
        gain = np.full(FRAMES, loudness(b) - loudness(tune) - snr / 10, np.float32)
        if dice.random() < 0.45:  # no more than a sentence
            at, count = dice.integers(FRAMES - 60), dice.integers(50, 200)
            said = (np.arange(FRAMES) >= at) & (np.arange(FRAMES) < at + count)
            b, on = np.where(said[:, None], b, 0), on & said
        if dice.random() < 0.2:  # the music makes way for the voice
            under = np.convolve(near(on, 25).astype(float), np.ones(10) / 10, "same")
            gain += (1 - under) * dice.uniform(5, 15) / 10
        return self.add(b, tune + gain[:, None]), np.select(
            [on, near(on, 65)], [VOICE if snr >= 0 else FAINT, UNSAID], NONE)

    def clip(self):
        kind = self.dice.random()
        if kind < 0.42:
            b = self.tune()
            if self.dice.random() < 0.1:
                b = self.add(b, self.tune() + np.float32(2 * np.log10(0.7)))
            return b, np.where(near(b[:, BANDS] > 1.5, 15), NONE, UNSAID)
        i = self.dice.integers(len(self.speech["on"]))
        b, on = self.speech["bands"][i].astype(np.float32), self.speech["on"][i]
        return self.in_noise(b, on) if kind < 0.68 else self.over_music(b, on)

    def batch(self):
        x = np.empty((BATCH, FRAMES, BANDS), np.float32)
        labels = np.empty((BATCH, FRAMES), np.int8)
        for i in range(BATCH):
            b, labels[i] = self.clip()
            x[i] = self.recorded(b)
        return features(x), labels


def listen(sounds, heard):
    """All music by group, clips of speech to learn from and to check by, and noise."""
    groups = {name: kept(heard / f"{name}.npz", lambda name=name: tunes_of(sounds / name))
              for name in MUSIC + CHECK}
    groups = {name: {k: g[k] for k in g.files if not any(s in k.replace("|", "/") for s in SUNG)}
              for name, g in groups.items()}
    check = {name: groups.pop(name) for name in CHECK}
    groups["songs"] = dict(kept(heard / "songs.npz", songs))
    groups["pieces"] = dict(kept(heard / "pieces.npz", played))

    def speech_of(names, seed, make, *args):
        dice = np.random.default_rng(seed)
        return lambda: make(dice, Speech.of(dice, sounds, names), *args)
    speech = dict(kept(heard / "speech.npz", speech_of(SPEECH, 1, spoken, 4500)))
    checked = dict(kept(heard / "check.npz", speech_of(CHECK_SPEECH, 2, spoken, 300)))
    noise_bands = kept(heard / "noise.npz", speech_of(SPEECH, 3, noises))["bands"]
    return groups, check, speech, checked, noise_bands


def tell(net, tunes, speech):
    """Where do the limits of src/vad/music.c part what it has not learned from?"""
    found = np.array([evidence(net, t).max() for g in tunes.values() for t in g.values()])
    said = np.array([evidence(net, b).max() for b in speech["bands"]])
    for limit in np.arange(0, 5.1, 0.5):
        print(f"above {limit:3}: {np.sum(found > limit):4} of {len(found)} tunes, "
              f"{np.sum(said > limit):4} of {len(said)} clips of speech")

# ---- what is kept ----


def rows(values, per_row, form, between=", "):
    lines = [values[i:i + per_row] for i in range(0, len(values), per_row)]
    return "".join("    " + between.join(map(form, line)) + ",\n" for line in lines)


def export(weights, layers):
    text = ("/* Made by tools/train-music.py: do not edit. What the network has learned of voices"
            " and music. */\n#include \"vad/voice.h\"\n\n#include \"base/banned.h\"\n\n"
            "/* clang-format off */\n")
    table, used = "", []
    for n, ((w, b), (i, o, taps, stride, apart)) in enumerate(zip(weights, layers)):
        scale = float(np.abs(w).max()) / 127
        small = np.rint(w / scale).astype(int)
        used.append(((small * scale).astype(np.float32), b))
        text += f"static const int8_t weights_{n}[] = {{\n{rows(small.ravel(), 28, str, ',')}}};\n"
        text += f"static const float bias_{n}[] = {{\n{rows(b, 6, '{:.6e}F'.format)}}};\n"
        table += (f"    {{ .inputs = {i}, .outputs = {o}, .taps = {taps}, .stride = {stride},"
                  f" .apart = {apart},\n      .scale = {scale:.8e}F, .weights = weights_{n},"
                  f" .bias = bias_{n} }},\n")
    text += f"\nconst struct sc_voice_layer sc_voice_layers[SC_VOICE_LAYERS] = {{\n{table}}};\n"
    (ROOT / "src/vad/voice-weights.c").write_text(text + "/* clang-format on */\n")
    i = np.arange(300 * HOP, dtype=np.int64)  # the sound of test-voice.c
    x = np.where(i // 8000 % 3 == 2, 0, i * (100 + i // 200) % 8192 - 4096)
    answers = forward(used, features(bands(x, np.float32)[None, :, :BANDS]), None, layers)[0]
    (ROOT / "tests/unit/vad/voice-answers.inc").write_text(rows(answers, 8, "{:.4f}F".format))


def load(path):
    """A network and its layers."""
    kept_ones = np.load(path)
    layers = [tuple(int(v) for v in layer) for layer in kept_ones["layers"]]
    return [(kept_ones[f"w{n}"], kept_ones[f"b{n}"]) for n in range(len(layers))], layers


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sounds", type=pathlib.Path, nargs="?")
    parser.add_argument("heard", type=pathlib.Path, nargs="?")
    parser.add_argument("out", type=pathlib.Path, nargs="?")
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--again", type=pathlib.Path, metavar="FIRST.npz")
    parser.add_argument("--export", type=pathlib.Path)
    args = parser.parse_args()
    if args.export:
        export(*load(args.export))
        return 0
    if args.out is None:
        parser.error("name the folder of sounds, one for their bands, and the file to write")
    args.heard.mkdir(exist_ok=True)
    groups, tunes, speech, checked, noise_bands = listen(args.sounds, args.heard)
    dice = np.random.default_rng(args.seed)
    mixer = Mixer(dice, groups, speech, noise_bands)
    weights, most = untaught(dice), 4e-3
    if args.again:
        weights, most = load(args.again)[0], 2e-3
        mixer.find_hard((weights, LAYERS))
    weights = train(dice, mixer, weights, args.steps, most)
    np.savez(args.out, layers=np.array(LAYERS), **{f"{name}{n}": p for n, layer in
                                                   enumerate(weights)
                                                   for name, p in zip("wb", layer)})
    tell((weights, LAYERS), tunes, checked)
    return 0


if __name__ == "__main__":
    sys.exit(main())
