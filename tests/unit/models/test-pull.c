#include "models/shelf.h"

#include "base/fault.h"
#include "sys/socket.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>

#include "base/banned.h"

/* An answer of the server to its next request; the connection is closed behind it. */
struct answer {
    const char *head; /* lines behind the status line's "HTTP/1.1 ", each with its line feed */
    size_t from, len; /* so much of the model goes out as the body */
    const char *body; /* instead of that; may be NULL */
};

struct peer {
    int fd, port;
    const struct answer *answers;
    size_t count;
    struct sc_buf model; /* borrowed */
    struct sc_buf asked; /* all request heads */
    pthread_t thread;
};

static void send_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        bytes += n;
        len -= (size_t)n;
    }
}

static void *peer_main(void *ctx)
{
    struct peer *p = ctx;
    for (size_t i = 0; i < p->count; i++) {
        const struct answer *a = &p->answers[i];
        SC_AUTO_CLOSE int fd = accept4(p->fd, NULL, NULL, SOCK_CLOEXEC);
        size_t from = p->asked.len;
        char piece[2048];
        while (fd >= 0 && strstr(sc_buf_text(&p->asked) + from, "\r\n\r\n") == NULL) {
            ssize_t n = recv(fd, piece, sizeof(piece), 0);
            if (n <= 0)
                break;
            sc_buf_append(&p->asked, piece, (size_t)n);
        }
        SC_AUTO_BUF head = { 0 };
        sc_buf_printf(&head, "HTTP/1.1 %sConnection: close\r\n\r\n", a->head);
        send_all(fd, head.ptr, head.len);
        if (a->body != NULL)
            send_all(fd, a->body, strlen(a->body));
        else
            send_all(fd, p->model.ptr + a->from, a->len);
    }
    return NULL;
}

static void peer_start(struct peer *p, const struct answer *answers, size_t count)
{
    struct sc_error err = { 0 };
    bool loopback;
    p->answers = answers;
    p->count = count;
    if (sc_socket_listen_tcp("127.0.0.1:0", &p->fd, &p->port, &loopback, &err) != SC_OK)
        fail_msg("%s", err.msg);
    assert_int_equal(fcntl(p->fd, F_SETFL, 0), 0);
    assert_int_equal(pthread_create(&p->thread, NULL, peer_main, p), 0);
}

/* All answers were asked for. */
static void peer_join(struct peer *p)
{
    assert_int_equal(pthread_join(p->thread, NULL), 0);
    (void)close(p->fd);
}

static void peer_done(struct peer *p)
{
    sc_buf_done(&p->asked);
    sc_buf_done(&p->model);
}

struct said {
    struct sc_buf notes;
};

static void note(void *ctx, const char *text)
{
    struct said *s = ctx;
    sc_buf_printf(&s->notes, "%s\n", text);
}

/* Pulls `what` below the peer's address and holds the outcome against what is expected. */
static void check(struct shelf *s, struct peer *p, const char *what, enum sc_code code,
                  const char *message, struct sc_model *m)
{
    struct said said = { 0 };
    struct sc_error err = { 0 };
    SC_AUTO_FREE char *url = NULL;
    const struct sc_models_watch watch = { .note = note, .ctx = &said };
    const struct sc_model_wish wish = { .what = what };
    assert_true(asprintf(&url, "http://127.0.0.1:%d/m/", p->port) > 0);
    s->config.models_url = url;
    enum sc_code got = sc_models_pull(&s->config, &wish, &watch, m, &err);
    if (got != code)
        fail_msg("%s: %s", sc_code_name(got), err.msg);
    sc_buf_puts(&said.notes, err.msg);
    if (strstr(sc_buf_text(&said.notes), message) == NULL)
        fail_msg("%s", sc_buf_text(&said.notes));
    sc_buf_done(&said.notes);
    static char none[] = "";
    s->config.models_url = none;
}

static int times(const struct peer *p, const char *what)
{
    int count = 0;
    for (const char *at = strstr(sc_buf_text(&p->asked), what); at != NULL;
         at = strstr(at + 1, what))
        count++;
    return count;
}

#define MISSING                                     \
    {                                               \
        .head = "404 Not Found\r\n", .body = "none" \
    }

