/* Tokens and times of the whole engine beside the reference's. */
#include "tokens.h"

#include "heard.h"
#include "model.h"

#include "base/alloc.h"

#include <whisper.h>

#include "base/banned.h"

static const struct way ways[] = {
    { "greedy", "en", "", .beam = 1 },
    { "greedy, no times", "en", "", .plain = true, .beam = 1 },
    { "detection", "auto", "", .beam = 1 },
    { "translate", "de", "", .translate = true, .beam = 1 },
    { "prompt", "en", " the one of two", .beam = 1 },
    { "beams of 5", "en", "", .beam = 5 },
    { "greedy, temperatures", "en", "", .beam = 1, .step = 0.2f },
    { "at 0.4", "en", "", .beam = 1, .temperature = 0.4f },
};
/* The first ones draw nothing by chance. Random weights draw differently once in a while, where two
 * networks round differently: draws are compared where the network is the same (driven.c). */
#define SURE_WAYS 5
#define RANDOM_WAYS 6
#define GREEDY 0
#define BEAMS 5
#define LONG ((size_t)65 * RATE)

static void hear_ours(struct sc_listener *l, const struct way *way, const int16_t *pcm,
                      size_t samples, struct heard *out)
{
    struct sc_listen_clip clip = { .pcm = pcm,
                                   .samples = samples,
                                   .wishes = wishes_of(way),
                                   .told = heard_told,
                                   .told_ctx = out };
    struct sc_error err = { 0 };
    *out = (struct heard){ .vocab = sc_listener_vocab(l) };
    if (sc_listen(l, &clip, 1, NULL, &err) != SC_OK) {
        (void)fprintf(stderr, "%s\n", err.msg);
        exit(2);
    }
    sc_listen_clip_done(&clip);
}

/* Both with one model. */
struct pair {
    struct sc_listener *ours;
    struct reference *reference;
    struct heard *a, *b;
    const char *model, *path;
    int rows, failed;
};

/* Where the likeliest two tokens are closer than the two networks, the texts part; whether that was
 * all is asked of the one network then. */
static void compare(struct pair *x, const struct way *way, const int16_t *pcm, size_t count)
{
    char verdict[64] = "equal";
    hear_ours(x->ours, way, pcm, count, x->a);
    whisper_free_state(hear_reference(reference_context(x->reference), way, pcm, count, x->b));
    x->rows++;
    if (!heard_equal(x->a, x->b, way)) {
        int alike = heard_common(x->a, x->b);
        hear_driven(x->reference, x->path, way, pcm, count, x->a);
        bool equal = heard_equal(x->a, x->b, way);
        x->failed += !equal;
        (void)snprintf(verdict, sizeof(verdict),
                       equal ? "equal above one network, %d alone" : "! the first %d are alike",
                       alike);
    }
    print_heard(x->model, way, count, x->a, x->b, verdict);
}

#define REAL .text_tokens = 50257, .languages = 99
/* Of two layers of text and 51865 tokens the reference believes that it is a distilled model, and
 * leaves times out: there is none here. */
static const struct {
    const char *name;
    struct test_model model;
} models[] = {
    { "64 wide, 1+1 layers", { REAL, .state = 64, .seed = 1 } },
    { "128 wide, 1+3 layers, 1 head",
      { REAL, .state = 128, .text_layers = 3, .heads = 1, .seed = 2 } },
    { "192 wide, 2+1 layers", { REAL, .state = 192, .layers = 2, .text_layers = 1, .seed = 3 } },
    { "64 wide, 1+1 layers, 128 bands",
      { .text_tokens = 50257, .languages = 100, .state = 64, .mels = 128, .seed = 4 } },
    { "64 wide, 1+1 layers, f16", { REAL, .state = 64, .seed = 6, .type = SC_WTYPE_F16 } },
    { "a script", { REAL, .script = "<|0.00|> Hello world.<|1.50|> This is a script.<|4.00|>" } },
};

/* The clip again and again. */
static int16_t *repeated(const int16_t *pcm, size_t samples, size_t more)
{
    int16_t *again = sc_alloc_array(more, sizeof(*again));
    for (size_t i = 0; i < more; i++)
        again[i] = pcm[i % samples];
    return again;
}

/* The clip in `ways_count` ways; in the first `long_count` also what is longer than two windows. */
static void compare_ways(struct pair *x, size_t ways_count, size_t long_count, const int16_t *pcm,
                         size_t samples)
{
    size_t more = (size_t)65 * RATE;
    int16_t *again SC_AUTO_FREE = repeated(pcm, samples, more);
    for (size_t i = 0; i < ways_count; i++) {
        compare(x, &ways[i], pcm, samples);
        if (i < long_count)
            compare(x, &ways[i], again, more);
    }
}

