#include "rig.h"

#include "base/banned.h"

/* With 416 the body tells so: `body` stands in it. */
static void ask(struct rig *rig, const char *head, int status, const char *headers,
                const char *body)
{
    SC_AUTO_BUF out = { 0 };
    rig_ask(rig, head, NULL, &out);
    const char *got = strstr(sc_buf_text(&out), "\r\n\r\n");
    bool told =
        got != NULL && (status == 416 ? strstr(got, body) != NULL : strcmp(got + 4, body) == 0);
    if (rig_status(&out) != status || !told || strstr(sc_buf_text(&out), headers) == NULL)
        fail_msg("%s: %s", head, sc_buf_text(&out));
}

static void files_come_whole_in_part_and_not_again(void **state)
{
    (void)state;
    SC_AUTO(rig_done) struct rig rig;
    rig_start(&rig, NULL);
    ask(&rig, "GET /api/file HTTP/1.1", 200, "\r\nETag: \"abc\"\r\n", "0123456789");
    ask(&rig, "GET /api/file HTTP/1.1", 200, "\r\nAccept-Ranges: bytes\r\n", "0123456789");
    ask(&rig, "GET /api/file HTTP/1.1", 200, "\r\nContent-Type: audio/x-test\r\n", "0123456789");
    ask(&rig, "HEAD /api/file HTTP/1.1", 200, "\r\nContent-Length: 10\r\n", "");
    ask(&rig, "GET /api/file HTTP/1.1\r\nRange: bytes=2-4", 206,
        "\r\nContent-Range: bytes 2-4/10\r\n", "234");
    ask(&rig, "GET /api/file HTTP/1.1\r\nRange: bytes=-2", 206,
        "\r\nContent-Range: bytes 8-9/10\r\n", "89");
    ask(&rig, "GET /api/file HTTP/1.1\r\nRange: bytes=10-", 416,
        "\r\nContent-Range: bytes */10\r\n", "RANGE_NOT_SATISFIABLE");
    ask(&rig, "GET /api/file HTTP/1.1\r\nRange: bytes=0-1,3-4", 200, "\r\n", "0123456789");
    ask(&rig, "HEAD /api/file HTTP/1.1\r\nRange: bytes=2-4", 200, "\r\nContent-Length: 10\r\n", "");
    ask(&rig, "GET /api/file HTTP/1.1\r\nRange: bytes=2-4\r\nIf-Range: \"abc\"", 206, "\r\n",
        "234");
    ask(&rig, "GET /api/file HTTP/1.1\r\nRange: bytes=2-4\r\nIf-Range: \"old\"", 200, "\r\n",
        "0123456789");
    ask(&rig, "GET /api/file HTTP/1.1\r\nIf-None-Match: \"x\", \"abc\"", 304, "\r\nETag: \"abc\"",
        "");
    ask(&rig, "GET /api/file HTTP/1.1\r\nIf-None-Match: \"x\"", 200, "\r\n", "0123456789");
    ask(&rig, "GET /api/empty HTTP/1.1", 200, "\r\nContent-Length: 0\r\n", "");
    ask(&rig, "GET /api/empty HTTP/1.1\r\nRange: bytes=0-", 416, "bytes */0",
        "RANGE_NOT_SATISFIABLE");
}

/* The value of a header that is there. */
static void header_of(const struct sc_buf *out, const char *name, char value[64])
{
    const char *at = strstr(sc_buf_text(out), name);
    assert_non_null(at);
    assert_int_equal(sscanf(at + strlen(name), ": %63[^\r]", value), 1);
}

/* The same of what is held in memory and of what lies in a file. */
static void only_who_reads_is_told_that_nothing_is_new(void **state)
{
    (void)state;
    SC_AUTO(rig_done) struct rig rig;
    rig_start(&rig, NULL);
    static const int sizes[] = { 100, 300000 };
    for (size_t i = 0; i < SC_ARRAY_LEN(sizes); i++) {
        char tag[64] = "", head[256];
        SC_AUTO_BUF out = { 0 };
        (void)snprintf(head, sizeof(head), "GET /api/long?size=%d HTTP/1.1", sizes[i]);
        rig_ask(&rig, head, NULL, &out);
        header_of(&out, "\r\nETag", tag);
        const struct {
            const char *method, *header, *value;
            int status;
        } rows[] = {
            { "GET", "If-None-Match", tag, 304 },     { "GET", "If-None-Match", "*", 304 },
            { "GET", "If-None-Match", "\"x\"", 200 }, { "HEAD", "If-None-Match", tag, 304 },
            { "POST", "If-None-Match", "*", 200 },    { "POST", "If-None-Match", tag, 200 },
        };
        for (size_t k = 0; k < SC_ARRAY_LEN(rows); k++) {
            (void)snprintf(head, sizeof(head), "%s /api/long?size=%d HTTP/1.1\r\n%s: %s",
                           rows[k].method, sizes[i], rows[k].header, rows[k].value);
            bool posts = strcmp(rows[k].method, "POST") == 0;
            rig_ask(&rig, head, NULL, &out);
            if (rig_status(&out) != rows[k].status)
                fail_msg("%s: %.300s", head, sc_buf_text(&out));
            /* What is made by a change is no representation that GET has. */
            assert_true(posts == (strstr(sc_buf_text(&out), "\r\nETag") == NULL));
        }
    }
}

static void a_change_is_made_only_while_its_conditions_hold(void **state)
{
    (void)state;
    SC_AUTO(rig_done) struct rig rig;
    rig_start(&rig, NULL);
    SC_AUTO_BUF out = { 0 };
    char tag[64] = "", head[256];
    rig_ask(&rig, "GET /api/long HTTP/1.1", NULL, &out);
    header_of(&out, "\r\nETag", tag);
    const struct {
        const char *header, *value;
        int status;
    } rows[] = {
        { "If-Match", tag, 200 },
        { "If-Match", "\"x\"", 412 },
        { "If-Match", "*", 200 },
        { "If-Match", "x", 400 },
        { "If-None-Match", tag, 412 },
        { "If-None-Match", "\"x\"", 200 },
        { "If-None-Match", "*", 412 },
        { "If-None-Match", "x", 400 },
        { "If-Match: *\r\nIf-None-Match", "\"x\"", 200 },
        { "If-Match: *\r\nIf-None-Match", "*", 412 },
    };
    for (size_t k = 0; k < SC_ARRAY_LEN(rows); k++) {
        (void)snprintf(head, sizeof(head), "PUT /api/long HTTP/1.1\r\n%s: %s", rows[k].header,
                       rows[k].value);
        rig_ask(&rig, head, NULL, &out);
        if (rig_status(&out) != rows[k].status)
            fail_msg("%s: %.300s", head, sc_buf_text(&out));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(only_who_reads_is_told_that_nothing_is_new),
        TEST(a_change_is_made_only_while_its_conditions_hold),
        TEST(files_come_whole_in_part_and_not_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
