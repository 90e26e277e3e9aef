#include "cli/view.h"

#include "testing.h"

#include "base/banned.h"

#define NOW 1700000000000

static struct sc_json_doc *parse(const char *text)
{
    struct sc_json_doc *doc = NULL;
    assert_int_equal(sc_json_parse(sc_str_from(text), &doc, NULL), SC_OK);
    return doc;
}

static void an_object_is_shown_line_by_line(void **state)
{
    (void)state;
    static const char *const skip[] = { "text", NULL };
    SC_AUTO(sc_json_doc_freep)
    struct sc_json_doc *doc =
        parse("{\"id\":7,\"text\":\"long\",\"name\":\"a\\nb\",\"none\":null,\"force\":false,"
              "\"created_at\":\"2023-11-14T22:08:20Z\",\"tags\":{\"b\":1,\"a\":[2]},\"none_of\":{},"
              "\"eta\":0.12500000000000003,\"notes\":[],"
              "\"warnings\":[{\"code\":\"A\",\"message\":\"one, "
              "music=keep, channels=left, no_speech_threshold=1\"},{\"message\":\"leave "
              "multilingual out\"},{\"message\":\"t\\u001bo\"}]}");
    SC_AUTO_BUF out = { 0 };
    sc_view_object(sc_json_root(doc), skip, NOW, &out);
    assert_string_equal(sc_buf_text(&out),
                        "id:         7\n"
                        "name:       a\\nb\n"
                        "force:      no\n"
                        "created_at: 5 min ago\n"
                        "tags:       b=1\n"
                        "            a=[2]\n"
                        "eta:        0.125\n"
                        "warnings:   one, --music keep, --channels left, --no-speech-threshold 1\n"
                        "            leave --multilingual out\n"
                        "            t\\x1bo\n");
}

static void a_table_shows_members_by_their_kind(void **state)
{
    (void)state;
    static const struct sc_view_column columns[] = {
        { .title = "N", .member = "n", .kind = SC_VIEW_NUMBER },
        { .title = "NAME", .member = "name", .otherwise = "file" },
        { .title = "LENGTH", .member = "s", .kind = SC_VIEW_SECONDS },
        { .title = "SIZE", .member = "b", .kind = SC_VIEW_SIZE },
        { .title = "DONE", .member = "p", .kind = SC_VIEW_PERCENT },
        { .title = "OK", .member = "ok", .kind = SC_VIEW_YES_NO },
        { .title = "LANGS", .member = "l", .kind = SC_VIEW_LIST },
        { 0 },
    };
    SC_AUTO(sc_json_doc_freep)
    struct sc_json_doc *doc =
        parse("[{\"n\":10,\"name\":\"\",\"file\":\"f\",\"s\":61.2,\"b\":2000,\"p\":5,\"ok\":true,"
              "\"l\":[\"en\",\"de\"]},{\"n\":1,\"name\":\"x\"}]");
    SC_AUTO_BUF out = { 0 };
    sc_view_table(sc_json_root(doc), columns, NOW, 0, &out);
    assert_string_equal(sc_buf_text(&out), " N  NAME  LENGTH    SIZE  DONE  OK   LANGS\n"
                                           "10  f       1:01  2.0 kB    5%  yes  en, de\n"
                                           " 1  x          -       -    0%  no   -\n");
}

static void what_is_no_array_is_an_empty_table(void **state)
{
    (void)state;
    static const struct sc_view_column columns[] = { { .title = "N", .member = "n" }, { 0 } };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = parse("{\"n\":1}");
    SC_AUTO_BUF out = { 0 };
    sc_view_table(sc_json_root(doc), columns, NOW, 0, &out);
    sc_view_table(NULL, columns, NOW, 0, &out);
    assert_string_equal(sc_buf_text(&out), "N\nN\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_object_is_shown_line_by_line),
        TEST(a_table_shows_members_by_their_kind),
        TEST(what_is_no_array_is_an_empty_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
