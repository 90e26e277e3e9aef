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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(files_come_whole_in_part_and_not_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
