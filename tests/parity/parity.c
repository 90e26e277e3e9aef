/* parity CLIP.wav FOLDER [BACKENDS]: is our Whisper engine what libwhisper is? Both are given the
 * same random models, made in FOLDER, and the same clip (16 kHz, mono, 16 bits). Prints a table of
 * the largest differences; the exit status says whether all are within what is allowed. Where the
 * environment has GOLDEN, that file is written anew (golden.h). */
#include "golden.h"
#include "model.h"
#include "reference.h"
#include "tokens.h"
#include "whisper/decoder.h"
#include "whisper/mel.h"
#include "whisper/vocab.h"

#include "base/alloc.h"
#include "base/language.h"

#include <math.h>

#include "base/banned.h"

/* In quarters of a decade of power; of the largest value; of the largest logit. */
#define MEL_ALLOWED 1e-4
#define STEPS 4

struct row {
    const char *name;
    struct test_model model;
    double encoder, logits; /* allowed */
};

#define REAL .text_tokens = 50257, .languages = 99
#define SMALL REAL, .state = 128, .layers = 2
/* Where both compute with the same numbers, but for the reference's keys and values in f16. */
#define ALIKE 1e-3, 1e-2
/* Where the reference rounds what it multiplies with such weights to 8 bits, and we do not. */
#define ROUNDED 2e-2, 2e-2

static const struct row rows[] = {
    { "64 wide, 1+1 layers", { REAL, .state = 64, .seed = 1 }, ALIKE },
    { "128 wide, 2+2 layers, 1 head", { SMALL, .heads = 1, .seed = 2 }, ALIKE },
    { "192 wide, 4+2 layers, English",
      { .text_tokens = 50256,
        .languages = 99,
        .state = 192,
        .layers = 4,
        .text_layers = 2,
        .seed = 3 },
      ALIKE },
    { "256 wide, 3+4 layers, 128 bands",
      { .text_tokens = 50257,
        .languages = 100,
        .state = 256,
        .layers = 3,
        .text_layers = 4,
        .mels = 128,
        .seed = 4 },
      ALIKE },
    { "384 wide, 4+4 layers (tiny)", { REAL, .state = 384, .layers = 4, .seed = 5 }, ALIKE },
    { "128 wide, 2+2 layers", { SMALL, .type = SC_WTYPE_F16 }, ALIKE },
    { "128 wide, 2+2 layers", { SMALL, .type = SC_WTYPE_Q8_0 }, ROUNDED },
    { "128 wide, 2+2 layers", { SMALL, .type = SC_WTYPE_Q5_1 }, ROUNDED },
    { "128 wide, 2+2 layers", { SMALL, .type = SC_WTYPE_Q5_0 }, ROUNDED },
    { "128 wide, 2+2 layers", { SMALL, .type = SC_WTYPE_Q4_1 }, ROUNDED },
    { "128 wide, 2+2 layers", { SMALL, .type = SC_WTYPE_Q4_0 }, ROUNDED },
    /* The same weights in f32 for the reference. */
    { "the same, f32 there", { SMALL, .rounded = SC_WTYPE_Q8_0 }, ALIKE },
    { "the same, f32 there", { SMALL, .rounded = SC_WTYPE_Q5_1 }, ALIKE },
    { "the same, f32 there", { SMALL, .rounded = SC_WTYPE_Q5_0 }, ALIKE },
    { "the same, f32 there", { SMALL, .rounded = SC_WTYPE_Q4_1 }, ALIKE },
    { "the same, f32 there", { SMALL, .rounded = SC_WTYPE_Q4_0 }, ALIKE },
};

struct clip {
    struct sc_buf bytes;
    const int16_t *pcm;
    size_t samples;
};

/* Both engines with one model. */
struct both {
    struct sc_whisper_file *file;
    struct sc_vocab *vocab;
    struct sc_net *net;
    struct sc_pool *pool;
    struct sc_windows *windows;
    struct sc_sequences *sequences;
    struct reference *reference;
};

struct found {
    double mel, encoder, logits; /* NAN: it cannot be compared */
    bool same_token, same_vocabulary;
};

static void must(enum sc_code code, const struct sc_error *err)
{
    if (code == SC_OK)
        return;
    fprintf(stderr, "parity: %s\n", err->msg);
    exit(1);
}

