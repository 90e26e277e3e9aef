#include "engine/engine-internal.h"

#include <string.h>

#include "base/banned.h"

static const struct sc_engine_ops *const engines[] = {
    &sc_engine_whisper, &sc_engine_pocketsphinx, &sc_engine_command,
    &sc_engine_http,    &sc_engine_null,
};

void sc_engine_result_done(struct sc_engine_result *r)
{
    sc_segments_done(&r->segments);
    sc_buf_done(&r->log);
    sc_buf_done(&r->carry);
    *r = (struct sc_engine_result){ 0 };
}

const struct sc_engine_ops *sc_engine_find(const char *name)
{
    for (size_t i = 0; i < SC_ARRAY_LEN(engines); i++) {
        if (strcmp(engines[i]->name, name) == 0)
            return engines[i];
    }
    return NULL;
}

const struct sc_engine_ops *const *sc_engine_all(size_t *count)
{
    *count = SC_ARRAY_LEN(engines);
    return engines;
}
