#include "whisper/sequential.h"

#include "base/alloc.h"

#include <string.h>

#include "base/banned.h"

#define STEP_MS 20 /* from one token of time to the next */
/* What a token gets of a neighbour's time where its stretch has none of its own. */
#define TOKEN_MS 100
#define SHORT_REST_FRAMES 500

static bool is_time(const struct sc_vocab *vocab, const struct sc_decode_window *w, size_t i)
{
    return w->said[i].token >= vocab->first_time;
}

int sc_next_window(const struct sc_vocab *vocab, const struct sc_decode_window *w)
{
    size_t n = w->said_count;
    int fit = SC_MIN(w->frames, SC_WINDOW_FRAMES);
    bool alone = n > 1 && w->said[n - 2].token < vocab->first_time &&
                 w->said[n - 1].token > vocab->first_time;
    return alone ? fit : SC_MAX(w->advance, 1);
}

/* The end of a stretch; where nothing was said in it there is none. */
static void close_stretch(struct sc_stretch *open, int end_ms, struct sc_stretch *out,
                          size_t *count)
{
    if (open->count > 0) {
        open->end_ms = SC_MAX(end_ms, open->start_ms);
        out[(*count)++] = *open;
    }
    *open = (struct sc_stretch){ .start_ms = end_ms };
}

static bool has_time(const struct sc_stretch *s)
{
    return s->end_ms > s->start_ms;
}

/* Time of its own for list[i], which has none: from the silence behind it or in front of it. */
static void take_silence(struct sc_stretch *list, size_t count, size_t i, int until_ms)
{
    int wanted = (int)list[i].count * TOKEN_MS;
    int before = i > 0 ? list[i - 1].end_ms : 0;
    int behind = i + 1 < count ? list[i + 1].start_ms : until_ms;
    list[i].end_ms = SC_MAX(list[i].end_ms, SC_MIN(list[i].start_ms + wanted, behind));
    if (!has_time(&list[i]))
        list[i].start_ms = SC_MIN(list[i].start_ms, SC_MAX(list[i].end_ms - wanted, before));
}

/* Where there is no silence, of a neighbour's time at most half. */
static void take_of_neighbour(struct sc_stretch *list, size_t count, size_t i)
{
    int wanted = (int)list[i].count * TOKEN_MS;
    if (i > 0 && has_time(&list[i - 1])) {
        struct sc_stretch *before = &list[i - 1];
        before->end_ms -= SC_MIN(wanted, (before->end_ms - before->start_ms) / 2);
        list[i].start_ms = before->end_ms;
    } else if (i + 1 < count && has_time(&list[i + 1])) {
        struct sc_stretch *behind = &list[i + 1];
        behind->start_ms += SC_MIN(wanted, (behind->end_ms - behind->start_ms) / 2);
        list[i].end_ms = behind->start_ms;
    }
}

/* A model may put both ends of a text at one moment, or behind the sound. Its words are words all
 * the same, and a segment needs time to be shown, played and edited: each gets some. What is left
 * without any is so short that its neighbours have none to give, and goes. */
static size_t give_time(struct sc_stretch *list, size_t count, int until_ms)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (!has_time(&list[i]))
            take_silence(list, count, i, until_ms);
        if (!has_time(&list[i]))
            take_of_neighbour(list, count, i);
    }
    for (size_t i = count; i-- > 0;) {
        if (!has_time(&list[i]))
            take_of_neighbour(list, count, i);
    }
    for (size_t i = 0; i < count; i++) {
        if (has_time(&list[i]))
            list[kept++] = list[i];
    }
    return kept;
}

size_t sc_stretches(const struct sc_vocab *vocab, const struct sc_decode_window *w,
                    struct sc_stretch *out)
{
    int sound_ms = SC_MIN(w->frames, SC_WINDOW_FRAMES) * 10;
    struct sc_stretch open = { 0 };
    size_t count = 0;
    for (size_t i = 0; i < w->said_count; i++) {
        int32_t token = w->said[i].token;
        if (is_time(vocab, w, i)) {
            int ms = (token - vocab->first_time) * STEP_MS;
            close_stretch(&open, SC_MIN(ms, sound_ms), out, &count);
        } else if (token < vocab->eot) {
            if (open.count == 0)
                open.first = i;
            open.count = i + 1 - open.first;
        }
    }
    close_stretch(&open, SC_MIN(w->advance * 10, sound_ms), out, &count);
    /* What begins behind the start of the next window would lie behind what that one says. */
    return give_time(out, count, SC_MIN(w->advance * 10, sound_ms));
}

void sc_past_done(struct sc_past *p)
{
    free(p->tokens);
    *p = (struct sc_past){ 0 };
}

bool sc_past_add(struct sc_past *p, const int32_t *tokens, size_t count)
{
    if (!sc_try_grow((void **)&p->tokens, &p->cap, p->count + count, sizeof(*p->tokens)))
        return false;
    if (count > 0)
        memcpy(p->tokens + p->count, tokens, count * sizeof(*tokens));
    p->count += count;
    return true;
}

size_t sc_past_ahead(const struct sc_past *p, int64_t frame, int64_t frames)
{
    return frame > 0 && frame + SHORT_REST_FRAMES >= frames ? p->kept : p->count;
}

bool sc_past_follow(struct sc_past *p, const struct sc_decode_window *w)
{
    size_t said = p->count - p->kept;
    size_t gone = said - SC_MIN(w->past_used, said);
    if (gone > 0)
        memmove(p->tokens + p->kept, p->tokens + p->kept + gone,
                (said - gone) * sizeof(*p->tokens));
    p->count -= gone;
    for (size_t i = 0; i < w->counted && !w->silence; i++) {
        if (!sc_past_add(p, &w->said[i].token, 1))
            return false;
    }
    return true;
}
