/* What clients say over a WebSocket. */

#include "fuzz.h"

#include "api/push.h"

#include <stdlib.h>

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sc_str text = { (const char *)data, size };
    struct sc_push_command command;
    struct sc_error err = { 0 };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;

    if (sc_push_command_parse(text, &command, &doc, &err) != SC_OK) {
        if (err.msg[0] == '\0')
            abort();
    } else if (command.verb != SC_PUSH_PING && command.all == (command.job_id.ptr != NULL)) {
        abort();
    }
    if (sc_push_client_is_good(text) && (size == 0 || size > 64))
        abort();
    return 0;
}
