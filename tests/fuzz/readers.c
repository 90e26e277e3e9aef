/* The readers of transcripts. The first byte of the input chooses the format and what becomes of
 * rolling captions, the rest is the text. Whatever is read is in order, and can be written and read
 * again. */

#include "fuzz.h"

#include "transcript/names.h"
#include "transcript/reader.h"
#include "transcript/writer.h"

#include <stdlib.h>

#include "base/banned.h"

static void check_again(const char *format, const struct sc_segments *segments)
{
    const struct sc_writer_meta meta = { .version = 1, .job_id = "", .status = "", .language = "" };
    SC_AUTO_BUF text = { 0 };
    SC_AUTO_READING again = { 0 };
    struct sc_error err = { 0 };
    const struct sc_format *writer = sc_format_find(format);

    if (writer == NULL || sc_format_to_buf(writer, segments, &meta, NULL, &text, &err) != SC_OK)
        return;
    if (sc_format_read(format, sc_buf_str(&text), &again, &err) != SC_OK)
        abort();
}

static void take_names(struct sc_segments *segments)
{
    SC_AUTO_NAMES names = { 0 };
    struct sc_error err = { 0 };
    if (!sc_names_find(NULL, segments, &names) ||
        !sc_names_take(&names, names.as_exported, segments) ||
        sc_segments_check(segments, &err) != SC_OK)
        abort();
    for (size_t i = 0; i < names.fresh_count; i++) {
        if (!sc_names_hold(&names, names.fresh[i]))
            abort();
    }
}

/* What is collapsed says less and nothing else, what is not is as it was. */
static void collapse(const char *format, struct sc_str text, enum sc_rolling rolling,
                     const struct sc_reading *kept)
{
    SC_AUTO_READING read = { 0 };
    SC_AUTO_BUF all = { .limit = SIZE_MAX / 4 };
    SC_AUTO_BUF once = { .limit = SIZE_MAX / 4 };
    struct sc_error err = { 0 };
    const struct sc_read_how how = { .rolling = rolling };
    if (sc_format_read_as(format, text, &how, &read, &err) != SC_OK ||
        sc_segments_check(&read.segments, &err) != SC_OK ||
        read.segments.count > kept->segments.count)
        abort();
    sc_segments_text(&kept->segments, &all);
    sc_segments_text(&read.segments, &once);
    if (read.collapsed ? once.len >= all.len : !sc_str_equal(sc_buf_str(&once), sc_buf_str(&all)))
        abort();
}

/* What stands below a heading is one segment of two lines or more. */
static void take_headings(struct sc_str text, const struct sc_reading *kept)
{
    const struct sc_read_how how = { .headings = true };
    SC_AUTO_READING read = { 0 };
    struct sc_error err = { 0 };
    if (sc_format_read_as("txt", text, &how, &read, &err) != SC_OK ||
        sc_segments_check(&read.segments, &err) != SC_OK ||
        (read.doubts.headings > 0 && (read.segments.count != read.doubts.headings ||
                                      read.segments.count * 2 > kept->segments.count)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const formats[] = { "srt", "vtt", "json", "txt", "csv", "tsv" };
    struct sc_error err = { 0 };
    SC_AUTO_READING read = { 0 };

    if (size == 0)
        return 0;
    const char *format = formats[data[0] % 6];
    struct sc_str text = { (const char *)data + 1, size - 1 };
    (void)sc_format_guess(text);
    if (sc_format_read(format, text, &read, &err) != SC_OK) {
        if (err.msg[0] == '\0')
            abort();
        return 0;
    }
    collapse(format, text, data[0] / 6 % SC_ROLLING_COUNT_, &read);
    if (strcmp(format, "txt") == 0)
        take_headings(text, &read);
    sc_reading_end_at(&read, 60000);
    take_names(&read.segments);
    if (sc_segments_check(&read.segments, &err) != SC_OK ||
        !sc_segments_estimate_words(&read.segments) ||
        sc_segments_check(&read.segments, &err) != SC_OK)
        abort();
    check_again(format, &read.segments);
    sc_segments_spread(&read.segments, 1000, 61000);
    if (sc_segments_check(&read.segments, &err) != SC_OK)
        abort();
    return 0;
}
