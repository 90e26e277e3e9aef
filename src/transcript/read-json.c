/* JSON of several dialects. They differ in the names of members and in how times are written, so
 * one table of names serves them all; what no dialect has is refused with its place. */

#include "json/reader.h"

#include "transcript/reader-internal.h"
#include "transcript/revise.h"
#include "transcript/text.h"

#include <math.h>

#include "base/banned.h"

typedef const struct sc_json_value value;

#define WORD_BYTES 1000   /* what is longer is no word */
#define EARLY_MS 100      /* aligners put the first word so much before 0 */
#define WORD_MS_MAX 10000 /* words last less in the mean, so whole numbers were milliseconds */
#define SPEAKERS_MAX 1000 /* whose names are looked for by their ids */
#define CHUNKS_MIN 5      /* chunks of one word each are words, these being so many and so short */
#define CHUNK_BYTES 15

struct json {
    struct sc_reading *out;
    struct sc_error *err;
    value *speakers;       /* their names by their ids; NULL: none */
    bool several;          /* channels, each of which is a speaker */
    int64_t channel;       /* of these, from 1 on; 0: not known */
    bool decimals;         /* a time was no whole number */
    bool cut;              /* the words came without segments */
    bool exact;            /* our own export: its texts stay as they are, others become one line */
    bool backwards, early; /* such times were met in the segment (struct sc_read_doubts) */
    char place[64];
};

static enum sc_code refuse(const struct json *j, const char *what)
{
    return sc_error_field(j->err, SC_E_INVALID_VALUE, "text", "%s %s", j->place, what);
}

/* The first member of these names that is there and not null. */
static value *member(value *object, const char *const *names)
{
    for (; *names != NULL; names++) {
        value *v = sc_json_member(object, *names);
        if (v != NULL && sc_json_type(v) != SC_JSON_NULL)
            return v;
    }
    return NULL;
}

static bool is_number(value *v)
{
    return v != NULL && (sc_json_type(v) == SC_JSON_INT || sc_json_type(v) == SC_JSON_REAL);
}

static bool is_list(value *v)
{
    return v != NULL && sc_json_type(v) == SC_JSON_ARRAY;
}

/* ---- times ---- */

/* Seconds as a number, or "00:00:01,500"; `unit` 1: milliseconds. */
static bool read_time(struct json *j, value *v, double unit, int64_t *ms)
{
    if (v != NULL && sc_json_type(v) == SC_JSON_TEXT) {
        struct sc_str text = sc_str_trim(sc_json_get_str(v, SC_STR("")));
        j->decimals = true;
        return sc_cue_time_take(&text, ms) && text.len == 0;
    }
    double number = is_number(v) ? sc_json_get_real(v, -1) * unit : NAN;
    j->decimals = j->decimals || unit == 1 || (is_number(v) && sc_json_type(v) != SC_JSON_INT);
    if (!(number > -1e6 && number < (double)SC_SEGMENT_TIME_MAX))
        return false;
    *ms = SC_MAX(llround(number), 0);
    j->early = j->early || number < -EARLY_MS;
    return true;
}

/* Where there is an end. */
static bool read_end(struct json *j, value *v, double unit, int64_t *ms)
{
    return v == NULL || sc_json_type(v) == SC_JSON_NULL || read_time(j, v, unit, ms);
}

/* The end, where the object tells how long it lasts instead. */
static bool read_length(struct json *j, value *object, double unit, int64_t start_ms,
                        int64_t *end_ms)
{
    int64_t length;
    value *v = sc_json_member(object, "duration");
    if (v == NULL || sc_json_type(v) == SC_JSON_NULL)
        return true;
    if (!read_time(j, v, unit, &length))
        return false;
    *end_ms = start_ms + length;
    return true;
}

