#include "whisper/rules.h"

#include "testing.h"

#include <math.h>

#include "base/banned.h"

/* Ten words, the marks, and times from 0 on. */
enum {
    A,
    B,
    C,
    NOTE = 5,
    BLANK = 9,
    EOT = 10,
    SOT,
    EN,
    DE,
    TRANSLATE,
    TRANSCRIBE,
    LM,
    PREV,
    NO_SPEECH,
    NO_TIMES,
    T0
};
#define TIMES 101
#define SIZE (T0 + TIMES)

static const struct sc_vocab vocab = { .size = SIZE,
                                       .text = EOT,
                                       .eot = EOT,
                                       .sot = SOT,
                                       .languages = 2,
                                       .multilingual = true,
                                       .translate = TRANSLATE,
                                       .transcribe = TRANSCRIBE,
                                       .solm = LM,
                                       .prev = PREV,
                                       .no_speech = NO_SPEECH,
                                       .no_timestamps = NO_TIMES,
                                       .first_time = T0 };

struct table {
    struct sc_rules rules;
    float logits[SIZE], logs[SIZE];
};

static struct table make(void)
{
    static const int32_t notes[] = { NOTE };
    struct table t = { .rules = { .vocab = &vocab,
                                  .timestamps = true,
                                  .first_time_max = 50,
                                  .blank = BLANK,
                                  .suppressed = notes,
                                  .suppressed_count = 1 } };
    for (int i = 0; i < SIZE; i++)
        t.logits[i] = i < T0 ? 10 : 0; /* words are far likelier than times */
    return t;
}

static void apply(struct table *t, const int32_t *tokens, size_t count, int time)
{
    const struct sc_rules_said said = {
        .tokens = tokens, .count = count, .has_time = time > 0, .time = time
    };
    sc_rules_apply(&t->rules, &said, 0, t->logits, t->logs);
}

static bool allowed(const struct table *t, int token)
{
    return t->logs[token] > -INFINITY;
}

static void marks_and_notes_are_never_said(void **state)
{
    (void)state;
    struct table t = make();
    const int32_t said[] = { T0, A };
    apply(&t, said, 2, 0);
    for (int i = SOT; i < T0; i++)
        assert_false(allowed(&t, i));
    assert_false(allowed(&t, NOTE));
    assert_true(allowed(&t, B));
    assert_true(allowed(&t, EOT));
}

static void nothing_begins_with_its_end_or_a_blank_or_late(void **state)
{
    (void)state;
    struct table t = make();
    apply(&t, NULL, 0, 0);
    assert_false(allowed(&t, EOT));
    assert_false(allowed(&t, BLANK));
    assert_true(allowed(&t, T0 + 50));
    assert_false(allowed(&t, T0 + 51));
    t = make();
    t.rules.first_time_max = -1;
    apply(&t, NULL, 0, 0);
    assert_true(allowed(&t, T0 + 100));
}

static void times_come_in_pairs(void **state)
{
    (void)state;
    const int32_t begun[] = { T0 };
    const int32_t ended[] = { T0, A, T0 + 20 };
    const int32_t next[] = { T0, A, T0 + 20, T0 + 20 };
    struct table t = make();
    apply(&t, begun, 1, 0);
    assert_true(allowed(&t, A));
    assert_false(allowed(&t, T0 + 1));

    t = make();
    apply(&t, ended, 3, 20);
    assert_false(allowed(&t, A));
    assert_true(allowed(&t, EOT));
    assert_true(allowed(&t, T0 + 20));

    t = make();
    apply(&t, next, 4, 20);
    assert_true(allowed(&t, A));
    assert_false(allowed(&t, T0 + 21));
}

static void times_never_run_backwards(void **state)
{
    (void)state;
    const int32_t said[] = { T0, A, T0 + 20, T0 + 20, B };
    struct table t = make();
    apply(&t, said, 5, 20);
    assert_false(allowed(&t, T0 + 19));
    assert_true(allowed(&t, T0 + 20));
}

static void without_times_none_is_said(void **state)
{
    (void)state;
    struct table t = make();
    t.rules.timestamps = false;
    for (int i = T0; i < SIZE; i++)
        t.logits[i] = 50;
    apply(&t, NULL, 0, 0);
    for (int i = T0; i < SIZE; i++)
        assert_false(allowed(&t, i));
    assert_true(allowed(&t, A));
}

/* A hundred times at 6 together weigh more than any word at 10. */
static void times_that_are_likelier_together_than_any_word_win(void **state)
{
    (void)state;
    const int32_t said[] = { T0, A };
    struct table t = make();
    for (int i = T0; i < SIZE; i++)
        t.logits[i] = 6;
    apply(&t, said, 2, 0);
    assert_false(allowed(&t, A));
    assert_false(allowed(&t, EOT));
    assert_true(allowed(&t, T0 + 7));

    t = make();
    for (int i = T0; i < SIZE; i++)
        t.logits[i] = 5;
    apply(&t, said, 2, 0);
    assert_true(allowed(&t, A));
}

static void a_temperature_flattens(void **state)
{
    (void)state;
    const int32_t said[] = { T0, A };
    const struct sc_rules_said after = { .tokens = said, .count = 2 };
    struct table cold = make();
    struct table warm = make();
    cold.logits[B] = warm.logits[B] = 14;
    sc_rules_apply(&cold.rules, &after, 0, cold.logits, cold.logs);
    sc_rules_apply(&warm.rules, &after, 2, warm.logits, warm.logs);
    assert_true(fabsf(cold.logs[B] - cold.logs[A] - 4) < 1e-4f);
    assert_true(fabsf(warm.logs[B] - warm.logs[A] - 2) < 1e-4f);
}

static void logarithms_are_those_of_shares_that_make_one(void **state)
{
    (void)state;
    const float logits[] = { 3, -INFINITY, 1, 500, 499 };
    float logs[5];
    double sum = 0;
    sc_log_softmax(logits, 5, logs);
    for (int i = 0; i < 5; i++)
        sum += exp((double)logs[i]);
    assert_true(fabs(sum - 1) < 1e-4);
    assert_true(isinf(logs[1]));
    assert_int_equal(sc_greatest(logs, 5), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(marks_and_notes_are_never_said),
        TEST(nothing_begins_with_its_end_or_a_blank_or_late),
        TEST(times_come_in_pairs),
        TEST(times_never_run_backwards),
        TEST(without_times_none_is_said),
        TEST(times_that_are_likelier_together_than_any_word_win),
        TEST(a_temperature_flattens),
        TEST(logarithms_are_those_of_shares_that_make_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
