#include "whisper/vocab.h"

#include "base/alloc.h"
#include "base/language.h"
#include "whisper/vocab-internal.h"

#include "base/banned.h"

/* In the order of their tokens, by the codes of base/language.h: what the models were trained to
 * call `jw` is `jv`. */
static const char *const languages[] = {
    "en", "zh", "de", "es",  "ru", "ko", "fr", "ja", "pt", "tr",  "pl", "ca", "nl", "ar", "sv",
    "it", "id", "hi", "fi",  "vi", "he", "uk", "el", "ms", "cs",  "ro", "da", "hu", "ta", "no",
    "th", "ur", "hr", "bg",  "lt", "la", "mi", "ml", "cy", "sk",  "te", "fa", "lv", "bn", "sr",
    "az", "sl", "kn", "et",  "mk", "br", "eu", "is", "hy", "ne",  "mn", "bs", "kk", "sq", "sw",
    "gl", "mr", "pa", "si",  "km", "sn", "yo", "so", "af", "oc",  "ka", "be", "tg", "sd", "gu",
    "am", "yi", "lo", "uz",  "fo", "ht", "ps", "tk", "nn", "mt",  "sa", "lb", "my", "bo", "tl",
    "mg", "as", "tt", "haw", "ln", "ha", "ba", "jv", "su", "yue",
};

/* What is written for sounds, and what only stands in texts that nobody spoke. Each counts with a
 * space before it, too. */
static const char *const non_speech[] = {
    "\"", "#",   "(",   ")",  "*",   "+",  "/",  ":",  ";",   "<",  "=",  ">",   "@",   "[",
    "\\", "]",   "^",   "_",  "`",   "{",  "|",  "}",  "~",   "「", "」", "『",  "』",  "<<",
    ">>", "<<<", ">>>", "--", "---", "-(", "-[", "('", "(\"", "((", "))", "(((", ")))", "[[",
    "]]", "{{",  "}}",  "♪♪", "♪♪♪", "♩",  "♪",  "♫",  "♬",   "♭",  "♮",  "♯",
};

static uint32_t hash_of(struct sc_str s)
{
    uint32_t hash = 2166136261U;
    for (size_t i = 0; i < s.len; i++)
        hash = (hash ^ (unsigned char)s.ptr[i]) * 16777619U;
    return hash ^ hash >> 15;
}

int sc_vocab_find(const struct sc_vocab *v, struct sc_str bytes)
{
    const struct sc_vocab_index *x = v->index;

    for (uint32_t at = hash_of(bytes) & x->mask;; at = (at + 1) & x->mask) {
        const int32_t id = x->slots[at];
        if (id < 0 || sc_str_equal(x->tokens[id], bytes))
            return id;
    }
}

/* Of tokens with the same bytes the first counts; empty ones cannot be found. */
static void add(struct sc_vocab *v, int32_t id)
{
    struct sc_vocab_index *x = v->index;
    const struct sc_str token = x->tokens[id];

    if (token.len == 0)
        return;
    uint32_t at = hash_of(token) & x->mask;
    while (x->slots[at] >= 0) {
        if (sc_str_equal(x->tokens[x->slots[at]], token))
            return;
        at = (at + 1) & x->mask;
    }
    x->slots[at] = id;
}

static bool make_index(struct sc_vocab *v, const struct sc_whisper_file *f)
{
    struct sc_vocab_index *x = v->index;
    const size_t count = (size_t)v->text;
    size_t slots = 64, bytes = 0;

    while (slots < 2 * count)
        slots *= 2;
    for (int i = 0; i < v->text; i++)
        bytes += sc_whisper_file_token(f, i).len;
    x->mask = (uint32_t)slots - 1;
    x->bytes = sc_try_alloc(bytes + 1);
    x->tokens = sc_try_alloc((count + 1) * sizeof(*x->tokens));
    x->slots = sc_try_alloc(slots * sizeof(*x->slots));
    if (x->bytes == NULL || x->tokens == NULL || x->slots == NULL)
        return false;
    for (size_t i = 0; i < slots; i++)
        x->slots[i] = -1;
    char *to = x->bytes;
    for (int i = 0; i < v->text; i++) {
        const struct sc_str token = sc_whisper_file_token(f, i);
        memcpy(to, token.ptr, token.len);
        x->tokens[i] = (struct sc_str){ to, token.len };
        to += token.len;
        add(v, i);
    }
    return true;
}