/* The times of a segment or word, by the ways in which dialects write them. -1: not there. */
static bool read_span(struct json *j, value *object, int64_t *start_ms, int64_t *end_ms)
{
    static const struct {
        const char *outer, *start, *end; /* outer NULL: in the object itself */
        double unit;
    } ways[] = {
        { NULL, "start", "end", 1000 },           { "offsets", "from", "to", 1 },
        { "timestamps", "from", "to", 1 },        { NULL, "start_ms", "end_ms", 1 },
        { NULL, "start_time", "end_time", 1000 }, { NULL, "startMs", "endMs", 1 },
    };
    *start_ms = *end_ms = -1;
    value *pair = sc_json_member(object, "timestamp");
    if (is_list(pair))
        return read_end(j, sc_json_at(pair, 1), 1000, end_ms) &&
               read_time(j, sc_json_at(pair, 0), 1000, start_ms);
    for (size_t i = 0; i < SC_ARRAY_LEN(ways); i++) {
        value *in = ways[i].outer == NULL ? object : sc_json_member(object, ways[i].outer);
        value *start = in == NULL ? NULL : sc_json_member(in, ways[i].start);
        value *end = in == NULL ? NULL : sc_json_member(in, ways[i].end);
        if (start == NULL || sc_json_type(start) == SC_JSON_NULL)
            continue;
        return read_end(j, end, ways[i].unit, end_ms) &&
               read_time(j, start, ways[i].unit, start_ms) &&
               (*end_ms >= 0 || read_length(j, object, ways[i].unit, *start_ms, end_ms));
    }
    return true;
}

static float read_confidence(value *object)
{
    static const char *const names[] = { "confidence", "probability", "score", "conf", "p", NULL };
    value *v = member(object, names);
    double c = -1;
    if (is_number(v))
        c = sc_json_get_real(v, -1);
    else if (!sc_str_to_double(sc_json_get_str(v, SC_STR("")), &c))
        c = -1;
    value *log = sc_json_member(object, "avg_logprob");
    if (c < 0 && is_number(log))
        c = exp(SC_MIN(sc_json_get_real(log, 0), 0));
    return c < 0 ? -1 : (float)SC_MIN(c, 1);
}

/* Whisper leaves out what is likely no speech only where it is not sure of its words either: so the
 * smaller doubt of both counts, which agrees with Whisper's limits of 0.6 and -1 (to 8 hundredths).
 */
static float read_no_speech(value *object)
{
    value *prob = sc_json_member(object, "no_speech_prob");
    value *log = sc_json_member(object, "avg_logprob");
    if (!is_number(prob))
        return -1;
    double p = fmin(fmax(sc_json_get_real(prob, 0), 0), 1);
    if (is_number(log))
        p = fmin(p, 1 - exp(SC_MIN(sc_json_get_real(log, 0), 0)));
    return (float)p;
}

/* ---- words ---- */

/* Amazon's words stand in a list of what the word may be, the likeliest first. */
static value *likeliest(value *object)
{
    value *list = sc_json_member(object, "alternatives");
    return is_list(list) && sc_json_count(list) > 0 ? sc_json_at(list, 0) : object;
}

static bool is_punctuation(value *object)
{
    return sc_str_equal(sc_json_get_str(sc_json_member(object, "type"), SC_STR("")),
                        SC_STR("punctuation"));
}

static enum sc_code add_word(struct json *j, struct sc_segment *s, value *object, size_t index)
{
    static const char *const names[] = { "punctuated_word", "word", "text", "content", NULL };
    char place[96];
    int64_t start, end;
    (void)snprintf(place, sizeof(place), "%.60s word %zu", j->place, index + 1);
    struct json at = { .err = j->err };
    (void)snprintf(at.place, sizeof(at.place), "%.63s", place);
    if (sc_json_type(object) != SC_JSON_OBJECT)
        return refuse(&at, "is no object");
    value *said = likeliest(object), *text = member(said, names);
    if (text == NULL || sc_json_type(text) != SC_JSON_TEXT)
        return refuse(&at, "has no text; name it 'word' or 'text'");
    if (!read_span(j, object, &start, &end))
        return refuse(&at, "has a time that is no number of seconds");
    if (start < 0 && is_punctuation(object)) /* the text has it */
        return SC_OK;
    /* Aligners leave the times of numbers out: such a word stands where the one before ends. */
    if (start < 0)
        start = s->word_count > 0 ? s->words[s->word_count - 1].end_ms : SC_MAX(s->start_ms, 0);
    SC_AUTO_BUF line = { .limit = SC_READ_LIMIT };
    struct sc_str word = sc_json_get_str(text, SC_STR(""));
    if (!j->exact) {
        sc_text_append_line(&line, word);
        word = sc_buf_str(&line);
    }
    if (line.failed)
        return sc_read_no_memory(j->err);
    if (word.len == 0 && !j->exact)
        return SC_OK;
    j->backwards = j->backwards || (end >= 0 && end < start);
    if (!sc_segment_add_word(s, word, start, SC_MAX(end, start), read_confidence(said)))
        return sc_read_no_memory(j->err);
    return SC_OK;
}

