#include "http/framing.h"

#include "base/banned.h"

#define KEPT_FIELD                                                                \
    56 /* bytes that libmicrohttpd takes for a field, a cookie, a query parameter \
        */
#define EXTENSION_MAX 256
#define BLANK_LINES_MAX 4 /* before a request line, from clients that end a body with one */

enum field { FIELD_OTHER, FIELD_HOST, FIELD_LENGTH, FIELD_CODING, FIELD_COOKIE };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_token(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool is_text(char c)
{
    unsigned char u = (unsigned char)c;
    return c == '\t' || (u >= 0x20 && u != 0x7f);
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool refuse(struct sc_framing *f, enum sc_code code, const char *why)
{
    f->code = code;
    f->why = why;
    f->state = SC_FRAMING_REFUSED;
    return false;
}

static bool malformed(struct sc_framing *f, const char *why)
{
    return refuse(f, SC_E_INVALID_REQUEST, why);
}

/* Goes on in another state, with an empty word. */
static bool enter(struct sc_framing *f, enum sc_framing_state state)
{
    f->state = state;
    f->word_len = 0;
    f->value_len = 0;
    return true;
}

/* Signs that do not fit are left out: nothing so long is looked for. */
static void keep(char *text, size_t size, size_t *len, char c)
{
    if (*len + 1 < size) {
        text[*len] = c;
        text[*len + 1] = '\0';
    }
    (*len)++;
}

/* ---- the request line ---- */

static bool start(struct sc_framing *f, char c)
{
    /* A line end before a request is passed over, whole. */
    if (c == '\r' && f->blank_lines % 2 == 0 && f->blank_lines < 2 * BLANK_LINES_MAX) {
        f->blank_lines++;
        return true;
    }
    if (c == '\n' && f->blank_lines % 2 == 1) {
        f->blank_lines++;
        return true;
    }
    if (f->blank_lines % 2 == 1 || !is_token(c))
        return malformed(f, "the request line is malformed");
    int64_t requests = f->requests;
    *f = (struct sc_framing){ .requests = requests };
    (void)enter(f, SC_FRAMING_METHOD);
    keep(f->word, sizeof(f->word), &f->word_len, c);
    return true;
}

static bool method(struct sc_framing *f, char c)
{
    if (c == ' ') {
        f->is_head = strcmp(f->word, "HEAD") == 0;
        return enter(f, SC_FRAMING_TARGET_);
    }
    keep(f->word, sizeof(f->word), &f->word_len, c);
    return is_token(c) && f->word_len < sizeof(f->word) ? true
                                                        : malformed(f, "the method is malformed");
}

static bool target(struct sc_framing *f, char c)
{
    if (c == ' ' && f->target > 0)
        return enter(f, SC_FRAMING_VERSION);
    if ((unsigned char)c <= 0x20 || c == 0x7f || c == '#')
        return malformed(f, "the request line is malformed");
    if (c == '&')
        f->weight += KEPT_FIELD;
    if (++f->target > SC_FRAMING_TARGET || f->weight > SC_FRAMING_WEIGHT)
        return refuse(f, SC_E_URI_TOO_LONG, "addresses of at most 8192 bytes are taken");
    return true;
}

static bool version(struct sc_framing *f, char c)
{
    if (c != '\r') {
        keep(f->word, sizeof(f->word), &f->word_len, c);
        return f->word_len <= 8 ? true : malformed(f, "the request line is malformed");
    }
    if (f->word_len != 8 || memcmp(f->word, "HTTP/", 5) != 0 || !is_digit(f->word[5]) ||
        f->word[6] != '.' || !is_digit(f->word[7]))
        return malformed(f, "the request line is malformed");
    if (f->word[5] != '1')
        return refuse(f, SC_E_VERSION_NOT_SUPPORTED, "HTTP/1.1 and HTTP/1.0 are spoken here");
    f->minor = f->word[7] - '0';
    return enter(f, SC_FRAMING_LINE_LF);
}

/* ---- header fields ---- */

static enum field field_of(const struct sc_framing *f)
{
    static const struct {
        const char *name;
        enum field field;
    } known[] = { { "host", FIELD_HOST },
                  { "content-length", FIELD_LENGTH },
                  { "transfer-encoding", FIELD_CODING },
                  { "cookie", FIELD_COOKIE } };
    for (size_t i = 0; i < SC_ARRAY_LEN(known); i++) {
        if (f->word_len < sizeof(f->word) && strcmp(f->word, known[i].name) == 0)
            return known[i].field;
    }
    return FIELD_OTHER;
}

static bool end_of_head(struct sc_framing *f);

static bool first_of_line(struct sc_framing *f, char c)
{
    if (c == '\r') {
        f->state = SC_FRAMING_END_LF;
        return true;
    }
    if (c == ' ' || c == '\t')
        return malformed(f, "a header that goes on in a second line is not taken");
    if (!is_token(c))
        return malformed(f, "the name of a header is malformed");
    if (++f->fields > SC_FRAMING_FIELDS)
        return refuse(f, SC_E_HEADERS_TOO_LARGE, "at most 100 headers are taken");
    f->weight += KEPT_FIELD;
    (void)enter(f, SC_FRAMING_NAME);
    keep(f->word, sizeof(f->word), &f->word_len, lower(c));
    return true;
}

static bool name(struct sc_framing *f, char c)
{
    if (is_token(c)) {
        keep(f->word, sizeof(f->word), &f->word_len, lower(c));
        return true;
    }
    if (c != ':')
        return malformed(f, "the name of a header is malformed");
    f->field = field_of(f);
    if (f->in_trailer && f->field != FIELD_OTHER)
        return malformed(f, "a header that frames a request stands behind its body");
    f->hosts += f->field == FIELD_HOST;
    f->lengths += f->field == FIELD_LENGTH;
    f->codings += f->field == FIELD_CODING;
    return enter(f, SC_FRAMING_SPACE);
}

static bool is_host_sign(char c)
{
    return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z') ||
           (c != '\0' && strchr("-._~!$&'()*+,;=:%[]", c) != NULL);
}

/* "5" and no more: libmicrohttpd, too, takes no space behind it. */
static bool read_length(struct sc_framing *f)
{
    int64_t n = 0;
    if (f->value_len == 0)
        return malformed(f, "the Content-Length is malformed");
    for (size_t i = 0; f->value[i] != '\0'; i++) {
        if (!is_digit(f->value[i]))
            return malformed(f, "the Content-Length is malformed");
        int digit = f->value[i] - '0';
        if (f->value_len >= sizeof(f->value) || n > (INT64_MAX - digit) / 10)
            return refuse(f, SC_E_BODY_TOO_LARGE, "no body of that length is taken");
        n = n * 10 + digit;
    }
    f->left = n;
    return true;
}

static bool read_coding(struct sc_framing *f)
{
    if (f->value_len < sizeof(f->value) &&
        sc_str_equal_nocase(sc_str_from(f->value), SC_STR("chunked")))
        return true;
    return refuse(f, SC_E_NOT_IMPLEMENTED, "the only Transfer-Encoding taken is chunked");
}

static bool value(struct sc_framing *f, char c)
{
    if (c == '\r') {
        f->value[SC_MIN(f->value_len, sizeof(f->value) - 1)] = '\0';
        if (f->field == FIELD_LENGTH && !read_length(f))
            return false;
        if (f->field == FIELD_CODING && !read_coding(f))
            return false;
        f->state = SC_FRAMING_VALUE_LF;
        return true;
    }
    if (!is_text(c))
        return malformed(f, "a header holds control signs");
    if (f->field == FIELD_HOST && !is_host_sign(c))
        return malformed(f, "the Host is malformed");
    if (f->field == FIELD_COOKIE) /* of which libmicrohttpd makes a copy and a list */
        f->weight += c == ';' || c == ',' ? KEPT_FIELD + 1 : 1;
    if (f->field == FIELD_LENGTH || f->field == FIELD_CODING)
        keep(f->value, sizeof(f->value), &f->value_len, c);
    return true;
}

static bool space(struct sc_framing *f, char c)
{
    if (c == ' ' || c == '\t')
        return true;
    f->state = SC_FRAMING_VALUE;
    return value(f, c);
}

static bool end_of_request(struct sc_framing *f)
{
    f->blank_lines = 0;
    return enter(f, SC_FRAMING_START);
}

static bool end_of_head(struct sc_framing *f)
{
    if (f->in_trailer)
        return end_of_request(f);
    if (f->hosts > 1 || (f->hosts == 0 && f->minor > 0))
        return malformed(f, "a request needs one Host");
    if (f->lengths + f->codings > 1 || (f->codings > 0 && f->minor == 0))
        return malformed(f, "the length of the body is ambiguous");
    f->requests++;
    if (f->codings == 0)
        return f->left == 0 ? end_of_request(f) : enter(f, SC_FRAMING_BODY);
    f->digits = 0;
    return enter(f, SC_FRAMING_SIZE);
}

/* ---- bodies ---- */

static int hex_value(char c)
{
    if (is_digit(c))
        return c - '0';
    c = lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool chunk_size(struct sc_framing *f, char c)
{
    int digit = hex_value(c);
    if (f->digits == 0)
        f->left = 0;
    if (digit >= 0 && f->digits < 15) {
        f->digits++;
        f->left = f->left << 4 | digit;
        return true;
    }
    if (digit >= 0)
        return refuse(f, SC_E_BODY_TOO_LARGE, "no chunk of that length is taken");
    if (f->digits == 0 || (c != ';' && c != '\r'))
        return malformed(f, "the length of a chunk is malformed");
    f->piece = 0;
    return enter(f, c == ';' ? SC_FRAMING_EXTENSION : SC_FRAMING_SIZE_LF);
}

static bool extension(struct sc_framing *f, char c)
{
    if (c == '\r')
        return enter(f, SC_FRAMING_SIZE_LF);
    return is_text(c) && ++f->piece <= EXTENSION_MAX
               ? true
               : malformed(f, "what stands behind the length of a chunk is malformed");
}

static bool line_feed(struct sc_framing *f, char c)
{
    if (c != '\n')
        return malformed(f, "lines end with CR and LF");
    switch (f->state) {
    case SC_FRAMING_END_LF:
        return end_of_head(f);
    case SC_FRAMING_SIZE_LF:
        if (f->left > 0)
            return enter(f, SC_FRAMING_CHUNK);
        f->in_trailer = true;
        f->fields = 0;
        return enter(f, SC_FRAMING_FIELD);
    case SC_FRAMING_CHUNK_LF:
        f->digits = 0;
        return enter(f, SC_FRAMING_SIZE);
    default:
        return enter(f, SC_FRAMING_FIELD);
    }
}

static bool is_in_section(const struct sc_framing *f)
{
    return f->state < SC_FRAMING_BODY && f->state > SC_FRAMING_TARGET_;
}

/* Takes one sign; false: refused. */
static bool step(struct sc_framing *f, char c)
{
    if (is_in_section(f)) {
        f->section++;
        f->weight++;
        if (f->section > SC_FRAMING_SECTION || f->weight > SC_FRAMING_WEIGHT)
            return refuse(f, SC_E_HEADERS_TOO_LARGE, "headers of at most 16384 bytes are taken");
    }
    switch (f->state) {
    case SC_FRAMING_START:
        return start(f, c);
    case SC_FRAMING_METHOD:
        return method(f, c);
    case SC_FRAMING_TARGET_:
        f->weight++;
        return target(f, c);
    case SC_FRAMING_VERSION:
        return version(f, c);
    case SC_FRAMING_FIELD:
        return first_of_line(f, c);
    case SC_FRAMING_NAME:
        return name(f, c);
    case SC_FRAMING_SPACE:
        return space(f, c);
    case SC_FRAMING_VALUE:
        return value(f, c);
    case SC_FRAMING_SIZE:
        return chunk_size(f, c);
    case SC_FRAMING_EXTENSION:
        return extension(f, c);
    case SC_FRAMING_CHUNK_CR:
        return c == '\r' ? enter(f, SC_FRAMING_CHUNK_LF)
                         : malformed(f, "a chunk does not end where it should");
    case SC_FRAMING_LINE_LF:
    case SC_FRAMING_VALUE_LF:
    case SC_FRAMING_END_LF:
    case SC_FRAMING_SIZE_LF:
    case SC_FRAMING_CHUNK_LF:
        return line_feed(f, c);
    case SC_FRAMING_BODY:
    case SC_FRAMING_CHUNK:
    case SC_FRAMING_REFUSED:
        break;
    }
    return false;
}

/* So many of the next bytes are of a kind that changes nothing but what has been counted: the
 * targets and values that most requests consist of. What ends them, or is wrong, step() sees. */
static size_t run_on(struct sc_framing *f, const char *bytes, size_t len)
{
    size_t n = 0;
    if (f->weight > SC_FRAMING_WEIGHT || f->section > SC_FRAMING_SECTION)
        return 0;
    len = SC_MIN(len, SC_FRAMING_WEIGHT - f->weight);
    if (f->state == SC_FRAMING_TARGET_) {
        len = SC_MIN(len, SC_FRAMING_TARGET - f->target);
        while (n < len && (unsigned char)bytes[n] > 0x20 && bytes[n] != 0x7f && bytes[n] != '#' &&
               bytes[n] != '&')
            n++;
        f->target += n;
    } else if (f->state == SC_FRAMING_VALUE && f->field == FIELD_OTHER) {
        len = SC_MIN(len, SC_FRAMING_SECTION - f->section);
        while (n < len && is_text(bytes[n]))
            n++;
        f->section += n;
    }
    f->weight += n;
    return n;
}

/* Passes over bytes that nobody has to look at. */
static size_t skip(struct sc_framing *f, size_t len)
{
    size_t n = f->left < (int64_t)len ? (size_t)f->left : len;
    f->left -= (int64_t)n;
    if (f->left == 0 && f->state == SC_FRAMING_CHUNK)
        (void)enter(f, SC_FRAMING_CHUNK_CR);
    else if (f->left == 0)
        (void)end_of_request(f);
    return n;
}

size_t sc_framing_feed(struct sc_framing *f, const char *bytes, size_t len)
{
    size_t good = 0; /* behind it stands what may yet be refused */
    size_t at = 0;
    while (at < len && f->state != SC_FRAMING_REFUSED) {
        if (f->state == SC_FRAMING_BODY || f->state == SC_FRAMING_CHUNK) {
            at += skip(f, len - at);
        } else {
            at += run_on(f, bytes + at, len - at);
            if (at < len && step(f, bytes[at]))
                at++;
        }
        if (f->state == SC_FRAMING_START)
            good = at;
    }
    return f->state == SC_FRAMING_REFUSED ? good : at;
}
