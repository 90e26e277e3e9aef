#include "config/job-options.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/language.h"
#include "base/utf8.h"
#include "config/nearest.h"
#include "config/value.h"

#include <inttypes.h>
#include <math.h>

#include "base/banned.h"

#define YEAR_MS (INT64_C(366) * 86400000)

static const char *const model_aliases[] = { "model_size", "model_used", NULL };
static const char *const task_aliases[] = { "task_type", NULL };
static const char *const increment_aliases[] = { "temperature_inc", NULL };
static const char *const logprob_aliases[] = { "log_prob_threshold", "logprob_thold", NULL };
static const char *const entropy_aliases[] = { "entropy_thold", NULL };
static const char *const channel_synonyms[] = { "left", "1", "right", "2", NULL };

static const struct sc_job_option table[] = {
    { .name = "pipeline",
      .type = SC_JOB_ENUM,
      .fallback = "transcribe",
      .choices = "transcribe|noop",
      .pipelines = "*",
      .identity = true,
      .help = "What is done: transcribe a recording, or noop, one empty task that measures the "
              "queue" },
    { .name = "engine",
      .flag = 'e',
      .type = SC_JOB_TEXT,
      .fallback = "",
      .min = 1,
      .max = 64,
      .pipelines = "transcribe",
      .identity = true,
      .help = "Engine that recognises; `scripta engines` lists them. Default: setting "
              "engine.default" },
    { .name = "model",
      .aliases = model_aliases,
      .flag = 'm',
      .type = SC_JOB_TEXT,
      .fallback = "",
      .min = 1,
      .max = 512,
      .pipelines = "transcribe",
      .identity = true,
      .help = "Model of the engine. Default: the engine's own" },
    { .name = "language",
      .flag = 'l',
      .type = SC_JOB_TEXT,
      .fallback = "auto",
      .min = 2,
      .max = 16,
      .pipelines = "transcribe",
      .identity = true,
      .help = "Language spoken: a code or its English name, such as en, de-AT or german; auto lets "
              "the engine decide" },
    { .name = "task",
      .aliases = task_aliases,
      .type = SC_JOB_ENUM,
      .fallback = "transcribe",
      .choices = "transcribe|translate",
      .pipelines = "transcribe",
      .identity = true,
      .help = "Text in the language spoken, or translated to English" },
    { .name = "prompt",
      .type = SC_JOB_TEXT,
      .fallback = "",
      .min = 1,
      .max = 4096,
      .pipelines = "transcribe",
      .identity = true,
      .sparse = true,
      .by_engine = true,
      .help = "Text that tells the engine what to expect: topic, names, style" },
    { .name = "hotwords",
      .type = SC_JOB_TEXT,
      .fallback = "",
      .min = 1,
      .max = 4096,
      .pipelines = "transcribe",
      .identity = true,
      .sparse = true,
      .by_engine = true,
      .help = "Words that the engine should prefer, separated by commas" },
    { .name = "carry_initial_prompt",
      .type = SC_JOB_BOOL,
      .fallback = "false",
      .pipelines = "transcribe",
      .identity = true,
      .sparse = true,
      .by_engine = true,
      .help = "With sequential: the prompt stays ahead of every window, not of the first ones "
              "alone" },
    { .name = "temperature",
      .heading = "How the engine chooses words",
      .type = SC_JOB_REAL,
      .fallback = "",
      .min = 0,
      .max = 1000,
      .pipelines = "transcribe",
      .identity = true,
      .sparse = true,
      .by_engine = true,
      .usual = "0",
      .help = "How freely the engine chooses between words: 0 is the likeliest ones" },
    { .name = "beam_size",
      .type = SC_JOB_INT,
      .fallback = "",
      .min = 1,
      .max = 8,
      .pipelines = "transcribe",
      .identity = true,
      .sparse = true,
      .by_engine = true,
      .usual = "1",
      .help = "So many hypotheses are followed at once; 1 takes the likeliest word each time. "
              "Default: 1" },
    { .name = "best_of",
      .type = SC_JOB_INT,
      .fallback = "",
      .min = 1,
      .max = 8,
      .pipelines = "transcribe",
      .identity = true,
      .sparse = true,
      .by_engine = true,
      .usual = "5",
      .help = "At temperatures above 0 the best of so many tries. Default: 5" },
    { .name = "temperature_increment_on_fallback",
      .aliases = increment_aliases,
      .type = SC_JOB_REAL,
      .fallback = "",
      .min = 0,
      .max = 1000,
      .pipelines = "transcribe",
      .identity = true,
      .sparse = true,
      .by_engine = true,
      .usual = "0.2",
      .usual_warm = "0",
      .help = "What is not believed is heard once more at a temperature higher by this, and so on "
              "up to "
              "1; 0: never. Default: 0.2, but 0 where a temperature above 0 is given" },
    { .name = "logprob_threshold",
      .aliases = logprob_aliases,
      .type = SC_JOB_REAL,
      .fallback = "-1",
      .min = -100000,
      .max = 0,
      .pipelines = "transcribe",
      .identity = true,
      .sparse = true,
      .by_engine = true,
      .help = "Mean logarithm of the words' probabilities below which they are not believed. "
              "Default: -1" },
    { .name = "compression_ratio_threshold",
      .type = SC_JOB_REAL,
      .fallback = "2.4",
      .min = 0,
      .max = 100000,
      .pipelines = "transcribe",
      .identity = true,
      .sparse = true,
      .by_engine = true,
      .help =
          "Bytes of a text to bytes of it compressed above which it is not believed; 0: not asked. "
          "Default: 2.4" },
    { .name = "entropy_threshold",
      .aliases = entropy_aliases,
      .type = SC_JOB_REAL,
      .fallback = "2.4",
      .min = 0,
      .max = 10000,
      .pipelines = "transcribe",
      .identity = true,
      .sparse = true,
      .by_engine = true,
      .help = "Entropy of the last 32 tokens below which they are not believed, as loops have it; "
              "0: not "
              "asked. Default: 2.4" },
    { .name = "repetition_guard",
      .type = SC_JOB_BOOL,
      .fallback = "true",
      .pipelines = "transcribe",
      .identity = true,
      .sparse = true,
      .by_engine = true,
      .help = "A text that says the same few words again and again is not believed. Default: on" },
    { .name = "word_timestamps",
      .type = SC_JOB_BOOL,
      .fallback = "true",
      .pipelines = "transcribe",
      .identity = true,
      .sparse = true,
      .by_engine = true,
      .help = "Times of each word; off is a little faster. Default: on" },
    { .name = "suppress_non_speech",
      .type = SC_JOB_BOOL,
      .fallback = "true",
      .pipelines = "transcribe",
      .identity = true,
      .sparse = true,
      .by_engine = true,
      .help = "Never say what is no speech, such as [music], brackets and notes. Default: on" },
    { .name = "compute_type",
      .type = SC_JOB_ENUM,
      .fallback = "auto",
      .choices = "auto|float32",
      .pipelines = "transcribe",
      .identity = true,
      .sparse = true,
      .by_engine = true,
      .inert = true,
      .help = "Precision that the engine computes with. Default: auto, the best that this machine "
              "is fast in" },
    { .name = "device",
      .type = SC_JOB_ENUM,
      .fallback = "auto",
      .choices = "auto|cpu",
      .remedy = "the engines of this version compute on the processor: leave it out, or reach a "
                "program that has a GPU by engine http or command",
      .pipelines = "transcribe",
      .identity = true,
      .sparse = true,
      .by_engine = true,
      .inert = true,
      .help = "What the engine computes with; auto is the processor as yet. Default: auto" },
    { .name = "threads",
      .type = SC_JOB_INT,
      .fallback = "",
      .min = 1,
      .max = 256,
      .pipelines = "transcribe",
      .identity = true,
      .sparse = true,
      .by_engine = true,
      .inert = true,
      .help =
          "Threads that the engine computes with: at most as many as its worker has, which is the "
          "default. What is heard does not depend on it" },
    { .name = "sequential",
      .heading = "Which sound it hears",
      .type = SC_JOB_BOOL,
      .fallback = "false",
      .pipelines = "transcribe",
      .identity = true,
      .sparse = true,
      .by_engine = true,
      .help = "Hear the whole recording window after window, each where the last one ended and "
              "with its text ahead, as Whisper's own program does; no silence is left out, one "
              "worker is busy at a time, and what is said is kept part by part (chunk_length)" },
    { .name = "multilingual",
      .type = SC_JOB_BOOL,
      .fallback = "false",
      .pipelines = "transcribe",
      .identity = true,
      .sparse = true,
      .by_engine = true,
      .help = "Several languages are spoken: hear the language of each chunk for itself (with "
              "sequential, of each window). Off hears it once, in the first chunk that has words" },
    { .name = "vad",
      .type = SC_JOB_BOOL,
      .fallback = "true",
      .pipelines = "transcribe",
      .identity = true,
      .help = "Cut in silence and leave silence out; off cuts at fixed lengths" },
    { .name = "vad_threshold",
      .type = SC_JOB_INT,
      .fallback = "6",
      .min = 1,
      .max = 40,
      .pipelines = "transcribe",
      .identity = true,
      .sparse = true,
      .needs_vad = true,
      .help = "Decibels above the noise around it from which sound counts as speech; higher "
              "leaves more out. Default: 6" },
    { .name = "vad_min_silence",
      .type = SC_JOB_DURATION,
      .fallback = "300ms",
      .min = 20,
      .max = 2000,
      .pipelines = "transcribe",
      .identity = true,
      .sparse = true,
      .needs_vad = true,
      .help = "Shortest pause that a cut may fall into. Default: 300ms" },
    { .name = "vad_padding",
      .type = SC_JOB_DURATION,
      .fallback = "300ms",
      .min = 0,
      .max = 2000,
      .pipelines = "transcribe",
      .identity = true,
      .sparse = true,
      .needs_vad = true,
      .help = "How long the sound behind speech still counts as speech. Default: 300ms" },
    /* Always in the canonical form, though it is younger than the keys of kept jobs: those heard
     * music, and go on to when they are resumed. */
    { .name = "music",
      .type = SC_JOB_ENUM,
      .fallback = "drop",
      .choices = "drop|keep",
      .pipelines = "transcribe",
      .identity = true,
      .needs_vad = true,
      .help = "Stretches of 5 s and more that are clearly music without a voice: drop leaves them "
              "out (the default), keep lets the engine hear them" },
    /* In the canonical form for the same reason. */
    { .name = "no_speech_threshold",
      .type = SC_JOB_REAL,
      .fallback = "0.6",
      .min = 0,
      .max = 1000,
      .pipelines = "transcribe",
      .identity = true,
      .help = "Words are left out where the engine holds it for more likely than this that nobody "
              "speaks, from 0 to 1; 1 leaves none out. Default: 0.6" },
    { .name = "chunk_length",
      .type = SC_JOB_DURATION,
      .fallback = "",
      .min = 5000,
      .max = 3600000,
      .pipelines = "transcribe",
      .identity = true,
      .sparse = true,
      .help = "Longest piece that is recognised at once, in whole seconds. Default, and at most: "
              "what the engine takes. With sequential: how often is kept where it is; 5m, at "
              "most 30m" },
    { .name = "channels",
      .type = SC_JOB_ENUM,
      .fallback = "mix",
      .choices = "mix|split|left|right|1|2|3|4|5|6|7|8",
      .synonyms = channel_synonyms,
      .pipelines = "transcribe",
      .identity = true,
      .sparse = true,
      .help = "What is listened to: all channels mixed (the default), one of them (left and right "
              "are 1 and 2), "
              "or with split each alone, as speakers 1, 2, ..." },
    { .name = "priority",
      .heading = "The job in the queue",
      .type = SC_JOB_ENUM,
      .fallback = "normal",
      .choices = "high|normal|low",
      .pipelines = "*",
      .help = "Class of the queue" },
    { .name = "priority_order",
      .type = SC_JOB_INT,
      .fallback = "0",
      .min = -1000000,
      .max = 1000000,
      .pipelines = "*",
      .help = "Place within the class; smaller is earlier" },
    { .name = "name",
      .type = SC_JOB_TEXT,
      .fallback = "",
      .min = 0,
      .max = 255,
      .pipelines = "*",
      .help = "Name shown for the job. Default: the name of the file" },
    { .name = "force",
      .type = SC_JOB_BOOL,
      .fallback = "false",
      .pipelines = "*",
      .help = "Do the work again although an earlier job did the same" },
    { .name = "run_after",
      .type = SC_JOB_TIME,
      .fallback = "",
      .pipelines = "*",
      .help = "Not before this time: RFC 3339, or a duration from now such as 10m" },
    { .name = "timeout",
      .type = SC_JOB_DURATION,
      .fallback = "",
      .min = 1000,
      .max = YEAR_MS,
      .pipelines = "*",
      .help = "Longest time from the job's start, such as 30m. Default: setting "
              "queue.job_timeout" },
    { .name = "max_retries",
      .type = SC_JOB_INT,
      .fallback = "",
      .min = 0,
      .max = 100,
      .pipelines = "*",
      .help = "Repetitions of a failing task. Default: setting queue.max_failures less one" },
};

