#pragma once
/* What a recogniser says of a segment besides its words (transcript/heard.h), as members of bodies
 * and of answers. */

#include "base/language.h"
#include "json/reader.h"

/* Read by sc_heard_read; here only so that the fields are known and held to their limits. */
struct sc_heard_asked {
    int64_t seek;
    double temperature, avg_logprob, compression_ratio, no_speech_prob;
    const struct sc_json_value *tokens;
    struct sc_str language;
};

#define SC_HEARD_ASKED_NUMBER(struct_, member_)                                             \
    {                                                                                       \
        .name = #member_, .type = SC_JSON_REAL, .offset = offsetof(struct_, heard.member_), \
        .min = -1000000, .max = 1000000, .help = "As `tokens`"                              \
    }
/* Rows of a body with a member `struct sc_heard_asked heard`. */
#define SC_HEARD_ASKED_ROWS(struct_, help_)                                                       \
    { .name = "tokens",                                                                           \
      .type = SC_JSON_ARRAY,                                                                      \
      .offset = offsetof(struct_, heard.tokens),                                                  \
      .items = SC_JSON_INT,                                                                       \
      .help = (help_) },                                                                          \
        { .name = "seek",                                                                         \
          .type = SC_JSON_INT,                                                                    \
          .offset = offsetof(struct_, heard.seek),                                                \
          .max = (int64_t)1 << 38,                                                                \
          .help = "As `tokens`; in hundredths of seconds" },                                      \
        { .name = "language",                                                                     \
          .type = SC_JSON_TEXT,                                                                   \
          .offset = offsetof(struct_, heard.language),                                            \
          .max = SC_LANGUAGE_TEXT - 1,                                                            \
          .help = "As `tokens`; a code such as en" },                                             \
        SC_HEARD_ASKED_NUMBER(struct_, temperature), SC_HEARD_ASKED_NUMBER(struct_, avg_logprob), \
        SC_HEARD_ASKED_NUMBER(struct_, compression_ratio),                                        \
        SC_HEARD_ASKED_NUMBER(struct_, no_speech_prob)

#define SC_SHOW_HEARD_NUMBER(name_, help_)                               \
    {                                                                    \
        .name = (name_), SC_SHOW_REAL, .optional = true, .help = (help_) \
    }
/* Rows of an answer that sc_heard_put writes. */
#define SC_SHOW_HEARD                                                                             \
    { .name = "seek",                                                                             \
      SC_SHOW_INT,                                                                                \
      .optional = true,                                                                           \
      .help = "Where the window begins that it was heard in, in hundredths of seconds. This and " \
              "the next six are there where the engine tells them, until somebody changes the "   \
              "words" },                                                                          \
        { .name = "tokens",                                                                       \
          SC_SHOW_INTS,                                                                           \
          .optional = true,                                                                       \
          .help = "The numbers of the model's tokens" },                                          \
        { .name = "language",                                                                     \
          SC_SHOW_TEXT,                                                                           \
          .optional = true,                                                                       \
          .help = "What is spoken in it, of a job with multilingual" },                           \
        SC_SHOW_HEARD_NUMBER("temperature", "Of the attempt that was taken"),                     \
        SC_SHOW_HEARD_NUMBER("avg_logprob",                                                       \
                             "The mean of the logarithms of the tokens' probabilities"),          \
        SC_SHOW_HEARD_NUMBER("compression_ratio",                                                 \
                             "How much shorter the text becomes when packed: high where it "      \
                             "repeats itself"),                                                   \
        SC_SHOW_HEARD_NUMBER("no_speech_prob", "How likely the model finds that nobody speaks")
