#include "cli/args.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "cli/command.h"
#include "config/nearest.h"

#include <inttypes.h>
#include <unistd.h>

#include "base/banned.h"

struct parser {
    int argc;
    char **argv;
    int at;
    struct sc_args *args;
    bool words_only; /* behind "--" */
};

static void shown(struct sc_buf *out, struct sc_str text)
{
    sc_utf8_append_printable(out, (struct sc_str){ text.ptr, SC_MIN(text.len, 60) });
}

/* The tables in which flags are looked up, in this order. */
static size_t flag_tables(const struct sc_args *args, const struct sc_flag *tables[4])
{
    size_t count = 0;
    if (args->command != NULL && args->command->flags != NULL)
        tables[count++] = args->command->flags;
    if (args->job_flags != NULL)
        tables[count++] = args->job_flags;
    if (args->export_flags != NULL)
        tables[count++] = args->export_flags;
    tables[count++] = sc_global_flags;
    return count;
}

static const struct sc_flag *find_flag(const struct sc_args *args, struct sc_str name, char letter)
{
    const struct sc_flag *tables[4];
    size_t count = flag_tables(args, tables);

    for (size_t t = 0; t < count; t++) {
        for (const struct sc_flag *f = tables[t]; f->name != NULL; f++) {
            if (letter != 0 ? f->letter == letter : sc_str_equal(name, sc_str_from(f->name)))
                return f;
        }
    }
    return NULL;
}

static enum sc_code unknown_flag(const struct sc_args *args, struct sc_str name,
                                 struct sc_error *err)
{
    const struct sc_flag *tables[4];
    size_t count = flag_tables(args, tables);
    struct sc_nearest near = { .word = name };
    SC_AUTO_BUF text = { 0 };
    const char *command = args->command == NULL ? "" : args->command->name;

    shown(&text, name);
    for (size_t t = 0; t < count; t++) {
        for (const struct sc_flag *f = tables[t]; f->name != NULL; f++)
            sc_nearest_offer(&near, f->name);
    }
    if (near.best != NULL)
        return sc_error_field(err, SC_E_INVALID_VALUE, sc_buf_text(&text),
                              "there is no option --%s; did you mean --%s?", sc_buf_text(&text),
                              near.best);
    return sc_error_field(err, SC_E_INVALID_VALUE, sc_buf_text(&text),
                          "there is no option --%s; `scripta help%s%s` lists them",
                          sc_buf_text(&text), command[0] == '\0' ? "" : " ", command);
}

static enum sc_code add_flag(struct sc_args *args, const struct sc_flag *flag, const char *value,
                             struct sc_error *err)
{
    if (args->given_count == SC_ARGS_GIVEN)
        return sc_error_set(err, SC_E_INVALID_VALUE, "more than %d options", SC_ARGS_GIVEN);
    args->given[args->given_count].flag = flag;
    args->given[args->given_count++].value = value;
    return SC_OK;
}

/* The value of a flag that stands in the next argument. */
static enum sc_code take_value(struct parser *p, const struct sc_flag *flag, struct sc_error *err)
{
    if (p->at >= p->argc)
        return sc_error_field(err, SC_E_INVALID_VALUE, flag->name, "--%s needs a value: --%s %s",
                              flag->name, flag->name, flag->value);
    return add_flag(p->args, flag, p->argv[p->at++], err);
}

/* "--words off 12" is "--words=off 12": no command with such a switch takes these words for
 * something else, but for files, which can be called ./off. */
static bool is_state_next(const struct parser *p)
{
    return p->at < p->argc &&
           (strcmp(p->argv[p->at], "on") == 0 || strcmp(p->argv[p->at], "off") == 0);
}

static enum sc_code parse_long(struct parser *p, const char *text, struct sc_error *err)
{
    const char *equals = strchr(text, '=');
    struct sc_str name = { text, equals == NULL ? strlen(text) : (size_t)(equals - text) };
    const struct sc_flag *flag = find_flag(p->args, name, 0);