static void what_comes_whole_is_a_model(void **state)
{
    (void)state;
    AUTO_SHELF(s);
    SC_AUTO_MODEL m = { 0 };
    SC_AUTO(peer_done) struct peer p = { .model = shelf_model(0, 0) };
    const struct answer answers[] = {
        MISSING, { .head = "200 OK\r\nETag: \"one\"\r\n", .len = p.model.len }
    };
    char sum[SC_SHA256_TEXT];
    sc_hash_bytes(p.model.ptr, p.model.len, sum);
    peer_start(&p, answers, SC_ARRAY_LEN(answers));
    check(&s, &p, "mine", SC_OK, "nobody vouches for these bytes", &m);
    peer_join(&p);
    assert_int_equal(times(&p, "GET /m/ggml-mine.bin.sha256 "), 1);
    assert_int_equal(times(&p, "GET /m/ggml-mine.bin "), 1);
    assert_string_equal(m.name, "mine");
    assert_string_equal(m.facts.sha256, sum);
    assert_non_null(strstr(m.facts.source, "/m/ggml-mine.bin"));
    assert_int_equal(shelf_count(&s), 2);
}

/* At a server that is not ours: it may not fail the next time. */
static void what_fails_at_the_server_is_tried_again(void **state)
{
    (void)state;
    AUTO_SHELF(s);
    SC_AUTO_MODEL m = { 0 };
    SC_AUTO(peer_done) struct peer p = { .model = shelf_model(0, 0) };
    const struct answer answers[] = { MISSING,
                                      { .head = "500 Internal Server Error\r\n" },
                                      { .head = "429 Too Many Requests\r\n" },
                                      { .head = "200 OK\r\n", .len = p.model.len } };
    peer_start(&p, answers, SC_ARRAY_LEN(answers));
    check(&s, &p, "mine", SC_OK, "", &m);
    peer_join(&p);
}

static void what_is_refused_is_tried_once(void **state)
{
    static const struct {
        const char *head;
        enum sc_code code;
        const char *said;
    } rows[] = {
        { "401 Unauthorized\r\n", SC_E_FORBIDDEN, "to everybody: download it by other means" },
        { "403 Forbidden\r\n", SC_E_FORBIDDEN, "to everybody: download it by other means" },
        { "302 Found\r\n", SC_E_SERVER_UNREACHABLE,
          "answered 302, and no file: give the address where the file lies" },
    };
    (void)state;
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        AUTO_SHELF(s);
        SC_AUTO_MODEL m = { 0 };
        SC_AUTO(peer_done) struct peer p = { 0 };
        const struct answer answers[] = { MISSING, { .head = rows[i].head } };
        peer_start(&p, answers, SC_ARRAY_LEN(answers));
        check(&s, &p, "mine", rows[i].code, rows[i].said, &m);
        peer_join(&p);
        assert_int_equal(shelf_count(&s), 0);
    }
}

static void what_breaks_off_goes_on_behind_what_came(void **state)
{
    (void)state;
    AUTO_SHELF(s);
    SC_AUTO_MODEL m = { 0 };
    SC_AUTO(peer_done) struct peer p = { .model = shelf_model(0, 0) };
    size_t all = p.model.len, cut = all / 3;
    char whole[120], rest[160];
    (void)snprintf(whole, sizeof(whole), "200 OK\r\nETag: \"one\"\r\nContent-Length: %zu\r\n", all);
    (void)snprintf(rest, sizeof(rest),
                   "206 Partial Content\r\nETag: \"one\"\r\nContent-Length: %zu\r\n"
                   "Content-Range: bytes %zu-%zu/%zu\r\n",
                   all - cut, cut, all - 1, all);
    const struct answer answers[] = { MISSING,
                                      { .head = whole, .len = cut },
                                      { .head = rest, .from = cut, .len = all - cut } };
    peer_start(&p, answers, SC_ARRAY_LEN(answers));
    check(&s, &p, "mine", SC_OK, "", &m);
    peer_join(&p);
    char range[64];
    (void)snprintf(range, sizeof(range), "Range: bytes=%zu-\r\n", cut);
    assert_int_equal(times(&p, range), 1);
    assert_int_equal(times(&p, "If-Range: \"one\"\r\n"), 1);
}