/* Does this token begin a word? One with a space in front does, and in scripts without spaces each.
 */
static bool begins_word(const struct sc_segment *s, struct sc_str token)
{
    if (s->word_count == 0 || token.ptr[0] == ' ')
        return true;
    struct sc_str last = sc_str_from(s->words[s->word_count - 1].text);
    return last.len == 0 || last.len > WORD_BYTES || !sc_text_needs_space(last, token);
}

/* whisper.cpp's tokens are pieces of words. Those in brackets are signals of the model. */
static enum sc_code add_token(struct json *j, struct sc_segment *s, value *object)
{
    struct sc_str text = sc_json_get_str(sc_json_member(object, "text"), SC_STR(""));
    int64_t start, end;
    if (text.len == 0 || sc_str_starts(text, SC_STR("[_")) || sc_str_starts(text, SC_STR("<|")))
        return SC_OK;
    if (!read_span(j, object, &start, &end) || start < 0)
        return refuse(j, "has a token without times");
    if (begins_word(s, text))
        return sc_segment_add_word(s, sc_str_trim(text), start, SC_MAX(end, start),
                                   read_confidence(object))
                   ? SC_OK
                   : sc_read_no_memory(j->err);
    struct sc_word *last = &s->words[s->word_count - 1];
    SC_AUTO_BUF joined = { .limit = SC_READ_LIMIT };
    sc_buf_puts(&joined, last->text);
    sc_buf_put_str(&joined, text);
    char *made = sc_buf_take(&joined);
    if (made == NULL)
        return sc_read_no_memory(j->err);
    free(last->text);
    last->text = made;
    last->end_ms = SC_MAX(last->end_ms, end);
    float c = read_confidence(object);
    last->confidence = c < 0 ? last->confidence : SC_MIN(last->confidence, c);
    return SC_OK;
}

/* A sign that was cut between two tokens is no UTF-8 in either: the text of the segment has it. */
static bool has_broken_word(const struct sc_segment *s)
{
    for (size_t i = 0; i < s->word_count; i++) {
        if (strstr(s->words[i].text, "\xef\xbf\xbd") != NULL)
            return true;
    }
    return false;
}

static void drop_words(struct sc_segment *s)
{
    for (size_t i = 0; i < s->word_count; i++)
        free(s->words[i].text);
    s->word_count = 0;
}

static enum sc_code add_words(struct json *j, struct sc_segment *s, value *object)
{
    static const char *const names[] = { "words", "result", NULL };
    value *words = member(object, names), *tokens = sc_json_member(object, "tokens");
    enum sc_code code = SC_OK;
    if (words != NULL && !is_list(words))
        return refuse(j, "has words that are no list");
    for (size_t i = 0; code == SC_OK && words != NULL && i < sc_json_count(words); i++)
        code = add_word(j, s, sc_json_at(words, i), i);
    /* openai-whisper's tokens are numbers */
    if (words != NULL || !is_list(tokens) || sc_json_count(tokens) == 0 ||
        sc_json_type(sc_json_at(tokens, 0)) != SC_JSON_OBJECT)
        return code;
    for (size_t i = 0; code == SC_OK && i < sc_json_count(tokens); i++)
        code = add_token(j, s, sc_json_at(tokens, i));
    if (has_broken_word(s))
        drop_words(s);
    return code;
}

/* ---- segments ---- */

static enum sc_code read_text(struct json *j, struct sc_segment *s, value *object)
{
    static const char *const names[] = { "text", "transcript", NULL };
    value *text = j->exact ? sc_json_member(object, "text") : member(object, names);
    if (text != NULL && sc_json_type(text) != SC_JSON_TEXT && sc_json_type(text) != SC_JSON_NULL)
        return refuse(j, "has a text that is no text");
    struct sc_str found = sc_json_get_str(text, SC_STR(""));
    if (text == NULL && s->word_count > 0)
        return sc_segment_settle(s) ? SC_OK : sc_read_no_memory(j->err);
    if (j->exact)
        return sc_segment_set_text(s, found) ? SC_OK : sc_read_no_memory(j->err);
    return sc_segment_say(s, found) ? SC_OK : sc_read_no_memory(j->err);
}

