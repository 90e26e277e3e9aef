#include "whisper/decode.h"

#include "base/alloc.h"
#include "whisper/rules.h"

#include <math.h>
#include <string.h>

#include "base/banned.h"

/* Sound shorter than this, in frames, is no window of its own. */
#define REST_FRAMES 10
/* From this temperature on nothing goes ahead: what went wrong may come from there. */
#define COLD 0.5f
/* Steps of time (20 ms) up to which the first segment may begin: 1 s. */
#define FIRST_TIME_MAX 50

struct hypothesis {
    struct sc_said *said; /* of the hearing */
    int count;
    int result;  /* so many tokens count: up to the last time */
    int advance; /* frames up to the last time */
    bool has_time, failed, ended;
    double sum;  /* of all tokens' logarithms */
    double mean; /* of the result's */
};

/* What the next row of a window is for. */
enum phase {
    OPENING,  /* it stands behind the start of the transcript: silence, language */
    GOING,    /* the first token */
    SPEAKING, /* the next token of each hypothesis */
    OVER,
};

/* A window at work. */
struct hearing {
    struct sc_decode_window *w;
    struct sc_rules rules;
    size_t first_seq;
    int text_ctx;
    enum phase phase;
    bool opened; /* silence and language are known */
    float temperature;
    int32_t *line; /* what is ahead of the text, or the next piece of it */
    size_t line_count;
    int32_t *words; /* room for the tokens of a hypothesis without their logarithms */
    struct hypothesis all[SC_DECODE_HYPOTHESES_MAX];
    struct hypothesis next[SC_DECODE_HYPOTHESES_MAX];
    struct sc_said *tokens; /* of all and next */
    size_t slots[SC_DECODE_HYPOTHESES_MAX];
    int width, limit; /* hypotheses now; tokens that each may say */
    int32_t last[SC_DECODE_HYPOTHESES_MAX];
    struct sc_continuation list[SC_DECODE_HYPOTHESES_MAX * SC_DECODE_HYPOTHESES_MAX];
    size_t list_count;
};

struct decoding {
    const struct sc_decode_net *net;
    const struct sc_vocab *vocab;
    struct hearing *hearings;
    size_t count;
    struct sc_step *steps;
    float *logits; /* a row for each step */
    float *logs;   /* a row */
};

void sc_decode_window_done(struct sc_decode_window *w)
{
    free(SC_TAKE(w->said));
    w->said_count = 0;
    w->counted = 0;
}

size_t sc_decode_sequences(const struct sc_decode_options *options)
{
    bool draws = options->temperature > 0 || options->temperature_step > 0;
    return (size_t)sc_whisper_hypotheses(
        &(struct sc_whisper_use){ .beam = options->beam, .best_of = draws ? options->best_of : 1 });
}

void sc_said_text(const struct sc_vocab *vocab, const struct sc_said *said, size_t count,
                  struct sc_buf *out)
{
    for (size_t i = 0; i < count; i++) {
        if (said[i].token < vocab->eot)
            sc_buf_put_str(out, sc_vocab_token(vocab, said[i].token));
    }
}

/* ---- the line ahead of the text ---- */

static bool by_beams(const struct hearing *h)
{
    return h->w->options->beam > 1 && h->temperature <= 0;
}

static void add(struct hearing *h, int32_t token)
{
    h->line[h->line_count++] = token;
}

static void add_all(struct hearing *h, const int32_t *tokens, size_t count)
{
    if (count > 0)
        memcpy(h->line + h->line_count, tokens, count * sizeof(*tokens));
    h->line_count += count;
}

/* Text ahead, with the mark that it begins at as much as half of the context takes. */
static void add_past(struct hearing *h, const struct sc_vocab *v)
{
    struct sc_decode_window *w = h->w;
    w->past_used = 0;
    if (w->past_count > 0 && h->temperature < COLD) {
        size_t room = (size_t)SC_MAX(h->text_ctx / 2 - 1, 0);
        size_t kept = SC_MIN(w->past_kept, room);
        w->past_used = SC_MIN(w->past_count - w->past_kept, room - kept);
        add(h, v->prev);
        add_all(h, w->past + w->past_kept - kept, kept);
        add_all(h, w->past + w->past_count - w->past_used, w->past_used);
    }
    add(h, v->sot);
}

