/* What a chunk hands to the next one, as it comes back from the store or another host. */

#include "fuzz.h"

#include "whisper/carry.h"

#include <stdlib.h>

#include "base/banned.h"

#define TOKENS 51865

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sc_str text = { (const char *)data, size };
    SC_AUTO(sc_carry_done) struct sc_carry carry = { 0 };
    SC_AUTO(sc_carry_done) struct sc_carry back = { 0 };
    SC_AUTO_BUF written = { 0 };
    SC_AUTO_BUF again = { 0 };
    struct sc_error err = { 0 };

    if (sc_carry_read(text, TOKENS, &carry, &err) != SC_OK) {
        if (err.msg[0] == '\0' || carry.past.tokens != NULL)
            abort();
        return 0;
    }
    for (size_t i = 0; i < carry.past.count; i++) {
        if (carry.past.tokens[i] < 0 || carry.past.tokens[i] >= TOKENS)
            abort();
    }
    sc_carry_write(&carry, &written);
    if (written.len > SC_CARRY_MAX ||
        sc_carry_read(sc_buf_str(&written), TOKENS, &back, NULL) != SC_OK)
        abort();
    sc_carry_write(&back, &again);
    if (!sc_str_equal(sc_buf_str(&written), sc_buf_str(&again)))
        abort();
    return 0;
}
