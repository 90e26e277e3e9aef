#!/usr/bin/env python3
"""Teaches the networks of src/vad/voice.c what voices and music sound like.

tools/train-music.py SOUNDS HEARD OUT.npz [--wide] [--steps N] [--seed N] [--again FIRST.npz]
tools/train-music.py --export NARROW.npz WIDE.npz

SOUNDS is a folder with a folder for each Debian package named below, as `apt-get download NAME`
and `dpkg -x NAME_*.deb SOUNDS/NAME` make it (the .pk3 of nexuiz-music and ufoai-music unzipped
there as well). Their sounds are only listened to: what is kept is some 165,000 numbers. Songs for a
synthesizer are made by tools/midi.py, pieces by tools/pieces.py (every second kind of them) and
tools/machines.py, voices by flite and espeak-ng. Packages, voices and kinds that are not named here
are for measuring: tools/music.py. Those named under CHECK are not learned from either: limits are
chosen by them.

HEARD is a folder for the bands of all that was listened to, which takes some ten minutes once.
From these, clips of 10 s are mixed anew for each step: music, speech in noise, speech over music,
as loud and as coloured as rooms, telephones and microphones make them. Bands are added up as if
sounds met by chance in phase. Halfway (and at first, where --again goes on with the network FIRST)
it looks for music in which the network hears voices, and for voices that it hardly hears: from
these more is learned. 1,000 steps of 32 clips take a minute with a good BLAS (of --wide).

--export writes src/vad/voice-*.inc and the answers that tests/unit/vad/test-voice.c compares.
Needs python3-numpy, ffmpeg, fluidsynth, fluid-soundfont-gm, flite, espeak-ng.
"""

import argparse
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

import machines
import midi
import music
import pieces

ROOT = pathlib.Path(__file__).resolve().parent.parent
SOUNDFONT = "/usr/share/sounds/sf2/FluidR3_GM.sf2"
MUSIC = ("alienblaster-data", "asc-music", "asterisk-moh-opsound-wav", "btanks-data",
         "caveexpress-data", "enigma-data", "extremetuxracer-data", "fillets-ng-data",
         "freeorion-data", "fretsonfire-songs-muldjord", "fretsonfire-songs-sectoid",
         "gunroar-data", "lincity-ng-data", "lugaru-data", "marsshooter-data", "megaglest-data",
         "mu-cade-data", "nexuiz-music", "pekka-kana-2-data", "pingus-data", "pink-pony-data",
         "planetblupi-music-ogg", "raincat-data", "singularity-music", "starfighter-data",
         "supertux-data", "supertuxkart-data", "titanion-data", "tomatoes-data",
         "torus-trooper-data", "ufoai-music", "unknown-horizons", "wesnoth-1.16-music",
         "widelands-data", "xmoto-data", "zaz-data")
CHECK = ("brainparty-data", "flare-game", "hyperrogue-music", "openclonk-data", "pushover-data",
         "trackballs-data", "warmux-data")
SUNG = ("muldjord/armygeddon/song", "muldjord/chaos_god/song", "internal_degeneration/song",
        "mutilated_mime/song", "calling-bogus", "ttn1.ogg")  # with voices in them
NO_MUSIC = ("voice", "speech", "dialog", "sfx", "effects", "/sounds/", "noise", "weapon")
# their shares; of a package, the root of its minutes
MADE = {"songs": 9, "pieces": 4, "machines": 6}
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
def layers_of(hidden, apart):
    """Inputs, outputs, taps, stride, frames between taps."""
    return ((BANDS + 1, hidden, 5, 2, 1), *[(hidden, hidden, 5, 2, 1)] * 2,
            *[(hidden, hidden, 5, 1, a) for a in apart], (hidden, 1, 1, 1, 1))


NARROW, WIDE = layers_of(32, (1, 2, 4)), layers_of(64, (1, 2, 4, 4))
BATCH = 32
STRONGEST = 0.4  # how much the strongest evidence counts beside all of it
LIMIT = 2.0  # logits: about what src/vad/music.c compares with
WIDE_LEAST = -1  # as in src/vad/voice.c
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


def power_of(logs):
    """What `bands` took the logarithms of."""
    return np.exp(np.minimum(logs.astype(np.float32), 13) * np.float32(np.log(10)))


def features(power):
    """What the network is told, of the power of bands: [..., frames, BANDS]."""
    logs = np.log(power + np.float32(FLOOR)) * np.float32(1 / np.log(10))
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


def forward(weights, x, trail, layers):
    for n, ((w, b), (_, _, taps, stride, apart)) in enumerate(zip(weights, layers)):
        inputs = taps_of(x, taps, stride, apart)
        out = inputs @ w + b
        if trail is not None:
            trail.append((x.shape, inputs, out))
        x = out if n == len(layers) - 1 else np.maximum(out, 0)
    return x[..., 0]