static void open_pair(struct pair *x, const char *path, const char *reference_path)
{
    struct sc_error err = { 0 };
    x->path = path;
    x->reference = reference_open(reference_path);
    if (x->reference == NULL || sc_listener_open(path, 1, NULL, &x->ours, &err) != SC_OK) {
        (void)fprintf(stderr, "parity: cannot open '%s': %s\n", path, err.msg);
        exit(1);
    }
}

static void close_pair(struct pair *x)
{
    sc_listener_close(SC_TAKE(x->ours));
    reference_close(x->reference);
}

/* A file of each type, beside a reference that has the same weights in f32: with those of the file
 * it would round what it multiplies with to 8 bits. */
static void compare_files(struct pair *x, const char *path, const char *reference_path,
                          const int16_t *pcm, size_t samples)
{
    for (int type = SC_WTYPE_BF16; type < SC_WTYPE_COUNT_; type++) {
        struct test_model model = { REAL, .state = 128, .layers = 1, .seed = (uint64_t)type };
        char name[40];
        model.type = (enum sc_wtype)type;
        bool made = test_model_write(&model, path);
        model.type = SC_WTYPE_F32;
        model.rounded = (enum sc_wtype)type;
        if (!made || !test_model_write(&model, reference_path))
            exit(1);
        open_pair(x, path, reference_path);
        (void)snprintf(name, sizeof(name), "128 wide, 1+1 layers, %s",
                       sc_wtype_name((enum sc_wtype)type));
        x->model = name;
        compare_ways(x, RANDOM_WAYS, 1, pcm, samples);
        close_pair(x);
    }
}

/* Files of the usual types over more than two windows, each with the text of those before ahead:
 * beside the same weights in f32, and beside the very file, whose products the reference rounds. */
static const struct {
    const char *name;
    struct test_model model;
} long_models[] = {
    { "64 wide, 1+1 layers", { REAL, .state = 64, .seed = 21 } },
    { "192 wide, 2+1 layers", { REAL, .state = 192, .layers = 2, .text_layers = 1, .seed = 22 } },
};
static const enum sc_wtype long_types[] = { SC_WTYPE_F16, SC_WTYPE_Q4_0, SC_WTYPE_Q5_1,
                                            SC_WTYPE_Q8_0 };

static void compare_long(struct pair *x, const struct test_model *model, enum sc_wtype there,
                         const char *path, const char *reference_path, const int16_t *pcm)
{
    struct test_model theirs = *model;
    bool same = there == model->type;
    theirs.type = there;
    theirs.rounded = same ? SC_WTYPE_F32 : model->type;
    if (!test_model_write(model, path) || !test_model_write(&theirs, reference_path))
        exit(1);
    open_pair(x, path, reference_path);
    compare(x, &ways[GREEDY], pcm, LONG);
    if (!same)
        compare(x, &ways[BEAMS], pcm, LONG);
    close_pair(x);
}

static void compare_long_files(struct pair *x, const char *path, const char *reference_path,
                               const int16_t *pcm)
{
    for (size_t i = 0; i < SC_ARRAY_LEN(long_models) * SC_ARRAY_LEN(long_types); i++) {
        struct test_model model = long_models[i / SC_ARRAY_LEN(long_types)].model;
        const char *shape = long_models[i / SC_ARRAY_LEN(long_types)].name;
        char name[2][48];
        model.type = long_types[i % SC_ARRAY_LEN(long_types)];
        (void)snprintf(name[0], sizeof(name[0]), "%s, %s", shape, sc_wtype_name(model.type));
        (void)snprintf(name[1], sizeof(name[1]), "the same, %s there", sc_wtype_name(model.type));
        x->model = name[0];
        compare_long(x, &model, SC_WTYPE_F32, path, reference_path, pcm);
        x->model = name[1];
        compare_long(x, &model, model.type, path, reference_path, pcm);
    }
}

int parity_tokens(const int16_t *pcm, size_t samples, const char *path, const char *reference_path,
                  int *rows)
{
    struct pair x = { .a = sc_alloc(sizeof(*x.a)), .b = sc_alloc(sizeof(*x.b)) };
    (void)printf("%-32s %-24s %-8s %-7s %s\n", "model", "decoded", "sound", "segments", "tokens");
    for (size_t i = 0; i < SC_ARRAY_LEN(models); i++) {
        if (!test_model_write(&models[i].model, path))
            exit(1);
        open_pair(&x, path, path);
        x.model = models[i].name;
        if (models[i].model.script != NULL)
            compare_ways(&x, SC_ARRAY_LEN(ways), SC_ARRAY_LEN(ways), pcm, samples);
        else
            compare_ways(&x, RANDOM_WAYS, SURE_WAYS, pcm, samples);
        close_pair(&x);
    }
    compare_files(&x, path, reference_path, pcm, samples);
    int16_t *again SC_AUTO_FREE = repeated(pcm, samples, LONG);
    compare_long_files(&x, path, reference_path, again);
    free(x.a);
    free(x.b);
    *rows += x.rows;
    return x.failed;
}
