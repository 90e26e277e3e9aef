#include "config/table.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "config/formats.h"
#include "config/value.h"
#include "sys/file.h"
#include "sys/hosts.h"
#include "sys/socket.h"

#include <pthread.h>

#include "base/banned.h"

#define TEXT_LIMIT 4096

#define AT_LEAST(min, unit) ((min) > 0 ? "at least " #min unit : "")

static const struct option_row rows[] = {
#define SC_OPTION_TEXT(f, n, def, is_secret, again, text)   \
    { { n, NULL, "text", def, "", text, is_secret, again }, \
      OPTION_TEXT,                                          \
      offsetof(struct sc_config, f),                        \
      0,                                                    \
      0,                                                    \
      NULL },
#define SC_OPTION_INT(f, n, def, lo, hi, again, text)                   \
    { { n, NULL, "integer", #def, #lo " to " #hi, text, false, again }, \
      OPTION_INT,                                                       \
      offsetof(struct sc_config, f),                                    \
      lo,                                                               \
      hi,                                                               \
      NULL },
#define SC_OPTION_BOOL(f, n, def, again, text)              \
    { { n, NULL, "boolean", #def, "", text, false, again }, \
      OPTION_BOOL,                                          \
      offsetof(struct sc_config, f),                        \
      0,                                                    \
      0,                                                    \
      NULL },
#define SC_OPTION_SIZE(f, n, def, lo, again, text)                          \
    { { n, NULL, "size", def, AT_LEAST(lo, " bytes"), text, false, again }, \
      OPTION_SIZE,                                                          \
      offsetof(struct sc_config, f),                                        \
      lo,                                                                   \
      INT64_MAX,                                                            \
      NULL },
#define SC_OPTION_DURATION(f, n, def, lo, again, text)                       \
    { { n, NULL, "duration", def, AT_LEAST(lo, " ms"), text, false, again }, \
      OPTION_DURATION,                                                       \
      offsetof(struct sc_config, f),                                         \
      lo,                                                                    \
      INT64_MAX,                                                             \
      NULL },
#define SC_OPTION_ENUM(f, n, def, words, again, text)        \
    { { n, NULL, "choice", def, words, text, false, again }, \
      OPTION_ENUM,                                           \
      offsetof(struct sc_config, f),                         \
      0,                                                     \
      0,                                                     \
      words },
#define SC_OPTION_LIST(f, n, def, words, again, text)      \
    { { n, NULL, "list", def, words, text, false, again }, \
      OPTION_LIST,                                         \
      offsetof(struct sc_config, f),                       \
      0,                                                   \
      0,                                                   \
      words },
#include "config/options.def"

#include "config/options-undef.h"
};

/* Variables that are in use without the group's name. */
static const struct {
    const char *env;
    size_t index;
    enum option_form form;
} short_env[] = {
    { "SCRIPTA_LEASE_MS", OPTION_INDEX_queue_lease, FORM_MS },
    { "SCRIPTA_HEARTBEAT_MS", OPTION_INDEX_queue_heartbeat, FORM_MS },
    { "SCRIPTA_DATA", OPTION_INDEX_data_dir, FORM_VALUE },
};

/* Texts of a form that their kind does not tell. Empty is always good: it turns something off. */
static const struct {
    size_t index;
    bool (*good)(const char *text);
    const char *what;
} forms[] = {
    { OPTION_INDEX_listen, sc_socket_is_address,
      "HOST:PORT, such as 127.0.0.1:8000 or [::1]:8000" },
    { OPTION_INDEX_server, sc_value_is_server, "unix:PATH, http://HOST:PORT or https://HOST" },
    { OPTION_INDEX_http_trusted_proxies, sc_hosts_is_net_list,
      "addresses and networks between commas, such as 10.0.0.5, 192.168.7.0/24 or fd00::/8" },
    { OPTION_INDEX_http_cors_origins, sc_value_is_origins,
      "origins between commas, as browsers write them: https://app.example or "
      "http://localhost:3000, in lower case, without a path" },
    { OPTION_INDEX_http_hosts, sc_value_is_hosts, "names of hosts between commas, without port" },
    { OPTION_INDEX_webhooks_allow, sc_hosts_is_list,
      "networks, addresses and names of hosts, such as 10.0.0.0/8,192.168.1.7,hooks.lan, or *" },
    { OPTION_INDEX_engine_http_url, sc_value_is_url,
      "http:// or https://, a host and a path, without password (engine.http.key) or query" },
};

static struct option_row table[OPTION_COUNT_];
static char env_names[OPTION_COUNT_][64];
static pthread_once_t table_once = PTHREAD_ONCE_INIT;

/* The preprocessor cannot make SCRIPTA_QUEUE_LEASE of "queue.lease". */
static void table_fill(void)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        char *env = env_names[i];
        int n = snprintf(env, sizeof(env_names[i]), "SCRIPTA_%s", rows[i].info.name);
        sc_assert(n > 0 && (size_t)n < sizeof(env_names[i]));
        for (; *env != '\0'; env++) {
            if (*env >= 'a' && *env <= 'z')
                *env = (char)(*env - 'a' + 'A');
            else if (*env == '.')
                *env = '_';
        }
        table[i] = rows[i];
        table[i].info.env = env_names[i];
    }
}