static void read_clip(const char *path, struct clip *clip)
{
    FILE *f = fopen(path, "rb");
    char part[65536];
    size_t n;

    while (f != NULL && (n = fread(part, 1, sizeof(part), f)) > 0)
        sc_buf_append(&clip->bytes, part, n);
    const char *data = f == NULL ? NULL : memmem(clip->bytes.ptr, clip->bytes.len, "data", 4);
    if (data == NULL) {
        fprintf(stderr, "parity: '%s' is no WAV file\n", path);
        exit(1);
    }
    (void)fclose(f);
    const size_t head = (size_t)(data - clip->bytes.ptr) + 8;
    /* The samples must lie where their type may. */
    sc_buf_consume(&clip->bytes, head);
    clip->pcm = (const int16_t *)(const void *)clip->bytes.ptr;
    clip->samples = SC_MIN(clip->bytes.len / 2, (size_t)30 * SC_MEL_RATE);
}

static double worst_of(const float *ours, const float *theirs, size_t count, bool relative)
{
    double worst = 0, largest = 0;

    for (size_t i = 0; i < count; i++) {
        const double gap = fabs((double)ours[i] - (double)theirs[i]);
        /* NaN counts as different. */
        worst = gap <= worst ? worst : gap;
        largest = fmax(largest, fabs((double)theirs[i]));
    }
    return relative && largest > 0 ? worst / largest : worst;
}

static void open_both(const char *path, const char *reference_path, struct both *b)
{
    struct sc_error err = { 0 };

    must(sc_whisper_file_open(path, &b->file, &err), &err);
    must(sc_vocab_of(b->file, &b->vocab, &err), &err);
    must(sc_net_open(b->file, &(struct sc_net_options){ 0 }, &b->net, &err), &err);
    must(sc_pool_open(1, &b->pool, &err), &err);
    b->windows = sc_windows_open(b->net, true);
    must(sc_sequences_open(b->net, 1, &b->sequences, &err), &err);
    b->reference = reference_open(reference_path);
    if (b->reference == NULL) {
        fprintf(stderr, "parity: the reference does not take '%s'\n", reference_path);
        exit(1);
    }
}

static void close_both(struct both *b)
{
    reference_close(b->reference);
    sc_sequences_close(b->sequences);
    sc_windows_close(b->windows);
    sc_pool_close(b->pool);
    sc_net_close(b->net);
    sc_vocab_free(b->vocab);
    sc_whisper_file_close(b->file);
}

/* Fills `mel` with ours. */
static double compare_mel(const struct both *b, const struct clip *clip, float *mel)
{
    const int bands = sc_whisper_file_dims(b->file)->n_mels;
    struct sc_error err = { 0 };
    SC_AUTO(sc_mel_freep) struct sc_mel *m = NULL;
    size_t frames = 0;
    double worst = 0;

    must(sc_mel_open(clip->pcm, clip->samples, bands, sc_whisper_file_mel(b->file), &m, &err),
         &err);
    sc_mel_part(m, 0, 1);
    (void)sc_mel_finish(m, SC_MEL_SILENCE);
    sc_mel_window(m, 0, mel);
    const float *theirs = reference_mel(b->reference, clip->pcm, clip->samples, bands, &frames);
    for (size_t i = 0; theirs != NULL && i < (size_t)bands; i++)
        worst = fmax(worst,
                     worst_of(mel + i * SC_MEL_WINDOW, theirs + i * frames, SC_MEL_WINDOW, false));
    return theirs == NULL ? NAN : worst;
}

static double compare_encoder(const struct both *b, const float *mel)
{
    const struct sc_whisper_dims *d = sc_whisper_file_dims(b->file);
    struct sc_error err = { 0 };

    must(sc_net_encode(b->net, b->pool, &mel, 1, NULL, b->windows, &err), &err);
    SC_AUTO_FREE float *theirs = reference_encode(b->reference, d->n_audio_ctx, d->n_audio_state);
    if (theirs == NULL)
        return NAN;
    return worst_of(sc_windows_output(b->windows, 0), theirs,
                    (size_t)d->n_audio_ctx * (size_t)d->n_audio_state, true);
}

static int largest_of(const float *x, int count)
{
    int best = 0;
    for (int i = 1; i < count; i++)
        best = x[i] > x[best] ? i : best;
    return best;
}

