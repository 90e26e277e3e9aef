/* Above the network, is all the same? Our decoding is driven by the reference's network here: where
 * both see the same logits they must say the same, at any temperature, however long the recording,
 * whatever went ahead. (With a network of its own each draws differently once in some thousand
 * times, and what follows is another text: the reference rounds keys, values and some of what it
 * multiplies to f16.)
 *
 * The reference's states hold one sequence each. A sequence that was copied is decoded again from
 * where it differs from what its state holds. */
#include "heard.h"
#include "model.h"
#include "tokens.h"
#include "whisper/sequential.h"

#include "base/alloc.h"

#include <string.h>
#include <whisper.h>

#include "base/banned.h"

#define CONTEXT 448
#define REST_FRAMES 10

struct slot {
    struct whisper_state *state;
    int32_t held[CONTEXT], wanted[CONTEXT];
    int held_count, wanted_count;
    int ahead; /* so many of them are ahead of the text */
};

struct driver {
    struct whisper_context *context;
    struct sc_vocab *vocab;
    struct slot slots[SC_DECODE_HYPOTHESES_MAX];
};

static void fail(const char *what)
{
    (void)fprintf(stderr, "parity: %s\n", what);
    exit(2);
}

static void start(void *ctx, size_t seq, size_t window)
{
    struct driver *d = ctx;
    (void)window;
    d->slots[seq].wanted_count = 0;
}

static void copy(void *ctx, size_t to, size_t from)
{
    struct driver *d = ctx;
    d->slots[to].wanted_count = d->slots[from].wanted_count;
    d->slots[to].ahead = d->slots[from].ahead;
    memcpy(d->slots[to].wanted, d->slots[from].wanted, sizeof(d->slots[to].wanted));
}

/* In the calls in which the reference does it: what is ahead of the text at once, then each token
 * by itself. Other calls would round otherwise. */
static void decode(struct driver *d, struct slot *s, bool ahead, float *logits)
{
    int from = 0;
    if (ahead)
        s->ahead = s->wanted_count;
    while (from < SC_MIN(s->held_count, s->wanted_count - 1) && s->held[from] == s->wanted[from])
        from++;
    if (ahead || from < s->ahead)
        from = 0;
    int count = 0;
    for (; from < s->wanted_count; from += count) {
        count = from == 0 ? s->ahead : 1;
        if (whisper_decode_with_state(d->context, s->state, s->wanted + from, count, from, 1) != 0)
            fail("the reference does not decode");
    }
    memcpy(s->held, s->wanted, sizeof(s->held));
    s->held_count = s->wanted_count;
    size_t size = (size_t)d->vocab->size;
    const float *rows = whisper_get_logits_from_state(s->state);
    memcpy(logits, rows + (size_t)(count - 1) * size, size * sizeof(*logits));
}

static enum sc_code step(void *ctx, const struct sc_step *steps, size_t count, float *logits,
                         struct sc_error *err)
{
    struct driver *d = ctx;
    (void)err;
    for (size_t i = 0; i < count; i++) {
        struct slot *s = &d->slots[steps[i].seq];
        sc_assert((size_t)s->wanted_count + steps[i].count <= CONTEXT);
        memcpy(s->wanted + s->wanted_count, steps[i].tokens,
               steps[i].count * sizeof(*steps[i].tokens));
        s->wanted_count += (int)steps[i].count;
        decode(d, s, (int)steps[i].count == s->wanted_count || steps[i].count > 1,
               logits + i * (size_t)d->vocab->size);
    }
    return SC_OK;
}

static void open_slots(struct driver *d, size_t sequences, const float *sound, size_t samples)
{
    for (size_t i = 0; i < sequences; i++) {
        d->slots[i] = (struct slot){ .state = whisper_init_state(d->context) };
        if (d->slots[i].state == NULL ||
            whisper_pcm_to_mel_with_state(d->context, d->slots[i].state, sound, (int)samples, 1) !=
                0)
            fail("the reference makes no spectrum");
    }
}

static void close_slots(struct driver *d, size_t sequences)
{
    for (size_t i = 0; i < sequences; i++)
        whisper_free_state(d->slots[i].state);
}

static void encode(struct driver *d, size_t sequences, int frame)
{
    for (size_t i = 0; i < sequences; i++) {
        if (whisper_encode_with_state(d->context, d->slots[i].state, frame, 1) != 0)
            fail("the reference does not encode");
        d->slots[i].held_count = 0;
    }
}