#define COUNT SC_ARRAY_LEN(table)

struct sc_job_options {
    char *values[COUNT]; /* canonical spelling; never NULL */
    char *said[COUNT];   /* of times: as it was given, where it was */
    bool given[COUNT];
    bool stated[COUNT];
    bool dropped[COUNT];
};

const struct sc_job_option *sc_job_option_all(size_t *count)
{
    *count = COUNT;
    return table;
}

const struct sc_job_option *sc_job_option_find(struct sc_str name)
{
    for (size_t i = 0; i < COUNT; i++) {
        if (sc_str_equal(name, sc_str_from(table[i].name)))
            return &table[i];
        for (const char *const *a = table[i].aliases; a != NULL && *a != NULL; a++) {
            if (sc_str_equal(name, sc_str_from(*a)))
                return &table[i];
        }
    }
    return NULL;
}

static size_t index_of(const char *name)
{
    const struct sc_job_option *option = sc_job_option_find(sc_str_from(name));
    sc_assert(option != NULL);
    return (size_t)(option - table);
}

struct sc_job_options *sc_job_options_new(void)
{
    struct sc_job_options *o = sc_alloc(sizeof(*o));
    for (size_t i = 0; i < COUNT; i++)
        o->values[i] = sc_strdup(table[i].fallback);
    return o;
}

