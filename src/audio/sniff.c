/* What people upload by mistake, and what is dangerous to open, by its first bytes. FFmpeg would
 * refuse all of it through the allow-list; this gives the sentence that helps. */
#include "audio/input.h"
#include "base/utf8.h"

#include "base/banned.h"

#define SHORTEST 4

struct magic {
    size_t offset;
    const char *bytes;
    size_t len;
    const char *what;
};

#define MAGIC(offset, bytes, what)             \
    {                                          \
        offset, bytes, sizeof(bytes) - 1, what \
    }
#define PLAYLIST "this is a playlist, which only names recordings: upload the recordings themselves"
#define UNPACK "unpack it and upload the recordings inside"
#define GAME_MUSIC \
    "this is game music, a program for a sound chip: record it as audio and upload that"
#define DOCUMENT "this is a document, not audio: upload a recording"
#define TEXT "this is text, not audio: upload a recording"
#define PROGRAM "this is a program, not audio: upload a recording"

static const struct magic magics[] = {
    MAGIC(0, "\x1f\x8b", "this is a gzip archive: " UNPACK),
    MAGIC(30, "[Content_Types].xml", DOCUMENT), /* of Office, in a ZIP archive: its first member */
    MAGIC(30, "_rels/.rels", DOCUMENT),
    MAGIC(30, "docProps/app.xml", DOCUMENT),
    MAGIC(30, "docProps/core.xml", DOCUMENT),
    MAGIC(30, "mimetypeapplication/", DOCUMENT), /* OpenDocument, EPUB */
    MAGIC(0, "PK\x03\x04", "this is a ZIP archive: " UNPACK),
    MAGIC(0, "PK\x05\x06", "this is an empty ZIP archive: upload a recording"),
    MAGIC(0, "BZh", "this is a bzip2 archive: " UNPACK),
    MAGIC(0,
          "\xfd"
          "7zXZ",
          "this is an xz archive: " UNPACK),
    MAGIC(0, "\x28\xb5\x2f\xfd", "this is a zstd archive: " UNPACK),
    MAGIC(0, "7z\xbc\xaf\x27\x1c", "this is a 7-Zip archive: " UNPACK),
    MAGIC(0, "Rar!", "this is a RAR archive: " UNPACK),
    MAGIC(32769, "CD001", "this is the image of a disc: " UNPACK),
    MAGIC(257, "ustar", "this is a tar archive: " UNPACK),
    MAGIC(0, "#EXTM3U", PLAYLIST),
    MAGIC(0, "#EXT-X-", PLAYLIST),
    MAGIC(0, "ffconcat", PLAYLIST),
    MAGIC(0, "[playlist]", PLAYLIST),
    MAGIC(0, "[Playlist]", PLAYLIST),
    MAGIC(0, "<MPD", PLAYLIST),
    MAGIC(0, "<asx", PLAYLIST),
    MAGIC(0, "<ASX", PLAYLIST),
    MAGIC(0, "v=0\r\n",
          "this is a description of a network stream: record it and upload the audio"),
    MAGIC(0,
          "v=0\no=", "this is a description of a network stream: record it and upload the audio"),
    MAGIC(0, "NSFE", GAME_MUSIC),
    MAGIC(0, "NESM\x1a", GAME_MUSIC),
    MAGIC(0, "GBS", GAME_MUSIC),
    MAGIC(0, "SNES-SPC700", GAME_MUSIC),
    MAGIC(0, "Vgm ", GAME_MUSIC),
    MAGIC(0, "GYMX", GAME_MUSIC),
    MAGIC(0, "HESM", GAME_MUSIC),
    MAGIC(0, "KSCC", GAME_MUSIC),
    MAGIC(0, "KSSX", GAME_MUSIC),
    MAGIC(0, "SAP\r\n", GAME_MUSIC),
    MAGIC(0, "ZXAYEMUL", GAME_MUSIC),
    MAGIC(0, "PSID", GAME_MUSIC),
    MAGIC(0, "RSID", GAME_MUSIC),
    MAGIC(0, "MThd", "this is a MIDI score, not audio: render it and upload the sound"),
    MAGIC(0, "\x89PNG", SNIFF_IMAGE),
    MAGIC(0, "\xff\xd8\xff", SNIFF_IMAGE),
    MAGIC(0, "GIF8", SNIFF_IMAGE),
    MAGIC(8, "WEBP", SNIFF_IMAGE),
    MAGIC(0, "%PDF", DOCUMENT),
    MAGIC(0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", DOCUMENT), /* .doc, .xls: OLE */
    MAGIC(0, "<!DOCTYPE", DOCUMENT),
    MAGIC(0, "<!doctype", DOCUMENT),
    MAGIC(0, "<html", DOCUMENT),
    MAGIC(0,
          "\x7f"
          "ELF",
          PROGRAM),
    MAGIC(0, "SQLite format 3", "this is a database, not audio: upload a recording"),
};

/* Formats whose beginning may be all printable. */
static bool begins_as_audio(struct sc_str head)
{
    static const char *const marks[] = { "NIST_1A", "#!AMR" };
    for (size_t i = 0; i < SC_ARRAY_LEN(marks); i++) {
        size_t len = strlen(marks[i]);
        if (head.len >= len && memcmp(head.ptr, marks[i], len) == 0)
            return true;
    }
    return false;
}

/* Windows Media with copy protection: the header holds one of two objects. */
static bool is_protected_asf(struct sc_str head)
{
    static const struct sc_str asf = SC_STR("\x30\x26\xb2\x75\x8e\x66\xcf\x11");
    static const struct sc_str objects[] = {
        SC_STR("\xfb\xb3\x11\x22\x23\xbd\xd2\x11\xb4\xb7\x00\xa0\xc9\x55\xfc\x6e"),
        SC_STR("\x14\xe6\x8a\x29\x22\x26\x17\x4c\xb9\x35\xda\xe0\x7e\xe9\x28\x9c"),
    };
    if (head.ptr == NULL || head.len < asf.len || memcmp(head.ptr, asf.ptr, asf.len) != 0)
        return false;
    head.len = SC_MIN(head.len, (size_t)64 << 10);
    for (size_t i = 0; i < SC_ARRAY_LEN(objects); i++) {
        if (memmem(head.ptr, head.len, objects[i].ptr, objects[i].len) != NULL)
            return true;
    }
    return false;
}

static bool is_zeros(struct sc_str head)
{
    return head.len > 1 && head.ptr[0] == 0 && memcmp(head.ptr, head.ptr + 1, head.len - 1) == 0;
}

static bool is_control(uint32_t cp)
{
    return cp != '\t' && cp != '\n' && cp != '\r' && (cp < 0x20 || cp == 0x7f);
}

/* Text in UTF-8, or in Latin-1 and its kin, mostly ASCII: no other audio format that we accept
 * begins with 64 printable signs. */
static bool is_text(struct sc_str head)
{
    size_t n = SC_MIN(head.len, (size_t)64), ascii = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)head.ptr[i];
        if (is_control(c))
            return false;
        ascii += c < 0x80;
    }
    /* A sign at the end may be cut in two. */
    return n > 0 && (sc_utf8_valid_prefix((struct sc_str){ head.ptr, n }) + 3 >= n ||
                     (n >= 16 && ascii * 4 >= n * 3));
}