/* The server goes away for good; what came waits for the next command. */
static void a_second_attempt_takes_up_what_the_first_left(void **state)
{
    (void)state;
    AUTO_SHELF(s);
    SC_AUTO_MODEL m = { 0 };
    SC_AUTO(peer_done) struct peer p = { .model = shelf_model(0, 0) };
    size_t all = p.model.len, cut = all / 2;
    char whole[120], none[] = "503 Service Unavailable\r\n", rest[160];
    (void)snprintf(whole, sizeof(whole), "200 OK\r\nETag: \"one\"\r\nContent-Length: %zu\r\n", all);
    const struct answer answers[] = { MISSING,          { .head = whole, .len = cut },
                                      { .head = none }, { .head = none },
                                      { .head = none }, { .head = none },
                                      { .head = none } };
    peer_start(&p, answers, SC_ARRAY_LEN(answers));
    check(&s, &p, "mine", SC_E_SERVER_UNREACHABLE, "MB have come and are kept: the same command",
          &m);
    peer_join(&p);
    SC_AUTO(sc_models_rests_done) struct sc_models_rests rests = { 0 };
    assert_int_equal(sc_models_unfinished(&s.config, &rests, NULL), SC_OK);
    assert_int_equal(rests.count, 1);
    assert_int_equal(rests.rows[0].size_bytes, cut);
    assert_int_equal(rests.rows[0].note.whole, all);
    assert_true(shelf_has(&s, "models/.mine.part"));
    assert_false(shelf_has(&s, "models/ggml-mine.bin"));

    /* Its note names the address; this test's server listens elsewhere by now. */
    SC_AUTO(peer_done) struct peer again = { .model = shelf_model(0, 0) };
    (void)snprintf(rest, sizeof(rest),
                   "206 Partial Content\r\nETag: \"one\"\r\nContent-Range: bytes %zu-%zu/%zu\r\n",
                   cut, all - 1, all);
    const struct answer others[] = { MISSING, { .head = rest, .from = cut, .len = all - cut } };
    peer_start(&again, others, SC_ARRAY_LEN(others));
    SC_AUTO_BUF text = { 0 };
    sc_buf_printf(&text,
                  "{\"url\":\"http://127.0.0.1:%d/m/ggml-mine.bin\",\"etag\":\"\\\"one\\\"\"}",
                  again.port);
    test_write(&s.dir, "models/.mine.part.json", sc_buf_text(&text));
    check(&s, &again, "mine", SC_OK, "MB that came before", &m);
    peer_join(&again);
    assert_int_equal(times(&again, "Range: bytes="), 1);
    assert_int_equal(shelf_count(&s), 2);
}

static void what_came_from_another_address_begins_anew(void **state)
{
    (void)state;
    AUTO_SHELF(s);
    SC_AUTO_MODEL m = { 0 };
    SC_AUTO(peer_done) struct peer p = { .model = shelf_model(0, 0) };
    const struct answer answers[] = {
        MISSING, { .head = "200 OK\r\nETag: \"one\"\r\n", .len = p.model.len }
    };
    test_write(&s.dir, "models/.mine.part", "half of something");
    test_write(&s.dir, "models/.mine.part.json",
               "{\"url\":\"http://elsewhere/m/ggml-mine.bin\",\"etag\":\"\\\"one\\\"\"}");
    peer_start(&p, answers, SC_ARRAY_LEN(answers));
    check(&s, &p, "mine", SC_OK, "of an earlier pull are of another address", &m);
    peer_join(&p);
    assert_int_equal(times(&p, "Range: "), 0);
    assert_int_equal(shelf_count(&s), 2);
}

static void other_bytes_on_the_server_begin_anew(void **state)
{
    (void)state;
    AUTO_SHELF(s);
    SC_AUTO_MODEL m = { 0 };
    SC_AUTO(peer_done) struct peer p = { .model = shelf_model(0, 0) };
    char whole[120], rest[160];
    (void)snprintf(whole, sizeof(whole), "200 OK\r\nETag: \"one\"\r\nContent-Length: %zu\r\n",
                   p.model.len);
    (void)snprintf(rest, sizeof(rest), "200 OK\r\nETag: \"two\"\r\nContent-Length: %zu\r\n",
                   p.model.len);
    const struct answer answers[] = { MISSING,
                                      { .head = whole, .from = 7, .len = 1000 },
                                      { .head = "416 Range Not Satisfiable\r\n" },
                                      { .head = whole, .from = 7, .len = 2000 },
                                      { .head = rest, .len = p.model.len } };
    peer_start(&p, answers, SC_ARRAY_LEN(answers));
    check(&s, &p, "mine", SC_OK, "", &m);
    peer_join(&p);
    assert_int_equal(times(&p, "Range: bytes=1000-"), 1);
    assert_int_equal(times(&p, "Range: bytes=2000-"), 1);
}

