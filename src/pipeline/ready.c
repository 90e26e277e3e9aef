/* What scripta-media can do here. Whoever asks whether the decoder works hears what is known:
 * uploads show it, and an attempt on a silence of our own, made when nothing has shown it for a
 * while and somebody wants to know. A server that nobody asks tries nothing. */

#include "pipeline/pipeline-internal.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "sys/process.h"
#include "json/reader.h"

#include "base/banned.h"

#define FIRST_MS 1000 /* the start has better things to do */
#define GOOD_MS 60000 /* so long it is believed that it works … */
#define BAD_MS 2000   /* … and that it does not */
#define TRY_MS 20000
#define DEVICES_MS 5000       /* an answer is so old at most */
#define NO_DEVICES_MS 3600000 /* the same where there are none, for who asks again and again */
#define DEVICES_WAIT_MS 10000

void sc_ready_init(struct sc_ready *r)
{
    sc_assert(pthread_mutex_init(&r->lock, NULL) == 0);
    r->tried_ms = sc_clock_mono_ms();
}

void sc_ready_stop(struct sc_ready *r)
{
    bool started;
    {
        SC_LOCK(&r->lock);
        r->closed = true;
        started = r->started;
        r->started = false;
    }
    if (started)
        (void)pthread_join(r->thread, NULL);
}

void sc_ready_done(struct sc_ready *r)
{
    free(r->devices);
    (void)pthread_mutex_destroy(&r->lock);
}

/* ---- the decoder ---- */

/* That a file cannot be decoded, or breaks the decoder, says nothing about the next file. */
void sc_ready_note(struct sc_pipelines *p, enum sc_code code, const struct sc_error *err)
{
    struct sc_ready *r = &p->ready;
    bool able = code == SC_OK;
    if (!able && code != SC_E_JAIL_UNAVAILABLE)
        return;
    SC_LOCK(&r->lock);
    r->decoder = able ? SC_ABLE_YES : SC_ABLE_NO;
    r->tried_ms = sc_clock_mono_ms();
    if (!able)
        (void)sc_error_copy(&r->why, err);
}

struct attempt {
    struct sc_pipelines *p;
    int64_t deadline_ms;
};

static bool is_over(void *ctx)
{
    const struct attempt *a = ctx;
    return sc_pipelines_is_stopping(a->p) || sc_clock_mono_ms() >= a->deadline_ms;
}

static enum sc_code decode_silence(struct sc_pipelines *p, struct sc_error *err)
{
    struct attempt a = { p, sc_clock_mono_ms() + TRY_MS };
    SC_AUTO(sc_decoder_done) struct sc_decoder d = { .fd = -1, .stop = is_over, .ctx = &a };
    SC_AUTO_CLOSE int input = -1;
    SC_AUTO_BUF wav = { 0 };
    bool killed = false;
    sc_silence_wav(&wav);
    enum sc_code code = sc_process_bytes(wav.ptr, wav.len, &input, err);
    const struct sc_decoder_options options = { .input = input, .probe = true, .max_ms = 1000 };
    if (code == SC_OK)
        code = sc_decoder_start(&d, &options, err);
    while (code == SC_OK && d.type != SC_FRAME_DONE)
        code = sc_decoder_next(&d, &killed, err);
    return code;
}

static void *try_decoder(void *ctx)
{
    struct sc_pipelines *p = ctx;
    struct sc_ready *r = &p->ready;
    struct sc_error err = { 0 };
    (void)pthread_setname_np(pthread_self(), "try-decoder");
    enum sc_code code = decode_silence(p, &err);
    SC_LOCK(&r->lock);
    r->running = false;
    if (sc_pipelines_is_stopping(p))
        return NULL;
    /* Health is told to everybody, what may hold paths is not. */
    if (code != SC_OK && r->decoder != SC_ABLE_NO)
        SC_LOG(ERROR, "pipeline", "the decoder does not run in its jail",
               SC_S("code", sc_code_name(err.code)), SC_S("error", err.msg));
    if (code != SC_OK)
        (void)sc_error_set(&r->why, SC_E_JAIL_UNAVAILABLE,
                           "the decoder does not run in its jail: the log tells why, and `scripta "
                           "doctor` what to do");
    r->decoder = code == SC_OK ? SC_ABLE_YES : SC_ABLE_NO;
    r->tried_ms = sc_clock_mono_ms();
    return NULL;
}

static void begin_attempt_locked(struct sc_pipelines *p)
{
    struct sc_ready *r = &p->ready;
    if (r->started)
        (void)pthread_join(r->thread, NULL); /* it has ended: `running` is its last word */
    r->started = r->running = pthread_create(&r->thread, NULL, try_decoder, p) == 0;
}

enum sc_able sc_pipelines_decoder(struct sc_pipelines *p, struct sc_error *why)
{
    static const int64_t lasts_ms[] = {
        [SC_ABLE_UNKNOWN] = FIRST_MS,
        [SC_ABLE_YES] = GOOD_MS,
        [SC_ABLE_NO] = BAD_MS,
    };
    struct sc_ready *r = &p->ready;
    SC_LOCK(&r->lock);
    bool stale = sc_clock_mono_ms() - r->tried_ms >= lasts_ms[r->decoder];
    if (stale && !r->running && !r->closed)
        begin_attempt_locked(p);
    if (r->decoder == SC_ABLE_NO)
        (void)sc_error_copy(why, &r->why);
    return r->decoder;
}

/* ---- devices ---- */

static enum sc_code ask_devices(struct sc_ready *r, struct sc_error *err)
{
    static const char *const argv[] = { "scripta-media", "devices", "--json", NULL };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    SC_AUTO_BUF answer = { 0 };
    int status = 0;
    enum sc_code code = sc_process_ask(argv, -1, DEVICES_WAIT_MS, &answer, &status, err);
    if (code == SC_OK && status != 0)
        code = sc_error_set(err, SC_E_IO_ERROR, "scripta-media cannot list devices (status %d)",
                            status);
    if (code == SC_OK)
        code = sc_json_parse(sc_buf_str(&answer), &doc, err);
    char *said = code == SC_OK ? sc_buf_take(&answer) : NULL;
    if (said == NULL)
        return code == SC_OK ? SC_E_INTERNAL : code;
    free(r->devices);
    r->devices = said;
    r->devices_ms = sc_clock_mono_ms();
    r->has_devices = sc_json_count(sc_json_member(sc_json_root(doc), "gpus")) > 0;
    return SC_OK;
}

/* One asks at a time; the others wait and take its answer. */
enum sc_code sc_pipelines_devices(struct sc_pipelines *p, bool often, struct sc_buf *out,
                                  struct sc_error *err)
{
    struct sc_ready *r = &p->ready;
    enum sc_code code = sc_turn_take(p, &p->devices_turn, DEVICES_WAIT_MS, INT32_MAX, err);
    if (code != SC_OK)
        return code;
    int64_t old_ms = often && !r->has_devices ? NO_DEVICES_MS : DEVICES_MS;
    if (r->devices == NULL || sc_clock_mono_ms() - r->devices_ms >= old_ms)
        code = ask_devices(r, err);
    if (code == SC_OK)
        sc_buf_puts(out, r->devices);
    sc_turn_leave(p, &p->devices_turn);
    return code;
}
