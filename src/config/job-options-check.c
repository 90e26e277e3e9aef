/* Options that make no sense with one another. */
#include "config/job-options.h"

#include "base/banned.h"

static bool is_on(const struct sc_job_options *o, const char *name)
{
    return sc_job_options_bool(o, name);
}

/* Of a real option in its canonical spelling. */
static bool is_zero(const char *text)
{
    return strcmp(text, "0") == 0;
}

bool sc_job_options_is_warm(const struct sc_job_options *o)
{
    const char *text = sc_job_options_text(o, "temperature");
    return text[0] != '\0' && !is_zero(text);
}

/* Beams are for temperature 0 … */
static bool beams_are_warm(const struct sc_job_options *o)
{
    return sc_job_options_is_warm(o) && sc_job_options_int(o, "beam_size") > 1;
}

/* … and many tries for the ones above it. */
static bool tries_are_cold(const struct sc_job_options *o)
{
    return !sc_job_options_is_warm(o) && sc_job_options_given(o, "best_of") &&
           is_zero(sc_job_options_text(o, "temperature_increment_on_fallback"));
}

static bool hottest_goes_on(const struct sc_job_options *o)
{
    const char *step = sc_job_options_text(o, "temperature_increment_on_fallback");
    return strcmp(sc_job_options_text(o, "temperature"), "1") == 0 && step[0] != '\0' &&
           !is_zero(step);
}

static bool hears_all_and_cuts(const struct sc_job_options *o)
{
    return is_on(o, "sequential") && sc_job_options_given(o, "vad") && is_on(o, "vad");
}

static bool prompt_stays_anyway(const struct sc_job_options *o)
{
    return is_on(o, "carry_initial_prompt") && !is_on(o, "sequential");
}

static bool no_prompt_stays(const struct sc_job_options *o)
{
    return is_on(o, "carry_initial_prompt") && !sc_job_options_given(o, "prompt");
}

static bool hears_what_is_told(const struct sc_job_options *o)
{
    return is_on(o, "multilingual") && strcmp(sc_job_options_text(o, "language"), "auto") != 0;
}

/* A window would be heard hundreds of times. Canonical decimals up to 1 are in the order of their
 * texts. */
static bool steps_are_tiny(const struct sc_job_options *o)
{
    const char *step = sc_job_options_text(o, "temperature_increment_on_fallback");
    return step[0] != '\0' && !is_zero(step) && strcmp(step, "0.05") < 0;
}

static const struct rule {
    bool (*is_broken)(const struct sc_job_options *o);
    const char *field, *message;
} rules[] = {
    { beams_are_warm, "beam_size",
      "beam_size is for the likeliest words, a temperature above 0 for others: leave one of them "
      "out" },
    { tries_are_cold, "best_of",
      "best_of counts at temperatures above 0, and none is tried when "
      "temperature_increment_on_fallback is 0: leave one of them out" },
    { steps_are_tiny, "temperature_increment_on_fallback",
      "temperature_increment_on_fallback is 0 or at least 0.05: say so, or leave it out" },
    { hottest_goes_on, "temperature_increment_on_fallback",
      "temperature_increment_on_fallback has nowhere to go from temperature 1: leave it out" },
    { hears_all_and_cuts, "vad",
      "a sequential job hears the whole recording: leave vad or sequential out" },
    { hears_what_is_told, "multilingual",
      "multilingual hears which language is spoken, and language says it: leave one of them out" },
    { prompt_stays_anyway, "carry_initial_prompt",
      "carry_initial_prompt is for sequential jobs; in others the prompt is ahead of every chunk: "
      "leave it out, or add sequential" },
    { no_prompt_stays, "carry_initial_prompt",
      "carry_initial_prompt needs a prompt: add one, or leave it out" },
};

static enum sc_code check_one(const struct sc_job_options *o, const struct sc_job_option *option,
                              struct sc_error *err)
{
    const char *pipeline = sc_job_options_text(o, "pipeline");
    if (!sc_job_option_applies(option, pipeline))
        return sc_error_field(err, SC_E_INVALID_VALUE, option->name,
                              "the pipeline %s takes no option %s; leave it out", pipeline,
                              option->name);
    if (option->needs_vad && is_on(o, "sequential"))
        return sc_error_field(err, SC_E_INVALID_VALUE, option->name,
                              "%s means nothing to a sequential job, which hears the whole "
                              "recording: leave one of them out",
                              option->name);
    if (option->needs_vad && !is_on(o, "vad"))
        return sc_error_field(err, SC_E_INVALID_VALUE, option->name,
                              "%s means nothing while vad is off: leave one of them out",
                              option->name);
    return SC_OK;
}

enum sc_code sc_job_options_check(const struct sc_job_options *o, struct sc_error *err)
{
    size_t count = 0;
    const struct sc_job_option *all = sc_job_option_all(&count);

    for (size_t i = 0; i < count; i++) {
        enum sc_code code =
            sc_job_options_given(o, all[i].name) ? check_one(o, &all[i], err) : SC_OK;
        if (code != SC_OK)
            return code;
    }
    for (size_t i = 0; i < SC_ARRAY_LEN(rules); i++) {
        if (rules[i].is_broken(o))
            return sc_error_field(err, SC_E_INVALID_VALUE, rules[i].field, "%s", rules[i].message);
    }
    return SC_OK;
}
