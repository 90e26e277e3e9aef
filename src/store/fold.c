#include "store/fold.h"

#include "base/alloc.h"
#include "base/lock.h"
#include "base/utf8.h"
#include "store/tokenizer.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/banned.h"

/* What unicode61 makes of a sign is found out by asking it, 256 signs at a time, when one of them
 * is first met: a table of our own could differ from that of the SQLite that built the index. */
#define BLOCK 256
#define BLOCKS (0x110000 / BLOCK)
#define WORD_BIT UINT32_C(0x80000000)

static _Atomic(uint32_t *) blocks[BLOCKS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static bool is_space(uint32_t sign)
{
    return sign == ' ' || (sign >= '\t' && sign <= '\r') || sign == 0x85 || sign == 0xA0 ||
           sign == 0x1680 || (sign >= 0x2000 && sign <= 0x200A) || sign == 0x2028 ||
           sign == 0x2029 || sign == 0x202F || sign == 0x205F || sign == 0x3000;
}

struct probe {
    uint32_t sign, folded;
    size_t end;  /* of the probe's text */
    bool joined; /* the sign belongs to the word before it */
};

/* The first word of "a" and the sign. */
static void take_word(void *ctx, const struct sc_token *token)
{
    struct probe *p = ctx;
    if (token->start != 0)
        return;
    p->joined = token->end == p->end;
    uint32_t folded = 0;
    if (token->text.len > 1)
        (void)sc_utf8_decode((struct sc_str){ token->text.ptr + 1, token->text.len - 1 }, &folded);
    p->folded = folded;
}

static uint32_t entry_of(struct sc_tokenizer_words *words, uint32_t sign)
{
    if (sc_tokenizer_is_dense(sign))
        return sign | WORD_BIT;
    if (is_space(sign))
        return ' ';
    SC_AUTO_BUF text = { 0 };
    sc_buf_putc(&text, 'a');
    sc_utf8_append(&text, sign);
    struct probe p = { .sign = sign, .end = text.len };
    sc_tokenizer_words_run(words, sc_buf_str(&text), true, take_word, &p);
    if (!p.joined)
        return sign;
    return p.folded == 0 ? 0 : p.folded | WORD_BIT;
}

static uint32_t *make_block(uint32_t first)
{
    uint32_t *block = sc_alloc_array(BLOCK, sizeof(*block));
    struct sc_tokenizer_words *words = sc_tokenizer_words_new();
    for (uint32_t i = 0; i < BLOCK; i++)
        block[i] = entry_of(words, first + i);
    sc_tokenizer_words_free(words);
    return block;
}

static uint32_t look_up(uint32_t sign)
{
    if (sign >= 0x110000 || (sign >= 0xD800 && sign <= 0xDFFF))
        return sign;
    uint32_t *block = atomic_load_explicit(&blocks[sign / BLOCK], memory_order_acquire);
    if (block == NULL) {
        SC_LOCK(&lock);
        block = atomic_load_explicit(&blocks[sign / BLOCK], memory_order_relaxed);
        if (block == NULL) {
            block = make_block(sign / BLOCK * BLOCK);
            atomic_store_explicit(&blocks[sign / BLOCK], block, memory_order_release);
        }
    }
    return block[sign % BLOCK];
}

uint32_t sc_fold_sign(uint32_t sign)
{
    return look_up(sign) & ~WORD_BIT;
}

bool sc_fold_is_word(uint32_t sign)
{
    return (look_up(sign) & WORD_BIT) != 0;
}

uint32_t sc_fold_next(struct sc_folder *f, size_t *start)
{
    while (f->rest.len > 0) {
        uint32_t sign = 0xFFFD;
        size_t n = sc_utf8_decode(f->rest, &sign);
        n = SC_MAX(n, 1);
        *start = f->at;
        f->rest = (struct sc_str){ f->rest.ptr + n, f->rest.len - n };
        f->at += n;
        uint32_t folded = sc_fold_sign(sign);
        if (folded == 0 || (folded == ' ' && f->last == ' '))
            continue;
        f->last = folded;
        return folded;
    }
    return 0;
}

void sc_fold_text(struct sc_buf *out, struct sc_str text)
{
    struct sc_folder f = { .rest = text };
    size_t start;
    for (uint32_t sign; (sign = sc_fold_next(&f, &start)) != 0;)
        sc_utf8_append(out, sign);
}
