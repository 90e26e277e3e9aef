#include "api/export-place.h"

#include "base/id.h"
#include "base/utf8.h"

#include "base/banned.h"

#define PATH_BYTES 400
#define NAME_BYTES 200
#define NAMES_MAX 16 /* folders are made and removed one within the other */
#define ROOT "transcripts/"

static enum sc_code refuse(const char *why, struct sc_error *err)
{
    return sc_error_field(err, SC_E_INVALID_VALUE, "output_path", "output_path %s", why);
}

/* A name that is one on every file system, and no temporary or hidden file. */
static bool is_name(struct sc_str s)
{
    if (s.len == 0 || s.len > NAME_BYTES || s.ptr[0] == '.' || s.ptr[0] == ' ' ||
        s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '.')
        return false;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c < 0x20 || c == 0x7f || strchr("\\:*?\"<>|", c) != NULL)
            return false;
    }
    return true;
}

static bool ends_in(struct sc_str name, const char *extension)
{
    size_t n = strlen(extension);
    return name.len > n + 1 && name.ptr[name.len - n - 1] == '.' &&
           memcmp(name.ptr + name.len - n, extension, n) == 0;
}

/* "transcript-12", the folder of one that has no job. Capitals are the same file to some systems.
 */
static bool is_imported(struct sc_str name)
{
    static const char prefix[] = "transcript-";
    size_t n = sizeof(prefix) - 1;
    if (name.len <= n || strncasecmp(name.ptr, prefix, n) != 0)
        return false;
    while (n < name.len && name.ptr[n] >= '0' && name.ptr[n] <= '9')
        n++;
    return n == name.len;
}

static enum sc_code check_folder(struct sc_str first, const struct sc_export_home *home,
                                 struct sc_error *err)
{
    bool own = sc_str_equal(first, sc_str_from(home->folder));
    bool of_something = sc_uuid_is_valid(first) || is_imported(first);
    if (own || (home->anywhere && !of_something))
        return SC_OK;
    return sc_error_field(err, SC_E_INVALID_VALUE, "output_path",
                          "output_path lies in the folder of something else; begin it with %s%s/",
                          ROOT, home->folder);
}

enum sc_code sc_export_place(struct sc_str wanted, const struct sc_export_home *home,
                             const char *extension, struct sc_buf *out, struct sc_error *err)
{
    if (sc_str_starts(wanted, SC_STR(ROOT))) {
        wanted.ptr += strlen(ROOT);
        wanted.len -= strlen(ROOT);
    }
    if (wanted.len > PATH_BYTES || !sc_utf8_is_valid(wanted))
        return refuse("is longer than 400 bytes, or no UTF-8", err);
    if (wanted.len > 0 && wanted.ptr[0] == '/')
        return refuse("is absolute; give a path below transcripts/", err);
    struct sc_str rest = wanted, name = { "", 0 };
    size_t names = 0;
    bool more = true;
    while (more) {
        more = memchr(rest.ptr, '/', rest.len) != NULL;
        name = sc_str_take_until(&rest, '/');
        if (!is_name(name))
            return refuse("must be names parted by '/', none of them empty, hidden, '.' or '..'",
                          err);
        if (names == NAMES_MAX)
            return refuse("has more than 16 names parted by '/'", err);
        if (names++ == 0 && more && check_folder(name, home, err) != SC_OK)
            return SC_E_INVALID_VALUE;
    }
    if (!ends_in(name, extension))
        return sc_error_field(err, SC_E_INVALID_VALUE, "output_path", "output_path must end in .%s",
                              extension);
    /* A bare name goes to the transcript's own folder. */
    sc_buf_puts(out, ROOT);
    if (names == 1)
        sc_buf_printf(out, "%s/", home->folder);
    sc_buf_put_str(out, wanted);
    return out->failed ? refuse("is too long", err) : SC_OK;
}