void sc_job_options_free(struct sc_job_options *o)
{
    if (o == NULL)
        return;
    for (size_t i = 0; i < COUNT; i++) {
        free(o->values[i]);
        free(o->said[i]);
    }
    free(o);
}

static void put_allowed(const struct sc_job_option *option, struct sc_buf *out)
{
    if (strcmp(option->name, "language") == 0) {
        sc_buf_puts(out, "a code such as en or de-AT, an English name such as german, or auto");
        return;
    }
    if (strcmp(option->name, "engine") == 0) {
        sc_buf_puts(out, "the name of an engine (letters, digits, '-' and '_'); a model is told "
                         "by the option model");
        return;
    }
    switch (option->type) {
    case SC_JOB_TEXT:
        sc_buf_printf(out, "text of %" PRId64 " to %" PRId64 " bytes in UTF-8", option->min,
                      option->max);
        break;
    case SC_JOB_BOOL:
        sc_buf_puts(out, "on or off");
        break;
    case SC_JOB_INT:
        sc_buf_printf(out, "a whole number from %" PRId64 " to %" PRId64, option->min, option->max);
        break;
    case SC_JOB_REAL:
        sc_buf_puts(out, "a number from ");
        sc_value_put_thousandths(out, option->min);
        sc_buf_puts(out, " to ");
        sc_value_put_thousandths(out, option->max);
        sc_buf_puts(out, " with at most three digits behind the point");
        break;
    case SC_JOB_ENUM:
        sc_value_put_choices(out, option->choices);
        break;
    case SC_JOB_TIME:
        sc_buf_puts(out, "a time such as 2030-01-31T08:00:00Z, or a duration such as 10m");
        break;
    case SC_JOB_DURATION:
        sc_buf_puts(out, "a duration from ");
        sc_value_put_duration(out, option->min);
        sc_buf_puts(out, " to ");
        sc_value_put_duration(out, option->max);
        if (option->min <= 90000 && option->max >= 900000)
            sc_buf_puts(out, ", such as 90s or 15m");
        break;
    }
}

