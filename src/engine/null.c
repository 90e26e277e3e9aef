/* The ideal engine, for tests and measurements: what it says follows from the chunk's span alone,
 * and it fails, waits and dies exactly when told to. Its model is a list of such orders. */
#include "engine/engine-internal.h"

#include "base/alloc.h"
#include "base/clock.h"

#include <signal.h>
#include <string.h>

#include "base/banned.h"

#define RATE 16000
#define SLICE_MS 10
#define NUMBER_MAX 1000000000 /* of an option: in samples, too, far from overflow */

struct null_state {
    int64_t delay_ms;
    double fail_rate;
    int64_t crash_at; /* chunk index; -1: never */
    int64_t hang_at;
    int64_t deaf_at; /* hangs, and does not hear that it is to stop */
    int64_t exit_at;
    int64_t hang_behind; /* second of the recording: hangs once it is said; -1: never */
};

static const struct sc_engine_caps abilities = {
    .version = "1",
    .max_chunk_s = 30,
    .batch = 1,
    .threads = 1,
    .word_times = true,
    .languages = "",
    .options = "language,model,prompt,hotwords,temperature,sequential",
    .sends_to = "",
    .default_model = "",
    .models = "",
    .note = "says t<k> for second k: for tests and measurements",
};

static void null_caps(const struct sc_config *config, struct sc_engine_caps *out)
{
    (void)config;
    *out = abilities;
}

static enum sc_code null_usable(const struct sc_config *config, struct sc_error *err)
{
    (void)config;
    (void)err;
    return SC_OK;
}

static bool read_option(struct null_state *n, struct sc_str key, struct sc_str value)
{
    const struct {
        const char *name;
        int64_t *number;
    } numbers[] = {
        { "delay_ms", &n->delay_ms }, { "crash_at", &n->crash_at },
        { "hang_at", &n->hang_at },   { "deaf_at", &n->deaf_at },
        { "exit_at", &n->exit_at },   { "hang_behind", &n->hang_behind },
    };
    if (sc_str_equal(key, SC_STR("fail_rate")))
        return sc_str_to_double(value, &n->fail_rate) && n->fail_rate >= 0 && n->fail_rate <= 1;
    for (size_t i = 0; i < SC_ARRAY_LEN(numbers); i++) {
        if (sc_str_equal(key, sc_str_from(numbers[i].name)))
            return sc_str_to_int64(value, numbers[i].number) && *numbers[i].number >= 0 &&
                   *numbers[i].number <= NUMBER_MAX;
    }
    return false;
}

static enum sc_code null_open(const struct sc_config *config, const char *model,
                              const struct sc_engine_stop *stop, void **state, struct sc_error *err)
{
    (void)stop;
    (void)config;
    struct null_state n = {
        .crash_at = -1, .hang_at = -1, .deaf_at = -1, .exit_at = -1, .hang_behind = -1
    };
    struct sc_str rest = sc_str_from(model);
    while (rest.len > 0) {
        struct sc_str value = sc_str_take_until(&rest, ',');
        struct sc_str option = value;
        struct sc_str key = sc_str_take_until(&value, '=');
        if (!read_option(&n, sc_str_trim(key), sc_str_trim(value)))
            return sc_error_field(
                err, SC_E_MODEL_ERROR, "model",
                "the null engine cannot use '%.*s': its options are "
                "delay_ms=N, fail_rate=0..1, crash_at=N, hang_at=N, deaf_at=N, exit_at=N, "
                "hang_behind=N, each N at most 1000000000",
                (int)SC_MIN(option.len, (size_t)64), option.ptr);
    }
    struct null_state *made = sc_alloc(sizeof(*made));
    *made = n;
    *state = made;
    return SC_OK;
}

/* False when stop fired. ms < 0: for ever. */
static bool wait_unless(int64_t ms, const struct sc_engine_request *request,
                        const struct sc_engine_stop *stop)
{
    int64_t whole = ms;
    while (ms != 0) {
        if (stop->fn(stop->ctx))
            return false;
        sc_engine_tell(request, whole - ms, whole);
        int64_t slice = ms < 0 ? SLICE_MS : SC_MIN(ms, SLICE_MS);
        sc_clock_sleep_ms(slice);
        ms = ms < 0 ? ms : ms - slice;
    }
    return !stop->fn(stop->ctx);
}

/* Even over 0..1, the same on every machine: the finaliser of splitmix64. */
static double chance(int chunk, int attempt)
{
    uint64_t x = (uint64_t)(uint32_t)chunk << 32 | (uint32_t)attempt;
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    x ^= x >> 31;
    return (double)(x >> 11) / (double)(UINT64_C(1) << 53);
}

/* The first second that the chunk says: of one that goes on, the one it was handed. */
static bool first_second(const struct sc_engine_request *request, int64_t *out)
{
    int64_t start = request->start_ms * (RATE / 1000);
    *out = start <= RATE / 2 ? 0 : (start - RATE / 2 + RATE - 1) / RATE;
    int64_t least = request->start_ms / 1000;
    return request->carry == NULL ||
           (sc_str_to_int64(sc_str_from(request->carry), out) && *out >= least &&
            *out <= least + (int64_t)request->samples / RATE + 1);
}

