/* GET /api/files/{id}/peaks: what a page draws of a recording. */

#include "api/api-internal.h"

#include "base/banned.h"

#define POINTS_DEFAULT 1000
#define POINTS_MAX 20000
#define SECONDS_MAX 1e9

/* Seconds as a decimal, from 0 up. */
static enum sc_code query_seconds(struct sc_request *req, const char *name, int64_t *ms,
                                  struct sc_error *err)
{
    struct sc_str text = sc_request_query(req, name);
    double seconds;
    if (text.ptr == NULL)
        return SC_OK;
    if (!sc_str_to_double(text, &seconds) || !(seconds >= 0 && seconds <= SECONDS_MAX)) {
        char quoted[SC_QUOTED_TEXT];
        return sc_error_field(err, SC_E_INVALID_VALUE, name,
                              "%s '%s' is no number of seconds from 0 up", name,
                              sc_quote(text, quoted));
    }
    *ms = (int64_t)(seconds * 1000 + 0.5);
    return SC_OK;
}

/* A whole number from lowest to highest; *out stays as it is when the parameter is absent. */
static enum sc_code query_within(struct sc_request *req, const char *name, int64_t lowest,
                                 int64_t highest, int64_t *out, struct sc_error *err)
{
    struct sc_str text = sc_request_query(req, name);
    int64_t value;
    if (text.ptr == NULL)
        return SC_OK;
    if (!sc_str_to_int64(text, &value) || value < lowest || value > highest) {
        char quoted[SC_QUOTED_TEXT];
        return sc_error_field(err, SC_E_INVALID_VALUE, name,
                              "%s '%s' is not a whole number from %lld to %lld", name,
                              sc_quote(text, quoted), (long long)lowest, (long long)highest);
    }
    *out = value;
    return SC_OK;
}

static enum sc_code decode(struct sc_request *req, struct sc_peaks_query *q, struct sc_error *err)
{
    static const char *const names[] = { "zoom", "points", "start", "end", NULL };
    int64_t zoom = -1;
    *q = (struct sc_peaks_query){ .points = POINTS_DEFAULT, .end_ms = -1 };
    enum sc_code code = sc_query_only(req, names, err);
    if (code == SC_OK)
        code = query_within(req, "zoom", 0, SC_PEAKS_ZOOMS - 1, &zoom, err);
    if (code == SC_OK)
        code = query_within(req, "points", 1, POINTS_MAX, &q->points, err);
    if (code == SC_OK)
        code = query_seconds(req, "start", &q->start_ms, err);
    if (code == SC_OK)
        code = query_seconds(req, "end", &q->end_ms, err);
    if (code != SC_OK)
        return code;
    q->zoom = (int)zoom;
    if (zoom >= 0 && sc_request_query(req, "points").ptr != NULL)
        return sc_error_field(err, SC_E_INVALID_VALUE, "points", "give zoom or points, not both");
    if (q->end_ms >= 0 && q->end_ms < q->start_ms)
        return sc_error_field(err, SC_E_INVALID_VALUE, "end", "end lies before start");
    return SC_OK;
}

struct sc_done *sc_api_file_peaks(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    SC_AUTO_FILE file = { 0 };
    SC_AUTO(sc_peaks_view_done) struct sc_peaks_view view = { 0 };
    struct sc_peaks_query query;

    enum sc_code code = decode(req, &query, &err);
    if (code == SC_OK) {
        SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
        code = sc_api_find_file(req, api, &conn, &file, &err);
    }
    if (code == SC_OK)
        code = sc_pipelines_peaks(api->options.pipelines, &file, &query, &view, &err);
    if (code != SC_OK)
        return sc_api_answer(req, code, &err, 200, &body);
    struct sc_json w;
    sc_json_begin(&w, &body);
    sc_peaks_json(&w, file.id, &view);
    return sc_api_answer(req, SC_OK, &err, 200, &body);
}