/* Engines are names that enter paths and logs: a narrow set of signs. */
static bool is_word(struct sc_str value)
{
    for (size_t i = 0; i < value.len; i++) {
        char c = value.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && c != '-' && c != '_')
            return false;
    }
    return true;
}

static bool text_is_valid(const struct sc_job_option *option, struct sc_str value)
{
    if ((int64_t)value.len < option->min || (int64_t)value.len > option->max ||
        memchr(value.ptr, '\0', value.len) != NULL)
        return false;
    if (strcmp(option->name, "engine") == 0)
        return is_word(value);
    if (strcmp(option->name, "model") == 0)
        return sc_value_is_plain(value);
    return sc_utf8_is_valid(value);
}

static bool put_language(struct sc_str value, struct sc_buf *out)
{
    char tag[SC_LANGUAGE_TEXT];
    if (!sc_language_tag(value, tag))
        return false;
    sc_buf_puts(out, tag);
    return true;
}

static bool put_int(const struct sc_job_option *option, struct sc_str value, struct sc_buf *out)
{
    int64_t number;

    if (!sc_str_to_int64(value, &number) || number < option->min || number > option->max)
        return false;
    sc_buf_printf(out, "%" PRId64, number);
    return true;
}

static bool put_real(const struct sc_job_option *option, struct sc_str value, struct sc_buf *out)
{
    double number;

    if (!sc_str_to_double(value, &number))
        return false;
    double thousandths = number * 1000;
    if (!(thousandths >= (double)option->min && thousandths <= (double)option->max))
        return false;
    int64_t whole = (int64_t)llround(thousandths);
    if (fabs(thousandths - (double)whole) > 1e-6)
        return false;
    sc_value_put_thousandths(out, whole);
    return true;
}

