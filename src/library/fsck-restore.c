/* Restoring what a row has lost. Nothing is believed: a candidate counts when it has the SHA-256
 * that the row was given. Candidates are what stands elsewhere (the words of the segment, its rows
 * in other versions, the text of its chunk, exports), each part alone and together, and the row
 * itself with any one bit turned round, which is what failing memory and disks do. */
#include "library/fsck-internal.h"

#include "base/alloc.h"
#include "transcript/words.h"

#include "base/banned.h"

/* Each bit of a field is one trial, and each trial sums all of the segment: so much is summed at
 * most, about a second's work. */
#define TRIAL_WORK ((size_t)1 << 30)

void sc_stored_done(struct sc_stored *row)
{
    sc_segment_done(&row->s);
    sc_buf_done(&row->words);
    sc_buf_done(&row->heard);
    sc_buf_done(&row->text);
    sc_buf_done(&row->was);
}

static bool unpack(struct sc_stored *row)
{
    return sc_words_unpack(sc_buf_str(&row->words), &row->s, NULL) == SC_OK &&
           sc_heard_unpack(sc_buf_str(&row->heard), &row->s, NULL) == SC_OK;
}

void sc_stored_from_row(struct sc_stmt *st, struct sc_stored *out)
{
    struct sc_error why = { 0 };
    struct sc_str words = sc_stmt_str(st, "words");
    struct sc_str heard = sc_stmt_str(st, "heard");
    *out = (struct sc_stored){ 0 };
    (void)sc_segment_from_row(st, &out->s, &why); /* it is damaged: that is why we are here */
    if (words.len > 0)
        sc_buf_append(&out->words, words.ptr, words.len);
    if (heard.len > 0)
        sc_buf_append(&out->heard, heard.ptr, heard.len);
    sc_buf_put_str(&out->text, sc_stmt_str(st, "text"));
    (void)snprintf(out->hash, sizeof(out->hash), "%s", sc_stmt_text(st, "content_hash"));
    sc_buf_put_str(&out->was, sc_stmt_str(st, "content_hash"));
    out->unpacked = unpack(out);
}

bool sc_hash_is_near(const char *a, const char *b)
{
    int other = 0;
    if (strlen(a) != SC_SHA256_TEXT - 1 || strlen(b) != SC_SHA256_TEXT - 1)
        return false;
    for (size_t i = 0; i < SC_SHA256_TEXT - 1; i++)
        other += a[i] != b[i] ? 1 : 0;
    return other == 1;
}

/* ---- one bit ---- */

/* Whether a mutation made things right; bits of `bytes` are turned one after another. */
typedef bool (*trial_fn)(void *ctx);

static bool try_bits(char *bytes, size_t len, trial_fn is_right, void *ctx)
{
    for (size_t i = 0; i < len; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            bytes[i] = (char)((unsigned char)bytes[i] ^ (1U << bit));
            if (is_right(ctx))
                return true;
            bytes[i] = (char)((unsigned char)bytes[i] ^ (1U << bit));
        }
    }
    return false;
}

struct text_trial {
    struct sc_buf *text;
    const char *hash;
};

static bool text_is_right(void *ctx)
{
    const struct text_trial *t = ctx;
    char hash[SC_SHA256_TEXT];
    sc_hash_bytes(t->text->ptr, t->text->len, hash);
    return strcmp(hash, t->hash) == 0;
}

bool sc_text_restore(struct sc_buf *text, const char *hash)
{
    struct text_trial t = { text, hash };
    return text->len > 0 && 8 * text->len * text->len <= TRIAL_WORK &&
           try_bits(text->ptr, text->len, text_is_right, &t);
}

/* ---- a segment ---- */

static bool is_right(const struct sc_stored *row)
{
    return row->unpacked && sc_segment_is_sound(&row->s, row->hash);
}

static bool packed_are_right(void *ctx)
{
    struct sc_stored *row = ctx;
    if (!unpack(row))
        return false;
    row->unpacked = true;
    return is_right(row);
}

/* Takes over the text when the row is right with it. */
static bool try_text(struct sc_stored *row, struct sc_str text)
{
    SC_AUTO_FREE char *other = sc_strndup(text.ptr, text.len);
    char *before = row->s.text;
    row->s.text = other;
    if (is_right(row)) {
        other = NULL;
        free(before);
        return true;
    }
    row->s.text = before;
    return false;
}