/* The sample of the recording at which the chunk's own sound ends. */
static int64_t end_of(const struct sc_engine_request *request)
{
    int64_t start = request->start_ms * (RATE / 1000);
    return request->until_ms == 0 ? start + (int64_t)request->samples
                                  : request->until_ms * (RATE / 1000);
}

static void speak(const struct sc_engine_request *request, int64_t end,
                  struct sc_engine_result *result)
{
    int64_t length_ms = (int64_t)request->samples * 1000 / RATE;
    struct sc_segment *segment = NULL;
    int64_t k;

    if (!first_second(request, &k)) {
        result->code =
            sc_error_set(&result->error, SC_E_ENGINE_ERROR, "the null engine was handed nonsense");
        return;
    }

    for (; k * RATE + RATE / 2 < end; k++) {
        char text[24];
        int n = snprintf(text, sizeof(text), "t%lld", (long long)k);
        int64_t from = SC_MAX(k * 1000 - request->start_ms, 0);
        int64_t to = SC_MIN((k + 1) * 1000 - request->start_ms, length_ms);
        if (segment == NULL)
            segment = sc_segments_add(&result->segments);
        if (segment == NULL ||
            !sc_segment_add_word(segment, (struct sc_str){ text, (size_t)n }, from, to, 1)) {
            result->code = sc_error_set(&result->error, SC_E_ENGINE_ERROR, "no memory left");
            return;
        }
    }
    if (request->until_ms > 0)
        sc_buf_printf(&result->carry, "%lld", (long long)k);
    if (segment != NULL && !sc_segment_settle(segment))
        result->code = sc_error_set(&result->error, SC_E_ENGINE_ERROR, "no memory left");
}

/* A segment for each second, as soon as it is known. */
static void tell_seconds(const struct sc_engine_request *request, int64_t end)
{
    SC_AUTO(sc_engine_result_done) struct sc_engine_result said = { 0 };
    SC_AUTO_SEGMENTS seconds = { 0 };
    speak(request, end, &said);
    if (said.segments.count == 0 || request->so_far == NULL)
        return;
    const struct sc_segment *all = &said.segments.items[0];
    for (size_t i = 0; i < all->word_count; i++) {
        const struct sc_word *w = &all->words[i];
        struct sc_segment *one = sc_segments_add(&seconds);
        if (one == NULL ||
            !sc_segment_add_word(one, sc_str_from(w->text), w->start_ms, w->end_ms,
                                 w->confidence) ||
            !sc_segment_settle(one))
            return;
        request->so_far(request, &seconds, i);
    }
}

/* Does it hang in this chunk, having said that second? */
static bool hangs_behind(const struct null_state *n, const struct sc_engine_request *request)
{
    int64_t end = (n->hang_behind + 1) * RATE;
    if (n->hang_behind < 0 || n->hang_behind * 1000 < request->start_ms || end > end_of(request))
        return false;
    tell_seconds(request, end);
    return true;
}

static void die_by_signal(int signum)
{
    /* Sanitizers turn faults into an exit; the worker's supervisor is to see the signal. */
    (void)signal(signum, SIG_DFL);
    (void)raise(signum);
}

static enum sc_code null_transcribe(void *state, const struct sc_engine_request *requests,
                                    struct sc_engine_result *results, size_t count,
                                    const struct sc_engine_stop *stop, struct sc_error *err)
{
    const struct null_state *n = state;
    for (size_t i = 0; i < count; i++) {
        const struct sc_engine_request *request = &requests[i];
        struct sc_engine_result *result = &results[i];
        *result = (struct sc_engine_result){ .code = SC_OK };
        if (request->chunk == n->crash_at)
            die_by_signal(SIGSEGV);
        if (request->chunk == n->exit_at)
            _exit(SC_EXIT_FAILED);
        while (request->chunk == n->deaf_at)
            sc_clock_sleep_ms(SLICE_MS);
        bool hangs = request->chunk == n->hang_at || hangs_behind(n, request);
        if (!wait_unless(hangs ? -1 : n->delay_ms, request, stop)) {
            for (size_t k = 0; k < i; k++)
                sc_engine_result_done(&results[k]);
            return sc_error_set(err, SC_E_CANCELLED, "stopped");
        }
        if (chance(request->chunk, request->attempt) < n->fail_rate)
            result->code = sc_error_set(&result->error, SC_E_ENGINE_ERROR,
                                        "the null engine failed as told (chunk %d, attempt %d)",
                                        request->chunk, request->attempt);
        else
            speak(request, end_of(request), result);
    }
    return SC_OK;
}

static void null_close(void *state)
{
    free(state);
}

const struct sc_engine_ops sc_engine_null = {
    .name = "null",
    .caps = null_caps,
    .usable = null_usable,
    .open = null_open,
    .transcribe = null_transcribe,
    .close = null_close,
};