static void add_task(struct hearing *h, const struct sc_vocab *v)
{
    if (v->multilingual) {
        add(h, h->w->language);
        add(h, h->w->options->translate ? v->translate : v->transcribe);
    }
    if (!h->w->options->timestamps)
        add(h, v->no_timestamps);
}

static bool must_hear_language(const struct hearing *h, const struct sc_vocab *v)
{
    return v->multilingual && h->w->language < 0;
}

/* Begins the window at h->temperature. */
static void begin(struct hearing *h, const struct decoding *d)
{
    const struct sc_decode_options *o = h->w->options;
    size_t room = (size_t)h->limit;
    d->net->start(d->net->ctx, h->first_seq, h->w->window);
    h->width = by_beams(h) ? o->beam : h->temperature > 0 ? o->best_of : 1;
    h->width = SC_MIN(SC_MAX(h->width, 1), SC_DECODE_HYPOTHESES_MAX);
    for (int i = 0; i < h->width; i++) {
        h->slots[i] = h->first_seq + (size_t)i;
        h->all[i] = (struct hypothesis){ .said = h->tokens + (size_t)i * room,
                                         .advance = SC_WINDOW_FRAMES };
        h->next[i].said = h->tokens + (size_t)(SC_DECODE_HYPOTHESES_MAX + i) * room;
    }
    h->line_count = 0;
    h->phase = OPENING;
    if (must_hear_language(h, d->vocab)) {
        add(h, d->vocab->sot);
        return;
    }
    add_past(h, d->vocab);
    if (h->opened) {
        add_task(h, d->vocab);
        h->phase = GOING;
    }
}

/* The likeliest language, and how likely it is among all. */
static void hear_language(struct hearing *h, const struct sc_vocab *v, const float *row,
                          float *logs)
{
    const float *first = row + v->sot + 1;
    size_t best = sc_greatest(first, (size_t)v->languages);
    sc_log_softmax(first, (size_t)v->languages, logs);
    h->w->language = v->sot + 1 + (int)best;
    h->w->language_chance = expf(logs[best]);
}

static void first_tokens(struct hearing *h, struct decoding *d, float *row);

static void open_window(struct hearing *h, struct decoding *d, float *row)
{
    const struct sc_vocab *v = d->vocab;
    if (must_hear_language(h, v)) {
        hear_language(h, v, row, d->logs);
        if (h->w->past_count > 0) {
            begin(h, d);
            return;
        }
    }
    sc_log_softmax(row, (size_t)v->size, d->logs);
    h->w->no_speech = expf(d->logs[v->no_speech]);
    h->opened = true;
    h->line_count = 0;
    add_task(h, v);
    h->phase = GOING;
    if (h->line_count == 0)
        first_tokens(h, d, row);
}

/* ---- what a token does to its hypothesis ---- */

static bool reaches_end(const struct hearing *h, const struct hypothesis *one)
{
    return one->advance + REST_FRAMES >= h->w->frames;
}

/* The text is at its end, or its sound is. */
static void end_text(const struct hearing *h, struct hypothesis *one)
{
    bool timed = h->w->options->timestamps;
    if (one->result == 0 && timed) {
        if (!reaches_end(h, one)) {
            one->failed = true;
            return;
        }
        one->result = one->count;
    }
    if (!timed) {
        one->result = one->count;
        one->advance = SC_WINDOW_FRAMES;
    }
    one->ended = true;
}