/* Who speaks, as the object has it; NULL: nobody is named. */
static value *speaker_of(value *object)
{
    static const char *const names[] = { "speaker", "speaker_label", "speaker_id", NULL };
    return member(object, names);
}

/* The name of an id, where a list at the root tells it. */
static value *name_of(const struct json *j, value *id)
{
    struct sc_str text = sc_json_get_str(id, SC_STR(""));
    for (size_t i = 0; text.len > 0 && is_list(j->speakers) && i < sc_json_count(j->speakers);
         i++) {
        value *one = sc_json_at(j->speakers, i), *name = sc_json_member(one, "name");
        if (sc_str_equal(sc_json_get_str(sc_json_member(one, "id"), SC_STR("")), text) &&
            sc_json_get_str(name, SC_STR("")).len > 0)
            return name;
    }
    return id;
}

/* "Ann", "0"; of several channels "1", and who speaks there behind it: "1.0". */
static enum sc_code read_speaker(struct json *j, struct sc_segment *s, value *object)
{
    value *speaker = j->exact ? sc_json_member(object, "speaker") : name_of(j, speaker_of(object));
    SC_AUTO_BUF name = { .limit = SC_READ_LIMIT };
    bool number = speaker != NULL && sc_json_type(speaker) == SC_JSON_INT;
    struct sc_str text = sc_json_get_str(speaker, SC_STR(""));
    if (j->channel > 0)
        sc_buf_printf(&name, "%lld%s", (long long)j->channel, number || text.len > 0 ? "." : "");
    if (number)
        sc_buf_printf(&name, "%lld", (long long)sc_json_get_int(speaker, 0));
    sc_buf_put_str(&name, text);
    return !name.failed && sc_segment_set_speaker(s, sc_buf_str(&name)) ? SC_OK
                                                                        : sc_read_no_memory(j->err);
}

/* The times of the segment, else of its words. */
static enum sc_code settle_span(struct json *j, struct sc_segment *s, int64_t start, int64_t end)
{
    if (start < 0 && s->word_count > 0)
        start = s->words[0].start_ms;
    if (end < 0 && s->word_count > 0)
        end = s->words[s->word_count - 1].end_ms;
    if (start < 0)
        return refuse(j, "has no start; name it 'start', in seconds");
    s->start_ms = start;
    s->end_ms = end < 0 ? end : SC_MAX(end, start);
    j->backwards = j->backwards || (end >= 0 && end < start);
    j->out->doubts.backwards += j->backwards;
    j->out->doubts.early += j->early;
    return SC_OK;
}

/* [start, end, text] */
static enum sc_code add_triple(struct json *j, value *list)
{
    int64_t start = -1, end = -1;
    value *text = sc_json_at(list, 2);
    if (sc_json_count(list) != 3 || sc_json_type(text) != SC_JSON_TEXT ||
        !read_time(j, sc_json_at(list, 0), 1000, &start) ||
        !read_end(j, sc_json_at(list, 1), 1000, &end))
        return refuse(j, "is a list of other things than start, end and text");
    struct sc_segment *s = sc_segments_add(&j->out->segments);
    if (s == NULL || !sc_segment_say(s, sc_json_get_str(text, SC_STR(""))))
        return sc_read_no_memory(j->err);
    if (s->text[0] == '\0') {
        sc_segment_done(s);
        j->out->segments.count--;
        return SC_OK;
    }
    return settle_span(j, s, start, end);
}

