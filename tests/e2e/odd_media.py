"""About a hundred odd, damaged and hostile files, and what must become of each.

A case is (name, how to make its bytes, outcome). Outcomes: seconds(n, off) accepted with n seconds
give or take off; silent(n) accepted, with an empty transcript; refused(words) FILE_FORMAT with a
sentence that holds the words. Nothing here is random: bytes that look so come from a fixed seed."""

import gzip
import io
import pathlib
import random
import struct
import subprocess
import tarfile
import zipfile

TONE = "aevalsrc='0.4*sin(2000*PI*t)':d=3:s=16000"
PICTURE = ("-f", "lavfi", "-i", "testsrc=d=3:s=64x48:r=5")


def seconds(n, off=0.1, warned=False):
    return {"seconds": n, "off": off, "warned": warned}


def silent(n):
    return {"seconds": n, "off": 0.1, "silent": True}


def refused(words, code="FILE_FORMAT"):
    return {"refused": words, "code": code}


class Kitchen:
    """Makes bytes with ffmpeg in a folder of its own; each recipe is cooked once."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.cooked = {}

    def ffmpeg(self, name, *args, source=("-f", "lavfi", "-i", TONE)):
        key = (name, args, source)
        if key not in self.cooked:
            path = self.folder / f"{len(self.cooked)}-{name}"
            subprocess.run(["ffmpeg", "-v", "error", "-y", *source, *args, str(path)], check=True,
                           stdin=subprocess.DEVNULL, cwd=self.folder, timeout=60)
            self.cooked[key] = path.read_bytes()
        return self.cooked[key]

    def remux(self, data, name, *args):
        path = self.folder / "remux-input"
        path.write_bytes(data)
        return self.ffmpeg(name, *args, source=("-i", str(path)))


def noise(n, seed=1):
    return random.Random(seed).randbytes(n)


def wav(data, rate=16000, channels=1, bits=16, tag=1, claimed=None):
    align = channels * bits // 8
    head = struct.pack("<HHIIHH", tag, channels, rate, rate * align & 0xffffffff,
                       align & 0xffff, bits)
    length = len(data) if claimed is None else claimed
    return (b"RIFF" + struct.pack("<I", min(36 + length, 0xffffffff)) + b"WAVEfmt "
            + struct.pack("<I", 16) + head + b"data" + struct.pack("<I", length) + data)


def hum(n=3, rate=16000):
    """n seconds that are not silent."""
    return noise(n * rate * 2, 5)


def id3(frames):
    n = len(frames)
    return b"ID3\x03\0\0" + bytes([n >> 21 & 127, n >> 14 & 127, n >> 7 & 127, n & 127]) + frames


def id3_text(key, text):
    return key + struct.pack(">I", len(text)) + b"\0\0" + text


def overwrite(data, at, new):
    return data[:at] + new + data[at + len(new):]


def ogg_serial(data, serial):
    """The same Ogg stream with another serial number, checksums mended."""
    table = []
    for i in range(256):
        r = i << 24
        for _ in range(8):
            r = (r << 1 ^ 0x04c11db7 if r & 0x80000000 else r << 1) & 0xffffffff
        table.append(r)
    out, at = b"", 0
    while at < len(data):
        count = data[at + 26]
        end = at + 27 + count + sum(data[at + 27:at + 27 + count])
        page = bytearray(data[at:end])
        page[14:18] = struct.pack("<I", serial)
        page[22:26] = bytes(4)
        crc = 0
        for b in page:
            crc = (crc << 8 ^ table[(crc >> 24) ^ b]) & 0xffffffff
        page[22:26] = struct.pack("<I", crc)
        out += bytes(page)
        at = end
    return out


def mkv_with_links(data):
    """Matroska that names the file that it continues, as linked segments do."""
    info = data.rindex(b"\x15\x49\xa9\x66", 0, 1000)
    size = data[info + 4] & 0x7f if data[info + 4] & 0x80 else None
    width = 1 if size is not None else 9 - data[info + 4].bit_length()
    length = int.from_bytes(data[info + 4:info + 4 + width], "big") & (1 << 7 * width) - 1
    link = b"\x3e\x83\xbb" + bytes([0x80 | 11]) + b"/etc/passwd"
    link += b"\x3e\xb9\x23" + bytes([0x80 | 16]) + bytes(range(16))
    body = data[info + 4 + width:info + 4 + width + length] + link
    made = (data[:info + 4] + (0x01 << 56 | len(body)).to_bytes(8, "big") + body
            + data[info + 4 + width + length:])
    # The list of positions, which is wrong now, becomes padding.
    made = made.replace(b"\x11\x4d\x9b\x74\xb1", b"\xec\x10\0\0\x31", 1)
    segment = made.index(b"\x18\x53\x80\x67") + 4
    return overwrite(made, segment, b"\x01" + b"\xff" * 7)


def mov_with_reference(data):
    """MP4 whose samples are said to lie in another file, by an alias and by a URL."""
    at = data.index(b"url \0\0\0\x01")
    return overwrite(data, at, b"url \0\0\0\0")


def zipped(name, data):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr(name, data)
    return out.getvalue()


def tarred(name, data):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as t:
        info = tarfile.TarInfo(name)
        info.size = len(data)
        t.addfile(info, io.BytesIO(data))
    return out.getvalue()


def bomb(megabytes):
    """Gzip of a video-game's music that inflates to as much."""
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", mtime=0) as z:
        z.write(b"Vgm " + struct.pack("<I", 0x100))
        for _ in range(megabytes):
            z.write(bytes(1 << 20))
    return out.getvalue()