/* Half of one file and half of another would be a model that nobody made. */
static void a_part_of_another_file_begins_anew(void **state)
{
    (void)state;
    AUTO_SHELF(s);
    SC_AUTO_MODEL m = { 0 }, grown = { 0 };
    SC_AUTO(peer_done) struct peer p = { .model = shelf_model(0, 0) };
    size_t all = p.model.len;
    char whole[120], other[160], longer[160], sum[SC_SHA256_TEXT];
    sc_hash_bytes(p.model.ptr, all, sum);
    (void)snprintf(whole, sizeof(whole), "200 OK\r\nETag: \"one\"\r\nContent-Length: %zu\r\n", all);
    (void)snprintf(other, sizeof(other),
                   "206 Partial Content\r\nETag: \"two\"\r\nContent-Range: bytes 1000-%zu/%zu\r\n",
                   all - 1, all);
    (void)snprintf(longer, sizeof(longer),
                   "206 Partial Content\r\nETag: \"one\"\r\nContent-Range: bytes 1000-%zu/%zu\r\n",
                   all, all + 1);
    const struct answer answers[] = { MISSING,
                                      { .head = whole, .from = 7, .len = 1000 },
                                      { .head = other, .from = 1000, .len = all - 1000 },
                                      { .head = whole, .len = all },
                                      MISSING,
                                      { .head = whole, .from = 7, .len = 1000 },
                                      { .head = longer, .from = 999, .len = all - 999 },
                                      { .head = whole, .len = all } };
    peer_start(&p, answers, SC_ARRAY_LEN(answers));
    check(&s, &p, "mine", SC_OK, "", &m);
    assert_string_equal(m.facts.sha256, sum);
    check(&s, &p, "grown", SC_OK, "", &grown);
    assert_string_equal(grown.facts.sha256, sum);
    peer_join(&p);
    assert_int_equal(times(&p, "Range: bytes=1000-"), 2);
}

/* As caches do that keep a file in pieces. */
static void shorter_parts_than_asked_for_are_gone_on_with(void **state)
{
    (void)state;
    AUTO_SHELF(s);
    SC_AUTO_MODEL m = { 0 };
    SC_AUTO(peer_done) struct peer p = { .model = shelf_model(0, 0) };
    size_t all = p.model.len;
    char whole[120], piece[160], rest[160];
    (void)snprintf(whole, sizeof(whole), "200 OK\r\nETag: \"one\"\r\nContent-Length: %zu\r\n", all);
    (void)snprintf(piece, sizeof(piece),
                   "206 Partial Content\r\nETag: \"one\"\r\nContent-Length: 500\r\n"
                   "Content-Range: bytes 1000-1499/%zu\r\n",
                   all);
    (void)snprintf(rest, sizeof(rest),
                   "206 Partial Content\r\nETag: \"one\"\r\nContent-Range: bytes 1500-%zu/%zu\r\n",
                   all - 1, all);
    const struct answer answers[] = { MISSING,
                                      { .head = whole, .len = 1000 },
                                      { .head = piece, .from = 1000, .len = 500 },
                                      { .head = rest, .from = 1500, .len = all - 1500 } };
    peer_start(&p, answers, SC_ARRAY_LEN(answers));
    check(&s, &p, "mine", SC_OK, "", &m);
    peer_join(&p);
    assert_int_equal(times(&p, "Range: bytes=1500-"), 1);
}

