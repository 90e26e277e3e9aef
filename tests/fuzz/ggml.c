/* Whisper models in the ggml form. Small inputs reach deep: the first byte chooses a model that is
 * made here, the rest are changes to it: three bytes say where, one how many bytes follow, 0 that
 * the file ends there. 0xff instead of a choice: the rest is the file. What is opened can be read
 * from one end to the other. */

#include "fuzz.h"

#include "model.h"
#include "whisper/vocab.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

static void read_ends(const struct sc_wtensor *t)
{
    SC_AUTO_FREE float *row = malloc((size_t)sc_wtensor_row(t) * sizeof(*row));
    if (row == NULL)
        abort();
    sc_wtensor_read(t, 0, 1, row);
    sc_wtensor_read(t, t->dims[0] - 1, 1, row);
}

static void use(const struct sc_whisper_file *f)
{
    static const char *const names[] = { "encoder.conv1.weight", "decoder.token_embedding.weight",
                                         "decoder.blocks.0.mlp.2.weight", "encoder.ln_post.bias",
                                         "decoder.blocks.0.cross_attn.key.weight" };
    struct sc_vocab *v = NULL;
    int32_t tokens[32];

    for (size_t i = 0; i < SC_ARRAY_LEN(names); i++) {
        const struct sc_wtensor *t = sc_whisper_file_tensor(f, names[i]);
        if (t == NULL)
            abort();
        read_ends(t);
    }
    if (sc_vocab_of(f, &v, NULL) != SC_OK)
        abort();
    if (sc_vocab_encode(v, SC_STR(" the one who said it"), tokens, 32) > 32)
        abort();
    sc_vocab_free(v);
}

/* The block is exactly as long as the file, so that the sanitizer sees one byte too far. */
static void open_one(const char *bytes, size_t len)
{
    struct sc_whisper_file *f = NULL;
    struct sc_error err = { 0 };
    SC_AUTO_FREE char *block = malloc(len > 0 ? len : 1);

    if (block == NULL)
        abort();
    memcpy(block, bytes, len);
    if (sc_whisper_file_of((struct sc_str){ block, len }, &f, &err) == SC_OK)
        use(f);
    else if (err.msg[0] == '\0')
        abort();
    sc_whisper_file_close(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sc_buf bases[2];
    static const struct test_model models[2] = {
        { .state = 2, .heads = 1, .mels = 2, .text_ctx = 16 },
        { .state = 32, .heads = 2, .mels = 3, .text_ctx = 16, .type = SC_WTYPE_Q5_1 },
    };

    if (size > 0 && data[0] == 0xff) {
        open_one((const char *)data + 1, size - 1);
        return 0;
    }
    for (size_t i = 0; i < SC_ARRAY_LEN(bases); i++) {
        if (bases[i].len == 0)
            test_model_ggml(&models[i], &bases[i]);
    }
    const struct sc_buf *base = &bases[size > 0 ? data[0] % SC_ARRAY_LEN(bases) : 0];
    SC_AUTO_FREE char *changed = malloc(base->len);
    size_t len = base->len;
    if (changed == NULL)
        abort();
    memcpy(changed, base->ptr, len);
    for (size_t at = 1; at + 4 <= size; at += 4 + (size_t)data[at + 3]) {
        const size_t where = data[at] | (size_t)data[at + 1] << 8 | (size_t)data[at + 2] << 16;
        const size_t count = data[at + 3];
        if (where >= len || count > size - at - 4 || count > len - where)
            break;
        if (count == 0)
            len = where;
        else
            memcpy(changed + where, data + at + 4, count);
    }
    open_one(changed, len);
    return 0;
}