def amr(frames):
    return b"#!AMR\n" + b"".join(frames)


def amr_speech(n):
    return [bytes([7 << 3 | 4]) + noise(31, i) for i in range(n)]


PLAYLISTS = {
    "hls.mp3": "#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
    "hls-late.wav": "\n\n#EXTM3U\n#EXTINF:3,\nok.wav\n",
    "hls-bom.m4a": "\ufeff#EXTM3U\nhttp://127.0.0.1:9/a.ts\n",
    "concat.wav": "ffconcat version 1.0\nfile ok.wav\n",
    "concat-late.flac": "# a comment first\nffconcat version 1.0\nfile '/etc/passwd'\n",
    "dash.mp4": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Period/></MPD>',
    "list.pls": "[playlist]\nFile1=http://127.0.0.1:9/\nNumberOfEntries=1\n",
    "list.asx": '<asx version="3.0"><entry><ref href="http://127.0.0.1:9/"/></entry></asx>',
}
TEXTS = {
    "cue.wav": 'FILE "ok.wav" WAVE\n  TRACK 01 AUDIO\n',
    "url.mp3": "concat:/etc/passwd|/etc/hostname",
    "captions.mp3": "1\n00:00:00,000 --> 00:00:01,000\nhello\n",
    "metadata.mp3": ";FFMETADATA1\ntitle=x\n",
    "error.mp3": '{"error": "not found"}',
    "stations.ram": "rtsp://127.0.0.1:9/a.rm\n",
    "smil.mp4": "<smil><body><audio src='file:///etc/passwd'/></body></smil>",
    "imf.mxf": '<?xml version="1.0"?><CompositionPlaylist/>',
}