/* After a token was appended. */
static void look_at(const struct hearing *h, const struct sc_vocab *v, struct hypothesis *one)
{
    int32_t token = one->said[one->count - 1].token;
    if (token > v->first_time) {
        one->advance = 2 * (token - v->first_time);
        one->result = one->count;
        one->has_time = true;
    }
    if (token == v->eot || (one->has_time && reaches_end(h, one)))
        end_text(h, one);
    else if (one->count == h->limit && (one->result == 0 || one->advance < SC_WINDOW_FRAMES / 2))
        one->failed = true; /* so much is said of so little sound only in a loop */
    else if (one->count == h->limit)
        one->ended = true;
}

static void say(struct hearing *h, const struct sc_vocab *v, struct hypothesis *one, size_t token,
                float log)
{
    one->said[one->count++] = (struct sc_said){ (int32_t)token, log };
    one->sum += (double)log;
    look_at(h, v, one);
}

static bool goes_on(const struct hypothesis *one)
{
    return !one->ended && !one->failed;
}

/* d->logs of a row of logits, which is changed, for the next token of a hypothesis. */
static void weigh(struct hearing *h, struct decoding *d, const struct hypothesis *one, float *row)
{
    for (int i = 0; i < one->count; i++)
        h->words[i] = one->said[i].token;
    const struct sc_rules_said said = {
        .tokens = h->words,
        .count = (size_t)one->count,
        .has_time = one->has_time,
        .time = one->advance / 2,
    };
    sc_rules_apply(&h->rules, &said, h->temperature, row, d->logs);
}

/* ---- beams ---- */

static void offer(struct hearing *h, const struct decoding *d, int parent)
{
    int32_t tokens[SC_DECODE_HYPOTHESES_MAX];
    size_t size = (size_t)d->vocab->size;
    size_t count = (size_t)h->width;
    if (h->w->options->drawn_beams) {
        for (size_t i = 0; i < count; i++)
            tokens[i] = (int32_t)sc_random_draw(&h->w->chance[parent], d->logs, size);
    } else {
        count = sc_beam_top(d->logs, size, count, tokens);
    }
    for (size_t i = 0; i < count; i++) {
        float log = d->logs[tokens[i]];
        h->list[h->list_count++] =
            (struct sc_continuation){ .parent = parent,
                                      .token = tokens[i],
                                      .log = log,
                                      .sum = h->all[parent].sum + (double)log };
    }
}

static bool same_text(const struct hearing *h, const struct sc_continuation *a,
                      const struct sc_continuation *b)
{
    const struct hypothesis *first = &h->all[a->parent];
    const struct hypothesis *second = &h->all[b->parent];
    if (a->token != b->token || first->count != second->count)
        return false;
    for (int i = 0; i < first->count && a->parent != b->parent; i++) {
        if (first->said[i].token != second->said[i].token)
            return false;
    }
    return true;
}

static void copy_hypothesis(struct hypothesis *to, const struct hypothesis *from)
{
    struct sc_said *room = to->said;
    *to = *from;
    to->said = room;
    memcpy(room, from->said, (size_t)from->count * sizeof(*room));
}

/* The best of the list live on in the places of those that go on. */
static void choose(struct hearing *h, struct decoding *d)
{
    int parents[SC_DECODE_HYPOTHESES_MAX];
    bool first = h->all[0].count == 0;
    size_t at = 0;
    sc_beam_sort(h->list, h->list_count);
    for (int i = 0; i < h->width; i++) {
        parents[i] = i;
        copy_hypothesis(&h->next[i], &h->all[i]);
        if (!goes_on(&h->all[i]))
            continue;
        if (at >= h->list_count)
            at = 0;
        const struct sc_continuation *c = &h->list[at++];
        /* Drawn at the same place, the same tokens come more than once. */
        while (at < h->list_count && !first && same_text(h, &h->list[at], c))
            at++;
        parents[i] = c->parent;
        copy_hypothesis(&h->next[i], &h->all[c->parent]);
        say(h, d->vocab, &h->next[i], (size_t)c->token, c->log);
    }
    for (int i = 0; i < h->width; i++) {
        struct hypothesis old = h->all[i];
        h->all[i] = h->next[i];
        h->next[i] = old;
    }
    sc_beam_move(parents, h->slots, h->width, d->net->copy, d->net->ctx);
    h->list_count = 0;
}

