#include "transcript/cues.h"

#include "transcript/text.h"

#include "base/alloc.h"
#include "base/utf8.h"

#include <inttypes.h>

#include "base/banned.h"

/* Advanced SubStation Alpha: one style for each of the first speakers, so that each has a colour,
 * and the speaker's name beside it. With `words`, {\k} in front of each word says how long it
 * takes, in hundredths of a second: players colour the words while they are spoken. */

#define STYLES 6
#define SPEAKERS_MAX 64

struct ass {
    struct sc_writer_out *out;
    char *speakers[SPEAKERS_MAX]; /* owned; in the order in which they speak first */
    size_t count;
};

static void ass_done(struct ass *w)
{
    for (size_t i = 0; i < w->count; i++)
        free(w->speakers[i]);
}

/* ---- head ---- */

/* &HAABBGGRR. White comes first: most recordings name nobody. */
static const char *const colours[STYLES] = {
    "&H00FFFFFF", "&H0000FFFF", "&H00FFFF00", "&H0080FF80", "&H0080C0FF", "&H00FFA0FF",
};

static void put_style_name(struct sc_buf *out, size_t style)
{
    if (style == 0)
        sc_buf_puts(out, "Default");
    else
        sc_buf_printf(out, "Speaker %zu", style + 1);
}

static void put_styles(struct sc_buf *out)
{
    sc_buf_puts(out, "\n[V4+ Styles]\n"
                     "Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, "
                     "OutlineColour, BackColour, Bold, Italic, Underline, StrikeOut, ScaleX, "
                     "ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, "
                     "MarginR, MarginV, Encoding\n");
    for (size_t i = 0; i < STYLES; i++) {
        sc_buf_puts(out, "Style: ");
        put_style_name(out, i);
        sc_buf_printf(out,
                      ",Arial,64,%s,&H00A0A0A0,&H00000000,&H80000000,0,0,0,0,100,100,0,0,1,3,1,2,"
                      "120,120,60,1\n",
                      colours[i]);
    }
}

static void put_head(struct sc_buf *out, const struct sc_writer_meta *meta,
                     const struct sc_writer_options *options)
{
    sc_buf_puts(out, "[Script Info]\n");
    if (options->metadata)
        sc_writer_put_meta(out, meta, "; ");
    sc_buf_puts(out, "ScriptType: v4.00+\nWrapStyle: 0\nScaledBorderAndShadow: yes\n"
                     "PlayResX: 1920\nPlayResY: 1080\n");
    put_styles(out);
    sc_buf_puts(out, "\n[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, "
                     "MarginV, Effect, Text\n");
}

/* ---- cues ---- */

static void put_time(struct sc_buf *out, int64_t cs)
{
    sc_buf_printf(out, "%" PRId64 ":%02" PRId64 ":%02" PRId64 ".%02" PRId64, cs / 360000,
                  cs / 6000 % 60, cs / 100 % 60, cs % 100);
}

/* The style of a speaker: those behind the first ones share. */
static size_t style_of(struct ass *w, const char *speaker)
{
    if (speaker == NULL)
        return 0;
    size_t i = 0;
    while (i < w->count && strcmp(w->speakers[i], speaker) != 0)
        i++;
    if (i == w->count && w->count < SPEAKERS_MAX)
        w->speakers[w->count++] = sc_strdup(speaker);
    return i % STYLES;
}

/* A comma ends the field of the name. */
static void put_name(struct sc_buf *out, const char *speaker)
{
    SC_AUTO_BUF line = { 0 };
    sc_text_append_line(&line, sc_str_from(speaker == NULL ? "" : speaker));
    for (size_t i = 0; i < line.len; i++)
        sc_buf_putc(out, line.ptr[i] == ',' ? ';' : line.ptr[i]);
    out->failed = out->failed || line.failed;
}

/* Braces are escaped. A backslash has no escape: an invisible joiner parts it from what follows. */
static void put_text(struct sc_buf *out, struct sc_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '{' || s.ptr[i] == '}')
            sc_buf_putc(out, '\\');
        sc_buf_putc(out, s.ptr[i]);
        if (s.ptr[i] == '\\')
            sc_utf8_append(out, 0x2060);
    }
}

static void put_joint(struct sc_buf *out, const char *joint)
{
    for (; *joint != '\0'; joint++) {
        if (*joint == '\n')
            sc_buf_puts(out, "\\N");
        else
            sc_buf_putc(out, *joint);
    }
}

/* When token i begins, in hundredths between the ends of the cue. */
static int64_t begin_of(const struct sc_cue *cue, size_t i, int64_t end_cs)
{
    if (i == cue->tokens.count)
        return end_cs;
    int64_t start = cue->tokens.items[i].start_ms;
    start = SC_MIN(SC_MAX(start, cue->start_ms) / 10, end_cs);
    return start;
}

static void put_tokens(struct sc_buf *out, const struct sc_cue *cue, bool words, int64_t end_cs)
{
    int64_t at = cue->start_ms / 10;
    for (size_t i = cue->first; i < cue->tokens.count; i++) {
        put_joint(out, sc_cue_joint(cue, i));
        int64_t begin = SC_MAX(begin_of(cue, i, end_cs), at);
        int64_t next = SC_MAX(begin_of(cue, i + 1, end_cs), begin);
        if (words && begin > at)
            sc_buf_printf(out, "{\\k%" PRId64 "}", begin - at);
        if (words)
            sc_buf_printf(out, "{\\k%" PRId64 "}", next - begin);
        at = next;
        put_text(out, sc_token_str(&cue->tokens, i));
    }
}

static enum sc_code put_cue(void *ctx, const struct sc_cue *cue, struct sc_error *err)
{
    struct ass *w = ctx;
    struct sc_buf *out = &w->out->buf;
    int64_t end_cs = SC_MAX(cue->end_ms / 10, cue->start_ms / 10 + 1);
    sc_buf_puts(out, "Dialogue: 0,");
    put_time(out, cue->start_ms / 10);
    sc_buf_putc(out, ',');
    put_time(out, end_cs);
    sc_buf_putc(out, ',');
    put_style_name(out, style_of(w, cue->speaker));
    sc_buf_putc(out, ',');
    put_name(out, cue->speaker);
    sc_buf_puts(out, ",0,0,0,,");
    put_tokens(out, cue, w->out->options->words, end_cs);
    sc_buf_putc(out, '\n');
    return sc_writer_flush(w->out, false, err);
}

SC_WRITER(sc_writer_ass)
{
    SC_AUTO_WRITER_OUT out;
    SC_AUTO(ass_done) struct ass w = { .out = &out };
    sc_writer_begin(&out, options, piece, ctx);
    put_head(&out.buf, meta, options);
    enum sc_code code = sc_cues_each(source, options, SC_CUES_PLAIN, put_cue, &w, err);
    return code == SC_OK ? sc_writer_flush(&out, true, err) : code;
}