    if (flag == NULL)
        return unknown_flag(p->args, name, err);
    if (equals != NULL) {
        if (flag->kind == SC_FLAG_SWITCH)
            return sc_error_field(err, SC_E_INVALID_VALUE, flag->name, "--%s takes no value",
                                  flag->name);
        return add_flag(p->args, flag, equals + 1, err);
    }
    if (flag->kind == SC_FLAG_VALUE || (flag->kind == SC_FLAG_ON && is_state_next(p)))
        return take_value(p, flag, err);
    return add_flag(p->args, flag, "on", err);
}

/* word: "-qv". */
static enum sc_code parse_short(struct parser *p, const char *word, struct sc_error *err)
{
    const char *text = word + 1;
    while (*text != '\0') {
        const struct sc_flag *flag = find_flag(p->args, SC_STR(""), *text);
        enum sc_code code;
        if (flag == NULL) {
            SC_AUTO_BUF letter = { 0 };
            shown(&letter, (struct sc_str){ text, 1 });
            if (access(word, F_OK) == 0)
                return sc_error_field(err, SC_E_INVALID_VALUE, sc_buf_text(&letter),
                                      "there is no option -%s; a file whose name begins with - is "
                                      "named ./-…",
                                      sc_buf_text(&letter));
            return sc_error_field(err, SC_E_INVALID_VALUE, sc_buf_text(&letter),
                                  "there is no option -%s; `scripta help%s%s` lists them",
                                  sc_buf_text(&letter), p->args->command == NULL ? "" : " ",
                                  p->args->command == NULL ? "" : p->args->command->name);
        }
        text++;
        if (flag->kind == SC_FLAG_VALUE)
            return *text != '\0' ? add_flag(p->args, flag, text + (*text == '='), err)
                                 : take_value(p, flag, err);
        code = add_flag(p->args, flag, "on", err);
        if (code != SC_OK)
            return code;
    }
    return SC_OK;
}

static const struct sc_command *find_command(const char *name)
{
    for (SC_EACH_COMMAND(c)) {
        if (strcmp(c->name, name) == 0)
            return c;
    }
    return NULL;
}

/* Is word the first of two-word commands? Appends the second words. */
static bool is_group(const char *word, struct sc_buf *members)
{
    size_t len = strlen(word);

    for (SC_EACH_COMMAND(c)) {
        if (strncmp(c->name, word, len) == 0 && c->name[len] == ' ')
            sc_buf_printf(members, "%s%s", members->len > 0 ? "|" : "", c->name + len + 1);
    }
    return members->len > 0;
}

static enum sc_code unknown_command(const char *word, struct sc_error *err)
{
    struct sc_nearest near = { .word = sc_str_from(word) };
    SC_AUTO_BUF text = { 0 };

    shown(&text, sc_str_from(word));
    for (SC_EACH_COMMAND(c))
        sc_nearest_offer(&near, c->name);
    if (near.best != NULL)
        return sc_error_set(err, SC_E_INVALID_VALUE,
                            "there is no command '%s'; did you mean `scripta %s`?",
                            sc_buf_text(&text), near.best);
    /* "jbos" alone is near to no command: "jobs list" is too long. */
    for (SC_EACH_COMMAND(c)) {
        char first[24];
        (void)snprintf(first, sizeof(first), "%.*s", (int)strcspn(c->name, " "), c->name);
        near = (struct sc_nearest){ .word = sc_str_from(word) };
        sc_nearest_offer(&near, first);
        if (near.best != NULL && near.distance > 0)
            return sc_error_set(err, SC_E_INVALID_VALUE,
                                "there is no command '%s'; did you mean `scripta %s`?",
                                sc_buf_text(&text), first);
    }
    if (access(word, F_OK) == 0)
        return sc_error_set(err, SC_E_INVALID_VALUE,
                            "there is no command '%s', but a file: `scripta transcribe FILE` "
                            "prints its text",
                            sc_buf_text(&text));
    size_t group = strcspn(word, " ");
    return sc_error_set(err, SC_E_INVALID_VALUE,
                        "there is no command '%s'; `scripta help%s%.*s` lists them",
                        sc_buf_text(&text), word[group] == '\0' ? "" : " ",
                        word[group] == '\0' ? 0 : (int)group, word);
}

/* "search" takes any words, and is the first of others too. */
static bool takes_words(const char *word)
{
    const struct sc_command *command = find_command(word);
    return command != NULL && command->max_words != 0;
}

