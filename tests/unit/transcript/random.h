#pragma once
/* Random transcripts that are the same in every run, full of what formats take for their syntax. */

#include "make.h"

static const char *const random_pieces[] = {
    "a",       "word",    "sentence.", "clause,",
    "-->",     "--",      ">",         "42",
    "1",       "<i>",     "</b>",      "<c>",
    "{\\an8}", "&amp;",   "é",         "e\u0301",
    "--->",    "😀",       "\u200b",    "averyveryveryveryveryverylongwordthatiswiderthanaline",
    "=1+1",    "\"quo,t", "NOTE",      "00:00:01,000",
    "\n\n",    "\r",      "\x01",      "\u2028",
    "🇩🇪",      "\ufeff",  "<",         "1\n00:00:09,000 --> 00:00:10,000",
};
static const char *const random_unsegmented[] = { "会議", "です。", "สวัสดี", "本日は晴天なり、",
                                                  "ー" };

static inline const char *dice_piece(struct dice *d, bool everything)
{
    if (everything && dice_between(d, 0, 5) == 0)
        return random_unsegmented[dice_between(d, 0,
                                               (int64_t)SC_ARRAY_LEN(random_unsegmented) - 1)];
    return random_pieces[dice_between(d, 0, (int64_t)SC_ARRAY_LEN(random_pieces) - 1)];
}

/* Segments that may overlap as those of two channels do, some edited, some without words. */
static inline void random_transcript(struct dice *d, bool everything, struct sc_segments *list)
{
    int64_t at = 0;
    for (int64_t n = dice_between(d, 0, 6); n > 0; n--) {
        struct sc_segment *s = sc_segments_add(list);
        int64_t start = at;
        s->id = (int64_t)list->count;
        s->start_ms = s->end_ms = at;
        for (int64_t k = dice_between(d, 0, 40); k > 0; k--) {
            int64_t end = at + dice_between(d, 0, k % 13 == 0 ? 12000 : 700);
            add_word(s, dice_piece(d, everything), at, end);
            at = end + (k % 17 == 0 ? 3000 : 0);
        }
        if (dice_between(d, 0, 1) == 0)
            s->speaker = strdup(dice_between(d, 0, 1) == 0 ? "1" : "Ann <b> & --> C");
        sc_segment_settle(s);
        if (s->word_count > 0 && dice_between(d, 0, 3) == 0 && (s->words[0].text[0] & 0x80) == 0)
            s->words[0].text[0] = 'Q'; /* edited: the words are no longer the text's */
        at = dice_between(d, 0, 2) == 0 ? dice_between(d, start, at) : at;
    }
    assert_int_equal(sc_segments_check(list, NULL), SC_OK);
}
