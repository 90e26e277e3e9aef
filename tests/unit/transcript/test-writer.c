#include "transcript/writer.h"

#include "make.h"
#include "unzip.h"

#include <dirent.h>

#include "base/banned.h"

/* A case is a folder of tests/golden/writers with `input` and `expected.<format>`. With
 * SC_GOLDEN_UPDATE=1 the expected files are written anew. Lines of the input:
 *
 *     seg <start ms> <end ms> <speaker, or ->
 *     text <text>                     of the segment, when it is not its words joined
 *     word <start ms> <end ms> <confidence> <text>
 *
 * \n \r \t \\ and \xHH stand for the signs that a line cannot hold. */

static struct sc_str unescape(struct sc_str s, struct sc_buf *out)
{
    sc_buf_reset(out);
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i], next = i + 1 < s.len ? s.ptr[i + 1] : '\0';
        unsigned byte;
        if (c != '\\') {
            sc_buf_putc(out, c);
        } else if (next == 'x' && sscanf(s.ptr + i + 2, "%2x", &byte) == 1) {
            sc_buf_putc(out, (char)byte);
            i += 3;
        } else {
            sc_buf_putc(out, next == 'n' ? '\n' : next == 'r' ? '\r' : next == 't' ? '\t' : '\\');
            i++;
        }
    }
    return sc_buf_str(out);
}

static int64_t take_number(struct sc_str *rest)
{
    int64_t n;
    assert_true(sc_str_to_int64(sc_str_take_until(rest, ' '), &n));
    return n;
}

static void read_line(struct sc_segments *list, struct sc_str line)
{
    SC_AUTO_BUF text = { 0 };
    struct sc_str kind = sc_str_take_until(&line, ' ');
    struct sc_segment *last = list->count == 0 ? NULL : &list->items[list->count - 1];
    if (sc_str_equal(kind, SC_STR("seg"))) {
        struct sc_segment *s = sc_segments_add(list);
        s->id = (int64_t)list->count;
        s->start_ms = take_number(&line);
        s->end_ms = take_number(&line);
        if (!sc_str_equal(line, SC_STR("-")))
            s->speaker = strdup(unescape(line, &text).ptr);
    } else if (sc_str_equal(kind, SC_STR("text"))) {
        last->text = strdup(unescape(line, &text).ptr);
    } else if (sc_str_equal(kind, SC_STR("word"))) {
        int64_t start = take_number(&line), end = take_number(&line);
        double c;
        assert_true(sc_str_to_double(sc_str_take_until(&line, ' '), &c));
        assert_true(sc_segment_add_word(last, unescape(line, &text), start, end, (float)c));
    } else {
        assert_int_equal(kind.len, 0);
    }
}

static void read_case(const char *folder, struct sc_segments *list)
{
    struct test_dir dir;
    (void)snprintf(dir.path, sizeof(dir.path), "%s", folder);
    SC_AUTO_FREE char *input = test_read(&dir, "input");
    assert_non_null(input);
    struct sc_str rest = sc_str_from(input);
    while (rest.len > 0)
        read_line(list, sc_str_take_until(&rest, '\n'));
    for (size_t i = 0; i < list->count; i++) {
        struct sc_segment *s = &list->items[i];
        char *own = SC_TAKE(s->text);
        sc_segment_settle(s);
        if (own != NULL) {
            free(s->text);
            s->text = own;
        }
    }
}

static const struct sc_writer_meta meta = {
    .transcript_id = 7,
    .file_id = 3,
    .job_id = "01890a5d-ac96-774b-bcce-b302099a8057",
    .status = "complete",
    .language = "en",
    .version = 1,
};

/* The cues of a player: times rise, text has no blank line and no arrow. */
static void assert_is_srt(const char *text)
{
    struct sc_str rest = sc_str_from(text);
    int64_t index = 0, n, before = 0;
    assert_null(strchr(text, '\r'));
    while (rest.len > 0) {
        long h, m, s, ms, h2, m2, s2, ms2;
        assert_true(sc_str_to_int64(sc_str_take_until(&rest, '\n'), &n));
        assert_int_equal(n, ++index);
        struct sc_str times = sc_str_take_until(&rest, '\n');
        assert_int_equal(sscanf(times.ptr, "%ld:%ld:%ld,%ld --> %ld:%ld:%ld,%ld", &h, &m, &s, &ms,
                                &h2, &m2, &s2, &ms2),
                         8);
        int64_t start = ((h * 60 + m) * 60 + s) * 1000 + ms;
        int64_t end = ((h2 * 60 + m2) * 60 + s2) * 1000 + ms2;
        assert_true(start >= before);
        assert_true(end > start);
        assert_true(end - start <= 7000);
        before = end;
        int lines = 0;
        for (struct sc_str line; (line = sc_str_take_until(&rest, '\n')).len > 0; lines++)
            assert_null(memmem(line.ptr, line.len, "-->", 3));
        assert_in_range(lines, 1, 2);
    }
}

