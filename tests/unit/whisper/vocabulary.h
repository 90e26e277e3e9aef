#pragma once
/* A vocabulary for tests that need no network: that of a tiny model of our own. */

#include "model.h"

#include "whisper/vocab.h"

static inline struct sc_vocab *test_vocabulary(int languages)
{
    SC_AUTO_BUF bytes = { 0 };
    SC_AUTO(sc_whisper_file_closep) struct sc_whisper_file *file = NULL;
    struct sc_vocab *vocab = NULL;
    test_model_ggml(&(struct test_model){ .languages = languages }, &bytes);
    assert_int_equal(sc_whisper_file_of(sc_buf_str(&bytes), &file, NULL), SC_OK);
    assert_int_equal(sc_vocab_of(file, &vocab, NULL), SC_OK);
    return vocab;
}