/* Text in UTF-16 begins with its mark, which MPEG audio of layer I may begin with, too: that soon
 * has a unit that no text has. */
static bool is_utf16(struct sc_str head)
{
    if (head.len < 4 ||
        (memcmp(head.ptr, "\xff\xfe", 2) != 0 && memcmp(head.ptr, "\xfe\xff", 2) != 0))
        return false;
    size_t high = head.ptr[0] == '\xff' ? 1 : 0;
    for (size_t i = 2; i + 1 < SC_MIN(head.len, (size_t)256); i += 2) {
        uint32_t unit = (uint32_t)(unsigned char)head.ptr[i + high] << 8 |
                        (unsigned char)head.ptr[i + 1 - high];
        bool is_private = unit >= 0xe000 && unit <= 0xf8ff;
        if (is_control(unit) || is_private || unit >= 0xfffe)
            return false;
    }
    return true;
}

/* .exe, .dll; a text may begin with the same two letters. */
static bool is_dos_program(struct sc_str head)
{
    return head.len >= 64 && memcmp(head.ptr, "MZ", 2) == 0;
}

static bool holds(struct sc_str text, struct sc_str word)
{
    return text.ptr != NULL && memmem(text.ptr, text.len, word.ptr, word.len) != NULL;
}

const char *sniff_refusal(struct sc_str head)
{
    if (head.len == 0)
        return "the file is empty: upload a recording";
    if (head.len >= 3 && memcmp(head.ptr, "\xef\xbb\xbf", 3) == 0)
        head = (struct sc_str){ head.ptr + 3, head.len - 3 };
    for (size_t i = 0; i < SC_ARRAY_LEN(magics); i++) {
        const struct magic *m = &magics[i];
        if (head.len >= m->offset + m->len && memcmp(head.ptr + m->offset, m->bytes, m->len) == 0)
            return m->what;
    }
    if (is_protected_asf(head))
        return "this recording is encrypted: export it without copy protection";
    if (is_zeros(head))
        return "the file holds nothing but zeros: it was not copied whole; copy it again";
    if (head.len < SHORTEST)
        return "the file is too short to be a recording: upload a recording";
    if (is_utf16(head))
        return TEXT;
    if (!is_text(head) || begins_as_audio(head))
        return is_dos_program(head) ? PROGRAM : NULL;
    if (holds(head, SC_STR("<MPD")) || holds(head, SC_STR("#EXTM3U")) ||
        holds(head, SC_STR("ffconcat version")))
        return PLAYLIST;
    return TEXT;
}
