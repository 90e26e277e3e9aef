/* Files of settings: YAML and .env. */

#include "fuzz.h"

#include "config/dotenv.h"
#include "yaml/reader.h"

#include <stdlib.h>

#include "base/banned.h"

static enum sc_code count_line(void *ctx, int line, struct sc_str name, struct sc_str value,
                               struct sc_error *err)
{
    size_t *bytes = ctx;

    (void)line;
    (void)err;
    *bytes += name.len + value.len;
    return SC_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sc_str text = { (const char *)data, size };
    struct sc_yaml yaml = { 0 };
    struct sc_error err = { 0 };
    size_t bytes = 0;

    if (sc_yaml_parse(text, "fuzz.yaml", &yaml, &err) == SC_OK)
        sc_yaml_done(&yaml);
    if (sc_dotenv_read(text, ".env", count_line, &bytes, &err) != SC_OK && err.msg[0] == '\0')
        abort();
    return 0;
}
