/* Is the file shorter than its container says? By structure, which does not lie by accident as
 * durations do: the chunks of WAV and its like, the boxes of MP4, the segment of Matroska, the last
 * page of Ogg, the header of ASF. Sizes that mean "unknown", as recorders write that are never
 * closed, are no sign. */
#include "audio/input.h"

#include "base/banned.h"

#define BOXES_MAX 200000 /* ten hours of fragments of one second are 72,000 */
#define CHUNKS_MAX 1000
/* A 32-bit size from here on is what recorders write before they know; 64-bit ones are all ones. */
#define UNKNOWN_32 UINT64_C(0x7ff00000)
#define UNKNOWN_64 (UINT64_C(1) << 62)
#define OGG_PAGE_MAX 65307

static bool read_exactly(const struct input *in, int64_t at, uint8_t *out, size_t len)
{
    return in->source->read_at(in->source->ctx, at, out, len) == (int64_t)len;
}

static uint64_t big_endian(const uint8_t *b, int bytes)
{
    uint64_t n = 0;
    for (int i = 0; i < bytes; i++)
        n = n << 8 | b[i];
    return n;
}

static uint64_t little_endian(const uint8_t *b, int bytes)
{
    uint64_t n = 0;
    for (int i = bytes - 1; i >= 0; i--)
        n = n << 8 | b[i];
    return n;
}

/* Formats that are a row of chunks: an id, a size, what it says. The samples are in one of them. */
struct chunked {
    const char *name; /* of the demuxer */
    const char *data; /* first four bytes of the id of the chunk with the samples */
    unsigned first;   /* where the first chunk begins */
    unsigned id_bytes, size_bytes;
    unsigned align;
    bool little;
    bool counts_head; /* the size is also that of id and size themselves */
};
static const struct chunked chunked[] = {
    { "wav", "data", 12, 4, 4, 2, true, false },
    { "w64", "data", 40, 16, 8, 8, true, true },
    { "caf", "data", 8, 4, 8, 1, false, false },
};

static bool chunks_are_cut(const struct input *in, const struct chunked *c)
{
    const uint64_t size = (uint64_t)in->source->size;
    const unsigned head_bytes = c->id_bytes + c->size_bytes;
    uint64_t at = c->first;
    for (int i = 0; i < CHUNKS_MAX && at + head_bytes <= size; i++) {
        uint8_t head[24];
        if (!read_exactly(in, (int64_t)at, head, head_bytes))
            return false;
        uint64_t length = c->little ? little_endian(head + c->id_bytes, (int)c->size_bytes)
                                    : big_endian(head + c->id_bytes, (int)c->size_bytes);
        if (length >= (c->size_bytes == 4 ? UNKNOWN_32 : UNKNOWN_64))
            return false;
        if (c->counts_head)
            length = length > head_bytes ? length - head_bytes : 0;
        at += head_bytes;
        if (memcmp(head, c->data, 4) == 0)
            return length > size - at;
        at += (length + c->align - 1) / c->align * c->align;
    }
    return false;
}

/* AVI is one chunk with everything in it, or several from two gigabytes on. */
static bool riff_is_cut(const struct input *in)
{
    uint8_t head[8];
    if (!read_exactly(in, 0, head, sizeof(head)))
        return false;
    uint64_t length = little_endian(head + 4, 4);
    return length < UNKNOWN_32 && length + 8 > (uint64_t)in->source->size;
}

/* Top-level boxes lie end to end. Steps from *at over one box; its type and length. False: no more.
 */
static bool next_box(const struct input *in, uint64_t *at, uint8_t type[4], uint64_t *length)
{
    const uint64_t size = (uint64_t)in->source->size;
    uint8_t head[16] = { 0 };
    if (*at >= size || size - *at < 8 || !read_exactly(in, (int64_t)*at, head, 8))
        return false;
    *length = big_endian(head, 4);
    if (*length == 1 && read_exactly(in, (int64_t)*at, head, sizeof(head)))
        *length = big_endian(head + 8, 8);
    if (*length == 0)
        *length = size - *at;
    memcpy(type, head + 4, 4);
    bool sane = *length >= 8;
    *at = *length > size - *at ? size : *at + *length;
    return sane;
}

