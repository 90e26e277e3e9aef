#pragma once
/* A loaded model that turns clips of sound into segments: spectrum, encoder, decoding, times of
 * words. Clips of one call are heard together, a window of each at a time; what is said in one does
 * not depend on the others, nor on the number of threads. */

#include "base/language.h"
#include "transcript/segment.h"
#include "whisper/carry.h"
#include "whisper/decode.h"
#include "whisper/pool.h"

#include <stdatomic.h>

/* How a clip is to be heard. Texts are borrowed. */
struct sc_listen_wishes {
    const char *language; /* "de"; "" or "auto": what the model hears */
    bool tell_language;   /* of each segment, where it is heard … */
    bool each_window; /* … and heard in each window; else in the first, and so in the others */
    bool translate;   /* into English */
    const char *prompt, *hotwords;
    struct sc_decode_options
        decode;        /* language, translate and suppressed are set from the others */
    bool non_speech;   /* brackets, notes and the like may be said */
    bool words;        /* with their times */
    bool previous;     /* the text of a window goes ahead of the next, behind the hot words … */
    bool carry_prompt; /* … and the prompt; else that falls out as text is added */
    int threads;       /* of the listener's, the most that a clip of a call wishes; 0: all */
};
/* What most want: greedy, temperatures up to 1, times. */
struct sc_listen_wishes sc_listen_wishes_usual(void);

struct sc_listen_clip {
    const int16_t *pcm; /* 16 kHz, mono; borrowed */
    size_t samples;
    struct sc_listen_wishes wishes;
    /* Of a part of a recording that is heard in sequence: where it begins (a whole frame of 10 ms;
     * windows that begin less than two frames behind it hear a mirror), and what the part before
     * hands to it. NULL: it is the first. Borrowed. */
    int64_t first_frame;
    const struct sc_carry *from;
    /* Windows begin in front of this frame of the recording; those at it or behind it belong to the
     * next part. 0: all do. */
    int64_t until_frame;
    atomic_int *progress;        /* percent; NULL: nobody asks */
    const atomic_bool *unwanted; /* once set, this clip is left and the others go on; NULL: never */
    /* Told of its answer as soon as it is whole, to take it. NULL: nobody asks. */
    void (*done)(void *ctx, struct sc_listen_clip *clip);
    void *done_ctx;
    /* Told when a window has been heard behind which the clip goes on: its segments only grow.
     * NULL: nobody asks. */
    void (*grown)(void *ctx, const struct sc_listen_clip *clip);
    void *grown_ctx;
    /* Told of each window once it is decoded; NULL: nobody asks. */
    void (*told)(void *ctx, const struct sc_decode_window *w, int frame);
    void *told_ctx;

    /* ---- the answer, owned by the caller ---- */
    bool left;                       /* it was unwanted: there is no other answer */
    struct sc_segments segments;     /* times from the start of the clip */
    char language[SC_LANGUAGE_TEXT]; /* that was told, or heard first: where something was said, if
                                      * anywhere; "" where nothing was heard */
    struct sc_buf log;               /* lines about what is doubtful */
    struct sc_carry carry;           /* for the next part, where until_frame is told */
};
void sc_listen_clip_done(struct sc_listen_clip *c);

struct sc_listener;
/* MODEL_ERROR, NOT_FOUND; INTERNAL when memory is exhausted; CANCELLED when stop (NULL: nobody)
 * said so. */
SC_MUST_USE enum sc_code sc_listener_open(const char *path, int threads, const struct sc_stop *stop,
                                          struct sc_listener **out, struct sc_error *err);
void sc_listener_close(struct sc_listener *l);
SC_DEFINE_FREEP(struct sc_listener, sc_listener_close);
/* Borrowed. */
const struct sc_vocab *sc_listener_vocab(const struct sc_listener *l);
/* Can the model do what is wished? INVALID_VALUE names the field: a language that it does not know,
 * a translation by a model of English alone. */
SC_MUST_USE enum sc_code sc_listener_check(const struct sc_listener *l,
                                           const struct sc_listen_wishes *wishes,
                                           struct sc_error *err);
/* Used by one thread at a time. Wishes have been checked. CANCELLED when stop said so, ENGINE_ERROR
 * and INTERNAL when memory is exhausted; then no clip has an answer but
 * those that were told. */
SC_MUST_USE enum sc_code sc_listen(struct sc_listener *l, struct sc_listen_clip *clips,
                                   size_t count, const struct sc_stop *stop, struct sc_error *err);