def backward(weights, trail, grad, layers):
    grads = []
    for n in range(len(layers) - 1, -1, -1):
        _, outputs, taps, stride, apart = layers[n]
        (batch, count, size), inputs, out = trail[n]
        if n < len(layers) - 1:
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


def untaught(dice, layers):
    return [((dice.standard_normal((t * i, o)) * np.sqrt(2 / (t * i))).astype(np.float32),
             np.zeros(o, np.float32)) for i, o, t, _, _ in layers]


def strongest(logits, y):
    """Where in each clip the mean over five steps is highest, in music and in voices, which is
    what src/vad/music.c asks for: how much the logits there lack or have too much."""
    count, grad = logits.shape[1], np.zeros_like(logits)
    padded = np.pad(logits, ((0, 0), (2, 2)))
    means = sum(padded[:, i:i + count] for i in range(5)) / 5
    for label, sign in ((NONE, 1), (VOICE, -1)):
        clips = np.flatnonzero((y == label).any(1))
        at = np.where(y == label, means, -np.inf)[clips].argmax(1)
        error = sign / (1 + np.exp(sign * (LIMIT - means[clips, at]))) / 5
        for i in range(-2, 3):
            inside = (at + i >= 0) & (at + i < count)
            grad[clips[inside], (at + i)[inside]] += error[inside]
    return grad / len(logits)