static bool put_time(struct sc_str value, struct sc_buf *out)
{
    char text[SC_TIME_TEXT];
    int64_t ms;

    if (sc_value_duration(value, &ms)) {
        if (ms > 10 * YEAR_MS)
            return false;
        ms += sc_clock_wall_ms();
    } else if (!sc_time_parse(value, &ms)) {
        return false;
    }
    sc_buf_puts(out, sc_time_rfc3339(ms, text));
    return true;
}

static bool put_duration(const struct sc_job_option *option, struct sc_str value,
                         struct sc_buf *out)
{
    int64_t ms;

    if (!sc_value_duration(value, &ms) || ms < option->min || ms > option->max)
        return false;
    sc_value_put_duration(out, ms);
    return true;
}

/* One of the choices, in the spelling that stands for all that mean the same. */
static void put_synonym(const struct sc_job_option *option, struct sc_str value, struct sc_buf *out)
{
    for (const char *const *s = option->synonyms; s != NULL && *s != NULL; s += 2) {
        if (sc_str_equal(value, sc_str_from(s[0])))
            value = sc_str_from(s[1]);
    }
    sc_buf_put_str(out, value);
}

/* Appends the canonical spelling; false when the value is not allowed. */
static bool canonical(const struct sc_job_option *option, struct sc_str value, struct sc_buf *out)
{
    bool on = false;

    switch (option->type) {
    case SC_JOB_TEXT:
        if (!text_is_valid(option, value))
            return false;
        if (strcmp(option->name, "language") == 0)
            return put_language(value, out);
        sc_buf_put_str(out, value);
        return true;
    case SC_JOB_BOOL:
        if (!sc_str_to_bool(value, &on))
            return false;
        sc_buf_puts(out, on ? "true" : "false");
        return true;
    case SC_JOB_INT:
        return put_int(option, value, out);
    case SC_JOB_REAL:
        return put_real(option, value, out);
    case SC_JOB_ENUM:
        if (!sc_value_in_choices(value, option->choices))
            return false;
        put_synonym(option, value, out);
        return true;
    case SC_JOB_TIME:
        return put_time(value, out);
    case SC_JOB_DURATION:
        return put_duration(option, value, out);
    }
    return false;
}

static void put_shown(struct sc_buf *out, struct sc_str value)
{
    sc_utf8_append_printable(out, (struct sc_str){ value.ptr, SC_MIN(value.len, 40) });
    if (value.len > 40)
        sc_buf_puts(out, "...");
}

static enum sc_code unknown_option(struct sc_str name, struct sc_error *err)
{
    struct sc_nearest near = { .word = name };
    SC_AUTO_BUF shown = { 0 };
    SC_AUTO_BUF known = { 0 };

    put_shown(&shown, name);
    for (size_t i = 0; i < COUNT; i++) {
        sc_nearest_offer(&near, table[i].name);
        sc_buf_printf(&known, "%s%s", i == 0 ? "" : ", ", table[i].name);
    }
    if (near.best != NULL)
        return sc_error_field(err, SC_E_INVALID_VALUE, sc_buf_text(&shown),
                              "there is no job option '%s'; did you mean '%s'?",
                              sc_buf_text(&shown), near.best);
    return sc_error_field(err, SC_E_INVALID_VALUE, sc_buf_text(&shown),
                          "there is no job option '%s'; known are %s", sc_buf_text(&shown),
                          sc_buf_text(&known));
}

