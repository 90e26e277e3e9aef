#include "program.h"
#include "json/reader.h"

#include <poll.h>
#include <signal.h>

#include "base/banned.h"

#define RATE 16000

/* A WAV file of 16 kHz with `seconds` of a ramp in which channel c is higher by 1000 c; returns it
 * open for reading. */
static int wav_fd_of(const struct test_dir *dir, uint32_t seconds, uint32_t channels)
{
    char path[PATH_MAX];
    const uint32_t bytes = seconds * RATE * 2 * channels;
    const uint32_t head[11] = { 0x46464952,
                                36 + bytes,
                                0x45564157,
                                0x20746d66,
                                16,
                                1 | channels << 16,
                                RATE,
                                RATE * 2 * channels,
                                0x00100000 | channels * 2,
                                0x61746164,
                                bytes };
    FILE *f = fopen(test_path(dir, "ramp.wav", path), "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(head, sizeof(head), 1, f), 1);
    for (uint32_t i = 0; i < seconds * RATE * channels; i++) {
        int16_t sample = (int16_t)((i / channels & 0x3fff) + 1000 * (i % channels));
        assert_int_equal(fwrite(&sample, sizeof(sample), 1, f), 1);
    }
    assert_int_equal(fclose(f), 0);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static int wav_fd(const struct test_dir *dir, uint32_t seconds)
{
    return wav_fd_of(dir, seconds, 1);
}

/* Cuts the next frame off; false at the end. */
static bool next_frame(struct sc_str *rest, char tag[5], struct sc_str *payload)
{
    if (rest->len == 0)
        return false;
    assert_true(rest->len >= 8);
    uint32_t len = 0;
    memcpy(tag, rest->ptr, 4);
    tag[4] = '\0';
    memcpy(&len, rest->ptr + 4, 4);
    assert_true(rest->len >= 8 + (size_t)len);
    *payload = (struct sc_str){ rest->ptr + 8, len };
    *rest = (struct sc_str){ rest->ptr + 8 + len, rest->len - 8 - len };
    return true;
}

static struct sc_json_doc *json_of(struct sc_str text)
{
    struct sc_json_doc *doc = NULL;
    struct sc_error err = { 0 };
    assert_int_equal(sc_json_parse(text, &doc, &err), SC_OK);
    return doc;
}

static int64_t number(const struct sc_json_doc *doc, const char *key)
{
    return sc_json_get_int(sc_json_member(sc_json_root(doc), key), -77);
}

static void frames_tell_what_it_is_then_all_samples_then_done(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    SC_AUTO_CLOSE int fd = wav_fd(&dir, 7);
    const char *const argv[] = { "scripta-media", "decode", "--fd", "3", NULL };
    SC_AUTO(run_done) struct run r = run_start(argv, fd);
    run_finish(&r);
    assert_true(WIFEXITED(r.status) && WEXITSTATUS(r.status) == 0);

    struct sc_str rest = sc_buf_str(&r.text);
    struct sc_str payload = { 0 };
    char tag[5];
    assert_true(next_frame(&rest, tag, &payload));
    assert_string_equal(tag, "INFO");
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *info = json_of(payload);
    assert_int_equal(number(info, "duration_ms"), 7000);
    assert_int_equal(number(info, "sample_rate"), RATE);
    assert_int_equal(number(info, "streams"), 1);
    size_t samples = 0;
    while (next_frame(&rest, tag, &payload) && strcmp(tag, "PCM ") == 0) {
        int16_t first = 0;
        memcpy(&first, payload.ptr, sizeof(first));
        assert_int_equal(first, (int16_t)(samples & 0x3fff));
        assert_true(payload.len <= 65536);
        samples += payload.len / 2;
    }
    assert_string_equal(tag, "DONE");
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *done = json_of(payload);
    assert_int_equal(number(done, "samples"), 7 * RATE);
    assert_int_equal(samples, 7 * RATE);
    assert_int_equal(sc_json_count(sc_json_member(sc_json_root(done), "lost")), 0);
    assert_false(sc_json_get_bool(sc_json_member(sc_json_root(done), "truncated"), true));
    assert_int_equal(rest.len, 0);
}

/* The values of the "PCM " frames of a recording of 2 s and 3 channels; the count of streams. */
static int64_t pcm_of(int fd, const char *channels, struct sc_buf *pcm)
{
    const char *const argv[] = { "scripta-media", "decode", "--channels", channels, NULL };
    SC_AUTO(run_done) struct run r = run_start(argv, fd);
    run_finish(&r);
    struct sc_str rest = sc_buf_str(&r.text);
    struct sc_str payload = { 0 };
    char tag[5];
    assert_true(next_frame(&rest, tag, &payload));
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *info = json_of(payload);
    const int64_t streams = number(info, "streams");
    sc_buf_reset(pcm);
    while (next_frame(&rest, tag, &payload) && strcmp(tag, "PCM ") == 0) {
        assert_int_equal(payload.len % (size_t)(2 * streams), 0);
        sc_buf_append(pcm, payload.ptr, payload.len);
    }
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *done = json_of(payload);
    assert_int_equal(number(done, "samples"), 2 * RATE);
    assert_int_equal(pcm->len, 2 * RATE * 2 * (size_t)streams);
    return streams;
}

static int sample(const struct sc_buf *pcm, size_t i)
{
    int16_t value = 0;
    memcpy(&value, pcm->ptr + i * sizeof(value), sizeof(value));
    return value;
}

static void channels_are_mixed_chosen_or_interleaved(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    SC_AUTO_CLOSE int fd = wav_fd_of(&dir, 2, 3);
    SC_AUTO_BUF pcm = { 0 };
    assert_int_equal(pcm_of(fd, "mix", &pcm), 1);
    assert_in_range(sample(&pcm, 5000), 5999, 6001);
    assert_int_equal(pcm_of(fd, "3", &pcm), 1);
    assert_int_equal(sample(&pcm, 5000), 7000);
    assert_int_equal(pcm_of(fd, "split", &pcm), 3);
    for (size_t i = 0; i < 3 * 2 * RATE; i++)
        assert_int_equal(sample(&pcm, i), (i / 3 & 0x3fff) + 1000 * (i % 3));
}

static void a_probe_sends_no_samples(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    SC_AUTO_CLOSE int fd = wav_fd(&dir, 30);
    const char *const argv[] = { "scripta-media", "decode", "--probe", NULL };
    SC_AUTO(run_done) struct run r = run_start(argv, fd);
    run_finish(&r);
    struct sc_str rest = sc_buf_str(&r.text);
    struct sc_str payload = { 0 };
    char tag[5];
    assert_true(next_frame(&rest, tag, &payload));
    assert_true(next_frame(&rest, tag, &payload));
    assert_string_equal(tag, "DONE");
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *done = json_of(payload);
    assert_in_range(number(done, "samples"), 10 * RATE, 11 * RATE);
}

static void expect_failure(int fd, const char *option, const char *value, enum sc_code code)
{
    const char *const argv[] = { "scripta-media", "decode", option, value, NULL };
    SC_AUTO(run_done) struct run r = run_start(argv, fd);
    run_finish(&r);
    assert_true(WIFEXITED(r.status));
    assert_int_equal(WEXITSTATUS(r.status), sc_code_exit_status(code));
    struct sc_str rest = sc_buf_str(&r.text);
    struct sc_str payload = { 0 };
    char tag[5] = "";
    while (next_frame(&rest, tag, &payload)) {
    }
    assert_string_equal(tag, "FAIL");
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = json_of(payload);
    assert_string_equal(sc_json_get_text(sc_json_member(sc_json_root(doc), "code"), ""),
                        sc_code_name(code));
}

static void failures_are_a_frame_and_an_exit_code(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    SC_AUTO_CLOSE int fd = wav_fd(&dir, 5);
    SC_AUTO_CLOSE int pipe_end = -1;
    int ends[2];
    assert_int_equal(sc_process_pipe(ends, NULL), SC_OK);
    pipe_end = ends[0];
    (void)close(ends[1]);
    expect_failure(fd, "--max-seconds", "2", SC_E_FILE_TOO_LARGE);
    expect_failure(fd, "--channels", "2", SC_E_INVALID_VALUE);
    expect_failure(fd, "--fd", "9", SC_E_IO_ERROR);
    expect_failure(pipe_end, "--fd", "3", SC_E_FILE_FORMAT);
}

static void wrong_use_is_told_apart(void **state)
{
    (void)state;
    static const char *const uses[][3] = {
        { "decode", "--max-seconds", "x" },  { "decode", "--nonsense", NULL },
        { "decode", "--fd", NULL },          { "engines", "--xml", NULL },
        { "worker", "--server", "unix:/x" }, { "nonsense", NULL, NULL },
        { "decode", "--channels", "0" },     { "decode", "--channels", "both" },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(uses); i++) {
        const char *const argv[] = { "scripta-media", uses[i][0], uses[i][1], uses[i][2], NULL };
        SC_AUTO(run_done) struct run r = run_start(argv, -1);
        run_finish(&r);
        assert_true(WIFEXITED(r.status));
        assert_int_equal(WEXITSTATUS(r.status), SC_EXIT_USAGE);
    }
}

/* While the pipe is full the decoder waits inside the jail, where it can be looked at. */
static void the_walls_stand_while_it_decodes(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    SC_AUTO_CLOSE int fd = wav_fd(&dir, 60);
    const char *const argv[] = { "scripta-media", "decode", NULL };
    SC_AUTO(run_done) struct run r = run_start(argv, fd);
    struct pollfd p = { .fd = r.out, .events = POLLIN };
    assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);

    char path[64];
    char status[8192] = "";
    (void)snprintf(path, sizeof(path), "/proc/%d/status", (int)r.pid);
    SC_AUTO_FCLOSE FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_true(fread(status, 1, sizeof(status) - 1, f) > 0);
    assert_non_null(strstr(status, "Seccomp:\t2\n"));
    assert_non_null(strstr(status, "NoNewPrivs:\t1\n"));
    assert_non_null(strstr(status, "Threads:\t1\n"));
    run_finish(&r);
    assert_true(WIFEXITED(r.status) && WEXITSTATUS(r.status) == 0);
}

static void engines_are_described(void **state)
{
    (void)state;
    const char *program = getenv("SCRIPTA_MEDIA");
    if (program != NULL && strstr(program, "scripta-media-plain") != NULL)
        skip(); /* it decodes and does nothing else */
    const char *const argv[] = { "scripta-media", "engines", "--json", NULL };
    SC_AUTO(run_done) struct run r = run_start(argv, -1);
    run_finish(&r);
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = json_of(sc_buf_str(&r.text));
    const struct sc_json_value *engines = sc_json_member(sc_json_root(doc), "engines");
    assert_int_equal(sc_json_count(engines), 5);
    const struct sc_json_value *null = sc_json_at(engines, 4);
    assert_string_equal(sc_json_get_text(sc_json_member(null, "name"), ""), "null");
    assert_true(sc_json_get_bool(sc_json_member(null, "usable"), false));
    assert_int_equal(sc_json_get_int(sc_json_member(null, "max_chunk_s"), 0), 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(frames_tell_what_it_is_then_all_samples_then_done),
        TEST(channels_are_mixed_chosen_or_interleaved),
        TEST(a_probe_sends_no_samples),
        TEST(failures_are_a_frame_and_an_exit_code),
        TEST(wrong_use_is_told_apart),
        TEST(the_walls_stand_while_it_decodes),
        TEST(engines_are_described),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