/* ---- rows ---- */

static void pick(struct hearing *h, struct decoding *d, int i)
{
    size_t size = (size_t)d->vocab->size;
    size_t token = h->temperature > 0 ? sc_random_draw(&h->w->chance[i], d->logs, size)
                                      : sc_greatest(d->logs, size);
    say(h, d->vocab, &h->all[i], token, d->logs[token]);
}

/* All hypotheses begin with the same row. */
static void first_tokens(struct hearing *h, struct decoding *d, float *row)
{
    const int parents[SC_DECODE_HYPOTHESES_MAX] = { 0 };
    weigh(h, d, &h->all[0], row);
    h->phase = SPEAKING;
    sc_beam_move(parents, h->slots, h->width, d->net->copy, d->net->ctx);
    if (!by_beams(h)) {
        for (int i = 0; i < h->width; i++)
            pick(h, d, i);
        return;
    }
    /* Hypotheses that are equal still have the same likeliest continuations, but draw different
     * ones. */
    for (int i = 0; i < (h->w->options->drawn_beams ? h->width : 1); i++)
        offer(h, d, i);
    choose(h, d);
}

/* The rows of a window in the order of its live hypotheses. */
static void next_tokens(struct hearing *h, struct decoding *d, float *rows)
{
    float *row = rows;
    for (int i = 0; i < h->width; i++) {
        if (!goes_on(&h->all[i]))
            continue;
        weigh(h, d, &h->all[i], row);
        row += d->vocab->size;
        if (by_beams(h))
            offer(h, d, i);
        else
            pick(h, d, i);
    }
    if (by_beams(h))
        choose(h, d);
}

/* ---- judging ---- */

/* The mean over the tokens that count; without looking at those that failed. */
static int best_of(struct hearing *h)
{
    const struct sc_fallback *limits = &h->w->options->limits;
    double top = -INFINITY;
    int best = 0;
    for (int i = 0; i < h->width; i++) {
        struct hypothesis *one = &h->all[i];
        if (one->failed) {
            one->mean = one->count > 0 ? one->sum / one->count : 0;
            continue;
        }
        double sum = 0;
        one->count = one->result;
        for (int k = 0; k < one->count; k++) {
            sum += (double)one->said[k].log;
            h->words[k] = one->said[k].token;
        }
        one->mean = one->count > 0 ? sum / one->count : -INFINITY;
        if (limits->entropy_min > 0 && one->count > SC_ENTROPY_TOKENS &&
            sc_token_entropy(h->words, (size_t)one->count) < (double)limits->entropy_min) {
            one->failed = true;
            continue;
        }
        if (one->mean > top) {
            top = one->mean;
            best = i;
        }
    }
    return best;
}

/* Tells why in the answer, too. */
static bool is_doubtful(struct hearing *h, const struct sc_vocab *v, const struct hypothesis *one)
{
    struct sc_decode_window *w = h->w;
    const struct sc_fallback *limits = &w->options->limits;
    SC_AUTO_BUF text = { 0 };
    struct sc_loop loop;
    for (int i = 0; i < one->count; i++)
        h->words[i] = one->said[i].token;
    w->loops = limits->loops && sc_find_loop(h->words, (size_t)one->count, v->eot, &loop);
    sc_said_text(v, one->said, (size_t)one->count, &text);
    w->compression = (float)SC_MAX(sc_text_compression(sc_buf_str(&text)), 0.0);
    w->swells = limits->compression_max > 0 && w->compression > limits->compression_max;
    w->unlikely = one->mean < (double)limits->logprob_min;
    bool quiet = w->no_speech > limits->no_speech_max;
    return !(w->unlikely && quiet) && (one->failed || w->loops || w->swells || w->unlikely);
}