/* A bit that made a NUL of a sign: in C the text ends there. */
static bool try_nul(struct sc_stored *row)
{
    char *nul = row->text.len == 0 ? NULL : memchr(row->text.ptr, '\0', row->text.len);
    for (unsigned bit = 0; nul != NULL && bit < 8; bit++) {
        *nul = (char)(unsigned char)(1U << bit);
        if (try_text(row, sc_buf_str(&row->text)))
            return true;
    }
    return false;
}

struct content_trial {
    const struct sc_stored *row;
    struct sc_buf content;
    size_t bare;
};

static void content_done(struct content_trial *t)
{
    sc_buf_done(&t->content);
}

static bool content_is_right(void *ctx)
{
    const struct content_trial *t = ctx;
    return sc_content_is_sound(&t->content, t->bare, t->row->hash);
}

static int64_t take_number(const char *bytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < 8; i++)
        value |= (uint64_t)(unsigned char)bytes[i] << (8 * i);
    return (int64_t)value;
}

/* What was found to be right, back into the segment; the lengths are as they were. */
static void take_content(struct sc_segment *s, const struct content_trial *t)
{
    const char *at = t->content.ptr;
    s->start_ms = take_number(at);
    s->end_ms = take_number(at + 8);
    at += 24;
    memcpy(s->text, at, strlen(s->text));
    at += strlen(s->text) + 8;
    if (s->speaker != NULL)
        memcpy(s->speaker, at, strlen(s->speaker));
    uint32_t bits = (uint32_t)take_number(t->content.ptr + t->bare);
    memcpy(&s->confidence, &bits, sizeof(bits));
}

/* Times, text, speaker, confidence: where they stand in the form that is summed. */
static bool try_content(struct sc_stored *row)
{
    struct sc_segment *s = &row->s;
    SC_AUTO(content_done) struct content_trial t = { .row = row };
    float before = s->confidence;
    sc_segment_content(s, &t.content, &t.bare);
    size_t head = 32 + strlen(s->text) + (s->speaker == NULL ? 0 : strlen(s->speaker));
    if (t.content.failed || 16 * head * t.content.len > TRIAL_WORK)
        return false;
    if (!try_bits(t.content.ptr, head, content_is_right, &t) &&
        !try_bits(t.content.ptr + t.bare, 4, content_is_right, &t))
        return false;
    take_content(s, &t);
    s->confidence = s->confidence >= 0 ? s->confidence : SC_MIN(before, -1);
    return true;
}

static bool try_each_bit(struct sc_stored *row)
{
    if (row->unpacked && (try_nul(row) || try_content(row)))
        return true;
    struct sc_buf *packed[] = { &row->words, &row->heard };
    size_t whole = 4 * row->words.len + row->heard.len + strlen(row->s.text);
    bool before = row->unpacked;
    for (size_t i = 0; i < SC_ARRAY_LEN(packed); i++) {
        if (16 * packed[i]->len * whole <= TRIAL_WORK &&
            try_bits(packed[i]->ptr, packed[i]->len, packed_are_right, row))
            return true;
    }
    row->unpacked = before && unpack(row);
    return false;
}

/* What the words of the segment say, joined as engines' words are. */
static bool try_own_words(struct sc_stored *row)
{
    SC_AUTO(sc_segment_done) struct sc_segment joined = { 0 };
    if (!row->unpacked || row->s.word_count == 0)
        return false;
    for (size_t i = 0; i < row->s.word_count; i++) {
        const struct sc_word *w = &row->s.words[i];
        if (!sc_segment_add_word(&joined, sc_str_from(w->text), w->start_ms, w->end_ms,
                                 w->confidence))
            return false;
    }
    return sc_segment_settle(&joined) && try_text(row, sc_str_from(joined.text));
}

/* ---- other places ---- */

static void swap_in(struct sc_segment *s, const struct sc_segment *other, unsigned parts)
{
    if ((parts & SC_FSCK_TEXT) != 0)
        s->text = other->text;
    if ((parts & SC_FSCK_TIMES) != 0) {
        s->start_ms = other->start_ms;
        s->end_ms = other->end_ms;
    }
    if ((parts & SC_FSCK_SPEAKER) != 0)
        s->speaker = other->speaker;
    if ((parts & SC_FSCK_CONFIDENCE) != 0)
        s->confidence = other->confidence;
    if ((parts & SC_FSCK_HEARD) != 0)
        s->heard = other->heard;
    if ((parts & SC_FSCK_WORDS) == 0)
        return;
    s->words = other->words;
    s->word_count = other->word_count;
    if (s->made_count == 0) { /* else it is what was stored with the text */
        s->made = other->made;
        s->made_count = other->made_count;
    }
    s->origin = other->origin;
}