/* Finds "jobs list", or "jobs" alone, or "queue" as both a command and the first of others. */
static enum sc_code take_command(struct parser *p, const char *word, struct sc_error *err)
{
    SC_AUTO_BUF members = { 0 };
    bool group = is_group(word, &members);
    const struct sc_command *command = NULL;

    if (group && p->at < p->argc && p->argv[p->at][0] != '-') {
        SC_AUTO_FREE char *both = sc_asprintf("%s %s", word, p->argv[p->at]);
        command = find_command(both);
        if (command == NULL && !takes_words(word))
            return unknown_command(both, err);
        p->at += command != NULL;
    }
    if (command == NULL)
        command = find_command(word);
    if (command == NULL && group) {
        SC_AUTO_FREE char *list = sc_asprintf("%s list", word);
        command = find_command(list);
        p->args->group = word;
    }
    if (command == NULL && group)
        return SC_OK;
    if (command == NULL)
        return unknown_command(word, err);
    p->args->command = command;
    if (command->job_options)
        p->args->job_flags = sc_job_flags_new();
    if (command->export_options)
        p->args->export_flags = sc_export_flags_new();
    return SC_OK;
}

/* What the usage calls word `index`: of "TRANSCRIPT [VERSION [VERSION]]" the third is VERSION, and
 * so are all behind "VERSION...". */
static struct sc_str name_of_word(const char *usage, size_t index)
{
    struct sc_str rest = sc_str_from(usage), name = { 0 };
    for (size_t i = 0; rest.len > 0 && i <= index; i++)
        name = sc_str_take_until(&rest, ' ');
    while (name.len > 0 && name.ptr[0] == '[')
        name = (struct sc_str){ name.ptr + 1, name.len - 1 };
    while (name.len > 0 && strchr("].", name.ptr[name.len - 1]) != NULL)
        name.len--;
    return name;
}

/* An id that is empty, as of a variable of the shell that is not set, would name all of its kind,
 * or none. */
static enum sc_code check_empty(const struct sc_command *c, size_t index, struct sc_error *err)
{
    static const char *const may[] = { "WORD", "TEXT", "FIND", "REPLACEMENT", "NEW_NAME" };
    static const struct {
        const char *name, *list;
    } listed[] = {
        { "JOB", "jobs list" },      { "TRANSCRIPT", "transcripts list" },
        { "FILE_ID", "files list" }, { "WEBHOOK", "webhooks list" },
        { "TOKEN", "token list" },
    };
    struct sc_str name = name_of_word(c->usage, index);
    for (size_t i = 0; i < SC_ARRAY_LEN(may); i++) {
        if (sc_str_equal(name, sc_str_from(may[i])))
            return SC_OK;
    }
    for (size_t i = 0; i < SC_ARRAY_LEN(listed); i++) {
        if (sc_str_equal(name, sc_str_from(listed[i].name)))
            return sc_error_set(err, SC_E_INVALID_VALUE,
                                "%s is empty; give one that `scripta %s` shows", listed[i].name,
                                listed[i].list);
    }
    return sc_error_set(err, SC_E_INVALID_VALUE, "%.*s is empty; `scripta help %s` has examples",
                        (int)name.len, name.ptr, c->name);
}

static enum sc_code check_words(const struct sc_args *args, struct sc_error *err)
{
    const struct sc_command *c = args->command;

    if (c == NULL && args->group != NULL && !sc_args_has(args, "help")) {
        SC_AUTO_BUF members = { 0 };
        (void)is_group(args->group, &members);
        return sc_error_set(err, SC_E_INVALID_VALUE, "`scripta %s` needs one of %s", args->group,
                            sc_buf_text(&members));
    }
    if (c == NULL || sc_args_has(args, "help"))
        return SC_OK;
    if ((int)args->word_count < c->min_words)
        return sc_error_set(err, SC_E_INVALID_VALUE,
                            "`scripta %s` needs %s; `scripta help %s` has examples", c->name,
                            c->usage, c->name);
    if (c->max_words >= 0 && (int)args->word_count > c->max_words) {
        SC_AUTO_BUF text = { 0 };
        shown(&text, sc_str_from(args->words[c->max_words]));
        return sc_error_set(err, SC_E_INVALID_VALUE, "'%s' is one too many: scripta %s%s%s",
                            sc_buf_text(&text), c->name, c->usage[0] == '\0' ? "" : " ", c->usage);
    }
    enum sc_code code = SC_OK;
    for (size_t i = 0; code == SC_OK && i < args->word_count; i++)
        code = args->words[i][0] == '\0' ? check_empty(c, i, err) : SC_OK;
    return code;
}