static void another_part_than_asked_for_is_not_kept_behind_what_came(void **state)
{
    (void)state;
    AUTO_SHELF(s);
    SC_AUTO_MODEL m = { 0 };
    SC_AUTO(peer_done) struct peer p = { .model = shelf_model(0, 0) };
    size_t all = p.model.len;
    char whole[120], wrong[160];
    (void)snprintf(whole, sizeof(whole), "200 OK\r\nETag: \"one\"\r\nContent-Length: %zu\r\n", all);
    (void)snprintf(wrong, sizeof(wrong),
                   "206 Partial Content\r\nETag: \"one\"\r\nContent-Range: bytes 10-%zu/%zu\r\n",
                   all - 1, all);
    const struct answer answers[] = { MISSING,
                                      { .head = whole, .len = 1000 },
                                      { .head = wrong, .from = 10, .len = all - 10 },
                                      { .head = whole, .len = all } };
    char sum[SC_SHA256_TEXT];
    sc_hash_bytes(p.model.ptr, p.model.len, sum);
    peer_start(&p, answers, SC_ARRAY_LEN(answers));
    check(&s, &p, "mine", SC_OK, "what came before cannot be gone on with: it begins anew", &m);
    peer_join(&p);
    assert_int_equal(times(&p, "Range: bytes="), 1);
    assert_string_equal(m.facts.sha256, sum);
}

static void what_cannot_be_gone_on_with_does_not_stay(void **state)
{
    (void)state;
    AUTO_SHELF(s);
    SC_AUTO_MODEL m = { 0 };
    SC_AUTO(peer_done) struct peer p = { .model = shelf_model(0, 0) };
    char none[] = "503 Service Unavailable\r\n", head[80];
    (void)snprintf(head, sizeof(head), "200 OK\r\nContent-Length: %zu\r\n", p.model.len);
    const struct answer answers[] = { MISSING,          { .head = head, .len = 1000 },
                                      { .head = none }, { .head = none },
                                      { .head = none }, { .head = none },
                                      { .head = none } };
    peer_start(&p, answers, SC_ARRAY_LEN(answers));
    check(&s, &p, "mine", SC_E_SERVER_UNREACHABLE, "", &m);
    peer_join(&p);
    assert_int_equal(shelf_count(&s), 0);
}

/* It breaks at changing places: each beginning anew that gets further than the last is none. */
static void a_server_that_always_begins_anew_is_given_up(void **state)
{
    static const size_t cuts[] = { 1000, 3000, 2000, 4000, 2500, 5000 };
    (void)state;
    AUTO_SHELF(s);
    SC_AUTO_MODEL m = { 0 };
    SC_AUTO(peer_done) struct peer p = { .model = shelf_model(0, 0) };
    struct answer answers[1 + SC_ARRAY_LEN(cuts)] = { MISSING };
    char whole[120];
    (void)snprintf(whole, sizeof(whole), "200 OK\r\nETag: \"one\"\r\nContent-Length: %zu\r\n",
                   p.model.len);
    for (size_t i = 0; i < SC_ARRAY_LEN(cuts); i++)
        answers[i + 1] = (struct answer){ .head = whole, .len = cuts[i] };
    peer_start(&p, answers, SC_ARRAY_LEN(answers));
    check(&s, &p, "mine", SC_E_SERVER_UNREACHABLE,
          "broke off after 2500 bytes: trying again (5 of 5)\n", &m);
    peer_join(&p);
    assert_int_equal(times(&p, "Range: bytes="), (int)SC_ARRAY_LEN(cuts) - 1);
    assert_true(shelf_has(&s, "models/.mine.part"));
}

#ifdef SC_WITH_FAULTS
/* Nobody said how long the body is: it must not take the room of others. */
static void room_is_looked_at_while_bytes_come(void **state)
{
    (void)state;
    AUTO_SHELF(s);
    SC_AUTO_MODEL m = { 0 };
    SC_AUTO(peer_done) struct peer p = { .model = shelf_model(0, 0) };
    const struct answer answers[] = { MISSING, { .head = "200 OK\r\n", .len = p.model.len } };
    peer_start(&p, answers, SC_ARRAY_LEN(answers));
    sc_fault_arm("models.room", 3); /* once before the first byte, then at each write */
    check(&s, &p, "mine", SC_E_NO_SPACE, "make room", &m);
    assert_true(sc_fault_disarm("models.room"));
    peer_join(&p);
    assert_int_equal(shelf_count(&s), 0);
}
#endif