/* A prompt at once, then tokens one by one. */
static double compare_logits(const struct both *b, bool *same_token)
{
    const struct sc_vocab *v = b->vocab;
    int32_t tokens[4 + STEPS] = { v->sot, v->sot + 1, v->transcribe, v->first_time };
    struct sc_error err = { 0 };
    SC_AUTO_FREE float *ours = calloc((size_t)v->size, sizeof(*ours));
    double worst = 0;
    int past = 0, count = 4;

    must(ours == NULL ? SC_E_INTERNAL : SC_OK, &err);
    *same_token = true;
    sc_sequences_start(b->sequences, 0, 0);
    for (int step = 0; step < STEPS; step++) {
        const struct sc_step one = { 0, tokens + past, (size_t)count };
        const struct sc_decode job = {
            .pool = b->pool,
            .windows = b->windows,
            .sequences = b->sequences,
            .steps = &one,
            .count = 1,
            .logits = ours,
        };
        must(sc_net_decode(b->net, &job, &err), &err);
        const float *theirs = reference_decode(b->reference, tokens + past, count, past);
        if (theirs == NULL)
            return NAN;
        worst = fmax(worst, worst_of(ours, theirs, (size_t)v->size, true));
        past += count;
        count = 1;
        tokens[past] = largest_of(theirs, v->size);
        *same_token = *same_token && largest_of(ours, v->size) == tokens[past];
    }
    return worst;
}

/* Special tokens, languages, the bytes of tokens, and a text as tokens. */
static bool same_vocabulary(const struct both *b)
{
    static const char text[] = "The one of two is that, and you're in for it (two).";
    const struct sc_vocab *v = b->vocab;
    int32_t ours[64], theirs[64];
    int32_t numbers[9];

    reference_specials(b->reference, numbers);
    const int32_t own[9] = { v->size, v->eot,  v->sot,       v->translate,    v->transcribe,
                             v->prev, v->solm, v->no_speech, v->no_timestamps };
    if (memcmp(numbers, own, sizeof(own)) != 0)
        return false;
    for (int i = 0; v->multilingual && i < v->languages; i++) {
        char code[SC_LANGUAGE_TEXT];
        if (!sc_language_code(sc_str_from(reference_language(i)), code) ||
            strcmp(code, sc_vocab_language(v, v->sot + 1 + i)) != 0)
            return false;
    }
    for (int i = 1; i < v->text; i++) {
        if (!sc_str_equal(sc_str_from(reference_token(b->reference, i)), sc_vocab_token(v, i)))
            return false;
    }
    const size_t count = sc_vocab_encode(v, sc_str_from(text), ours, SC_ARRAY_LEN(ours));
    return reference_tokenize(b->reference, text, theirs, (int)SC_ARRAY_LEN(theirs)) ==
               (int)count &&
           memcmp(ours, theirs, count * sizeof(*ours)) == 0;
}

static struct found compare(const char *path, const char *reference_path, const struct clip *clip)
{
    struct both b = { 0 };
    struct found found = { 0 };

    open_both(path, reference_path, &b);
    float *mel = calloc((size_t)sc_whisper_file_dims(b.file)->n_mels * SC_MEL_WINDOW, sizeof(*mel));
    must(mel == NULL ? SC_E_INTERNAL : SC_OK, &(struct sc_error){ 0 });
    found.same_vocabulary = same_vocabulary(&b);
    found.mel = compare_mel(&b, clip, mel);
    found.encoder = compare_encoder(&b, mel);
    found.logits = compare_logits(&b, &found.same_token);
    free(mel);
    close_both(&b);
    return found;
}

static const char *verdict(double found, double allowed)
{
    return found <= allowed ? "" : " !";
}