enum sc_code sc_args_parse(int argc, char **argv, struct sc_args *out, struct sc_error *err)
{
    struct parser p = { .argc = argc, .argv = argv, .at = 1, .args = out };
    enum sc_code code = SC_OK;

    *out = (struct sc_args){ 0 };
    out->words = sc_alloc_array((size_t)argc + 1, sizeof(*out->words));
    while (code == SC_OK && p.at < argc) {
        const char *arg = argv[p.at++];
        if (p.words_only || arg[0] != '-' || arg[1] == '\0') {
            if (out->command == NULL && out->group == NULL)
                code = take_command(&p, arg, err);
            else
                out->words[out->word_count++] = arg;
        } else if (strcmp(arg, "--") == 0) {
            p.words_only = true;
        } else if (arg[1] == '-') {
            code = parse_long(&p, arg + 2, err);
        } else {
            code = parse_short(&p, arg, err);
        }
    }
    return code == SC_OK ? check_words(out, err) : code;
}

void sc_args_done(struct sc_args *args)
{
    free(args->words);
    free(args->job_flags);
    free(args->export_flags);
    *args = (struct sc_args){ 0 };
}

const char *sc_args_get(const struct sc_args *args, const char *flag, const char *fallback)
{
    for (size_t i = args->given_count; i > 0; i--) {
        if (strcmp(args->given[i - 1].flag->name, flag) == 0)
            return args->given[i - 1].value;
    }
    return fallback;
}

bool sc_args_has(const struct sc_args *args, const char *flag)
{
    return sc_args_get(args, flag, NULL) != NULL;
}

enum sc_code sc_args_int(const struct sc_args *args, const char *flag, int64_t min, int64_t max,
                         int64_t *out, struct sc_error *err)
{
    const char *text = sc_args_get(args, flag, NULL);
    int64_t value;

    if (text == NULL)
        return SC_OK;
    if (!sc_str_to_int64(sc_str_from(text), &value) || value < min || value > max) {
        SC_AUTO_BUF quoted = { 0 };
        shown(&quoted, sc_str_from(text));
        return sc_error_field(err, SC_E_INVALID_VALUE, flag,
                              "--%s is '%s', must be a whole number from %" PRId64 " to %" PRId64,
                              flag, sc_buf_text(&quoted), min, max);
    }
    *out = value;
    return SC_OK;
}

bool sc_args_knows(const struct sc_args *args, const char *field)
{
    SC_AUTO_BUF flag = { 0 };
    for (const char *c = field; *c != '\0'; c++)
        sc_buf_putc(&flag, *c == '_' ? '-' : *c);
    return flag.len > 0 && find_flag(args, sc_buf_str(&flag), 0) != NULL;
}

static bool is_name_byte(char c)
{
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

void sc_args_as_typed(struct sc_error *err)
{
    if (err == NULL || err->field[0] == '\0')
        return;
    SC_AUTO_BUF flag = { 0 };
    SC_AUTO_BUF text = { 0 };
    size_t len = strlen(err->field);
    for (const char *c = err->field; *c != '\0'; c++)
        sc_buf_putc(&flag, *c == '_' ? '-' : *c);
    for (const char *at = err->msg; *at != '\0';) {
        bool begins = at == err->msg || !(is_name_byte(at[-1]) || at[-1] == '-');
        if (begins && strncmp(at, err->field, len) == 0 && !is_name_byte(at[len])) {
            sc_buf_printf(&text, "--%s", sc_buf_text(&flag));
            at += len;
        } else {
            sc_buf_putc(&text, *at++);
        }
    }
    (void)snprintf(err->field, sizeof(err->field), "%s", sc_buf_text(&flag));
    (void)snprintf(err->msg, sizeof(err->msg), "%s", sc_buf_text(&text));
}
