#include "engine/answer.h"

#include "base/alloc.h"
#include "base/language.h"
#include "base/utf8.h"
#include "transcript/reader.h"
#include "json/reader.h"

#include <string.h>

#include "base/banned.h"

#define RATE 16000
/* Whisper pads the last window and rounds to 20 ms; a second is no rounding. */
#define BEYOND_MS 1000

static void put_u16(unsigned char *at, unsigned value)
{
    at[0] = (unsigned char)value;
    at[1] = (unsigned char)(value >> 8);
}

static void put_u32(unsigned char *at, uint32_t value)
{
    put_u16(at, value & 0xffff);
    put_u16(at + 2, value >> 16);
}

void sc_wav_head(size_t bytes, unsigned char out[SC_WAV_HEAD])
{
    static const unsigned char riff[] = { 'R', 'I', 'F', 'F', 0,   0,   0,   0,
                                          'W', 'A', 'V', 'E', 'f', 'm', 't', ' ' };
    static const unsigned char data[] = { 'd', 'a', 't', 'a' };
    memcpy(out, riff, sizeof(riff));
    put_u32(out + 4, (uint32_t)bytes + SC_WAV_HEAD - 8);
    put_u32(out + 16, 16); /* of the format that follows */
    put_u16(out + 20, 1);  /* PCM */
    put_u16(out + 22, 1);  /* channel */
    put_u32(out + 24, RATE);
    put_u32(out + 28, RATE * 2); /* bytes a second */
    put_u16(out + 32, 2);        /* bytes a sample */
    put_u16(out + 34, 16);       /* bits */
    memcpy(out + 36, data, sizeof(data));
    put_u32(out + 40, (uint32_t)bytes);
}

enum sc_code sc_engine_wishes_read(const char *settings, struct sc_json_doc **doc,
                                   struct sc_engine_wishes *out, struct sc_error *err)
{
    enum sc_code code = sc_json_parse(sc_str_from(settings), doc, NULL);
    if (code != SC_OK)
        return sc_error_set(err, SC_E_INTERNAL, "the job's options are no JSON");
    const struct sc_json_value *root = sc_json_root(*doc);
    const char *task = sc_json_get_text(sc_json_member(root, "task"), "");
    *out = (struct sc_engine_wishes){
        .prompt = sc_json_get_text(sc_json_member(root, "prompt"), ""),
        .hotwords = sc_json_get_text(sc_json_member(root, "hotwords"), ""),
        .temperature = sc_json_get_real(sc_json_member(root, "temperature"), -1),
        .translate = strcmp(task, "translate") == 0,
    };
    return SC_OK;
}

static enum sc_code bad_time(const char *who, size_t index, int64_t start_ms, int64_t length_ms,
                             struct sc_error *err)
{
    return sc_error_set(err, SC_E_ENGINE_ERROR,
                        "%s: segment %zu starts at %.3f s, but the chunk has only %.3f s: its "
                        "times must count from the start of the file that it was given",
                        who, index + 1, (double)start_ms / 1000, (double)length_ms / 1000);
}

static enum sc_code check_times(const char *who, struct sc_segments *segments, int64_t length_ms,
                                struct sc_error *err)
{
    for (size_t i = 0; i < segments->count; i++) {
        struct sc_segment *s = &segments->items[i];
        if (s->start_ms > length_ms + BEYOND_MS)
            return bad_time(who, i, s->start_ms, length_ms, err);
        s->start_ms = SC_MIN(s->start_ms, length_ms);
        s->end_ms = SC_MIN(s->end_ms, length_ms);
        for (size_t k = 0; k < s->word_count; k++) {
            s->words[k].start_ms = SC_MIN(s->words[k].start_ms, length_ms);
            s->words[k].end_ms = SC_MIN(s->words[k].end_ms, length_ms);
        }
    }
    return SC_OK;
}

/* JSON that was cut short is no text that somebody said. */
static bool begins_like_json(struct sc_str text)
{
    text = sc_str_trim(text);
    if (text.len > 0 && text.ptr[0] == '{')
        return true;
    if (text.len == 0 || text.ptr[0] != '[')
        return false;
    struct sc_str rest = sc_str_trim((struct sc_str){ text.ptr + 1, text.len - 1 });
    return rest.len > 0 && rest.ptr[0] == '{';
}

enum sc_code sc_answer_read(const char *who, const char *format, struct sc_str text,
                            int64_t length_ms, struct sc_engine_result *result,
                            struct sc_error *err)
{
    SC_AUTO_READING reading = { 0 };
    struct sc_error why = { 0 };
    if (strcmp(format, "auto") == 0)
        format = begins_like_json(text) ? "json" : sc_format_guess(text);
    else if (strcmp(format, "text") == 0)
        format = "txt";
    enum sc_code code = sc_format_read(format, text, &reading, &why);
    if (code != SC_OK)
        return sc_error_set(err, SC_E_ENGINE_ERROR, "%.60s: its answer is not %s: %.150s", who,
                            strcmp(format, "txt") == 0 ? "text" : format, why.msg);
    if (!reading.timed)
        sc_segments_spread(&reading.segments, 0, length_ms);
    sc_reading_end_at(&reading, length_ms);
    code = check_times(who, &reading.segments, length_ms, err);
    if (code == SC_OK && sc_segments_check(&reading.segments, &why) != SC_OK)
        code = sc_error_set(err, SC_E_ENGINE_ERROR, "%.60s: %.160s", who, why.msg);
    if (code != SC_OK)
        return code;
    if (!sc_language_code(sc_str_from(reading.language), result->language))
        result->language[0] = '\0';
    result->segments = reading.segments;
    reading.segments = (struct sc_segments){ 0 };
    return SC_OK;
}

void sc_answer_quote(struct sc_buf *out, struct sc_str text, size_t max)
{
    bool first = true;
    size_t start = out->len;
    while (text.len > 0 && out->len - start < max) {
        struct sc_str line = sc_str_trim(sc_str_take_until(&text, '\n'));
        if (line.len == 0)
            continue;
        if (!first)
            sc_buf_putc(out, '\n');
        first = false;
        line.len = SC_MIN(line.len, max - (out->len - start));
        sc_utf8_append_printable(out, line);
    }
}