static enum sc_code add_segment(struct json *j, value *object)
{
    int64_t start, end;
    j->backwards = j->early = false;
    if (is_list(object))
        return add_triple(j, object);
    if (sc_json_type(object) != SC_JSON_OBJECT)
        return refuse(j, "is no object and no list of start, end and text");
    if (!read_span(j, object, &start, &end))
        return refuse(j, "has a time that is no number of seconds");
    struct sc_segment *s = sc_segments_add(&j->out->segments);
    if (s == NULL)
        return sc_read_no_memory(j->err);
    if (j->several) {
        int64_t channel = sc_json_get_int(sc_json_member(object, "channel"), -1);
        j->channel = channel >= 0 && channel < INT64_MAX ? channel + 1 : 0;
    }
    if (j->exact)
        s->id = SC_MAX(sc_json_get_int(sc_json_member(object, "id"), 0), 0);
    s->start_ms = SC_MAX(start, 0);
    s->confidence = read_confidence(object);
    s->no_speech = read_no_speech(object);
    enum sc_code code = sc_heard_read(object, s) ? SC_OK : sc_read_no_memory(j->err);
    if (code == SC_OK)
        code = add_words(j, s, object);
    if (code == SC_OK)
        code = read_text(j, s, object);
    if (code == SC_OK)
        code = read_speaker(j, s, object);
    bool empty = code == SC_OK && s->word_count == 0 && sc_str_trim(sc_str_from(s->text)).len == 0;
    if (empty && !j->exact) {
        sc_segment_done(s);
        j->out->segments.count--;
        return SC_OK;
    }
    if (code == SC_OK)
        code = settle_span(j, s, start, end);
    return code == SC_OK && !sc_segment_fit_words(s) ? sc_read_no_memory(j->err) : code;
}

static enum sc_code add_list(struct json *j, value *list, const char *what)
{
    enum sc_code code = SC_OK;
    for (size_t i = 0; code == SC_OK && i < sc_json_count(list); i++) {
        (void)snprintf(j->place, sizeof(j->place), "%s %zu", what, i + 1);
        code = add_segment(j, sc_json_at(list, i));
    }
    return code;
}

/* ---- words beside the segments (OpenAI) ---- */

/* Hands each word to the segment in which its middle lies, else to the nearest before. */
static enum sc_code deal_words(struct json *j, value *words)
{
    struct sc_segments *s = &j->out->segments;
    struct sc_segment all = { .start_ms = 0 };
    enum sc_code code = SC_OK;
    (void)snprintf(j->place, sizeof(j->place), "the text:");
    j->backwards = j->early = false;
    for (size_t i = 0; code == SC_OK && i < sc_json_count(words); i++)
        code = add_word(j, &all, sc_json_at(words, i), i);
    size_t at = 0;
    j->out->doubts.backwards += j->backwards;
    j->out->doubts.early += j->early;
    for (size_t i = 0; code == SC_OK && i < all.word_count; i++) {
        struct sc_word *w = &all.words[i];
        int64_t middle = w->start_ms + (w->end_ms - w->start_ms) / 2;
        while (at + 1 < s->count && s->items[at + 1].start_ms <= middle)
            at++;
        if (!sc_segment_add_word(&s->items[at], sc_str_from(w->text), w->start_ms, w->end_ms,
                                 w->confidence))
            code = sc_read_no_memory(j->err);
    }
    sc_segment_done(&all);
    for (size_t i = 0; code == SC_OK && i < s->count; i++) {
        struct sc_segment *x = &s->items[i];
        if (x->end_ms < 0 && x->word_count > 0)
            x->end_ms = SC_MAX(x->start_ms, x->words[x->word_count - 1].end_ms);
        if (!sc_segment_fit_words(x))
            code = sc_read_no_memory(j->err);
    }
    return code;
}

static bool has_words(const struct sc_segments *s)
{
    for (size_t i = 0; i < s->count; i++) {
        if (s->items[i].word_count > 0)
            return true;
    }
    return false;
}

/* ---- documents ---- */

static void read_language(struct json *j, value *root)
{
    static const char *const names[] = { "language", "language_code", NULL };
    value *said = member(root, names);
    value *result = sc_json_member(root, "result"); /* whisper.cpp */
    if (said == NULL && result != NULL && sc_json_type(result) == SC_JSON_OBJECT)
        said = sc_json_member(result, "language");
    sc_reading_say_language(j->out, sc_json_get_str(said, SC_STR("")));
}

static bool is_same(value *a, value *b)
{
    return sc_str_equal(sc_json_get_str(a, SC_STR("")), sc_json_get_str(b, SC_STR(""))) &&
           sc_json_get_int(a, -1) == sc_json_get_int(b, -1);
}