void sc_stored_pack(struct sc_stored *row)
{
    sc_buf_reset(&row->words);
    sc_buf_reset(&row->heard);
    sc_words_pack(&row->s, &row->words);
    sc_heard_pack(row->s.heard, &row->heard);
    row->unpacked = true;
}

/* Parts of the other segment in place of the row's, each alone and together. */
static bool try_parts(struct sc_stored *row, const struct sc_segment *other, unsigned has)
{
    if (other->text == NULL)
        return false;
    for (unsigned parts = has; parts > 0; parts = (parts - 1) & has) {
        struct sc_segment mixed = row->s; /* borrows of both */
        SC_AUTO(sc_segment_done) struct sc_segment copy = { 0 };
        swap_in(&mixed, other, parts);
        if (!sc_segment_is_sound(&mixed, row->hash) || !sc_segment_copy(&mixed, &copy))
            continue;
        copy.id = row->s.id;
        copy.row = row->s.row;
        copy.origin = row->s.origin;
        copy.chunk = row->s.chunk;
        sc_segment_done(&row->s);
        row->s = copy;
        copy = (struct sc_segment){ 0 };
        sc_stored_pack(row);
        return true;
    }
    return false;
}

static bool may_be(const struct sc_segment *s, const struct sc_segment *other, unsigned has)
{
    return (has & SC_FSCK_TIMES) == 0 || other->start_ms == s->start_ms ||
           other->end_ms == s->end_ms ||
           (other->text != NULL && strcmp(other->text, s->text) == 0) ||
           (other->start_ms < s->end_ms && other->end_ms > s->start_ms);
}

/* Captions hold a segment in several cues. */
static bool try_cues(struct sc_stored *row, const struct sc_fsck_source *source)
{
    SC_AUTO_BUF joined = { 0 };
    for (size_t i = 0; i < source->list.count; i++) {
        const struct sc_segment *cue = &source->list.items[i];
        if (cue->text == NULL || cue->start_ms + 1 < row->s.start_ms ||
            cue->end_ms > row->s.end_ms + 1)
            continue;
        if (joined.len > 0 && sc_segments_need_space(&source->list, i))
            sc_buf_putc(&joined, ' ');
        sc_buf_puts(&joined, cue->text);
    }
    return joined.len > 0 && try_text(row, sc_buf_str(&joined));
}

static bool try_source(struct sc_stored *row, const struct sc_fsck_source *source)
{
    for (size_t i = 0; i < source->list.count; i++) {
        const struct sc_segment *other = &source->list.items[i];
        if (may_be(&row->s, other, source->has) && try_parts(row, other, source->has))
            return true;
    }
    return (source->has & SC_FSCK_WORDS) == 0 && (source->has & SC_FSCK_TIMES) != 0 &&
           try_cues(row, source);
}

/* The checksum itself took the damage. */
static bool try_hash(struct sc_stored *row)
{
    char found[SC_SHA256_TEXT];
    if (!row->unpacked)
        return false;
    sc_segment_hash(&row->s, found);
    bool near = sc_hash_is_near(found, row->hash);
    if (!near) {
        sc_segment_hash_bare(&row->s, found);
        near = sc_hash_is_near(found, row->hash);
    }
    if (near)
        (void)snprintf(row->hash, sizeof(row->hash), "%s", found);
    return near;
}

static bool found_in(char from[SC_FSCK_NAME], const char *what)
{
    (void)snprintf(from, SC_FSCK_NAME, "%s", what);
    return true;
}

bool sc_stored_restore(struct sc_stored *row, const struct sc_fsck_sources *const *sources,
                       char from[SC_FSCK_NAME])
{
    if (row->s.text == NULL)
        return false;
    if (try_hash(row))
        return found_in(from, "what it says: its checksum alone is damaged");
    if (try_own_words(row))
        return found_in(from, "its own words");
    for (; *sources != NULL; sources++) {
        for (size_t i = 0; i < (*sources)->count; i++) {
            if (try_source(row, &(*sources)->items[i]))
                return found_in(from, (*sources)->items[i].name);
        }
    }
    return try_each_bit(row) && found_in(from, "itself: one bit had turned");
}