static bool answer(struct hearing *h, const struct sc_vocab *v, const struct hypothesis *one)
{
    struct sc_decode_window *w = h->w;
    const struct sc_fallback *limits = &w->options->limits;
    size_t count = (size_t)one->count;
    w->said = sc_try_alloc((count + 1) * sizeof(*w->said));
    if (w->said == NULL)
        return false;
    memcpy(w->said, one->said, count * sizeof(*w->said));
    w->said_count = count;
    w->counted = (size_t)one->result;
    w->advance = one->advance;
    w->temperature = h->temperature;
    w->avg_log = (float)(count == 0 ? 0 : one->mean);
    w->silence = w->no_speech > limits->no_speech_max && w->avg_log < limits->logprob_min;
    if (!v->multilingual)
        w->language = -1;
    return true;
}

/* All hypotheses have ended: the answer, or the next temperature. False: no memory. */
static bool judge(struct hearing *h, struct decoding *d)
{
    const struct sc_decode_options *o = h->w->options;
    const struct hypothesis *best = &h->all[best_of(h)];
    bool last = o->temperature_step <= 0 || h->temperature + o->temperature_step > 1.0f + 1e-6f;
    bool doubtful = is_doubtful(h, d->vocab, best);
    if (doubtful && !last) {
        h->temperature += o->temperature_step;
        begin(h, d);
        return true;
    }
    h->w->failed = doubtful;
    h->phase = OVER;
    return answer(h, d->vocab, best);
}

/* ---- all windows ---- */

static void set_steps(struct hearing *h, struct sc_step *steps, size_t *count)
{
    if (h->phase != SPEAKING) {
        steps[(*count)++] = (struct sc_step){ h->first_seq, h->line, h->line_count };
        return;
    }
    for (int i = 0; i < h->width; i++) {
        if (!goes_on(&h->all[i]))
            continue;
        h->last[i] = h->all[i].said[h->all[i].count - 1].token;
        steps[(*count)++] = (struct sc_step){ h->slots[i], &h->last[i], 1 };
    }
}

static bool take_rows(struct hearing *h, struct decoding *d, float *rows)
{
    switch (h->phase) {
    case OPENING:
        open_window(h, d, rows);
        break;
    case GOING:
        first_tokens(h, d, rows);
        break;
    case SPEAKING:
        next_tokens(h, d, rows);
        break;
    case OVER:
        break;
    }
    if (h->phase != SPEAKING)
        return true;
    for (int i = 0; i < h->width; i++) {
        if (goes_on(&h->all[i]))
            return true;
    }
    return judge(h, d);
}

static void leave_unwanted(struct hearing *h)
{
    const atomic_bool *unwanted = h->w->unwanted;
    if (h->phase == OVER || unwanted == NULL || !atomic_load(unwanted))
        return;
    h->w->left = true;
    h->phase = OVER;
}

/* By the times that were said, else by how much was said of what may be. */
static void tell_reached(const struct decoding *d, const struct hearing *h)
{
    int frames = 0;
    if (d->net->reached == NULL || h->phase != SPEAKING)
        return;
    for (int i = 0; i < h->width; i++) {
        const struct hypothesis *one = &h->all[i];
        frames =
            SC_MAX(frames, one->has_time ? one->advance : SC_WINDOW_FRAMES * one->count / h->limit);
    }
    d->net->reached(d->net->ctx, h->w->window, frames);
}

/* What the last step says of each window. */
static enum sc_code take_all(struct decoding *d, const size_t *rows_of, struct sc_error *err)
{
    for (size_t i = 0; i < d->count; i++) {
        struct hearing *h = &d->hearings[i];
        if (h->phase == OVER)
            continue;
        if (!take_rows(h, d, d->logits + rows_of[i] * (size_t)d->vocab->size))
            return sc_error_set(err, SC_E_ENGINE_ERROR, "no memory left for what was said");
        tell_reached(d, h);
        if (h->phase == OVER && d->net->over != NULL) {
            enum sc_code code = d->net->over(d->net->ctx, h->w, err);
            if (code != SC_OK)
                return code;
        }
        if (d->net->stopped != NULL && d->net->stopped(d->net->ctx))
            return sc_error_set(err, SC_E_CANCELLED, "stopped");
    }
    return SC_OK;
}