enum sc_code sc_job_options_set(struct sc_job_options *o, struct sc_str name, struct sc_str value,
                                struct sc_error *err)
{
    const struct sc_job_option *option = sc_job_option_find(name);
    SC_AUTO_BUF text = { 0 };
    SC_AUTO_BUF allowed = { 0 };

    if (option == NULL)
        return unknown_option(name, err);
    size_t i = (size_t)(option - table);
    if (o->given[i])
        return sc_error_field(err, SC_E_INVALID_VALUE, option->name, "%s is given twice",
                              option->name);
    if (value.ptr == NULL)
        value = SC_STR("");
    if (!canonical(option, value, &text)) {
        SC_AUTO_BUF shown = { 0 };
        put_shown(&shown, value);
        put_allowed(option, &allowed);
        const char *remedy = option->remedy == NULL ? "" : option->remedy;
        return sc_error_field(err, SC_E_INVALID_VALUE, option->name, "%s is '%s', must be %s%s%s",
                              option->name, sc_buf_text(&shown), sc_buf_text(&allowed),
                              remedy[0] == '\0' ? "" : "; ", remedy);
    }
    char *taken = sc_buf_take(&text);
    if (taken == NULL)
        return sc_error_set(err, SC_E_INTERNAL, "no memory for the value of %s", option->name);
    free(o->values[i]);
    o->values[i] = taken;
    if (option->type == SC_JOB_TIME)
        o->said[i] = sc_strndup(value.ptr, value.len);
    o->given[i] = true;
    return SC_OK;
}

const struct sc_job_option *sc_job_options_next_by_engine(const struct sc_job_options *o,
                                                          const struct sc_job_option *after)
{
    for (size_t i = after == NULL ? 0 : (size_t)(after - table) + 1; i < COUNT; i++) {
        if (table[i].by_engine && o->given[i])
            return &table[i];
    }
    return NULL;
}

bool sc_job_option_is_default(const struct sc_job_option *option, const char *text)
{
    return strcmp(text, option->fallback) == 0;
}

bool sc_job_option_applies(const struct sc_job_option *option, const char *pipeline)
{
    return strcmp(option->pipelines, "*") == 0 ||
           sc_value_in_choices(sc_str_from(pipeline), option->pipelines);
}

void sc_job_options_wishes(const struct sc_job_options *o, struct sc_buf *out)
{
    for (size_t i = 0; i < COUNT; i++) {
        const char *text = o->said[i] != NULL ? o->said[i] : o->values[i];
        if (!table[i].identity && !sc_job_option_is_default(&table[i], text))
            sc_buf_printf(out, "%s %zu:%s\n", table[i].name, strlen(text), text);
    }
}

const char *sc_job_options_text(const struct sc_job_options *o, const char *name)
{
    return o->values[index_of(name)];
}

bool sc_job_options_bool(const struct sc_job_options *o, const char *name)
{
    return strcmp(sc_job_options_text(o, name), "true") == 0;
}

int64_t sc_job_options_int(const struct sc_job_options *o, const char *name)
{
    size_t i = index_of(name);
    struct sc_str text = sc_str_from(o->values[i]);
    int64_t value = 0;
    bool ok = false;

    if (text.len == 0)
        return 0;
    if (table[i].type == SC_JOB_TIME)
        ok = sc_time_parse(text, &value);
    else if (table[i].type == SC_JOB_DURATION)
        ok = sc_value_duration(text, &value);
    else
        ok = sc_str_to_int64(text, &value);
    sc_assert(ok);
    return value;
}

bool sc_job_options_given(const struct sc_job_options *o, const char *name)
{
    return o->given[index_of(name)];
}

void sc_job_options_resolve(struct sc_job_options *o, const char *name, const char *value)
{
    size_t i = index_of(name);

    if (o->given[i])
        return;
    free(o->values[i]);
    o->values[i] = sc_strdup(value);
}

void sc_job_options_state(struct sc_job_options *o, const char *name)
{
    o->stated[index_of(name)] = true;
}

bool sc_job_options_stated(const struct sc_job_options *o, const char *name)
{
    return o->stated[index_of(name)];
}

void sc_job_options_drop(struct sc_job_options *o, const char *name)
{
    o->dropped[index_of(name)] = true;
}

bool sc_job_options_dropped(const struct sc_job_options *o, const char *name)
{
    return o->dropped[index_of(name)];
}

void sc_job_options_settle(struct sc_job_options *o, const char *name, const char *value)
{
    size_t i = index_of(name);

    free(o->values[i]);
    o->values[i] = sc_strdup(value);
}