static void sums_are_held_against_whoever_says_them(void **state)
{
    (void)state;
    AUTO_SHELF(s);
    SC_AUTO_MODEL m = { 0 }, linked = { 0 };
    SC_AUTO(peer_done) struct peer p = { .model = shelf_model(0, 0) };
    char sum[SC_SHA256_TEXT], wrong[SC_SHA256_TEXT], beside[100], off[160];
    sc_hash_bytes(p.model.ptr, p.model.len, sum);
    sc_hash_bytes("", 0, wrong);
    (void)snprintf(beside, sizeof(beside), "%s  ggml-mine.bin\n", sum);
    (void)snprintf(off, sizeof(off),
                   "302 Found\r\nLocation: /elsewhere\r\nX-Linked-ETag: \"%s\"\r\n", sum);
    const struct answer answers[] = {
        { .head = "200 OK\r\n", .body = wrong },
        { .head = "200 OK\r\n", .len = p.model.len },
        { .head = "200 OK\r\n", .body = beside },
        { .head = "200 OK\r\n", .len = p.model.len },
        MISSING,
        { .head = off, .body = "moved" }, /* the body of a redirection is nobody's */
        { .head = "200 OK\r\nETag: \"weak\"\r\n", .len = p.model.len },
    };
    peer_start(&p, answers, SC_ARRAY_LEN(answers));
    check(&s, &p, "mine", SC_E_CHECKSUM_MISMATCH, "must be e3b0c442", &m);
    assert_int_equal(shelf_count(&s), 0);
    check(&s, &p, "mine", SC_OK, "", &m);
    assert_int_equal(m.facts.trust, SC_MODEL_TRUST_SERVER);
    check(&s, &p, "other", SC_OK, "", &linked);
    assert_int_equal(linked.facts.trust, SC_MODEL_TRUST_SERVER);
    peer_join(&p);
    assert_int_equal(times(&p, "GET /elsewhere "), 1);
}

static void what_cannot_be_kept_is_refused(void **state)
{
    (void)state;
    AUTO_SHELF(s);
    SC_AUTO_MODEL m = { 0 };
    SC_AUTO(peer_done) struct peer p = { .model = shelf_model(0, 0) };
    const struct answer answers[] = {
        MISSING, { .head = "200 OK\r\nContent-Length: 4000000000000000000\r\n", .len = 100 },
        MISSING, { .head = "200 OK\r\n", .body = "<html>sign in first</html>" },
        MISSING, MISSING,
        MISSING, { .head = "200 OK\r\n", .body = "" },
    };
    peer_start(&p, answers, SC_ARRAY_LEN(answers));
    check(&s, &p, "mine", SC_E_NO_SPACE, "MB more are needed and the disk", &m);
    check(&s, &p, "mine", SC_E_MODEL_ERROR, "/m/ggml-mine.bin': it is a web page", &m);
    check(&s, &p, "mine", SC_E_NOT_FOUND, "/m/ggml-mine.bin'", &m);
    check(&s, &p, "mine", SC_E_MODEL_ERROR, "/m/ggml-mine.bin': ", &m);
    peer_join(&p);
    assert_int_equal(shelf_count(&s), 0);
}

/* Asked once each: the same address leads to the same place. */
static void redirections_that_are_not_followed_are_not_tried_again(void **state)
{
    (void)state;
    AUTO_SHELF(s);
    SC_AUTO_MODEL m = { 0 };
    SC_AUTO(peer_done) struct peer p = { 0 };
    const struct answer round = { .head = "302 Found\r\nLocation: /m/ggml-mine.bin\r\n",
                                  .body = "" };
    const struct answer answers[] = {
        MISSING, { .head = "302 Found\r\nLocation: file:///etc/passwd\r\n", .body = "" },
        MISSING, { .head = "302 Found\r\nLocation: ftp://127.0.0.1/x?key=secret\r\n", .body = "" },
        MISSING, { .head = "302 Found\r\nLocation: http://[::\r\n", .body = "" },
        MISSING, round,
        round,   round,
        round,   round,
        round,
    };
    peer_start(&p, answers, SC_ARRAY_LEN(answers));
    check(&s, &p, "mine", SC_E_SERVER_UNREACHABLE,
          "redirects to 'file:///etc/passwd', which is not followed", &m);
    check(&s, &p, "mine", SC_E_SERVER_UNREACHABLE, "redirects to 'ftp://127.0.0.1/x', which", &m);
    check(&s, &p, "mine", SC_E_SERVER_UNREACHABLE, "redirects to 'http://[::', which", &m);
    check(&s, &p, "mine", SC_E_SERVER_UNREACHABLE, "redirects to '/m/ggml-mine.bin', which", &m);
    peer_join(&p);
    assert_int_equal(shelf_count(&s), 0);
}

