#include "whisper/rules.h"

#include "base/macros.h"

#include <math.h>

#include "base/banned.h"

size_t sc_greatest(const float *values, size_t count)
{
    size_t best = 0;
    for (size_t i = 1; i < count; i++) {
        if (values[i] > values[best])
            best = i;
    }
    return best;
}

/* The logarithm of the sum of exponentials; -INFINITY where there is nothing to sum. */
static float log_sum(const float *values, size_t count)
{
    if (count == 0)
        return -INFINITY;
    float top = values[sc_greatest(values, count)];
    if (isinf(top))
        return top;
    float sum = 0;
    for (size_t i = 0; i < count; i++) {
        if (values[i] > -INFINITY)
            sum += expf(values[i] - top);
    }
    return logf(sum < 1 ? 1 : sum) + top; /* the greatest one adds 1 */
}

void sc_log_softmax(const float *logits, size_t count, float *out)
{
    float total = log_sum(logits, count);
    for (size_t i = 0; i < count; i++)
        out[i] = logits[i] > -INFINITY ? logits[i] - total : -INFINITY;
}

/* Tokens [from, to) may not be said. */
static void forbid(const struct sc_rules *rules, float *logits, int from, int to)
{
    from = SC_MAX(from, 0);
    to = SC_MIN(to, rules->vocab->size);
    for (int i = from; i < to; i++)
        logits[i] = -INFINITY;
}

static void forbid_one(const struct sc_rules *rules, float *logits, int token)
{
    if (token >= 0)
        forbid(rules, logits, token, token + 1);
}

/* Everything between the end of text and the first time: languages, tasks, marks. */
static void forbid_marks(const struct sc_rules *rules, float *logits)
{
    const struct sc_vocab *v = rules->vocab;
    forbid(rules, logits, v->eot + 1, v->first_time);
    for (size_t i = 0; i < rules->suppressed_count; i++)
        forbid_one(rules, logits, rules->suppressed[i]);
}

static bool is_time(const struct sc_rules *rules, const struct sc_rules_said *said, size_t back)
{
    return said->tokens[said->count - back] >= rules->vocab->first_time;
}

static void pair_times(const struct sc_rules *rules, const struct sc_rules_said *said,
                       float *logits)
{
    if (said->count == 0 || !is_time(rules, said, 1))
        return;
    if (said->count < 2 || is_time(rules, said, 2))
        forbid(rules, logits, rules->vocab->first_time, rules->vocab->size);
    else
        forbid(rules, logits, 0, rules->vocab->eot);
}

static void order_times(const struct sc_rules *rules, const struct sc_rules_said *said,
                        float *logits)
{
    int first = rules->vocab->first_time;
    if (!rules->timestamps) {
        forbid(rules, logits, first, rules->vocab->size);
        return;
    }
    pair_times(rules, said, logits);
    if (said->count == 0 && rules->first_time_max >= 0)
        forbid(rules, logits, first + rules->first_time_max + 1, rules->vocab->size);
    if (said->has_time)
        forbid(rules, logits, first, first + said->time);
}

void sc_rules_apply(const struct sc_rules *rules, const struct sc_rules_said *said,
                    float temperature, float *logits, float *logs)
{
    size_t count = (size_t)rules->vocab->size;
    size_t first = (size_t)rules->vocab->first_time;
    sc_assert(first > 0 && first <= count);
    if (temperature > 0) {
        for (size_t i = 0; i < count; i++)
            logits[i] /= temperature;
    }
    /* With all words and times forbidden the text is at its end: it is always allowed behind a
     * word. */
    if (said->count == 0) {
        forbid_one(rules, logits, rules->vocab->eot);
        forbid_one(rules, logits, rules->blank);
    }
    forbid_marks(rules, logits);
    order_times(rules, said, logits);
    sc_log_softmax(logits, count, logs);
    float times = log_sum(logs + first, count - first);
    if (times > logs[sc_greatest(logs, first)]) {
        forbid(rules, logits, 0, (int)first);
        forbid(rules, logs, 0, (int)first);
    }
}
