#pragma once
/* What was heard in a sound, by ours and by the reference, and in which way: for comparing. */

#include "reference.h"
#include "whisper/listen.h"

#define RATE 16000
#define UNKNOWN (-1)
#define SEGMENTS_MAX 4000
#define TOKENS_MAX 100000

/* Segments, their tokens one behind the other. */
struct heard {
    int count, token_count;
    struct {
        int64_t start, end; /* 10 ms */
        int tokens;
    } segments[SEGMENTS_MAX];
    int32_t tokens[TOKENS_MAX];
    int64_t dtw[TOKENS_MAX]; /* when the reference thinks that each was said, 10 ms */
    const struct sc_vocab *vocab;
    int language;
};

struct way {
    const char *name;
    const char *language, *prompt;
    bool translate, plain; /* plain: without times */
    int beam;
    float temperature, step;
};

/* The same way for ours. */
struct sc_listen_wishes wishes_of(const struct way *way);
/* Takes what ours said in the window at `frame`, cut into segments as the reference cuts it:
 * `told` of a clip, whose ctx is the heard. */
void heard_told(void *ctx, const struct sc_decode_window *w, int frame);
/* Exits where the reference fails. The state is the caller's, to be freed by whisper_free_state. */
struct whisper_state *hear_reference(struct whisper_context *ctx, const struct way *way,
                                     const int16_t *pcm, size_t samples, struct heard *out);
float *samples_of(const int16_t *pcm, size_t samples);
/* Without times the reference tells guesses of where the text lies: only tokens count then. */
bool heard_equal(const struct heard *a, const struct heard *b, const struct way *way);
/* How many tokens are alike up to the first that is not. */
int heard_common(const struct heard *a, const struct heard *b);
void print_heard(const char *model, const struct way *way, size_t samples, const struct heard *a,
                 const struct heard *b, const char *verdict);
/* What our decoding says above the reference's network. path: a file with its vocabulary. */
void hear_driven(struct reference *r, const char *path, const struct way *way, const int16_t *pcm,
                 size_t samples, struct heard *out);