/* The words of one speaker are all there. */
static enum sc_code end_turn(struct json *j, value *root)
{
    struct sc_segments *list = &j->out->segments;
    struct sc_segment *s = &list->items[list->count - 1];
    if (s->word_count == 0) {
        sc_segment_done(s);
        list->count--;
        return SC_OK;
    }
    enum sc_code code = SC_OK;
    if (root != NULL)
        code = read_text(j, s, root);
    else if (!sc_segment_settle(s))
        code = sc_read_no_memory(j->err);
    if (code == SC_OK)
        code = settle_span(j, s, -1, -1);
    if (code == SC_OK && !sc_segment_fit_words(s))
        code = sc_read_no_memory(j->err);
    return code;
}

/* Words that each may name their speaker; where one speaks alone the text is that of the root. */
static enum sc_code add_turns(struct json *j, value *words, value *root)
{
    struct sc_segments *list = &j->out->segments;
    enum sc_code code = SC_OK;
    value *who = NULL;
    size_t turns = 0;
    for (size_t i = 0; code == SC_OK && i < sc_json_count(words); i++) {
        value *object = sc_json_at(words, i), *speaker = speaker_of(object);
        bool begins = turns == 0 || (speaker != NULL && !is_same(speaker, who));
        if (begins && turns > 0)
            code = end_turn(j, NULL);
        if (begins && code == SC_OK) {
            struct sc_segment *s = sc_segments_add(list);
            code = s == NULL ? sc_read_no_memory(j->err) : read_speaker(j, s, object);
            j->backwards = j->early = false;
            who = speaker;
            turns++;
        }
        if (code == SC_OK)
            code = add_word(j, &list->items[list->count - 1], object, i);
    }
    return code == SC_OK && turns > 0 ? end_turn(j, turns == 1 ? root : NULL) : code;
}

static bool have_speakers(value *words)
{
    for (size_t i = 0; i < sc_json_count(words); i++) {
        if (speaker_of(sc_json_at(words, i)) != NULL)
            return true;
    }
    return false;
}

/* Pipelines that were asked for the times of words give each as a chunk. */
static bool are_words(value *chunks)
{
    size_t count = sc_json_count(chunks), bytes = 0;
    for (size_t i = 0; i < count; i++) {
        struct sc_str text =
            sc_json_get_str(sc_json_member(sc_json_at(chunks, i), "text"), SC_STR(""));
        text = sc_str_trim(text);
        if (text.len > 0 && memchr(text.ptr, ' ', text.len) != NULL)
            return false;
        bytes += text.len;
    }
    return count >= CHUNKS_MIN && bytes <= count * CHUNK_BYTES;
}

/* A text with words and without segments. */
static enum sc_code add_words_alone(struct json *j, value *words, value *root)
{
    int64_t start, end;
    j->cut = !read_span(j, root, &start, &end) || start < 0;
    return have_speakers(words) ? add_turns(j, words, root) : add_segment(j, root);
}

/* Deepgram's; NULL: there are none. */
static value *channels_of(value *root)
{
    value *list = sc_json_member(root, "channels");
    return is_list(list) && sc_json_count(list) > 0 &&
                   is_list(sc_json_member(sc_json_at(list, 0), "alternatives"))
               ? list
               : NULL;
}

/* Where there are no utterances: what each channel says, likeliest first. One that says nothing
 * has a text all the same. */
static enum sc_code add_channels(struct json *j, value *channels)
{
    enum sc_code code = SC_OK;
    j->cut = true;
    for (size_t i = 0; code == SC_OK && i < sc_json_count(channels); i++) {
        value *said = likeliest(sc_json_at(channels, i)), *words = sc_json_member(said, "words");
        struct sc_str text = sc_json_get_str(sc_json_member(said, "transcript"), SC_STR(""));
        (void)snprintf(j->place, sizeof(j->place), "channel %zu:", i + 1);
        j->channel = j->several ? (int64_t)i + 1 : 0;
        if (is_list(words) && sc_json_count(words) > 0)
            code = add_turns(j, words, said);
        else if (sc_str_trim(text).len > 0)
            code = refuse(j, "its text has no words with times");
    }
    value *language = sc_json_member(sc_json_at(channels, 0), "detected_language");
    sc_reading_say_language(j->out, sc_json_get_str(language, SC_STR("")));
    return code;
}