/* Window for window, as listen.c does it. */
static void hear_windows(struct driver *d, struct sc_decode_options *options, struct sc_past *past,
                         size_t sequences, struct heard *out)
{
    const struct sc_decode_net net = {
        .ctx = d, .text_ctx = CONTEXT, .start = start, .copy = copy, .step = step
    };
    static struct sc_random chance[SC_DECODE_HYPOTHESES_MAX];
    int frames = whisper_n_len_from_state(d->slots[0].state);
    struct sc_error err = { 0 };
    for (uint32_t i = 0; i < SC_DECODE_HYPOTHESES_MAX; i++)
        sc_random_seed(&chance[i], i);
    for (int seek = 0; seek + REST_FRAMES < frames;) {
        struct sc_decode_window w = { .options = options,
                                      .frames = frames - seek,
                                      .past = past->tokens,
                                      .past_count = sc_past_ahead(past, seek, frames),
                                      .chance = chance };
        encode(d, sequences, seek);
        if (sc_decode_windows(&net, d->vocab, &w, 1, sequences, &err) != SC_OK ||
            !sc_past_follow(past, &w))
            fail(err.msg);
        heard_told(out, &w, seek);
        options->language = w.language;
        seek += sc_next_window(d->vocab, &w);
        sc_decode_window_done(&w);
    }
}

static void open_driver(struct driver *d, const struct reference *r, const char *path)
{
    SC_AUTO(sc_whisper_file_closep) struct sc_whisper_file *file = NULL;
    struct sc_error err = { 0 };
    d->context = reference_context(r);
    if (sc_whisper_file_open(path, &file, &err) != SC_OK ||
        sc_vocab_of(file, &d->vocab, &err) != SC_OK)
        fail(err.msg);
}

void hear_driven(struct reference *r, const char *path, const struct way *way, const int16_t *pcm,
                 size_t samples, struct heard *out)
{
    struct driver d = { 0 };
    struct sc_decode_options options = wishes_of(way).decode;
    SC_AUTO(sc_past_done) struct sc_past past = { 0 };
    float *sound SC_AUTO_FREE = samples_of(pcm, samples);
    int32_t prompt[CONTEXT];
    open_driver(&d, r, path);
    *out = (struct heard){ .vocab = d.vocab };
    options.language = sc_vocab_language_token(d.vocab, way->language);
    options.translate = way->translate;
    size_t count = sc_vocab_encode(d.vocab, sc_str_from(way->prompt), prompt, CONTEXT);
    if (!sc_past_add(&past, prompt, count))
        fail("no memory");
    size_t sequences = sc_decode_sequences(&options);
    open_slots(&d, sequences, sound, samples);
    hear_windows(&d, &options, &past, sequences, out);
    close_slots(&d, sequences);
    sc_vocab_free(d.vocab);
}

static const struct way ways[] = {
    { "greedy, temperatures", "en", "", .beam = 1, .step = 0.2f },
    { "prompt, temperatures", "en", " the one of two", .beam = 1, .step = 0.2f },
    { "detection, temperatures", "auto", "", .beam = 1, .step = 0.2f },
    { "at 0.4", "en", "", .beam = 1, .temperature = 0.4f },
    { "at 1, no times", "en", "", .plain = true, .beam = 1, .temperature = 1 },
    { "beams of 5", "en", "", .beam = 5 },
};

/* Of one layer of text: where there are more, the reference rounds what sequences decoded at once
 * have in its cache otherwise than one by itself. */
#define REAL .text_tokens = 50257, .languages = 99
static const struct {
    const char *name;
    struct test_model model;
} models[] = {
    { "64 wide, 1+1 layers", { REAL, .state = 64, .seed = 11 } },
    { "128 wide, 2+1 layers, 1 head",
      { REAL, .state = 128, .layers = 2, .text_layers = 1, .heads = 1, .seed = 12 } },
    { "64 wide, 1+1 layers, 128 bands",
      { .text_tokens = 50257, .languages = 100, .state = 64, .mels = 128, .seed = 14 } },
};

int parity_driven(const int16_t *pcm, size_t samples, const char *path, int *rows)
{
    struct heard *a = sc_alloc(sizeof(*a));
    struct heard *b = sc_alloc(sizeof(*b));
    size_t more = (size_t)65 * RATE;
    int16_t *longer SC_AUTO_FREE = sc_alloc_array(more, sizeof(*longer));
    int failed = 0;
    for (size_t i = 0; i < more; i++)
        longer[i] = pcm[i % samples];
    (void)printf("\nour decoding above the reference's network\n");
    for (size_t m = 0; m < SC_ARRAY_LEN(models); m++) {
        struct reference *r =
            test_model_write(&models[m].model, path) ? reference_open(path) : NULL;
        if (r == NULL)
            fail("cannot open the model");
        for (size_t i = 0; i < SC_ARRAY_LEN(ways); i++) {
            hear_driven(r, path, &ways[i], longer, more, a);
            whisper_free_state(hear_reference(reference_context(r), &ways[i], longer, more, b));
            bool equal = heard_equal(a, b, &ways[i]);
            print_heard(models[m].name, &ways[i], more, a, b, equal ? "equal" : "!");
            failed += !equal;
            *rows += 1;
        }
        reference_close(r);
    }
    free(a);
    free(b);
    return failed;
}