const struct option_row *sc_option_row(size_t index)
{
    sc_assert(pthread_once(&table_once, table_fill) == 0);
    sc_assert(index < OPTION_COUNT);
    return &table[index];
}

size_t sc_option_count(void)
{
    return OPTION_COUNT;
}

const struct sc_option_info *sc_option_at(size_t index)
{
    return &sc_option_row(index)->info;
}

/* Is text equal to name, or to name and the suffix of a form that the row allows? */
static bool matches(struct sc_str text, const char *name, const char *const suffix[3],
                    const struct option_row *row, enum option_form *form)
{
    struct sc_str known = sc_str_from(name);

    if (!sc_str_starts(text, known))
        return false;
    struct sc_str rest = { text.ptr + known.len, text.len - known.len };
    for (enum option_form f = FORM_VALUE; f <= FORM_FILE; f++) {
        bool allowed = f == FORM_VALUE || (f == FORM_MS && row->kind == OPTION_DURATION) ||
                       (f == FORM_FILE && row->info.secret);
        if (allowed && sc_str_equal(rest, sc_str_from(suffix[f]))) {
            *form = f;
            return true;
        }
    }
    return false;
}

bool sc_option_find(struct sc_str name, size_t *index, enum option_form *form)
{
    static const char *const suffix[3] = { "", "_ms", "_file" };

    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option_row *row = sc_option_row(i);
        if (matches(name, row->info.name, suffix, row, form)) {
            *index = i;
            return true;
        }
    }
    return false;
}

bool sc_option_find_env(struct sc_str env, size_t *index, enum option_form *form)
{
    static const char *const suffix[3] = { "", "_MS", "_FILE" };

    for (size_t i = 0; i < SC_ARRAY_LEN(short_env); i++) {
        if (sc_str_equal(env, sc_str_from(short_env[i].env))) {
            *index = short_env[i].index;
            *form = short_env[i].form;
            return true;
        }
    }
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option_row *row = sc_option_row(i);
        if (matches(env, row->info.env, suffix, row, form)) {
            *index = i;
            return true;
        }
    }
    return false;
}

const char *sc_option_short_env(size_t n, size_t *index)
{
    if (n >= SC_ARRAY_LEN(short_env))
        return NULL;
    *index = short_env[n].index;
    return short_env[n].env;
}

static const char *kind_text(const struct option_row *row)
{
    switch (row->kind) {
    case OPTION_TEXT:
        return "text of at most 4096 bytes without control signs";
    case OPTION_INT:
        return "a whole number";
    case OPTION_BOOL:
        return "true or false";
    case OPTION_SIZE:
        return "a size such as 1000, 64K, 16M or 20G";
    case OPTION_DURATION:
        return "a duration such as 250ms, 30s, 15m, 2h or 7d";
    case OPTION_ENUM:
        return "one of";
    case OPTION_LIST:
        return "empty or, with commas between them, some of";
    }
    return "";
}

/* What the option at this place must be, beside its range. */
static const char *wanted(const struct option_row *row)
{
    for (size_t i = 0; i < SC_ARRAY_LEN(forms); i++) {
        if (sc_option_row(forms[i].index) == row)
            return forms[i].what;
    }
    return kind_text(row);
}

static bool has_form(const struct option_row *row, const char *text)
{
    for (size_t i = 0; i < SC_ARRAY_LEN(forms); i++) {
        if (sc_option_row(forms[i].index) == row)
            return text[0] == '\0' || forms[i].good(text);
    }
    return true;
}

static bool is_allowed(const struct option_row *row, struct sc_str value)
{
    if (value.len > TEXT_LIMIT || !sc_value_is_plain(value))
        return false;
    if (row->kind == OPTION_ENUM)
        return sc_value_in_choices(value, row->choices);
    while (row->kind == OPTION_LIST && value.len > 0) {
        struct sc_str word = sc_str_trim(sc_str_take_until(&value, ','));
        if (word.len > 0 && !sc_value_in_choices(word, row->choices))
            return false;
    }
    return true;
}

static enum sc_code refuse(const struct option_row *row, struct sc_str value, const char *source,
                           struct sc_error *err)
{
    SC_AUTO_BUF shown = { 0 };
    const char *range = row->info.range;

