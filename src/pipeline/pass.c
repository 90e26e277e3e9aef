/* The decoder's frames as blocks of samples, one row for each stream. What the decoder says is
 * checked: the streams that it announces, frames that hold whole samples of all of them. */

#include "pipeline/decoder.h"

#include "json/reader.h"

#include "base/banned.h"

#define SAMPLES_PER_MS 16

struct pass {
    const struct sc_pass *in;
    int streams; /* 0: not known yet */
    int64_t samples;
    int16_t rows[SC_STREAMS_MAX][SC_PASS_BLOCK];
    size_t filled; /* samples in each row */
};

static enum sc_code flush(struct pass *p, struct sc_error *err)
{
    const int16_t *rows[SC_STREAMS_MAX];
    size_t samples = p->filled;
    if (samples == 0)
        return SC_OK;
    for (int i = 0; i < p->streams; i++)
        rows[i] = p->rows[i];
    p->filled = 0;
    return p->in->block(p->in->ctx, rows, samples, err);
}

/* Interleaved samples into the rows. */
static enum sc_code take_pcm(struct pass *p, struct sc_str bytes, struct sc_error *err)
{
    size_t streams = (size_t)p->streams;
    size_t frame = streams * sizeof(int16_t);
    if (streams == 0 || bytes.len % frame != 0) {
        return sc_error_set(err, SC_E_DECODER_CRASHED,
                            "the decoder sent %zu bytes as sound of %d streams", bytes.len,
                            p->streams);
    }
    const int16_t *at = (const int16_t *)(const void *)bytes.ptr;
    size_t rest = bytes.len / frame;
    p->samples += (int64_t)rest;
    if (p->samples / SAMPLES_PER_MS > p->in->limit_ms)
        return sc_error_set(err, SC_E_FILE_TOO_LARGE, "the recording is too long");
    while (rest > 0) {
        size_t n = SC_MIN(rest, SC_PASS_BLOCK - p->filled);
        for (size_t i = 0; i < n; i++) {
            for (size_t s = 0; s < streams; s++)
                p->rows[s][p->filled + i] = *at++;
        }
        p->filled += n;
        rest -= n;
        enum sc_code code = p->filled == SC_PASS_BLOCK ? flush(p, err) : SC_OK;
        if (code != SC_OK)
            return code;
    }
    return SC_OK;
}

static enum sc_code take_info(struct pass *p, struct sc_str text, struct sc_error *err)
{
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    enum sc_code code = sc_json_parse(text, &doc, err);
    if (code != SC_OK)
        return code;
    int64_t streams = sc_json_get_int(sc_json_member(sc_json_root(doc), "streams"), 1);
    bool split = p->in->channels != NULL && strcmp(p->in->channels, "split") == 0;
    if (p->streams != 0 || streams < 1 || streams > (split ? SC_STREAMS_MAX : 1)) {
        return sc_error_set(err, SC_E_DECODER_CRASHED, "the decoder announced %lld streams",
                            (long long)streams);
    }
    p->streams = (int)streams;
    return p->in->begin(p->in->ctx, p->streams, err);
}

static void read_lost(const struct sc_json_value *list, struct sc_pass_end *out)
{
    size_t n = list == NULL ? 0 : SC_MIN(sc_json_count(list), (size_t)SC_LOST_MAX);
    for (size_t i = 0; i < n; i++) {
        const struct sc_json_value *span = sc_json_at(list, i);
        int64_t start = sc_json_get_int(sc_json_member(span, "start_ms"), -1);
        int64_t end = sc_json_get_int(sc_json_member(span, "end_ms"), -1);
        if (start < 0 || end < start)
            continue;
        out->lost[out->lost_count].start_ms = start;
        out->lost[out->lost_count++].end_ms = end;
    }
}

void sc_pass_end_read(struct sc_str json, int64_t samples, struct sc_pass_end *out)
{
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    *out = (struct sc_pass_end){ .samples = samples, .first_ms = -1 };
    if (sc_json_parse(json, &doc, NULL) != SC_OK)
        return;
    const struct sc_json_value *root = sc_json_root(doc);
    const struct sc_json_value *errors = sc_json_member(root, "errors");
    if (errors != NULL)
        out->packets = SC_MAX(0, sc_json_get_int(sc_json_member(errors, "packets"), 0));
    out->first_ms = SC_MAX(-1, sc_json_get_int(sc_json_member(root, "first_error_ms"), -1));
    out->truncated = sc_json_get_bool(sc_json_member(root, "truncated"), false);
    out->cancels = sc_json_get_bool(sc_json_member(root, "cancels"), false);
    read_lost(sc_json_member(root, "lost"), out);
}

static enum sc_code take_frame(struct pass *p, const struct sc_decoder *d, struct sc_error *err)
{
    switch (d->type) {
    case SC_FRAME_INFO:
        return take_info(p, sc_buf_str(&d->payload), err);
    case SC_FRAME_PCM:
        return take_pcm(p, sc_buf_str(&d->payload), err);
    }
    return SC_OK;
}

enum sc_code sc_pass_run(const struct sc_pass *pass, struct sc_pass_end *end, struct sc_error *err)
{
    struct pass p = { .in = pass };
    SC_AUTO(sc_decoder_done)
    struct sc_decoder d = { .fd = -1, .stop = pass->stop, .ctx = pass->stop_ctx };
    const struct sc_decoder_options options = {
        .input = pass->input,
        .channels = pass->channels,
        .max_ms = pass->limit_ms,
    };
    bool killed = false;
    enum sc_code code = sc_decoder_start(&d, &options, err);
    while (code == SC_OK) {
        code = sc_decoder_next(&d, &killed, err);
        if (code == SC_OK && d.type == SC_FRAME_DONE)
            break;
        if (code == SC_OK)
            code = take_frame(&p, &d, err);
    }
    if (code == SC_OK)
        code = flush(&p, err);
    if (code == SC_OK)
        sc_pass_end_read(sc_buf_str(&d.payload), p.samples, end);
    return code;
}