/* How packed values are read: by the reference's own function, to the last bit. */
static bool unpacks_alike(enum sc_wtype type)
{
    static const int numbers[SC_WTYPE_COUNT_] = { 0, 1, 30, 2, 3, 6, 7, 8 };
    enum { COUNT = 64 * 1024 };
    static float ours[COUNT], theirs[COUNT];
    const size_t bytes = sc_wtype_bytes(type, COUNT);
    SC_AUTO_FREE unsigned char *packed = malloc(bytes);
    uint32_t random = 1;

    must(packed == NULL ? SC_E_INTERNAL : SC_OK, &(struct sc_error){ 0 });
    for (size_t i = 0; i < bytes; i++) {
        random = random * 1664525 + 1013904223;
        packed[i] = (unsigned char)(random >> 24);
    }
    const struct sc_wtensor t = {
        .type = type, .rank = 2, .dims = { COUNT / 64, 64, 1 }, .data = packed, .bytes = bytes
    };
    sc_wtensor_read(&t, 0, COUNT / 64, ours);
    if (!reference_unpack(numbers[type], packed, theirs, COUNT))
        return type == SC_WTYPE_F32;
    for (int i = 0; i < COUNT; i++) {
        if (ours[i] != theirs[i] && !(isnan(ours[i]) && isnan(theirs[i])))
            return false;
    }
    return true;
}

static int compare_types(void)
{
    int failed = 0;

    printf("types of weights, read as the reference reads them to the last bit:");
    for (int type = 0; type < SC_WTYPE_COUNT_; type++) {
        const bool same = unpacks_alike((enum sc_wtype)type);
        printf(" %s%s", sc_wtype_name((enum sc_wtype)type), same ? "" : " !");
        failed |= !same;
    }
    printf("\n\n");
    return failed;
}

static bool print_row(const struct row *r, const struct found *x)
{
    const enum sc_wtype type = r->model.rounded != SC_WTYPE_F32 ? r->model.rounded : r->model.type;

    printf("%-32s %-5s %-5s %.1e%-2s  %.1e <= %.0e%-2s  %.1e <= %.0e%-2s  %s\n", r->name,
           sc_wtype_name(type), x->same_vocabulary ? "same" : "!", x->mel,
           verdict(x->mel, MEL_ALLOWED), x->encoder, r->encoder, verdict(x->encoder, r->encoder),
           x->logits, r->logits, verdict(x->logits, r->logits), x->same_token ? "same" : "!");
    (void)fflush(stdout);
    return x->same_vocabulary && x->mel <= MEL_ALLOWED && x->encoder <= r->encoder &&
           x->logits <= r->logits && x->same_token;
}

/* Makes the files of a row: ours, and the reference's where that is another one. */
static bool write_models(const struct row *r, const char *path, const char *reference_path)
{
    struct test_model ours = r->model;

    if (ours.rounded != SC_WTYPE_F32) {
        ours.type = ours.rounded;
        ours.rounded = SC_WTYPE_F32;
    }
    return test_model_write(&ours, path) && test_model_write(&r->model, reference_path);
}

int main(int argc, char **argv)
{
    struct clip clip = { 0 };
    int failed = 0;

    if (argc < 3) {
        fprintf(stderr, "usage: parity CLIP.wav FOLDER [BACKENDS]\n");
        return 2;
    }
    reference_begin(argc > 3 ? argv[3] : "");
    read_clip(argv[1], &clip);
    SC_AUTO_FREE char *path = sc_asprintf("%s/ours.bin", argv[2]);
    SC_AUTO_FREE char *reference_path = sc_asprintf("%s/reference.bin", argv[2]);
    const char *golden = getenv("GOLDEN");
    if (golden != NULL && !golden_write(golden, path)) {
        fprintf(stderr, "parity: cannot write '%s'\n", golden);
        return 1;
    }
    failed += compare_types();
    printf("%-32s %-5s %-5s %-10s %-18s %-18s %s\n", "model", "type", "vocab", "log-mel", "encoder",
           "logits", "next token");
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        if (!write_models(&rows[i], path, reference_path)) {
            fprintf(stderr, "parity: cannot write into '%s'\n", argv[2]);
            return 1;
        }
        const struct found found = compare(path, reference_path, &clip);
        failed += !print_row(&rows[i], &found);
    }
    int count = SC_ARRAY_LEN(rows) + 1;
    printf("\n");
    failed += parity_tokens(clip.pcm, clip.samples, path, reference_path, &count);
    failed += parity_driven(clip.pcm, clip.samples, path, &count);
    failed += parity_words(clip.pcm, clip.samples, path, &count);
    (void)remove(path);
    (void)remove(reference_path);
    sc_buf_done(&clip.bytes);
    printf("\n%d passed, %d failed\n", count - failed, failed);
    return failed > 0;
}