/* The last one ends with the file. */
static bool boxes_are_cut(const struct input *in)
{
    uint64_t at = 0;
    uint64_t before = 0;
    uint64_t length = 0;
    uint8_t type[4];
    for (int i = 0; i < BOXES_MAX && next_box(in, &at, type, &length); i++) {
        if (length > (uint64_t)in->source->size - before)
            return memcmp(type, "mdat", 4) == 0 || memcmp(type, "moof", 4) == 0;
        before = at;
    }
    return false;
}

bool input_lacks_index(const struct input *in)
{
    uint64_t at = 0;
    uint64_t length = 0;
    uint8_t type[4];
    for (int i = 0; i < BOXES_MAX && next_box(in, &at, type, &length); i++) {
        if (memcmp(type, "moov", 4) == 0)
            return false;
    }
    return true;
}

/* A number of EBML at *at, its length marker removed; false: unknown size, or not to be read. */
static bool ebml_number(const uint8_t *bytes, size_t len, size_t *at, bool keep_marker,
                        uint64_t *out)
{
    if (*at >= len || bytes[*at] == 0)
        return false;
    int width = __builtin_clz(bytes[*at]) - 23;
    if (*at + (size_t)width > len)
        return false;
    *out = big_endian(bytes + *at, width);
    *at += (size_t)width;
    uint64_t mask = (UINT64_C(1) << (7 * width)) - 1;
    if (!keep_marker)
        *out &= mask;
    return keep_marker || *out != mask;
}

/* The EBML header, then one segment. */
static bool segment_is_cut(const struct input *in)
{
    uint8_t head[256];
    int64_t n = in->source->read_at(in->source->ctx, 0, head, sizeof(head));
    size_t at = 0;
    uint64_t id = 0;
    uint64_t length = 0;
    for (int i = 0; n > 0 && i < 2; i++) {
        if (!ebml_number(head, (size_t)n, &at, true, &id) ||
            !ebml_number(head, (size_t)n, &at, false, &length))
            return false;
        if (id == 0x18538067)
            return length > (uint64_t)in->source->size - at;
        if (length > sizeof(head) - at)
            return false;
        at += (size_t)length;
    }
    return false;
}

/* The last page must fit. */
static bool page_is_cut(const struct input *in)
{
    SC_AUTO(av_memoryp) uint8_t *tail = av_malloc(OGG_PAGE_MAX);
    const struct sc_audio_source *s = in->source;
    int64_t n = tail == NULL
                    ? -1
                    : s->read_at(s->ctx, SC_MAX(s->size - OGG_PAGE_MAX, 0), tail, OGG_PAGE_MAX);
    for (int64_t at = n - 4; at >= 0; at--) {
        if (memcmp(tail + at, "OggS", 4) != 0)
            continue;
        if (n - at < 27 || n - at < 27 + tail[at + 26])
            return true;
        int64_t length = 27 + tail[at + 26];
        for (int i = 0; i < tail[at + 26]; i++)
            length += tail[at + 27 + i];
        return length > n - at;
    }
    return false;
}

/* The file properties object tells the length of the file, unless it was broadcast. */
static bool asf_is_cut(const struct input *in)
{
    static const uint8_t properties[] = { 0xa1, 0xdc, 0xab, 0x8c, 0x47, 0xa9, 0xcf, 0x11,
                                          0x8e, 0xe4, 0x00, 0xc0, 0x0c, 0x20, 0x53, 0x65 };
    uint8_t head[4096];
    int64_t n = in->source->read_at(in->source->ctx, 0, head, sizeof(head));
    const uint8_t *object = n <= 0 ? NULL : memmem(head, (size_t)n, properties, sizeof(properties));
    if (object == NULL || head + n - object < 92)
        return false;
    return (object[88] & 1) == 0 && little_endian(object + 40, 8) > (uint64_t)in->source->size;
}

bool input_is_cut_off(const struct input *in)
{
    const char *name = in->format->iformat->name;
    for (size_t i = 0; i < SC_ARRAY_LEN(chunked); i++) {
        if (strcmp(name, chunked[i].name) == 0)
            return chunks_are_cut(in, &chunked[i]);
    }
    if (av_match_list("mov", name, ','))
        return boxes_are_cut(in);
    if (av_match_list("matroska", name, ','))
        return segment_is_cut(in);
    if (strcmp(name, "avi") == 0)
        return riff_is_cut(in);
    if (strcmp(name, "asf") == 0)
        return asf_is_cut(in);
    return strcmp(name, "ogg") == 0 && page_is_cut(in);
}