def train(dice, mixer, net, steps, most):
    """Adam, with a step that falls to nothing; what is kept is the mean of the last few hundred."""
    weights, layers = net
    flat = [p for layer in weights for p in layer]
    first, second = [np.zeros_like(p) for p in flat], [np.zeros_like(p) for p in flat]
    means = [p.copy() for p in flat]
    for step in range(1, steps + 1):
        if step == steps // 2:
            mixer.find_hard((list(zip(means[::2], means[1::2])), layers))
        x, labels = mixer.batch()
        y, trail = labels[:, STEP // 2::STEP], []
        logits = forward(weights, x, trail, layers)
        counts = np.select([y == UNSAID, y == FAINT], [0, 0.4], 1)
        error = counts / max(counts.sum(), 1) * (1 / (1 + np.exp(-logits)) - (y > 0))
        error = error + STRONGEST * strongest(logits, y)
        grads = backward(weights, trail, error[..., None].astype(np.float32), layers)
        rate = most * min(1, step / 300) * (0.5 + 0.5 * np.cos(np.pi * step / steps)) + 1e-5
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


def heard_in(net, power):
    """As src/vad/music.c has it, of the power of bands of one recording."""
    weights, layers = net
    x = features(power[:, :BANDS])
    x = np.pad(x, ((0, -len(x) % STEP), (0, 0)))
    return np.convolve(forward(weights, x[None], None, layers)[0], np.ones(5) / 5, "same")


def evidence(net, logs):
    return heard_in(net, power_of(logs))

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


def machine_made():
    return {str(seed): bands(machines.play(seed)) for seed in range(160)}


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


def shouted(dice, speech, count):
    """Clips of speech that is louder than what records it."""
    b, on = np.empty((count, FRAMES, BANDS + 1), np.float16), np.empty((count, FRAMES), bool)
    for i in range(count):
        x, on[i] = voice_in(dice, speech)
        x = np.tanh(x * dice.uniform(0.7, 5) / (np.sqrt(np.mean(x ** 2)) + 1))
        b[i] = bands(x * (2500 / (np.sqrt(np.mean(x ** 2)) + 1e-3)))
    return {"bands": b, "on": on}


def noises(dice, speech):
    found = (noise(dice, speech) for _ in range(140))
    return {"bands": np.array([bands(x * (2500 / np.sqrt(np.mean(x ** 2)))) for x in found])}


def loudness(b):
    """The mean square of the louder half of frames."""
    power = b[:, BANDS]
    return np.mean(power[power >= np.median(power)]) + 1


def loud(dice, low, high):
    """So many dB, as a factor."""
    return np.float32(10 ** (dice.uniform(low, high) / 10))


class Mixer:
    """Clips of 10 s, mixed from bands."""

    def __init__(self, dice, groups, speech, noise_bands):
        self.dice, self.speech, self.noise = dice, speech, power_of(noise_bands)
        self.groups = [[power_of(t) for t in g.values() if len(t) > FRAMES]
                       for g in groups.values()]
        minutes = [sum(map(len, g)) * HOP / RATE / 60 for g in self.groups]
        self.shares = np.array([MADE.get(name, np.sqrt(min(m, 60)))
                                for name, m in zip(groups, minutes)])
        self.shares /= self.shares.sum()
        self.hard, self.faint = [], []
        self.phases = (1.2 * dice.uniform(-1, 1, 1 << 21)).astype(np.float32)

    def find_hard(self, net):
        """Places at which `net` hears voices in music, and clips in which it hears hardly any."""
        self.hard = [(t, step * STEP) for g in self.groups for t in g
                     for step in np.flatnonzero(heard_in(net, t) > -1.5)[::6]]
        most = np.array([heard_in(net, power_of(b)).max() if on.any() else np.inf
                         for b, on in zip(self.speech["bands"], self.speech["on"])])
        self.faint = np.argsort(most)[:len(most) // 10]
        print(f"{len(self.hard)} places of music sound like voices; the faintest tenth of clips"
              f" is below {most[self.faint[-1]]:.1f}", flush=True)

    def part_of(self, t):
        """One clip, at times faster or slower."""
        dice = self.dice
        speed = dice.uniform(0.75, 1.3) if dice.random() < 0.3 else 1
        if speed == 1 or len(t) < 1.3 * FRAMES + 2:
            at = dice.integers(len(t) - FRAMES + 1)
            return t[at:at + FRAMES]
        at = dice.integers(len(t) - int(FRAMES * speed) - 1) + np.arange(FRAMES) * speed
        first, part = at.astype(int), (at % 1)[:, None].astype(np.float32)
        return t[first] * (1 - part) + t[first + 1] * part

    def tune(self):
        dice = self.dice
        if len(self.hard) and dice.random() < 0.25:
            t, at = self.hard[dice.integers(len(self.hard))]
            at = int(np.clip(at - dice.integers(100, FRAMES - 100), 0, len(t) - FRAMES))
            b = t[at:at + FRAMES]
        else:
            while True:
                group = self.groups[dice.choice(len(self.groups), p=self.shares)]
                b = self.part_of(group[dice.integers(len(group))])
                if b[:, BANDS].max() > 300:
                    break
        if dice.random() < 0.3:  # a little higher or lower
            k = np.arange(BANDS) + dice.uniform(-1.2, 1.2) * np.linspace(0.7, 1, BANDS)
            low = np.clip(np.floor(k), 0, BANDS - 2).astype(int)
            part = np.clip(k - low, 0, 1).astype(np.float32)
            b = np.concatenate([b[:, low] * (1 - part) + b[:, low + 1] * part, b[:, BANDS:]], 1)
        return b

    def add(self, a, b):
        """As if they met by chance in phase."""
        at = self.dice.integers(len(self.phases) - a.size)
        phase = self.phases[at:at + a.size].reshape(a.shape)
        return np.maximum(a + b + phase * np.sqrt(a * b), 1)

    def recorded(self, b):
        """As some microphone, line and level would have it."""
        dice, gain = self.dice, np.zeros(BANDS)
        if dice.random() < 0.4:
            gain += np.interp(CENTRES, (0, 150, 400, 1000, 2000, 4000, 8001),
                              dice.normal(0, 4, 7))
        chance = dice.random()
        if chance < 0.12:
            gain[(CENTRES < 300) | (CENTRES > 3400)] -= 60
        elif chance < 0.2:
            gain[(CENTRES < dice.uniform(50, 200)) | (CENTRES > dice.uniform(2000, 4000))] -= 60
        level = loud(dice, 20 * np.log10(150), 20 * np.log10(6000)) / (b[:, BANDS].mean() + 1)
        return b[:, :BANDS] * (10 ** (gain / 10) * level).astype(np.float32)

    def in_noise(self, b, on):
        if self.dice.random() < 0.75:
            n = self.noise[self.dice.integers(len(self.noise))]
            b = self.add(b, n * (loudness(b) / loudness(n) * loud(self.dice, -30, 0)))
        return b, np.where(on, VOICE, UNSAID)

    def over_music(self, b, on):
        dice, tune = self.dice, self.tune()
        snr = dice.uniform(-5, 20)
        gain = np.full(FRAMES, loudness(b) / loudness(tune) * 10 ** (-snr / 10), np.float32)
        if dice.random() < 0.45:  # no more than a sentence
            at, count = dice.integers(FRAMES - 60), dice.integers(50, 200)
            said = (np.arange(FRAMES) >= at) & (np.arange(FRAMES) < at + count)
            b, on = b * said[:, None].astype(np.float32), on & said
        if dice.random() < 0.2:  # the music makes way for the voice
            under = np.convolve(near(on, 25).astype(float), np.ones(10) / 10, "same")
            gain *= (10 ** ((1 - under) * dice.uniform(0.5, 1.5))).astype(np.float32)
        return self.add(b, tune * gain[:, None]), np.select(
            [on, near(on, 65)], [VOICE if snr >= 0 else FAINT, UNSAID], NONE)

    def clip(self):
        dice, kind = self.dice, self.dice.random()
        if kind < 0.42:
            b = self.tune()
            if dice.random() < 0.1:
                b = self.add(b, self.tune() * np.float32(0.5))
            return b, np.where(near(b[:, BANDS] > 32, 15), NONE, UNSAID)
        i = dice.integers(len(self.speech["on"]))
        if len(self.faint) and dice.random() < 0.15:
            i = self.faint[dice.integers(len(self.faint))]
        b, on = power_of(self.speech["bands"][i]), self.speech["on"][i]
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
    groups["machines"] = dict(kept(heard / "machines.npz", machine_made))

    def speech_of(names, seed, make, *args):
        dice = np.random.default_rng(seed)
        return lambda: make(dice, Speech.of(dice, sounds, names), *args)
    said = (kept(heard / "speech.npz", speech_of(SPEECH, 1, spoken, 4500)),
            kept(heard / "shouted.npz", speech_of(SPEECH, 4, shouted, 700)))
    speech = {part: np.concatenate([s[part] for s in said]) for part in ("bands", "on")}
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


def rounded(weights):
    """Of each layer its scale, weights of eight bits, and bias."""
    scales = [float(np.abs(w).max()) / 127 for w, _ in weights]
    return [(scale, np.rint(w / scale).astype(int), b) for scale, (w, b) in zip(scales, weights)]


def in_c(name, layers, small):
    """Of one network, for src/vad/voice-weights.c."""
    text, table = "/* Made by tools/train-music.py: do not edit. */\n/* clang-format off */\n", ""
    for n, ((i, o, taps, stride, apart), (scale, w, b)) in enumerate(zip(layers, small)):
        text += (f"static const int8_t {name}_weights_{n}[] = {{\n"
                 f"{rows(w.ravel(), 28, str, ',')}}};\n"
                 f"static const float {name}_bias_{n}[] = {{\n{rows(b, 6, '{:.6e}F'.format)}}};\n")
        table += (f"    {{ .inputs = {i}, .outputs = {o}, .taps = {taps}, .stride = {stride},"
                  f" .apart = {apart},\n      .scale = {scale:.8e}F, .weights = {name}_weights_{n},"
                  f" .bias = {name}_bias_{n} }},\n")
    return (text + f"static const struct sc_voice_layer {name}_layers[] = {{\n{table}}};\n"
            "/* clang-format on */\n")


def export(narrow, wide):
    i = np.arange(300 * HOP, dtype=np.int64)  # the sound of test-voice.c
    x = np.where(i // 8000 % 3 == 2, 0, i * (100 + i // 200) % 8192 - 4096)
    told, answers = features(power_of(bands(x, np.float32)[None, :, :BANDS])), []
    for name, (weights, layers) in (("narrow", narrow), ("wide", wide)):
        small = rounded(weights)
        (ROOT / f"src/vad/voice-{name}.inc").write_text(in_c(name, layers, small))
        used = [((w * scale).astype(np.float32), b) for scale, w, b in small]
        answers.append(forward(used, told, None, layers)[0])
    both = (2 * answers[0] + np.maximum(answers[1], WIDE_LEAST)) / 3
    (ROOT / "tests/unit/vad/voice-answers.inc").write_text(rows(both, 8, "{:.4f}F".format))


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
    parser.add_argument("--steps", type=int, default=12000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--again", type=pathlib.Path, metavar="FIRST.npz")
    parser.add_argument("--wide", action="store_true", help="the second network")
    parser.add_argument("--export", type=pathlib.Path, nargs=2,
                        metavar=("NARROW.npz", "WIDE.npz"))
    args = parser.parse_args()
    if args.export:
        export(*map(load, args.export))
        return 0
    if args.out is None:
        parser.error("name the folder of sounds, one for their bands, and the file to write")
    args.heard.mkdir(exist_ok=True)
    groups, tunes, speech, checked, noise_bands = listen(args.sounds, args.heard)
    dice = np.random.default_rng(args.seed)
    mixer = Mixer(dice, groups, speech, noise_bands)
    layers = WIDE if args.wide else NARROW
    weights, most = untaught(dice, layers), 3e-3
    if args.again:
        (weights, layers), most = load(args.again), 1.6e-3
        mixer.find_hard((weights, layers))
    weights = train(dice, mixer, (weights, layers), args.steps, most)
    np.savez(args.out, layers=np.array(layers), **{f"{name}{n}": p for n, layer in
                                                   enumerate(weights)
                                                   for name, p in zip("wb", layer)})
    tell((weights, layers), tunes, checked)
    return 0


if __name__ == "__main__":
    sys.exit(main())