def cases(k):
    """[(name, bytes, outcome)]"""
    plain = wav(hum())
    mp3 = k.ffmpeg("a.mp3")
    m4a = k.ffmpeg("a.m4a")
    fast = k.ffmpeg("a.m4a", "-movflags", "+faststart")
    flac = k.ffmpeg("a.flac")
    opus = k.ffmpeg("a.opus")
    vorbis = k.ffmpeg("a.ogg", "-c:a", "libvorbis")
    mkv = k.ffmpeg("a.mkv", "-c:a", "flac")
    live = k.ffmpeg("a.mkv", "-c:a", "flac", "-live", "1")
    pages = k.ffmpeg("a.opus", "-page_duration", "100000")
    picture = k.ffmpeg("p.png", "-frames:v", "1", source=PICTURE)
    art = k.remux(picture, "art.m4a", "-map", "0", "-c:v", "copy", "-disposition:v", "attached_pic")
    cover = id3(b"APIC" + struct.pack(">I", len(picture) + 14) + b"\0\0\0image/png\0\3\0"
                + picture) + mp3
    out = [(name, text.encode(), refused("playlist")) for name, text in PLAYLISTS.items()]
    out += [(name, text.encode(), refused("text")) for name, text in TEXTS.items()]
    out += [
        # What is no recording
        ("empty.wav", b"", refused("empty")),
        ("one-byte.wav", b"R", refused("too short")),
        ("riff-only.wav", plain[:12], refused("no audio format")),
        ("head-only.wav", plain[:36], refused("damaged or cut off")),
        ("no-samples.wav", wav(b""), refused("no sound")),
        ("zeros.mp3", bytes(300000), refused("zeros")),
        ("noise.mp3", noise(200000), refused("no audio format")),
        ("ones.mp3", b"\xff" * 100000, refused("no audio format")),
        ("raw.pcm", hum(), refused("no audio format")),
        ("page.mp3", b"<!DOCTYPE html><html>404</html>", refused("document")),
        ("letter.wav", b"%PDF-1.4\n" + noise(1000), refused("document")),
        ("photo.mp3", b"\xff\xd8\xff\xe0" + noise(5000), refused("picture")),
        ("drawing.wav", picture, refused("picture")),
        ("scan.bmp", k.ffmpeg("p.bmp", "-frames:v", "1", source=PICTURE), refused("picture")),
        ("scan.tiff", k.ffmpeg("p.tiff", "-frames:v", "1", source=PICTURE), refused("picture")),
        ("program.wav", pathlib.Path("/bin/true").read_bytes(), refused("program")),
        ("score.mid", b"MThd\0\0\0\6\0\0\0\1\0\x60MTrk", refused("MIDI")),
        ("sdp.wav", b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nm=audio 5004 RTP/AVP 0\r\n",
         refused("network stream")),
        ("chip.vgm", b"Vgm " + bytes(300), refused("game music")),
        ("chip.nsf", b"NESM\x1a\1" + bytes(300), refused("game music")),
        # Archives
        ("music.vgz", gzip.compress(b"Vgm " + bytes(300)), refused("gzip")),
        ("bomb.vgz", bomb(256), refused("gzip")),
        ("clip.wav.gz", gzip.compress(plain), refused("gzip")),
        ("clip.zip", zipped("ok.wav", plain), refused("ZIP")),
        ("clip-zip.wav", zipped("ok.wav", plain), refused("ZIP")),
        ("clip.tar", tarred("ok.wav", plain), refused("tar")),
        ("clip.7z", b"7z\xbc\xaf\x27\x1c" + noise(500), refused("7-Zip")),
        # Films and pictures
        ("mute.mp4", k.ffmpeg("m.mp4", "-c:v", "mpeg4", source=PICTURE), refused("no sound track")),
        ("mute.mkv", k.ffmpeg("m.mkv", "-c:v", "mpeg4", source=PICTURE), refused("no sound track")),
        ("film.mp4", k.ffmpeg("f.mp4", *PICTURE, "-c:v", "mpeg4", "-c:a", "aac"), seconds(3)),
        ("film.webm", k.ffmpeg("f.webm", *PICTURE, "-c:v", "libvpx", "-c:a", "libopus"),
         seconds(3)),
        ("film.avi", k.ffmpeg("f.avi", *PICTURE, "-c:v", "mpeg4", "-c:a", "mp3"), seconds(3)),
        ("late.mkv", k.ffmpeg("l.mkv", *PICTURE, "-c:v", "mpeg4", "-c:a", "flac",
                              source=("-itsoffset", "2", "-f", "lavfi", "-i", TONE)), seconds(5)),
        ("art-only.m4a", art, refused("no sound track")),
        ("tags-only.mp3", cover[:len(cover) - len(mp3)], refused("tags but no audio")),
        ("cover.mp3", cover, seconds(3)),
        # Protected
        ("drms.m4a", m4a.replace(b"mp4a", b"drms", 1), refused("encrypted")),
        ("cenc.mp4", k.ffmpeg("e.mp4", "-c:a", "aac", "-encryption_scheme", "cenc-aes-ctr",
                              "-encryption_key", "76a6c65c5ea762046bd749a2e632ccbb",
                              "-encryption_kid", "a7e61c373e219033c21091fa607bf3b8"),
         refused("encrypted")),
        ("drm.wma", bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c") + bytes(20)
         + bytes.fromhex("fbb3112223bdd211b4b700a0c955fc6e") + bytes(500), refused("encrypted")),
        # References to elsewhere
        ("reference.mov", mov_with_reference(m4a), seconds(3)),
        ("linked.mkv", mkv_with_links(live), seconds(3)),
        # Cut off
        ("cut.wav", plain[:len(plain) // 2], seconds(1.5, warned=True)),
        ("cut.flac", flac[:len(flac) // 2], seconds(1.5, 0.6, warned=True)),
        ("cut.mp3", mp3[:len(mp3) // 2], seconds(1.5, 0.3, warned=True)),
        ("cut.opus", pages[:len(pages) // 2], seconds(1.5, 0.6, warned=True)),
        ("cut-fast.m4a", fast[:len(fast) * 2 // 3], seconds(1.8, 0.7, warned=True)),
        ("cut.m4a", m4a[:len(m4a) * 2 // 3], refused("before its index")),
        ("cut.mkv", mkv[:len(mkv) // 2], seconds(1.5, 0.6, warned=True)),
        ("index-only.m4a", fast[:fast.index(b"mdat") + 4], refused("no sound")),
        # Damaged
        ("bits.flac", overwrite(flac, len(flac) // 2, noise(400)), seconds(3, 0.2, warned=True)),
        ("bits.mp3", overwrite(mp3, len(mp3) // 2, noise(400)), seconds(3, 0.2)),
        ("bits.opus", overwrite(pages, len(pages) // 2, noise(400)),
         seconds(3, 0.2, warned=True)),
        ("hole.m4a", overwrite(fast, fast.index(b"mdat") + 3000, bytes(4000)),
         seconds(3, 0.2, warned=True)),
        ("no-start.mp3", noise(3000) + mp3[2000:], seconds(2.7, 0.4)),
        ("http-head.mp3", b"HTTP/1.1 200 OK\r\nContent-Type: audio/mpeg\r\n\r\n" + mp3,
         seconds(3.1, 0.15)),
        # Headers that lie
        ("rate-0.wav", wav(hum(), rate=0), refused("damaged")),
        ("rate-1.wav", wav(hum(), rate=1), refused("1 Hz")),
        ("rate-huge.wav", wav(hum(), rate=0x7fffffff), refused("Hz")),
        ("channels-0.wav", wav(hum(), channels=0), refused("damaged")),
        ("channels-255.wav", wav(hum(), channels=255), refused("255 channels")),
        ("codec-unknown.wav", wav(hum(), tag=0x3ff), refused("no kind that is known")),
        ("claims-2g.wav", wav(hum(), claimed=0x7fffff00), seconds(3)),
        ("claims-4g.wav", wav(hum(), claimed=0xffffffff), seconds(3)),
        ("claims-0.wav", wav(hum(), claimed=0), seconds(3)),
        ("claims-less.wav", wav(hum(), claimed=32000), seconds(1)),
        ("tag-200m.mp3", b"ID3\x03\0\0\x5f\x5f\x5f\x5f" + mp3, refused("tags but no audio")),
        # Names that lie
        ("mp3.flac", mp3, seconds(3)),
        ("flac.wav", flac, seconds(3)),
        ("ogg.mp3", vorbis, seconds(3)),
        ("wav.txt", plain, seconds(3)),
        # Junk in tags
        ("tag-1m.mp3", id3(id3_text(b"TIT2", b"\0" + b"A" * 1000000)) + mp3, seconds(3)),
        ("tag-bytes.mp3", id3(id3_text(b"TIT2", b"\3\xff\xfe\0\x1b[31mX\0\xc3\x28")) + mp3,
         seconds(3)),
        ("tag-ansi.flac", k.ffmpeg("t.flac", "-metadata", "title=\x1b]0;x\7\x1b[2J",
                                   "-metadata", "a\nb=c\rd"), seconds(3)),
        ("tag-before.wav", id3(id3_text(b"TIT2", b"\0x")) + plain, seconds(3)),
        # Chained, changing, joined
        ("chained.ogg", vorbis + ogg_serial(k.ffmpeg("b.ogg", "-c:a", "libvorbis", "-ar", "44100",
                                                     "-ac", "2"), 7), seconds(6)),
        ("chained.opus", opus + ogg_serial(k.ffmpeg("b.opus", "-ac", "6"), 7), seconds(6)),
        ("same-serial.opus", opus + opus, seconds(6)),
        ("joined.mp3", mp3 + k.ffmpeg("b.mp3", "-ar", "22050", "-ac", "2"), seconds(6, 0.3)),
        ("joined.aac", k.ffmpeg("a.aac") + k.ffmpeg("b.aac", "-ar", "44100", "-ac", "2"),
         seconds(6, 0.3)),
        ("joined.flac", flac + k.ffmpeg("b.flac", "-ar", "44100", "-ac", "2"), seconds(6)),
        ("joined.ts", k.ffmpeg("a.ts", "-c:a", "mp2") * 2, seconds(6, 0.3)),
        # Rare formats and rates
        ("rate.wav", k.ffmpeg("r.wav", "-ar", "384000", "-c:a", "pcm_f64le"), seconds(3)),
        ("slow.wav", k.ffmpeg("s.wav", "-ar", "8000", "-c:a", "pcm_u8"), seconds(3)),
        ("eight.flac", k.ffmpeg("8.flac", "-ac", "8"), seconds(3)),
        ("phone.amr", amr(amr_speech(150)), seconds(3)),
        ("pauses.amr", amr(amr_speech(50) + [bytes([15 << 3 | 4])] * 100), seconds(3)),
        ("gsm.wav", k.ffmpeg("g.wav", "-c:a", "libgsm_ms", "-ar", "8000"), seconds(3)),
        ("old.wma", k.ffmpeg("w.wma", "-c:a", "wmav1"), seconds(3, 0.15)),
        ("book.caf", k.ffmpeg("c.caf", "-c:a", "alac"), seconds(3)),
        ("foreign.nut", k.ffmpeg("n.nut"), refused("not accepted")),
        # Nothing to hear
        ("silence.wav", wav(bytes(96000)), silent(3)),
        ("silence.flac", k.ffmpeg("s.flac", source=("-f", "lavfi", "-i",
                                                    "anullsrc=r=48000:d=3")), silent(3)),
        ("no-data.amr", amr([bytes([15 << 3 | 4])] * 150), silent(3)),
    ]
    return out


def crc(data, polynomial, bits):
    """Most significant bit first, from zero."""
    value, top = 0, 1 << bits - 1
    for byte in data:
        value ^= byte << bits - 8
        for _ in range(8):
            value = (value << 1 ^ polynomial if value & top else value << 1) & (1 << bits) - 1
    return value


def flac_bomb(length_s, rate=2000, claimed=True):
    """FLAC of one value: half a minute takes 14 bytes. claimed: the header tells how long it is."""
    block = 65535
    frames = length_s * rate // block + 1
    total = frames * block if claimed else 0
    info = (struct.pack(">HH", block, block) + bytes(6)
            + (rate << 44 | 15 << 36 | total).to_bytes(8, "big") + bytes(16))
    out = [b"fLaC\x80\0\0\x22", info]
    for i in range(frames):
        head = b"\xff\xf8\x70\x08" + utf8_number(i) + struct.pack(">H", block - 1)
        head += bytes([crc(head, 0x07, 8)])
        frame = head + b"\0\x10\0"
        out.append(frame + struct.pack(">H", crc(frame, 0x8005, 16)))
    return b"".join(out)


def utf8_number(n):
    """As UTF-8 codes a sign, also beyond the signs that there are."""
    if n < 0x80:
        return bytes([n])
    tail = []
    limit = 0x40
    while True:
        tail.insert(0, 0x80 | n & 0x3f)
        n >>= 6
        limit >>= 1
        if n < limit:
            return bytes([0xff ^ (limit * 2 - 1) | n, *tail])