static void add_non_speech(struct sc_vocab *v, struct sc_str bytes)
{
    struct sc_vocab_index *x = v->index;
    const int id = sc_vocab_find(v, bytes);

    if (id >= 0)
        x->non_speech[x->non_speech_count++] = id;
}

static int by_number(const void *a, const void *b)
{
    const int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

static void list_non_speech(struct sc_vocab *v)
{
    char spaced[16];

    v->index->non_speech =
        sc_alloc_array(2 * SC_ARRAY_LEN(non_speech) + 2, sizeof(*v->index->non_speech));
    for (size_t i = 0; i < SC_ARRAY_LEN(non_speech); i++) {
        (void)snprintf(spaced, sizeof(spaced), " %s", non_speech[i]);
        add_non_speech(v, sc_str_from(non_speech[i]));
        add_non_speech(v, sc_str_from(spaced));
    }
    /* These join words; at the beginning of one they stand for a change of speaker, or a quote. */
    add_non_speech(v, SC_STR(" -"));
    add_non_speech(v, SC_STR(" '"));
    qsort(v->index->non_speech, v->index->non_speech_count, sizeof(*v->index->non_speech),
          by_number);
}

/* Behind the text stand eot, sot, the languages, the other special tokens, the times. */
static void number_specials(struct sc_vocab *v, const struct sc_whisper_file *f)
{
    v->size = sc_whisper_file_dims(f)->n_vocab;
    v->text = sc_whisper_file_tokens(f);
    v->eot = v->text;
    v->sot = v->eot + 1;
    v->first_time = v->size - SC_VOCAB_TIMES;
    v->no_timestamps = v->first_time - 1;
    v->no_speech = v->first_time - 2;
    v->prev = v->first_time - 3;
    v->solm = v->first_time - 4;
    v->transcribe = v->first_time - 5;
    v->translate = v->first_time - 6;
    v->languages = v->translate - v->sot - 1;
    v->multilingual = v->size != SC_VOCAB_ENGLISH && v->languages > 0;
    sc_assert(v->languages >= 0 && v->languages <= (int)SC_ARRAY_LEN(languages));
}

enum sc_code sc_vocab_of(const struct sc_whisper_file *f, struct sc_vocab **out,
                         struct sc_error *err)
{
    SC_AUTO(sc_vocab_freep) struct sc_vocab *v = sc_alloc(sizeof(*v));

    v->index = sc_alloc(sizeof(*v->index));
    number_specials(v, f);
    if (!make_index(v, f))
        return sc_error_set(err, SC_E_INTERNAL, "memory is exhausted");
    list_non_speech(v);
    *out = SC_TAKE(v);
    return SC_OK;
}

void sc_vocab_free(struct sc_vocab *v)
{
    if (v == NULL)
        return;
    free(v->index->bytes);
    free(v->index->tokens);
    free(v->index->slots);
    free(v->index->non_speech);
    free(v->index);
    free(v);
}

struct sc_str sc_vocab_token(const struct sc_vocab *v, int id)
{
    return id >= 0 && id < v->text ? v->index->tokens[id] : SC_STR("");
}

const char *sc_vocab_language_at(int place)
{
    return place >= 0 && place < (int)SC_ARRAY_LEN(languages) ? languages[place] : NULL;
}

int sc_vocab_language_token(const struct sc_vocab *v, const char *code)
{
    char settled[SC_LANGUAGE_TEXT];

    if (!sc_language_code(sc_str_from(code), settled))
        return -1;
    for (int i = 0; v->multilingual && i < v->languages; i++) {
        if (strcmp(languages[i], settled) == 0)
            return v->sot + 1 + i;
    }
    return -1;
}

const char *sc_vocab_language(const struct sc_vocab *v, int token)
{
    const int i = token - v->sot - 1;
    return v->multilingual && i >= 0 && i < v->languages ? languages[i] : NULL;
}

const int32_t *sc_vocab_non_speech(const struct sc_vocab *v, size_t *count)
{
    *count = v->index->non_speech_count;
    return v->index->non_speech;
}
