#!/usr/bin/env python3
"""What is left out as music: pieces of many kinds, and of speech nothing.

tools/music.py [--build DIR] [--seeds N] [--words] [--only TEXT] [--sounds DIR]

Pieces are made by tools/pieces.py. Speech: the recordings of pocketsphinx-testdata and the voices
of flite and espeak-ng (where that is installed); plain, in noise, over quiet music, whispered,
shouted, by telephone and through codecs of low rate; and single sentences within music that is as
loud or less. --words tells how many words pocketsphinx hears in the pieces with music=keep and with
music=drop: slow. --sounds: a folder of folders with recordings of music and nothing else, such as
`dpkg -x` makes of warzone2100-music and drascula-music; what is left of each folder is told. Ends
with 1 when speech was lost, or a sentence 10 dB or more above the music. Needs python3-numpy.
"""

import argparse
import glob
import os
import pathlib
import subprocess
import sys
import tempfile
import wave

import numpy as np

import pieces

ROOT = pathlib.Path(__file__).resolve().parent.parent
RATE = pieces.RATE
VOICES = "/usr/share/pocketsphinx/test/data/librivox/*.wav"
TEXT = """It was a dark and stormy night. The rain fell in torrents, except at intervals, when it was
checked by a violent gust of wind. All men ought to know where they are going before they start to
walk. Early on Monday we were all aware that a new railway line ran around the area. How many more
lemons will you allow me? Nobody knew anything. One, two, three, four, five, six, seven. We may roam
where only a lion or a mellow llama may wander, and nobody will ever know why. Well, good bye."""
FLITE = ("kal", "awb", "rms", "slt")
MONOTONE = ("kal", "100")
ESPEAK = {"en": (), "fast": ("-s", "320"), "slow": ("-s", "90"), "high": ("-p", "99"),
          "de": ("-v", "de"), "fr": ("-v", "fr"), "it": ("-v", "it"), "hi": ("-v", "hi"),
          "vi": ("-v", "vi"), "ja": ("-v", "ja"), "whisper": ("-v", "en+whisper")}
MUSIC_FILES = (".ogg", ".mp3", ".opus", ".flac", ".wav", ".xm")
CODECS = {"gsm": ("gsm", "-ar", "8000", "-c:a", "libgsm"),
          "opus 6k": ("opus", "-c:a", "libopus", "-b:a", "6k"),
          "speex": ("spx", "-ar", "8000", "-c:a", "libspeex", "-q:a", "1")}


def decode(path):
    run = subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-i", str(path), "-f", "s16le",
                          "-ar", str(RATE), "-ac", "1", "-"], stdout=subprocess.PIPE, check=True)
    return np.frombuffer(run.stdout, np.int16).astype(float)


def spoken(folder, command):
    path = folder / "voice.wav"
    subprocess.run([x.format(path) for x in command], check=True, stderr=subprocess.DEVNULL)
    return decode(path)


def voices(folder):
    """Names and samples, each at the same loudness."""
    out = {"readers": np.concatenate([decode(p) for p in sorted(glob.glob(VOICES))])}
    for name in FLITE:
        out[f"flite {name}"] = spoken(folder, ["flite", "-voice", name, "-o", "{}", "-t", TEXT])
    name, hz = MONOTONE
    out[f"flite {name}, monotone"] = spoken(folder, [
        "flite", "-voice", name, "--setf", f"int_f0_target_mean={hz}", "--setf",
        "int_f0_target_stddev=0", "-o", "{}", "-t", TEXT])
    try:
        for name, args in ESPEAK.items():
            out[f"espeak {name}"] = spoken(folder, ["espeak-ng", *args, "-w", "{}", TEXT])
    except FileNotFoundError:
        print("espeak-ng is not installed: its voices are left out")
    return {name: x * (2500 / loudness(x)) for name, x in out.items()}