static enum sc_code run(struct decoding *d, struct sc_error *err)
{
    size_t *rows_of SC_AUTO_FREE = sc_alloc_array(d->count + 1, sizeof(*rows_of));
    for (;;) {
        size_t steps = 0;
        for (size_t i = 0; i < d->count; i++) {
            rows_of[i] = steps;
            leave_unwanted(&d->hearings[i]);
            if (d->hearings[i].phase != OVER)
                set_steps(&d->hearings[i], d->steps, &steps);
        }
        if (steps == 0)
            return SC_OK;
        enum sc_code code = d->net->step(d->net->ctx, d->steps, steps, d->logits, err);
        if (code == SC_OK)
            code = take_all(d, rows_of, err);
        if (code != SC_OK)
            return code;
    }
}

/* False: no memory. */
static bool hearing_init(struct hearing *h, struct sc_decode_window *w, const struct decoding *d,
                         size_t first_seq)
{
    const struct sc_decode_options *o = w->options;
    int context = d->net->text_ctx;
    *h = (struct hearing){
        .w = w,
        .rules = { .vocab = d->vocab,
                   .timestamps = o->timestamps,
                   .first_time_max = FIRST_TIME_MAX,
                   .blank = sc_vocab_find(d->vocab, SC_STR(" ")),
                   .suppressed = o->suppressed,
                   .suppressed_count = o->suppressed_count },
        .first_seq = first_seq,
        .text_ctx = context,
        .temperature = o->temperature,
        .limit = SC_MAX(context / 2 - 4, 1),
    };
    h->line = sc_try_alloc((size_t)(context + 8) * sizeof(*h->line));
    h->words = sc_try_alloc((size_t)(h->limit + 1) * sizeof(*h->words));
    h->tokens = sc_try_alloc((size_t)h->limit * 2 * SC_DECODE_HYPOTHESES_MAX * sizeof(*h->tokens));
    if (h->line == NULL || h->words == NULL || h->tokens == NULL)
        return false;
    w->language = o->language;
    w->language_chance = 1;
    begin(h, d);
    return true;
}

static void decoding_done(struct decoding *d)
{
    for (size_t i = 0; d->hearings != NULL && i < d->count; i++) {
        free(d->hearings[i].line);
        free(d->hearings[i].words);
        free(d->hearings[i].tokens);
    }
    free(d->hearings);
    free(d->steps);
    free(d->logits);
    free(d->logs);
}

enum sc_code sc_decode_windows(const struct sc_decode_net *net, const struct sc_vocab *vocab,
                               struct sc_decode_window *windows, size_t count, size_t sequences,
                               struct sc_error *err)
{
    size_t most = count * sequences;
    SC_AUTO(decoding_done) struct decoding d = { .net = net, .vocab = vocab, .count = count };
    d.hearings = sc_try_alloc(SC_MAX(count, 1) * sizeof(*d.hearings));
    d.steps = sc_try_alloc(SC_MAX(most, 1) * sizeof(*d.steps));
    d.logits = sc_try_alloc(SC_MAX(most, 1) * (size_t)vocab->size * sizeof(*d.logits));
    d.logs = sc_try_alloc((size_t)vocab->size * sizeof(*d.logs));
    bool ready = d.hearings != NULL && d.steps != NULL && d.logits != NULL && d.logs != NULL;
    for (size_t i = 0; i < count && ready; i++)
        ready = hearing_init(&d.hearings[i], &windows[i], &d, i * sequences);
    enum sc_code code =
        ready ? run(&d, err) : sc_error_set(err, SC_E_ENGINE_ERROR, "no memory left for decoding");
    for (size_t i = 0; i < count && code != SC_OK; i++)
        sc_decode_window_done(&windows[i]);
    return code;
}