    if (row->info.secret)
        sc_buf_puts(&shown, "***");
    else
        sc_utf8_append_printable(&shown, (struct sc_str){ value.ptr, SC_MIN(value.len, 60) });
    bool words = row->choices != NULL;
    return sc_error_field(err, SC_E_CONFIG_ERROR, row->info.name, "%s: %s is '%s', must be %s%s%s",
                          source, row->info.name, sc_buf_text(&shown), wanted(row),
                          range[0] == '\0' ? ""
                          : words          ? " "
                                           : ", ",
                          range);
}

static bool parse_number(const struct option_row *row, enum option_form form, struct sc_str value,
                         int64_t *out)
{
    int64_t number;
    bool ok = false;

    if (row->kind == OPTION_INT || form == FORM_MS)
        ok = sc_str_to_int64(value, &number);
    else if (row->kind == OPTION_SIZE)
        ok = sc_str_to_size(value, &number);
    else
        ok = sc_value_duration(value, &number);
    if (!ok || number < row->min || number > row->max)
        return false;
    *out = number;
    return true;
}

static enum sc_code assign_text(struct loaded *to, const struct option_row *row,
                                struct sc_str value, const char *source, struct sc_error *err)
{
    char **field = (char **)((char *)&to->values + row->offset);

    if (!is_allowed(row, value))
        return refuse(row, value, source, err);
    SC_AUTO_FREE char *text = sc_strndup(value.ptr == NULL ? "" : value.ptr, value.len);
    if (!has_form(row, text))
        return refuse(row, value, source, err);
    free(*field);
    *field = SC_TAKE(text);
    return SC_OK;
}

static enum sc_code assign_file(struct loaded *to, const struct option_row *row,
                                struct sc_str value, const char *source, struct sc_error *err)
{
    SC_AUTO_FREE char *path = sc_strndup(value.ptr, value.len);
    SC_AUTO_BUF content = { 0 };
    struct sc_error cause;

    if (sc_file_read_any(path, TEXT_LIMIT, &content, &cause) != SC_OK)
        return sc_error_field(err, SC_E_CONFIG_ERROR, row->info.name, "%s: %s: %s", source,
                              row->info.name, cause.msg);
    return assign_text(to, row, sc_str_trim(sc_buf_str(&content)), source, err);
}

enum sc_code sc_option_assign(struct loaded *to, size_t index, enum option_form form,
                              struct sc_str value, const char *source, struct sc_error *err)
{
    const struct option_row *row = sc_option_row(index);
    void *field = (char *)&to->values + row->offset;
    enum sc_code code = SC_OK;
    bool ok = true;

    switch (row->kind) {
    case OPTION_TEXT:
    case OPTION_ENUM:
    case OPTION_LIST:
        code = form == FORM_FILE ? assign_file(to, row, value, source, err)
                                 : assign_text(to, row, value, source, err);
        break;
    case OPTION_BOOL:
        ok = sc_str_to_bool(value, field);
        break;
    case OPTION_INT:
    case OPTION_SIZE:
    case OPTION_DURATION:
        ok = parse_number(row, form, value, field);
        break;
    }
    if (code != SC_OK)
        return code;
    if (!ok)
        return refuse(row, value, source, err);
    free(to->source[index]);
    to->source[index] = form == FORM_FILE
                            ? sc_asprintf("%.*s (%s)", (int)value.len, value.ptr, source)
                            : sc_strdup(source);
    return SC_OK;
}

void sc_option_put_plain(const struct sc_config *config, size_t index, struct sc_buf *out)
{
    const struct option_row *row = sc_option_row(index);
    const void *field = (const char *)config + row->offset;

    switch (row->kind) {
    case OPTION_TEXT:
    case OPTION_ENUM:
    case OPTION_LIST:
        sc_buf_puts(out, *(char *const *)field);
        break;
    case OPTION_BOOL:
        sc_buf_puts(out, *(const bool *)field ? "true" : "false");
        break;
    case OPTION_INT:
        sc_buf_printf(out, "%lld", (long long)*(const int64_t *)field);
        break;
    case OPTION_SIZE:
        sc_value_put_size(out, *(const int64_t *)field);
        break;
    case OPTION_DURATION:
        sc_value_put_duration(out, *(const int64_t *)field);
        break;
    }
}

void sc_option_put_value(const struct sc_config *config, size_t index, struct sc_buf *out)
{
    SC_AUTO_BUF plain = { 0 };
    sc_option_put_plain(config, index, &plain);
    bool hidden = sc_option_row(index)->info.secret && plain.len > 0;
    sc_buf_puts(out, hidden ? "***" : sc_buf_text(&plain));
}
