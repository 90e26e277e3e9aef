#include "http/ws-handshake.h"

#include "base/banned.h"

#define KEY_TEXT 24

static struct sc_str next_word(struct sc_str *rest)
{
    return sc_str_trim(sc_str_take_until(rest, ','));
}

bool sc_ws_list_has(struct sc_str list, struct sc_str word)
{
    while (list.len > 0) {
        if (sc_str_equal_nocase(next_word(&list), word))
            return true;
    }
    return false;
}

static bool is_base64(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/';
}

bool sc_ws_key_is_good(struct sc_str key)
{
    if (key.len != KEY_TEXT || !sc_str_ends(key, SC_STR("==")))
        return false;
    for (size_t i = 0; i < KEY_TEXT - 2; i++) {
        if (!is_base64(key.ptr[i]))
            return false;
    }
    return true;
}

void sc_ws_accept(struct sc_str key, char out[SC_SHA1_BASE64])
{
    char text[KEY_TEXT + sizeof("258EAFA5-E914-47DA-95CA-C5AB0DC85B11")];
    int len = snprintf(text, sizeof(text), "%.*s258EAFA5-E914-47DA-95CA-C5AB0DC85B11",
                       (int)SC_MIN(key.len, (size_t)KEY_TEXT), key.ptr);
    sc_sha1_base64(text, (size_t)len, out);
}

struct sc_str sc_ws_bearer(struct sc_str protocols)
{
    struct sc_str prefix = SC_STR(SC_WS_BEARER);
    while (protocols.len > 0) {
        struct sc_str word = next_word(&protocols);
        if (sc_str_starts(word, prefix))
            return (struct sc_str){ word.ptr + prefix.len, word.len - prefix.len };
    }
    return (struct sc_str){ "", 0 };
}

bool sc_origin_is_of_host(struct sc_str origin, struct sc_str host)
{
    static const struct sc_str schemes[] = { { "http://", 7 }, { "https://", 8 } };
    for (size_t i = 0; i < SC_ARRAY_LEN(schemes); i++) {
        size_t len = schemes[i].len;
        if (sc_str_starts(origin, schemes[i]) && host.len > 0 &&
            sc_str_equal_nocase((struct sc_str){ origin.ptr + len, origin.len - len }, host))
            return true;
    }
    return false;
}