/* Only a text, or a text with words. */
static enum sc_code read_whole(struct json *j, value *root)
{
    static const char *const names[] = { "words", "result", NULL };
    struct sc_str text = sc_json_get_str(sc_json_member(root, "text"), (struct sc_str){ 0 });
    value *words = member(root, names);
    (void)snprintf(j->place, sizeof(j->place), "the text:");
    if (is_list(words) && sc_json_count(words) > 0)
        return add_words_alone(j, words, root);
    if (text.ptr == NULL)
        return sc_error_field(j->err, SC_E_INVALID_VALUE, "text",
                              "the JSON holds no segments, no words and no text that are known "
                              "here; have its program write srt, vtt or csv, or a list of "
                              "{start, end, text}");
    j->out->timed = false;
    return sc_read_txt(text, j->out, j->err);
}

static enum sc_code read_root(struct json *j, value *root)
{
    static const char *const lists[] = { "segments", "transcription", "chunks", "utterances",
                                         "audio_segments" };
    static const char *const beside[] = { "words", "items", NULL };
    if (is_list(root))
        return add_list(j, root, "segment");
    if (sc_json_type(root) != SC_JSON_OBJECT)
        return sc_error_field(j->err, SC_E_INVALID_VALUE, "text",
                              "the JSON is neither an object nor a list");
    read_language(j, root);
    value *results = sc_json_member(root, "results"), *speakers = sc_json_member(root, "speakers");
    if (is_list(speakers) && sc_json_count(speakers) <= SPEAKERS_MAX)
        j->speakers = speakers;
    if (results != NULL && sc_json_type(results) == SC_JSON_OBJECT)
        root = results;
    value *channels = channels_of(root);
    j->several = channels != NULL && sc_json_count(channels) > 1;
    for (size_t i = 0; i < SC_ARRAY_LEN(lists); i++) {
        value *list = sc_json_member(root, lists[i]), *words = member(root, beside);
        if (!is_list(list))
            continue;
        j->cut = strcmp(lists[i], "chunks") == 0 && are_words(list);
        if (j->cut) {
            (void)snprintf(j->place, sizeof(j->place), "the text:");
            return add_turns(j, list, root);
        }
        j->exact = i == 0 && sc_json_member(root, "job_id") != NULL &&
                   sc_json_member(root, "version") != NULL;
        enum sc_code code = add_list(j, list, "segment");
        if (code != SC_OK || !is_list(words) || j->out->segments.count == 0 ||
            has_words(&j->out->segments))
            return code;
        return deal_words(j, words);
    }
    return channels != NULL ? add_channels(j, channels) : read_whole(j, root);
}

/* Were whole numbers taken for seconds that are milliseconds? No word lasts so long. */
static bool are_milliseconds(const struct json *j)
{
    const struct sc_segments *list = &j->out->segments;
    int64_t count = 0, length = 0;
    for (size_t i = 0; i < list->count; i++) {
        for (size_t k = 0; k < list->items[i].word_count; k++, count++)
            length += list->items[i].words[k].end_ms - list->items[i].words[k].start_ms;
    }
    return !j->decimals && count > 0 && length / count >= WORD_MS_MAX;
}

static void take_milliseconds(struct sc_segments *list)
{
    for (size_t i = 0; i < list->count; i++) {
        struct sc_segment *s = &list->items[i];
        s->start_ms /= 1000;
        s->end_ms = s->end_ms < 0 ? -1 : s->end_ms / 1000;
        for (size_t k = 0; k < s->word_count; k++) {
            s->words[k].start_ms /= 1000;
            s->words[k].end_ms /= 1000;
        }
    }
}

enum sc_code sc_read_json(struct sc_str text, struct sc_reading *out, struct sc_error *err)
{
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    struct sc_error why = { 0 };
    struct json j = { .out = out, .err = err };
    if (sc_json_parse(text, &doc, &why) != SC_OK)
        return sc_error_field(err, SC_E_INVALID_VALUE, "text", "%.200s", why.msg);
    out->timed = true;
    enum sc_code code = read_root(&j, sc_json_root(doc));
    if (code == SC_OK && are_milliseconds(&j))
        take_milliseconds(&out->segments);
    if (code == SC_OK && j.cut && !sc_segments_cut(&out->segments))
        code = sc_read_no_memory(err);
    if (code == SC_OK && j.several && !sc_segments_sort(&out->segments))
        code = sc_read_no_memory(err);
    return code;
}