def loudness(x):
    frames = np.mean(x[:len(x) // 320 * 320].reshape(-1, 320) ** 2, axis=1)
    return np.sqrt(np.mean(frames[frames >= np.median(frames)])) + 1


def over(x, other, snr):
    return x + np.resize(other, len(x)) * (loudness(x) / loudness(other) * 10 ** (-snr / 20))


def band(x, low, high):
    spectrum = np.fft.rfft(x)
    hz = np.fft.rfftfreq(len(x), 1 / RATE)
    spectrum[(hz < low) | (hz > high)] = 0
    return np.fft.irfft(spectrum, len(x))


def pink(dice, count):
    spectrum = np.fft.rfft(dice.standard_normal(count))
    return np.fft.irfft(spectrum / np.sqrt(np.maximum(1, np.arange(len(spectrum)))), count)


def whispered(dice, x):
    """The envelope of each spectrum, with noise for the voice."""
    size, window = 400, np.hanning(400)
    out = np.zeros(len(x))
    for at in range(0, len(x) - size, size // 2):
        cepstrum = np.fft.irfft(np.log(np.abs(np.fft.rfft(x[at:at + size] * window, 1024)) + 1))
        cepstrum[40:-40] = 0
        noise = np.fft.rfft(dice.standard_normal(size) * window, 1024) / 14
        envelope = np.exp(np.fft.rfft(cepstrum).real)
        out[at:at + size] += window * np.fft.irfft(noise * envelope)[:size]
    return out


def through(folder, x, codec):
    suffix, *args = CODECS[codec]
    path = folder / f"coded.{suffix}"
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "s16le", "-ar", str(RATE), "-ac", "1",
                    "-i", "-", *args, str(path)], input=samples(x).tobytes(), check=True)
    return decode(path)


def samples(x):
    return np.clip(np.rint(x), -32768, 32767).astype(np.int16)


def variants(folder, seed, x, everyone, tune):
    dice = np.random.default_rng(seed)
    yield "plain", x
    yield "quiet", x * 0.01
    yield "shouted", np.tanh(x / 1500) * 20000
    yield "whispered", whispered(dice, x)
    yield "telephone", band(x, 300, 3400)
    for snr in (20, 10):
        yield f"white noise {snr} dB", over(x, dice.standard_normal(len(x)), snr)
        yield f"pink noise {snr} dB", over(x, pink(dice, len(x)), snr)
        yield f"babble {snr} dB", over(x, everyone, snr)
    yield "quiet music 15 dB", over(x, tune, 15)
    yield "music 8 dB", over(x, tune, 8)
    for codec in CODECS:
        yield codec, through(folder, x, codec)


class Table:
    """Seconds that are heard with music kept and dropped, by the name of a row."""

    def __init__(self, build, folder):
        self.build, self.folder, self.rows = build, folder, {}

    def add(self, row, recordings):
        paths = []
        for i, x in enumerate(recordings):
            paths.append(self.folder / f"{i}.raw")
            samples(x).tofile(paths[-1])
        run = subprocess.run([self.build / "bench" / "left-out"], check=True, text=True,
                             input="".join(f"{p}\n" for p in paths), stdout=subprocess.PIPE)
        figures = [[float(f) for f in line.split()] for line in run.stdout.splitlines()]
        self.pieces = [list(zip(f[2::2], f[3::2])) for f in figures]
        keep, drop = (sum(f[i] for f in figures) for i in (0, 1))
        self.rows[row] = (keep, drop)
        return keep, drop

    def empty(self):
        """Of how many of the last recordings nothing is heard."""
        return sum(not p for p in self.pieces)


def count_words(build, folder, recordings, music):
    """How many words pocketsphinx hears."""
    paths = []
    for i, x in enumerate(recordings):
        paths.append(str(folder / f"{i}.wav"))
        with wave.open(paths[-1], "wb") as w:
            w.setparams((1, 2, RATE, 0, "NONE", None))
            w.writeframes(samples(x).tobytes())
    words = 0
    for path in paths:
        run = subprocess.run([build / "scripta", "--data", folder / "data", "transcribe",
                              "--engine", "pocketsphinx", "--music", music, path], check=True,
                             text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        words += len(run.stdout.split())
    return words


def measure_music(args, table):
    print(f"{'piece':24} {'sound':>8} {'left':>8} {'empty':>8}" +
          ("   words: keep  drop" if args.words else ""))
    total, words, empty = np.zeros(2), np.zeros(2, int), 0
    for name in pieces.PIECES:
        if args.only not in name:
            continue
        played = [pieces.play(name, seed) for seed in range(1, args.seeds + 1)]
        keep, drop = table.add(name, played)
        total += (keep, drop)
        empty += table.empty()
        line = f"{name:24} {keep:6.1f} s {drop:6.1f} s {table.empty():8}"
        if args.words:
            heard = [count_words(args.build, table.folder, played, m) for m in ("keep", "drop")]
            words += heard
            line += f"{heard[0]:14} {heard[1]:5}"
        print(line, flush=True)
    print(f"{'all music':24} {total[0]:6.1f} s {total[1]:6.1f} s {empty:8}" +
          (f"{words[0]:14} {words[1]:5}" if args.words else ""))


def measure_speech(args, table):
    """Seconds of speech that were lost."""
    heard = voices(table.folder)
    everyone = sum(np.resize(np.roll(x, 9000 * i), 60 * RATE)
                   for i, x in enumerate(list(heard.values())[:6]))
    tunes = list(pieces.PIECES)
    sums = {}
    for seed, (voice, x) in enumerate(heard.items()):
        tune = pieces.play(tunes[seed * 5 % len(tunes)], 1).astype(float)
        for variant, y in variants(table.folder, seed, x, everyone, tune):
            keep, drop = table.add("speech", [y])
            sums.setdefault(variant, np.zeros(2))
            sums[variant] += (keep, drop)
            if keep - drop > 0.1:
                print(f"lost: {keep - drop:.1f} s of {voice}, {variant}")
    print(f"\n{'speech':24} {'sound':>8} {'left':>8}")
    for variant, (keep, drop) in sums.items():
        print(f"{variant:24} {keep:6.1f} s {drop:6.1f} s")
    return sum(keep - drop for keep, drop in sums.values())


def measure_recordings(folder, table):
    """Real music, by folder."""
    print(f"\n{'recordings of':24} {'sound':>8} {'left':>8} {'empty':>8}")
    for package in sorted(p for p in folder.iterdir() if p.is_dir()):
        total, count, empty = np.zeros(2), 0, 0
        for path in sorted(p for p in package.rglob("*") if p.suffix in MUSIC_FILES):
            if path.is_symlink():
                continue
            total += table.add("recordings", [decode(path)])
            count, empty = count + 1, empty + table.empty()
        print(f"{package.name:24} {total[0]:6.0f} s {total[1]:6.0f} s {empty:4} of {count}",
              flush=True)


def sentences(folder):
    """Of 1.5 to 3 s, by voice."""
    texts = TEXT.replace("\n", " ").split(". ")
    for name in FLITE:
        for text in texts:
            x = spoken(folder, ["flite", "-voice", name, "-o", "{}", "-t", text])
            if 1.5 * RATE <= len(x) <= 3 * RATE:
                yield name, x
    for path in sorted(glob.glob(VOICES)):
        x = decode(path)
        for at in range(0, len(x) - 2 * RATE, 3 * RATE):
            yield "reader", x[at:at + 2 * RATE]


def measure_sentences(table):
    """Which sentences within music are lost (less than two thirds are heard)? How many of those
    that are 10 dB louder than the music, or more, is returned."""
    spoken_ones, tunes, lost = list(sentences(table.folder)), list(pieces.PIECES), {}
    for i in range(96):
        dice = np.random.default_rng(i)
        _, x = spoken_ones[dice.integers(len(spoken_ones))]
        snr, ducks = (0, 5, 10, 20)[i % 4], i // 4 % 2 == 1
        tune = np.concatenate([pieces.play(tunes[i * 13 % len(tunes)], seed).astype(float)
                               for seed in (i, i + 1)])
        at = int(dice.uniform(8, 28) * RATE)
        if ducks:
            tune[at - RATE // 2:at + len(x) + RATE // 2] *= 0.3
        tune[at:at + len(x)] += x * (loudness(tune) / loudness(x) * 10 ** (snr / 20))
        table.add("sentences", [tune])
        start, end = at / RATE, (at + len(x)) / RATE
        heard = sum(max(0, min(end, b) - max(start, a)) for a, b in table.pieces[0])
        row = lost.setdefault((snr, ducks), np.zeros(2, int))
        row += (heard < (end - start) * 2 / 3, 1)
    print(f"\n{'sentence within music':32} {'lost':>6}")
    for (snr, ducks), (gone, count) in sorted(lost.items()):
        name = f"{snr} dB louder" + (", the music ducks" if ducks else "")
        print(f"{name:32} {gone:3} of {count}")
    return sum(gone for (snr, _), (gone, _) in lost.items() if snr >= 10)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path,
                        default=os.environ.get("SCRIPTA_BUILD", ROOT / "build-san"))
    parser.add_argument("--seeds", type=int, default=3, help="of each piece")
    parser.add_argument("--words", action="store_true", help="what pocketsphinx hears in it")
    parser.add_argument("--only", default="", help="pieces whose name holds this; no speech")
    parser.add_argument("--sounds", type=pathlib.Path, help="real music and nothing else")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        table = Table(args.build.resolve(), pathlib.Path(folder))
        measure_music(args, table)
        if args.only:
            return 0
        if args.sounds:
            measure_recordings(args.sounds, table)
        lost = measure_sentences(table)
        return 1 if measure_speech(args, table) > 0.1 or lost else 0


if __name__ == "__main__":
    sys.exit(main())
