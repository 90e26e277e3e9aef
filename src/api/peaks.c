/* GET /api/files/{id}/peaks: what a page draws of a recording. */

#include "api/api-internal.h"

#include "base/banned.h"

#define POINTS_DEFAULT 1000
#define POINTS_MAX 20000

struct asked {
    int64_t zoom, points, start_ms, end_ms; /* -1: not given */
};

static const struct sc_query_field peaks_fields[] = {
    SC_QUERY_ROW(NUMBER, struct asked, zoom, "zoom", .max = SC_PEAKS_ZOOMS - 1,
                 .help = "The stretches as they are stored: 10 ms, 160 ms, 2.56 s, 40.96 s"),
    SC_QUERY_ROW(NUMBER, struct asked, points, "points", .min = 1, .max = POINTS_MAX,
                 .help = "So many over the range; 1000 unless given", .example = "200"),
    SC_QUERY_ROW(SECONDS, struct asked, start_ms, "start", .help = "From when, in seconds",
                 .example = "60"),
    SC_QUERY_ROW(SECONDS, struct asked, end_ms, "end", .help = "Until when, in seconds",
                 .example = "90"),
};
static const struct sc_query peaks_query = SC_QUERY(peaks_fields);

static enum sc_code decode(struct sc_request *req, struct sc_peaks_query *q, struct sc_error *err)
{
    struct asked asked = { -1, -1, 0, -1 };
    enum sc_code code = sc_query_read(req, &peaks_query, &asked, err);
    if (code != SC_OK)
        return code;
    *q = (struct sc_peaks_query){
        .zoom = (int)asked.zoom,
        .points = asked.points < 0 ? POINTS_DEFAULT : asked.points,
        .start_ms = asked.start_ms,
        .end_ms = asked.end_ms,
    };
    if (asked.zoom >= 0 && asked.points >= 0)
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

SC_API_DOC(file_peaks) = {
    .query = &peaks_query,
    .replies = { { 200, &sc_shape_peaks } },
    .errors = { SC_E_FILE_NOT_FOUND, SC_E_AUDIO_ERROR, SC_E_FILE_FORMAT },
};