static void a_published_name_stands_for_the_published_bytes(void **state)
{
    (void)state;
    AUTO_SHELF(s);
    SC_AUTO_MODEL m = { 0 }, asked = { 0 };
    SC_AUTO(peer_done) struct peer p = { .model = shelf_model(0, 0) };
    char sum[SC_SHA256_TEXT];
    sc_hash_bytes(p.model.ptr, p.model.len, sum);
    const struct answer answers[] = { MISSING,
                                      { .head = "200 OK\r\n", .len = p.model.len },
                                      { .head = "200 OK\r\n", .body = sum },
                                      { .head = "200 OK\r\n", .len = p.model.len } };
    peer_start(&p, answers, SC_ARRAY_LEN(answers));
    check(&s, &p, "base.en", SC_E_CHECKSUM_MISMATCH, "that its author publishes, of SHA-1 137c4040",
          &m);
    assert_int_equal(shelf_count(&s), 0);
    check(&s, &p, "base.en", SC_OK, "", &asked); /* somebody vouches for another one */
    peer_join(&p);
    assert_int_equal(asked.facts.trust, SC_MODEL_TRUST_SERVER);
}

static void addresses_are_looked_at_before_anybody_is_called(void **state)
{
    (void)state;
    AUTO_SHELF(s);
    static const struct {
        const char *what;
        enum sc_code code;
        const char *said;
    } rows[] = {
        { "base.en", SC_E_CONFIG_ERROR, "models.url is not set" },
        { "../x", SC_E_INVALID_VALUE, "no name of a model, and no address" },
        { "ftp://host/a.bin", SC_E_INVALID_VALUE, "is no address of a file" },
        { "http://host", SC_E_INVALID_VALUE, "is no address of a file" },
        { "http:///a.bin", SC_E_INVALID_VALUE, "is no address of a file" },
        { "http://me:secret@host/a.bin", SC_E_INVALID_VALUE, "without a password" },
        { "http://host/a b.bin", SC_E_INVALID_VALUE, "is no address of a file" },
        { "http://host/model.safetensors", SC_E_INVALID_VALUE, "must end in NAME.bin" },
        { "http://host/.bin", SC_E_INVALID_VALUE, "must end in NAME.bin" },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO_MODEL m = { 0 };
        struct sc_error err = { 0 };
        const struct sc_model_wish wish = { .what = rows[i].what };
        assert_int_equal(sc_models_pull(&s.config, &wish, NULL, &m, &err), rows[i].code);
        if (strstr(err.msg, rows[i].said) == NULL)
            fail_msg("%s: %s", rows[i].what, err.msg);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_comes_whole_is_a_model),
        TEST(what_fails_at_the_server_is_tried_again),
        TEST(what_is_refused_is_tried_once),
        TEST(what_breaks_off_goes_on_behind_what_came),
        TEST(a_second_attempt_takes_up_what_the_first_left),
        TEST(what_came_from_another_address_begins_anew),
        TEST(other_bytes_on_the_server_begin_anew),
        TEST(a_part_of_another_file_begins_anew),
        TEST(shorter_parts_than_asked_for_are_gone_on_with),
        TEST(another_part_than_asked_for_is_not_kept_behind_what_came),
        TEST(a_server_that_always_begins_anew_is_given_up),
        TEST(what_cannot_be_gone_on_with_does_not_stay),
#ifdef SC_WITH_FAULTS
        TEST(room_is_looked_at_while_bytes_come),
#endif
        TEST(sums_are_held_against_whoever_says_them),
        TEST(what_cannot_be_kept_is_refused),
        TEST(redirections_that_are_not_followed_are_not_tried_again),
        TEST(a_published_name_stands_for_the_published_bytes),
        TEST(addresses_are_looked_at_before_anybody_is_called),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
