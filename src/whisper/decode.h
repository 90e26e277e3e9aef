#pragma once
/* From encoded windows to tokens: many windows at once, one call of the network for each step of
 * all.
 *
 * A window is decoded greedily or by beams, first at its lowest temperature, then, where what was
 * said is not to be believed (fallback.h), at the next one. Windows know nothing of each other:
 * what is said in one does not depend on which others are decoded beside it. */

#include "base/error.h"
#include "whisper/beam.h"
#include "whisper/decoder.h"
#include "whisper/fallback.h"
#include "whisper/random.h"
#include "whisper/vocab.h"

#include <stdatomic.h>

/* Frames of 10 ms in a window. */
#define SC_WINDOW_FRAMES 3000
#define SC_DECODE_HYPOTHESES_MAX SC_WHISPER_HYPOTHESES

struct sc_decode_window;

/* The network as decoding sees it: sequences of tokens, each about a window. */
struct sc_decode_net {
    void *ctx;                                           /* the caller's */
    int text_ctx;                                        /* tokens that a sequence can hold */
    void (*start)(void *ctx, size_t seq, size_t window); /* an empty sequence */
    void (*copy)(void *ctx, size_t to, size_t from);
    /* Appends tokens to sequences; logits: of the last token of each step, a row of the vocabulary
     * each.
     */
    enum sc_code (*step)(void *ctx, const struct sc_step *steps, size_t count, float *logits,
                         struct sc_error *err);
    bool (*stopped)(void *ctx); /* asked after each window's tokens were chosen; NULL: never */
    /* Told of each window once its answer is whole, others may still be decoded; NULL: nobody. May
     * use the window's sequences. */
    enum sc_code (*over)(void *ctx, const struct sc_decode_window *w, struct sc_error *err);
    /* Told how far in its sound a window has come, in frames; NULL: nobody asks. */
    void (*reached)(void *ctx, size_t window, int frames);
};

struct sc_decode_options {
    int language; /* its token; -1: what the model hears, or there is none to tell */
    bool translate, timestamps;
    float temperature;      /* the first … */
    float temperature_step; /* … and so much more after each failure, up to 1; 0: no other */
    int best_of;            /* at temperatures above 0 the best of so many */
    int beam;               /* at 0 so many hypotheses; 1: greedy */
    bool drawn_beams; /* beams go on with tokens by chance, as the reference's do, not the likeliest
                       */
    struct sc_fallback limits;
    const int32_t *suppressed; /* tokens that are never said; borrowed */
    size_t suppressed_count;
};

struct sc_said {
    int32_t token;
    float log; /* logarithm of its probability */
};

/* A window, and what was said in it. */
struct sc_decode_window {
    const struct sc_decode_options *options; /* borrowed */
    size_t window;                           /* of the network's */
    int frames; /* of sound from its start to the end of the clip, more than fit in it or fewer */
    const int32_t *past; /* text ahead of it, borrowed; the last that fit count */
    size_t past_count;
    size_t past_kept;         /* of it, so many at its beginning stand there whatever falls out */
    struct sc_random *chance; /* of each hypothesis, SC_DECODE_HYPOTHESES_MAX; the clip's */
    const atomic_bool *unwanted; /* once set nothing more is decoded of it; NULL: never */

    /* ---- the answer ---- */
    bool left;            /* it was unwanted: there is no other answer */
    struct sc_said *said; /* owned: times and text */
    size_t said_count;
    size_t counted;        /* so many of them count: where all failed, up to the last time */
    size_t past_used;      /* so many of `past` behind them were ahead of what was said */
    int advance;           /* frames after which the next window begins */
    int language;          /* its token; -1: the model knows one only */
    float language_chance; /* of the language heard; 1: it was told */
    float temperature;
    float no_speech;   /* how likely nobody speaks, 0 to 1 */
    float avg_log;     /* mean logarithm of the tokens' probabilities */
    float compression; /* bytes of the text to bytes of it compressed; 0 for no text */
    bool silence;      /* by both: nothing was said */
    /* At the last temperature too: */
    bool failed;   /* it is beyond a limit … */
    bool unlikely; /* … of the tokens' probabilities … */
    bool swells;   /* … of compression … */
    bool loops;    /* … or says the same again and again */
};
void sc_decode_window_done(struct sc_decode_window *w);

/* Hypotheses that these options want at once: so many sequences of the network a window takes. */
size_t sc_decode_sequences(const struct sc_decode_options *options);
/* Fills the answers. Window i takes the sequences from i * sequences on. Errors are the network's
 * (CANCELLED), and ENGINE_ERROR when memory is exhausted; answers are then empty. */
SC_MUST_USE enum sc_code sc_decode_windows(const struct sc_decode_net *net,
                                           const struct sc_vocab *vocab,
                                           struct sc_decode_window *windows, size_t count,
                                           size_t sequences, struct sc_error *err);
/* All text tokens of what was said as bytes. */
void sc_said_text(const struct sc_vocab *vocab, const struct sc_said *said, size_t count,
                  struct sc_buf *out);
