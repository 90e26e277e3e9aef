#!/usr/bin/env python3
"""Teaches the network of src/vad/voice.c what voices and music sound like.

tools/train-music.py SOUNDS OUT.npz [--clips N] [--epochs N] [--seed N]
tools/train-music.py --export OUT.npz

SOUNDS is a folder with a folder for each Debian package named below, as `apt-get download NAME`
and `dpkg -x NAME_*.deb SOUNDS/NAME` make it (nexuiz-music: the .pk3 in it unzipped there as well).
Their sounds are only listened to: what is kept is some 16,000 numbers. Songs for a synthesizer are
made by tools/midi.py, pieces by tools/pieces.py (every second kind of them), voices by flite and espeak-ng.
Packages, voices and kinds that are not named here are for measuring: tools/music.py.

Clips of 10 s are music, speech in noise, or speech over music, changed as rooms, telephones and
microphones change them, and a few sounds that are neither but must be kept. Half a minute of a
processor makes a thousand of them. --export writes src/vad/voice-weights.c and the answers that
tests/unit/vad/test-voice.c compares. Needs python3-numpy, ffmpeg, fluidsynth, fluid-soundfont-gm,
flite, espeak-ng.
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
MUSIC = {"nexuiz-music": .15, "hyperrogue-music": .1, "planetblupi-music-ogg": .1,
         "asc-music": .04, "singularity-music": .12, "midi": .37, "pieces": .12}
SPEECH = ("asterisk-core-sounds-en-wav", "asterisk-core-sounds-es-wav",
          "asterisk-core-sounds-ru-wav", "asterisk-prompt-it-menardi-wav",
          "asterisk-prompt-fr-armelle", "klettres-data")
LETTERS = ("cs", "da", "en_GB", "es", "lt", "nl", "pt_BR", "ru")  # of klettres-data
FLITE = ("kal", "awb")
ESPEAK = ("de", "es", "pl", "ru", "tr", "fi", "el", "pt", "sv", "ko", "cmn", "id", "sw", "hu")
KINDS = list(pieces.PIECES)[::2]

RATE, HOP, SIZE = 16000, 320, 1024
BANDS, BINS, FLOOR, SIDE, STEP = 32, 272, 100.0, 50, 8  # as in src/vad/voice.c
FRAMES = 512
CLIP = FRAMES * HOP
HIDDEN = 24
# inputs, outputs, taps, stride, frames between taps
LAYERS = ((BANDS + 1, HIDDEN, 5, 2, 1), (HIDDEN, HIDDEN, 5, 2, 1), (HIDDEN, HIDDEN, 5, 2, 1),
          (HIDDEN, HIDDEN, 5, 1, 2), (HIDDEN, HIDDEN, 5, 1, 2), (HIDDEN, 1, 1, 1, 1))
VOICE, FAINT, NONE, UNSAID = 1, 2, 0, -1  # labels; faint: a voice below the music

# ---- what the network is told of each frame ----


def bank():
    low, high = (1127 * np.log(1 + hz / 700) for hz in (60, 4150))
    edge = 700 * (np.exp(np.linspace(low, high, BANDS + 2) / 1127) - 1) / (RATE / SIZE)
    k = np.arange(BINS)[:, None]
    up = (k - edge[:-2]) / (edge[1:-1] - edge[:-2])
    down = (edge[2:] - k) / (edge[2:] - edge[1:-1])
    weights = np.maximum(np.minimum(up, down), 0)
    return (weights / weights.sum(0)).astype(np.float32)


def features(x):
    """[frames, BANDS + 1] of samples."""
    count = -(-len(x) // HOP)
    padded = np.zeros(SIZE + HOP * count, np.float32)
    padded[SIZE - 2 * HOP:SIZE - 2 * HOP + len(x)] = x
    frames = np.lib.stride_tricks.sliding_window_view(padded, SIZE)[::HOP][:count]
    window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(SIZE) / SIZE)).astype(np.float32)
    out, weights = np.empty((count, BANDS), np.float32), bank()
    for at in range(0, count, 4096):
        s = np.fft.rfft(frames[at:at + 4096] * window, axis=1)[:, :BINS]
        out[at:at + 4096] = np.log10((s.real ** 2 + s.imag ** 2).astype(np.float32) @ weights +
                                     FLOOR)
    level = out.mean(1)
    sums = np.concatenate([[0], np.cumsum(level.astype(float))])
    first = np.maximum(np.arange(count) - SIDE, 0)
    last = np.minimum(np.arange(count) + SIDE + 1, count)
    around = (sums[last] - sums[first]) / (last - first)
    return np.concatenate([out - level[:, None], (level - around)[:, None]], 1).astype(np.float32)

# ---- the network ----


def taps_of(x, taps, stride, apart):
    pad = (taps - 1) * apart // 2
    padded = np.pad(x, ((0, 0), (pad, pad), (0, 0)))
    return np.concatenate([padded[:, j * apart:j * apart + x.shape[1]:stride]
                           for j in range(taps)], 2)


def forward(weights, x, trail=None):
    for n, ((w, b), (_, _, taps, stride, apart)) in enumerate(zip(weights, LAYERS)):
        inputs = taps_of(x, taps, stride, apart)
        out = inputs @ w + b
        if trail is not None:
            trail.append((x.shape, inputs, out))
        x = out if n == len(LAYERS) - 1 else np.maximum(out, 0)
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


def train(dice, x, labels, epochs, batch=32):
    """Adam, with a step that falls to nothing."""
    weights = [[(dice.standard_normal((t * i, o)) * np.sqrt(2 / (t * i))).astype(np.float32),
                np.zeros(o, np.float32)] for i, o, t, _, _ in LAYERS]
    flat = [p for layer in weights for p in layer]
    first, second = [np.zeros_like(p) for p in flat], [np.zeros_like(p) for p in flat]
    labels = labels[:, STEP // 2::STEP]
    steps = epochs * (len(x) // batch)
    for step in range(1, steps + 1):
        if (step - 1) % (len(x) // batch) == 0:
            order = dice.permutation(len(x))
        pick, order = order[:batch], order[batch:]
        trail, y = [], labels[pick]
        logits = forward(weights, x[pick].astype(np.float32), trail)
        counts = np.select([y == UNSAID, y == FAINT], [0, 0.4], 1)
        error = counts / max(counts.sum(), 1) * (1 / (1 + np.exp(-logits)) - (y > 0))
        grads = backward(weights, trail, error[..., None].astype(np.float32))
        rate = 3e-3 * min(1, step / 100) * (0.5 + 0.5 * np.cos(np.pi * step / steps)) + 1e-5
        for p, grad, a, b in zip(flat, grads, first, second):
            a += 0.1 * (grad - a)
            b += 0.001 * (grad * grad - b)
            p -= rate * (a / (1 - 0.9 ** step) / (np.sqrt(b / (1 - 0.999 ** step)) + 1e-8) +
                         1e-4 * p * (p.ndim > 1))
        if step % 100 == 0:
            known = y != UNSAID
            right = np.mean(((logits > 0) == (y > 0))[known])
            print(f"step {step} of {steps}: {right:.3f} right", flush=True)
    return weights

# ---- sounds ----


def decode(path):
    """The samples of a file; none of one that cannot be decoded."""
    try:
        return music.decode(path).astype(np.int16)
    except subprocess.CalledProcessError:
        print(f"left out: {path.name}", flush=True)
        return np.zeros(0, np.int16)


def sounds_of(folder, suffixes):
    return [p for p in sorted(folder.rglob("*"))
            if p.suffix in suffixes and not p.is_symlink() and p.parent.name != "silence"]


class Music:
    def __init__(self, dice, sounds, work):
        self.dice = dice
        self.shares = np.array(list(MUSIC.values()))
        self.groups = []
        for name in MUSIC:
            if name == "midi":
                group = list(self.songs(work))
            elif name == "pieces":
                group = [pieces.play(kind, seed) for kind in KINDS for seed in range(50, 56)]
            else:
                paths = sounds_of(sounds / name, (".ogg", ".mp3", ".opus", ".xm"))
                group = [x for x in map(decode, paths) if len(x) > CLIP * 1.3]
            print(f"{name}: {sum(map(len, group)) / RATE / 60:.0f} min", flush=True)
            self.groups.append(group)

    def songs(self, work):
        for batch in range(10):
            paths = []
            for i in range(30):
                paths.append(work / f"{i}.mid")
                song = midi.Song(np.random.default_rng(1000 + batch * 30 + i), 30)
                paths[-1].write_bytes(song.play().bytes())
            midi.render(paths, work / "songs.wav", SOUNDFONT)
            yield decode(work / "songs.wav")

    def clip(self):
        while True:
            group = self.groups[self.dice.choice(len(self.groups), p=self.shares)]
            x = group[self.dice.integers(len(group))]
            speed = self.dice.uniform(0.8, 1.25) if self.dice.random() < 0.4 else 1
            count = int(CLIP * speed) + 2
            if len(x) < count:
                continue
            at = self.dice.integers(len(x) - count + 1)
            y = np.interp(np.arange(CLIP) * speed, np.arange(count), x[at:at + count])
            if np.sqrt(np.mean(y ** 2)) > 60:
                return y


class Speech:
    def __init__(self, dice, sounds, work):
        self.dice = dice
        self.voices = [self.made(work)]
        for name in SPEECH:
            if name == "klettres-data":
                self.voices += [self.recorded(p) for p in sorted(
                    (sounds / name).rglob("klettres/*")) if p.name in LETTERS]
            else:
                self.voices.append(self.recorded(sounds / name))
        minutes = [sum(map(len, v)) / RATE / 60 for v in self.voices]
        self.shares = np.sqrt(np.minimum(minutes, 12))
        self.shares /= self.shares.sum()
        print(f"speech: {sum(minutes):.0f} min", flush=True)

    @staticmethod
    def recorded(folder):
        found = map(decode, sounds_of(folder, (".wav", ".gsm", ".ogg")))
        return [x for x in found if len(x) > 1600]

    def made(self, work):
        texts = music.TEXT.replace("\n", " ").split(". ")
        out = [music.spoken(work, ["flite", "-voice", v, "-o", "{}", "-t", t])
               for v in FLITE for t in texts[:6]]
        for voice in ESPEAK:
            variant = self.dice.choice(["", "+f2", "+m3", "+f4", "+whisper"])
            how = ["-s", str(self.dice.integers(110, 280)), "-p", str(self.dice.integers(20, 90))]
            out += [music.spoken(work, ["espeak-ng", "-v", voice + variant, *how, "-w", "{}", t])
                    for t in texts[:4]]
        return out

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


def coloured(dice, x):
    s, hz = np.fft.rfft(x), np.fft.rfftfreq(len(x), 1 / RATE)
    decibels = np.interp(hz, (0, 150, 400, 1000, 2000, 4000, 8001), dice.normal(0, 4, 7))
    return np.fft.irfft(s * 10 ** (decibels / 20), len(x))


def in_a_room(dice, x):
    count = int(dice.uniform(0.15, 0.8) * RATE)
    tail = dice.standard_normal(count) * np.exp(-np.arange(count) / (count / 6))
    tail *= dice.uniform(0.01, 0.06)
    tail[0], n = 1, 1 << int(np.ceil(np.log2(len(x) + count)))
    return np.fft.irfft(np.fft.rfft(x, n) * np.fft.rfft(tail, n), n)[:len(x)]


def recorded(dice, x):
    """As some microphone, line and level would have it."""
    if dice.random() < 0.4:
        x = coloured(dice, x)
    chance = dice.random()
    if chance < 0.12:
        x = music.band(x, 300, 3400)
    elif chance < 0.2:
        x = music.band(x, dice.uniform(50, 200), dice.uniform(2000, 4000))
    x = x * 10 ** dice.uniform(np.log10(150), np.log10(6000)) / (np.sqrt(np.mean(x ** 2)) + 1)
    chance = dice.random()
    if chance < 0.06:
        x = np.tanh(x / 1500) * 20000
    elif chance < 0.12:  # eight bits, as of a telephone
        small = np.rint(np.log1p(255 * np.minimum(abs(x) / 32768, 1)) / np.log(256) * 127) / 127
        x = np.sign(x) * (256 ** small - 1) / 255 * 32768
    return np.clip(np.rint(x), -32768, 32767)


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


def music_clip(dice, tunes):
    x = tunes.clip()
    if dice.random() < 0.15:
        x = x + 0.7 * tunes.clip()
    if dice.random() < 0.15:
        x = in_a_room(dice, x)
    if dice.random() < 0.15:
        x = music.over(x, dice.standard_normal(CLIP), dice.uniform(10, 30))
    x = recorded(dice, x)
    return x, np.where(near(levels(x) > 20, 15), NONE, UNSAID)


def voice_in(dice, speech):
    x = speech.clip()
    if dice.random() < 0.06:
        x = music.whispered(dice, x)
    on = active(x)
    return (in_a_room(dice, x) if dice.random() < 0.2 else x), on


def noise_clip(dice, speech):
    x, on = voice_in(dice, speech)
    if dice.random() < 0.7:
        x = music.over(x, noise(dice, speech), dice.uniform(0, 30))
    return recorded(dice, x), np.where(on, VOICE, UNSAID)


def both_clip(dice, tunes, speech):
    x, on = voice_in(dice, speech)
    tune, snr = tunes.clip(), dice.uniform(-5, 20)
    gain = music.loudness(x) / music.loudness(tune) * 10 ** (-snr / 20)
    if dice.random() < 0.2:  # the music makes way for the voice
        under = np.repeat(near(on, 25).astype(float), HOP)
        under = np.convolve(under, np.ones(3200) / 3200, "same")
        gain = gain * 10 ** ((1 - under) * dice.uniform(5, 15) / 20)
    labels = np.select([on, near(on, 65)], [VOICE if snr >= 0 else FAINT, UNSAID], NONE)
    return recorded(dice, x + tune * gain), labels


def odd_clip(dice, tunes):
    """Bursts of noise and sliding tones: neither, but in doubt sound is kept."""
    x, at = np.zeros(CLIP), 0
    while at < CLIP:
        count = int(dice.uniform(0.3, 2) * RATE)
        low, high = dice.uniform(90, 190), dice.uniform(110, 400)
        hz = low * (high / low) ** (np.arange(count) / count)
        burst = dice.standard_normal(count)
        if dice.random() < 0.5:
            burst = pieces.partials(hz, count, [k ** -0.5 for k in range(1, 12)])
        x[at:at + count] = burst[:CLIP - at] * dice.uniform(0.3, 1)
        at += count + int(dice.uniform(0.05, 1) * RATE)
    on = active(x * 1000)
    if dice.random() < 0.3:
        x = music.over(x * 1000, tunes.clip(), dice.uniform(0, 20))
    return recorded(dice, x), np.where(on, VOICE, UNSAID)


def clips(dice, tunes, speech, count):
    x = np.empty((count, FRAMES, BANDS + 1), np.float16)
    labels = np.empty((count, FRAMES), np.int8)
    for i in range(count):
        kind = i % 20
        if kind < 8:
            samples, labels[i] = music_clip(dice, tunes)
        elif kind < 13:
            samples, labels[i] = noise_clip(dice, speech)
        elif kind < 19:
            samples, labels[i] = both_clip(dice, tunes, speech)
        else:
            samples, labels[i] = odd_clip(dice, tunes)
        x[i] = features(samples)
        if i % 500 == 0:
            print(f"clip {i} of {count}", flush=True)
    return x, labels

# ---- what is kept ----


def rows(values, per_row, form):
    lines = [values[i:i + per_row] for i in range(0, len(values), per_row)]
    return "".join("    " + ", ".join(map(form, line)) + ",\n" for line in lines)


def export(weights):
    text = ("/* Made by tools/train-music.py: do not edit. What the network has learned of voices"
            " and music. */\n#include \"vad/voice.h\"\n\n#include \"base/banned.h\"\n\n"
            "/* clang-format off */\n")
    table, used = "", []
    for n, ((w, b), (i, o, taps, stride, apart)) in enumerate(zip(weights, LAYERS)):
        scale = float(np.abs(w).max()) / 127
        small = np.rint(w / scale).astype(int)
        used.append(((small * scale).astype(np.float32), b))
        text += f"static const int8_t weights_{n}[] = {{\n{rows(small.ravel(), 22, str)}}};\n"
        text += f"static const float bias_{n}[] = {{\n{rows(b, 6, '{:.6e}F'.format)}}};\n"
        table += (f"    {{ .inputs = {i}, .outputs = {o}, .taps = {taps}, .stride = {stride},"
                  f" .apart = {apart},\n      .scale = {scale:.8e}F, .weights = weights_{n},"
                  f" .bias = bias_{n} }},\n")
    text += f"\nconst struct sc_voice_layer sc_voice_layers[SC_VOICE_LAYERS] = {{\n{table}}};\n"
    (ROOT / "src/vad/voice-weights.c").write_text(text + "/* clang-format on */\n")
    i = np.arange(300 * HOP, dtype=np.int64)  # the sound of test-voice.c
    x = np.where(i // 8000 % 3 == 2, 0, i * (100 + i // 200) % 8192 - 4096)
    answers = forward(used, features(x)[None])[0]
    (ROOT / "tests/unit/vad/voice-answers.inc").write_text(rows(answers, 8, "{:.4f}F".format))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sounds", type=pathlib.Path, nargs="?")
    parser.add_argument("out", type=pathlib.Path, nargs="?")
    parser.add_argument("--clips", type=int, default=15000)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--export", type=pathlib.Path)
    args = parser.parse_args()
    if args.export:
        kept = np.load(args.export)
        export([(kept[f"w{n}"], kept[f"b{n}"]) for n in range(len(LAYERS))])
        return 0
    if args.out is None:
        parser.error("name the folder of sounds and the file to write")
    dice = np.random.default_rng(args.seed)
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        x, labels = clips(dice, Music(dice, args.sounds, work), Speech(dice, args.sounds, work),
                          args.clips)
    weights = train(dice, x, labels, args.epochs)
    np.savez(args.out, **{f"{name}{n}": p for n, layer in enumerate(weights)
                          for name, p in zip("wb", layer)})
    return 0


if __name__ == "__main__":
    sys.exit(main())
