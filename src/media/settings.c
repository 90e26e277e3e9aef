#include "media/media.h"

#include <errno.h>
#include <unistd.h>

#include "base/banned.h"

#define SETTINGS_LIMIT ((size_t)1 << 20)
#define PIECE 4096

static enum sc_code read_all(int fd, struct sc_buf *out, struct sc_error *err)
{
    out->limit = SETTINGS_LIMIT;
    for (;;) {
        char *room = sc_buf_reserve(out, PIECE);
        if (room == NULL)
            return sc_error_set(err, SC_E_CONFIG_ERROR, "the settings are too long");
        ssize_t n = read(fd, room, PIECE);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return sc_error_errno(err, errno, "cannot read the settings");
        if (n == 0)
            return SC_OK;
        out->len += (size_t)n;
    }
}

enum sc_code media_settings(int fd, struct sc_config **out, struct sc_error *err)
{
    static const struct sc_config_sources sources = { 0 };
    if (fd < 0)
        return sc_config_load(&sources, out, err);
    SC_AUTO_BUF text = { 0 };
    enum sc_code code = read_all(fd, &text, err);
    (void)close(fd);
    return code == SC_OK ? sc_config_receive(sc_buf_str(&text), out, err) : code;
}
