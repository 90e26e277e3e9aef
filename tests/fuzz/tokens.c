/* Text to tokens of a Whisper model. The first byte says how many are wanted at most. Whatever the
 * text: its pieces are the text, all its tokens together too, and those that are wanted are the
 * last of them. */

#include "fuzz.h"

#include "model.h"
#include "whisper/vocab-internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

static struct sc_vocab *make_vocabulary(void)
{
    static const struct test_model model = { .state = 2, .heads = 1, .mels = 2, .text_ctx = 16 };
    struct sc_whisper_file *f = NULL;
    struct sc_vocab *v = NULL;
    SC_AUTO_BUF bytes = { 0 };

    test_model_ggml(&model, &bytes);
    if (sc_whisper_file_of(sc_buf_str(&bytes), &f, NULL) != SC_OK ||
        sc_vocab_of(f, &v, NULL) != SC_OK)
        abort();
    sc_whisper_file_close(f);
    return v;
}

static void check_pieces(struct sc_str text)
{
    struct sc_str rest = text;
    size_t len = 0;

    while (rest.len > 0) {
        const struct sc_str piece = sc_vocab_piece(&rest);
        if (piece.len == 0 || piece.ptr != text.ptr + len)
            abort();
        len += piece.len;
    }
    if (len != text.len)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sc_vocab *v;

    if (size == 0)
        return 0;
    if (v == NULL)
        v = make_vocabulary();
    const struct sc_str text = { (const char *)data + 1, size - 1 };
    check_pieces(text);
    SC_AUTO_FREE int32_t *all = calloc(size, sizeof(*all));
    SC_AUTO_BUF joined = { 0 };
    int32_t some[256];
    if (all == NULL)
        abort();
    const size_t count = sc_vocab_encode(v, text, all, size);
    for (size_t i = 0; i < count; i++)
        sc_buf_put_str(&joined, sc_vocab_token(v, all[i]));
    /* No token of this vocabulary stands for NUL alone. */
    if (memchr(text.ptr, 0, text.len) == NULL && !sc_str_equal(sc_buf_str(&joined), text))
        abort();
    const size_t max = SC_MIN(data[0], count);
    if (sc_vocab_encode(v, text, some, max) != max ||
        memcmp(some, all + count - max, max * sizeof(*some)) != 0)
        abort();
    return 0;
}
