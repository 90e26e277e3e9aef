/* Whisper models in the safetensors form. The first byte says what the rest is: the header of the
 * weights, config.json, the vocabulary, or all bytes of the weights; what remains is of a model
 * that is made here. */

#include "fuzz.h"

#include "model.h"
#include "whisper/file-internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

/* The header's length, the header, and as many bytes of values as the model has. */
static void put_weights(struct sc_buf *out, struct sc_str header, const struct sc_buf *base)
{
    size_t len = 0;
    for (size_t i = 0; i < 8; i++)
        sc_buf_putc(out, (char)(header.len >> 8 * i & 0xff));
    sc_buf_put_str(out, header);
    for (size_t i = 8; i-- > 0;)
        len = len << 8 | (unsigned char)base->ptr[i];
    sc_buf_append(out, base->ptr + 8 + len, base->len - 8 - len);
}

static void open_one(struct sc_str weights, struct sc_str config, struct sc_str vocabulary)
{
    struct sc_error err = { 0 };
    SC_AUTO_FREE char *block = malloc(weights.len > 0 ? weights.len : 1);
    SC_AUTO(sc_whisper_file_closep) struct sc_whisper_file *f = calloc(1, sizeof(*f));

    if (block == NULL || f == NULL)
        abort();
    memcpy(block, weights.ptr, weights.len);
    f->bytes = (struct sc_str){ block, weights.len };
    if (!sc_safetensors_is(f->bytes))
        return;
    if (sc_safetensors_read(f, config, vocabulary, &err) != SC_OK) {
        if (err.msg[0] == '\0')
            abort();
        return;
    }
    for (size_t i = 0; i < f->entry_count; i++) {
        const struct sc_wtensor *t = &f->entries[i].tensor;
        SC_AUTO_FREE float *row = malloc((size_t)sc_wtensor_row(t) * sizeof(*row));
        if (row == NULL)
            abort();
        sc_wtensor_read(t, t->dims[0] - 1, 1, row);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct test_safetensors base;
    static const struct test_model model = { .state = 2, .heads = 1, .mels = 2, .text_ctx = 16 };
    SC_AUTO_BUF weights = { 0 };

    if (size == 0)
        return 0;
    if (base.weights.len == 0)
        test_model_safetensors(&model, &base);
    const struct sc_str rest = { (const char *)data + 1, size - 1 };
    const struct sc_str whole = sc_buf_str(&base.weights), config = sc_buf_str(&base.config);
    const struct sc_str vocabulary = sc_buf_str(&base.vocabulary);
    switch (data[0] % 5) {
    case 0:
        put_weights(&weights, rest, &base.weights);
        open_one(sc_buf_str(&weights), config, vocabulary);
        break;
    case 1: /* the dimensions follow from the shapes */
        put_weights(&weights, rest, &base.weights);
        open_one(sc_buf_str(&weights), SC_STR(""), vocabulary);
        break;
    case 2:
        open_one(whole, rest, vocabulary);
        break;
    case 3:
        open_one(whole, config, rest);
        break;
    default:
        open_one(rest, config, vocabulary);
        break;
    }
    return 0;
}