static void check_format(const char *folder, const struct sc_segments *list,
                         const struct sc_format *format)
{
    SC_AUTO_BUF out = { 0 };
    struct test_dir dir;
    char name[32];
    (void)snprintf(dir.path, sizeof(dir.path), "%s", folder);
    (void)snprintf(name, sizeof(name), "expected.%s", format->extension);
    assert_int_equal(sc_format_to_buf(format, list, &meta, NULL, &out, NULL), SC_OK);
    if (strcmp(format->name, "docx") == 0) { /* its bytes are zlib's business, its text is not */
        SC_AUTO_BUF document = { 0 };
        assert_true(unzip(&out, "word/document.xml", &document));
        sc_buf_reset(&out);
        sc_buf_put_str(&out, sc_buf_str(&document));
    }
    if (getenv("SC_GOLDEN_UPDATE") != NULL)
        test_write(&dir, name, sc_buf_text(&out));
    SC_AUTO_FREE char *expected = test_read(&dir, name);
    assert_non_null(expected);
    assert_string_equal(sc_buf_text(&out), expected);
    if (strcmp(format->name, "srt") == 0)
        assert_is_srt(expected);
}

static void every_case_is_written_as_expected(void **state)
{
    (void)state;
    const char *golden = getenv("SC_GOLDEN_DIR");
    char root[200], folder[256];
    int cases = 0;
    (void)snprintf(root, sizeof(root), "%s/writers", golden == NULL ? "tests/golden" : golden);
    DIR *d = opendir(root);
    assert_non_null(d);
    for (const struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        if (e->d_name[0] == '.')
            continue;
        assert_true(snprintf(folder, sizeof(folder), "%s/%s", root, e->d_name) <
                    (int)sizeof(folder));
        SC_AUTO_SEGMENTS list = { 0 };
        read_case(folder, &list);
        size_t count;
        const struct sc_format *formats = sc_format_all(&count);
        for (size_t i = 0; i < count; i++)
            check_format(folder, &list, &formats[i]);
        cases++;
    }
    (void)closedir(d);
    assert_true(cases >= 6);
}

static void what_is_not_known_is_null_in_json(void **state)
{
    (void)state;
    SC_AUTO_BUF out = { 0 };
    const struct sc_segments none = { 0 };
    struct sc_writer_meta unknown = meta;
    unknown.language = unknown.engine = unknown.job_id = "";
    assert_int_equal(sc_format_to_buf(sc_format_find("json"), &none, &unknown, NULL, &out, NULL),
                     SC_OK);
    assert_non_null(strstr(sc_buf_text(&out), "\"language\":null"));
    assert_non_null(strstr(sc_buf_text(&out), "\"engine\":null"));
    assert_non_null(strstr(sc_buf_text(&out), "\"job_id\":null"));
}

static void formats_are_found_by_name(void **state)
{
    (void)state;
    assert_string_equal(sc_format_find("srt")->extension, "srt");
    assert_non_null(strstr(sc_format_find("txt")->mime_type, "charset=utf-8"));
    assert_null(sc_format_find("exe"));
    assert_null(sc_format_find(NULL));
}

static enum sc_code stop_at_third(void *ctx, const char *bytes, size_t len, struct sc_error *err)
{
    int *calls = ctx;
    (void)bytes;
    assert_true(len > 0);
    return ++*calls == 3 ? sc_error_set(err, SC_E_CANCELLED, "enough") : SC_OK;
}

static void long_output_comes_in_pieces_and_stops_when_told(void **state)
{
    (void)state;
    SC_AUTO_SEGMENTS list = { 0 };
    for (int i = 0; i < 5000; i++)
        (void)add_segment(&list, i * 1000, 100, "some words of a long transcript");
    size_t count;
    const struct sc_format *formats = sc_format_all(&count);
    for (size_t i = 0; i < count; i++) {
        int calls = 0;
        struct sc_error err = { 0 };
        struct sc_writer_options options;
        sc_writer_options_init(&options, &formats[i]);
        struct sc_list_source from = sc_list_source_of(&list);
        assert_int_equal(
            formats[i].write(&from.source, &meta, &options, stop_at_third, &calls, &err),
            SC_E_CANCELLED);
        assert_int_equal(calls, 3);
        assert_string_equal(err.msg, "enough");
    }
}

static void output_past_the_limit_is_an_error(void **state)
{
    (void)state;
    SC_AUTO_SEGMENTS list = { 0 };
    SC_AUTO_BUF out = { .limit = 10 };
    (void)add_segment(&list, 0, 100, "more than ten bytes");
    assert_int_equal(sc_format_to_buf(sc_format_find("txt"), &list, &meta, NULL, &out, NULL),
                     SC_E_FILE_TOO_LARGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_case_is_written_as_expected),
        TEST(what_is_not_known_is_null_in_json),
        TEST(formats_are_found_by_name),
        TEST(long_output_comes_in_pieces_and_stops_when_told),
        TEST(output_past_the_limit_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
