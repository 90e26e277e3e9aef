/* What a claim names: the lanes that a worker serves, and how many tasks it can take. */

#include "api/request.h"

#include "base/alloc.h"

#include "base/banned.h"

enum sc_code sc_names_check(const struct sc_json_value *array, const char *field, size_t longest,
                            struct sc_error *err)
{
    bool good = sc_json_count(array) <= SC_LANES_MAX;
    for (size_t i = 0; good && i < sc_json_count(array); i++) {
        size_t len = sc_json_get_str(sc_json_at(array, i), SC_STR("")).len;
        good = len >= 1 && len <= longest;
    }
    if (good)
        return SC_OK;
    return sc_error_field(err, SC_E_INVALID_VALUE, field,
                          "%s must be a list of at most %d names of 1 to %zu bytes", field,
                          SC_LANES_MAX, longest);
}

static enum sc_code add_lane(struct sc_lanes *lanes, struct sc_str lane, struct sc_error *err)
{
    /* Tasks of the lane 'server' run in this process and in no other. */
    if (!sc_str_equal(lane, SC_STR("noop")) && !sc_str_starts(lane, SC_STR("engine:"))) {
        char quoted[SC_QUOTED_TEXT];
        return sc_error_field(err, SC_E_INVALID_VALUE, "lanes",
                              "lane '%s' is neither 'noop' nor 'engine:NAME'",
                              sc_quote(lane, quoted));
    }
    char *text = lanes->text[lanes->count];
    memcpy(text, lane.ptr, lane.len);
    text[lane.len] = '\0';
    lanes->at[lanes->count++] = text;
    return SC_OK;
}

static enum sc_code read_batch(const struct sc_json_value *array, struct sc_lanes *out,
                               struct sc_error *err)
{
    bool good = sc_json_count(array) == out->count;
    for (size_t i = 0; good && i < out->count; i++) {
        int64_t n = sc_json_get_int(sc_json_at(array, i), 0);
        good = n >= 1 && n <= SC_CLAIM_MAX;
        out->batch[i] = good ? (int)n : 0;
    }
    return good ? SC_OK
                : sc_error_field(err, SC_E_INVALID_VALUE, "batch",
                                 "batch must be as long as lanes, of numbers from 1 to %d",
                                 SC_CLAIM_MAX);
}

enum sc_code sc_lanes_read(const struct sc_json_value *array, const struct sc_json_value *batch,
                           struct sc_lanes *out, struct sc_error *err)
{
    enum sc_code code = sc_names_check(array, "lanes", SC_LANE_TEXT - 1, err);
    if (code == SC_OK && sc_json_count(array) == 0)
        code = sc_error_field(err, SC_E_INVALID_VALUE, "lanes", "lanes names none to claim from");
    for (size_t i = 0; code == SC_OK && i < sc_json_count(array); i++)
        code = add_lane(out, sc_json_get_str(sc_json_at(array, i), SC_STR("")), err);
    return code == SC_OK && batch != NULL ? read_batch(batch, out, err) : code;
}

void sc_claimed_begin(struct sc_claimed *claimed, int64_t worker_id, const struct sc_lanes *lanes)
{
    claimed->claim = (struct sc_claim){
        .worker_id = worker_id,
        .lanes = lanes->at,
        .lane_count = lanes->count,
        .max = lanes->max,
        .batch = lanes->batch[0] == 0 ? NULL : lanes->batch,
    };
    claimed->work = sc_alloc_array((size_t)lanes->max, sizeof(*claimed->work));
}
