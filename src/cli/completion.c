/* Completion for shells, from the command table. Each script finds out how far the line has come
 * (`at`: "", "jobs", "jobs list"), passing over flags and their values, and then offers the words
 * and flags that may follow. */
#include "base/alloc.h"
#include "cli/command.h"

#include "base/banned.h"

/* ---- the tables, as the scripts need them ---- */

/* What a value or a word is made of. */
enum kind { KIND_ANY, KIND_FILE, KIND_CHOICES };

/* "FILE...", "DIR", "high|normal|low..." as they stand in the tables. */
static enum kind kind_of(const char *value)
{
    static const char *const files[] = { "FILE", "FILE...", "OUT", "DIR" };
    for (size_t i = 0; i < SC_ARRAY_LEN(files); i++) {
        if (strcmp(value, files[i]) == 0)
            return KIND_FILE;
    }
    return strchr(value, '|') == NULL ? KIND_ANY : KIND_CHOICES;
}

/* The choices with spaces between them, and without the dots of a repetition. */
static void put_choices(struct sc_buf *out, const char *value)
{
    for (; *value != '\0' && *value != '.'; value++)
        sc_buf_putc(out, *value == '|' ? ' ' : *value);
}

static size_t group_length(const struct sc_command *c)
{
    const char *space = strchr(c->name, ' ');
    return space == NULL ? 0 : (size_t)(space - c->name);
}

/* Is this row the first one whose first word is c's, so that the word is told once? */
static bool is_first_of_group(const struct sc_command *c)
{
    size_t len = group_length(c);
    for (SC_EACH_COMMAND(b)) {
        if (b == c || len == 0)
            break;
        if (strncmp(b->name, c->name, len) == 0 && (b->name[len] == ' ' || b->name[len] == '\0'))
            return false;
    }
    return len > 0;
}

/* Appends to a list, unless it stands there already. */
static void add_once(struct sc_buf *list, char between, struct sc_str name)
{
    struct sc_str rest = sc_buf_str(list);
    while (rest.len > 0) {
        if (sc_str_equal(sc_str_take_until(&rest, between), name))
            return;
    }
    if (list->len > 0)
        sc_buf_putc(list, between);
    sc_buf_put_str(list, name);
}

static void add_groups(struct sc_buf *list, char between)
{
    for (SC_EACH_COMMAND(c)) {
        if (group_length(c) > 0)
            add_once(list, between, (struct sc_str){ c->name, group_length(c) });
    }
}

typedef void (*flag_fn)(void *ctx, const struct sc_flag *flag);

/* The flags of a command without those of every command; c NULL: those. */
static void each_flag(const struct sc_command *c, flag_fn fn, void *ctx)
{
    SC_AUTO_FREE struct sc_flag *job = c != NULL && c->job_options ? sc_job_flags_new() : NULL;
    SC_AUTO_FREE struct sc_flag *export =
        c != NULL && c->export_options ? sc_export_flags_new() : NULL;
    const struct sc_flag *tables[] = { c == NULL ? sc_global_flags : c->flags, job, export };
    for (size_t t = 0; t < SC_ARRAY_LEN(tables); t++) {
        for (const struct sc_flag *f = tables[t]; f != NULL && f->name != NULL; f++)
            fn(ctx, f);
    }
}

struct names {
    struct sc_buf *list;
    char between;
    int kind; /* of flags with a value; -1: of any kind */
};

static void add_names(void *ctx, const struct sc_flag *flag)
{
    struct names *names = ctx;
    char text[64];
    if (flag->kind != SC_FLAG_VALUE ||
        (names->kind >= 0 && (int)kind_of(flag->value) != names->kind))
        return;
    (void)snprintf(text, sizeof(text), "--%s", flag->name);
    add_once(names->list, names->between, sc_str_from(text));
    (void)snprintf(text, sizeof(text), "-%c", flag->letter);
    if (flag->letter != 0)
        add_once(names->list, names->between, sc_str_from(text));
}

/* The flags of all commands that take a value. */
static void add_value_flags(struct sc_buf *list, char between, int kind)
{
    struct names names = { list, between, kind };
    each_flag(NULL, add_names, &names);
    for (SC_EACH_COMMAND(c))
        each_flag(c, add_names, &names);
}

/* A place in the line: what has come, and the command that it is, or NULL. */
typedef void (*place_fn)(struct sc_buf *out, struct sc_str at, const struct sc_command *c);

static void each_place(struct sc_buf *out, place_fn fn)
{
    fn(out, SC_STR(""), NULL);
    for (SC_EACH_COMMAND(c)) {
        if (is_first_of_group(c))
            fn(out, (struct sc_str){ c->name, group_length(c) }, NULL);
        fn(out, sc_str_from(c->name), c);
    }
}

/* summary NULL: a group. */
typedef void (*word_fn)(struct sc_buf *out, struct sc_str at, struct sc_str word,
                        const char *summary);

static void each_word(struct sc_buf *out, struct sc_str at, word_fn fn)
{
    for (SC_EACH_COMMAND(c)) {
        struct sc_str group = { c->name, group_length(c) };
        if (at.len > 0 && sc_str_equal(group, at))
            fn(out, at, sc_str_from(c->name + group.len + 1), c->summary);
        else if (at.len == 0 && group.len == 0)
            fn(out, at, sc_str_from(c->name), c->summary);
        else if (at.len == 0 && is_first_of_group(c))
            fn(out, at, group, NULL);
    }
}

static const char *summary_of(const char *summary)
{
    return summary == NULL ? "A group of commands" : summary;
}

/* ---- bash ---- */

static void put_bash_flag(void *ctx, const struct sc_flag *flag)
{
    struct sc_buf *out = ctx;
    if (flag->letter != 0)
        sc_buf_printf(out, "-%c ", flag->letter);
    sc_buf_printf(out, "--%s ", flag->name);
}

static void put_bash_word(struct sc_buf *out, struct sc_str at, struct sc_str word,
                          const char *summary)
{
    (void)at;
    (void)summary;
    sc_buf_printf(out, "%.*s ", (int)word.len, word.ptr);
}

static void put_bash_place(struct sc_buf *out, struct sc_str at, const struct sc_command *c)
{
    sc_buf_printf(out, "    '%.*s')\n        words='", (int)at.len, at.ptr);
    each_word(out, at, put_bash_word);
    if (c != NULL && kind_of(c->usage) == KIND_CHOICES)
        put_choices(out, c->usage);
    sc_buf_puts(out, "'\n        flags='");
    if (c != NULL)
        each_flag(c, put_bash_flag, out);
    sc_buf_printf(out, "'%s\n        ;;\n",
                  c != NULL && kind_of(c->usage) == KIND_FILE ? "\n        files=yes" : "");
}

static void put_bash_choices(void *ctx, const struct sc_flag *flag)
{
    struct sc_buf *out = ctx;
    if (flag->kind != SC_FLAG_VALUE || kind_of(flag->value) != KIND_CHOICES)
        return;
    sc_buf_printf(out, "    --%s", flag->name);
    if (flag->letter != 0)
        sc_buf_printf(out, " | -%c", flag->letter);
    sc_buf_puts(out, ")\n        mapfile -t COMPREPLY < <(compgen -W '");
    put_choices(out, flag->value);
    sc_buf_puts(out, "' -- \"$cur\")\n        return\n        ;;\n");
}

static void put_bash_values(struct sc_buf *out)
{
    SC_AUTO_BUF files = { 0 };
    SC_AUTO_BUF others = { 0 };
    add_value_flags(&files, '|', KIND_FILE);
    add_value_flags(&others, '|', KIND_ANY);
    sc_buf_puts(out, "    case $prev in\n");
    each_flag(NULL, put_bash_choices, out);
    for (SC_EACH_COMMAND(c)) {
        /* The flags of a job once, though several commands take them; those of an export too. */
        struct sc_command own = *c;
        for (SC_EACH_COMMAND(b)) {
            if (b == c)
                break;
            own.job_options = own.job_options && !b->job_options;
            own.export_options = own.export_options && !b->export_options;
        }
        each_flag(&own, put_bash_choices, out);
    }
    sc_buf_printf(out,
                  "    %s)\n"
                  "        compopt -o default\n"
                  "        return\n"
                  "        ;;\n"
                  "    %s)\n"
                  "        return\n"
                  "        ;;\n"
                  "    esac\n",
                  sc_buf_text(&files), sc_buf_text(&others));
}

static void put_bash(struct sc_buf *out)
{
    SC_AUTO_BUF values = { 0 };
    SC_AUTO_BUF groups = { 0 };
    add_value_flags(&values, '|', -1);
    add_groups(&groups, '|');
    sc_buf_printf(out,
                  "# bash completion of scripta; made by: scripta help --completion bash\n"
                  "_scripta()\n"
                  "{\n"
                  "    local at='' cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
                  "    local i word skip='' words='' flags='' files=''\n"
                  "    COMPREPLY=()\n"
                  "    # readline makes a word of its own of the sign in --flag=value\n"
                  "    if [[ $cur == = ]]; then\n"
                  "        cur=''\n"
                  "    elif [[ $prev == = ]]; then\n"
                  "        prev=${COMP_WORDS[COMP_CWORD-2]}\n"
                  "    fi\n"
                  "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
                  "        word=${COMP_WORDS[i]}\n"
                  "        if [[ -n $skip ]]; then\n"
                  "            [[ $word == = ]] || skip=''\n"
                  "            continue\n"
                  "        fi\n"
                  "        case $word in\n"
                  "        %s) skip=yes ;;\n"
                  "        -*) ;;\n"
                  "        *)\n"
                  "            if [[ -z $at ]]; then\n"
                  "                at=$word\n"
                  "            elif [[ $at == @(%s) ]]; then\n"
                  "                at+=\" $word\"\n"
                  "            fi\n"
                  "            ;;\n"
                  "        esac\n"
                  "    done\n",
                  sc_buf_text(&values), sc_buf_text(&groups));
    put_bash_values(out);
    sc_buf_puts(out, "    case $at in\n");
    each_place(out, put_bash_place);
    sc_buf_puts(out, "    esac\n    if [[ $cur == -* ]]; then\n        words=\"$flags ");
    each_flag(NULL, put_bash_flag, out);
    sc_buf_puts(out, "\"\n"
                     "    elif [[ -n $files ]]; then\n"
                     "        compopt -o default\n"
                     "        return\n"
                     "    fi\n"
                     "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
                     "}\n"
                     "complete -F _scripta scripta\n");
}

/* ---- zsh ---- */

/* Inside single quotes; brackets would end the explanation of a flag. */
static void put_zsh_text(struct sc_buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\'')
            sc_buf_puts(out, "'\\''");
        else if (strchr("[]:\\", *text) != NULL)
            sc_buf_printf(out, "\\%c", *text);
        else
            sc_buf_putc(out, *text);
    }
}

static void put_zsh_spec(struct sc_buf *out, const struct sc_flag *flag, const char *name)
{
    bool value = flag->kind == SC_FLAG_VALUE;
    sc_buf_printf(out, "            '%s%s[", name, value && name[1] == '-' ? "=" : "");
    put_zsh_text(out, flag->help);
    sc_buf_putc(out, ']');
    if (value) {
        sc_buf_putc(out, ':');
        put_zsh_text(out, flag->value);
        switch (kind_of(flag->value)) {
        case KIND_FILE:
            sc_buf_puts(out, ":_files");
            break;
        case KIND_CHOICES:
            sc_buf_puts(out, ":(");
            put_choices(out, flag->value);
            sc_buf_putc(out, ')');
            break;
        case KIND_ANY:
            sc_buf_puts(out, ": ");
            break;
        }
    }
    sc_buf_puts(out, "'\n");
}

static void put_zsh_flag(void *ctx, const struct sc_flag *flag)
{
    char name[64];
    (void)snprintf(name, sizeof(name), "-%c", flag->letter);
    if (flag->letter != 0)
        put_zsh_spec(ctx, flag, name);
    (void)snprintf(name, sizeof(name), "--%s", flag->name);
    put_zsh_spec(ctx, flag, name);
}

static void put_zsh_word(struct sc_buf *out, struct sc_str at, struct sc_str word,
                         const char *summary)
{
    (void)at;
    sc_buf_printf(out, "            '%.*s:", (int)word.len, word.ptr);
    put_zsh_text(out, summary_of(summary));
    sc_buf_puts(out, "'\n");
}

static void put_zsh_place(struct sc_buf *out, struct sc_str at, const struct sc_command *c)
{
    sc_buf_printf(out, "    ('%.*s')\n        names=(\n", (int)at.len, at.ptr);
    each_word(out, at, put_zsh_word);
    if (c != NULL && kind_of(c->usage) == KIND_CHOICES) {
        sc_buf_puts(out, "            ");
        put_choices(out, c->usage);
        sc_buf_putc(out, '\n');
    }
    sc_buf_puts(out, "        )\n        flags+=(\n");
    if (c != NULL)
        each_flag(c, put_zsh_flag, out);
    sc_buf_printf(out, "        )\n%s        ;;\n",
                  c != NULL && kind_of(c->usage) == KIND_FILE ? "        files=yes\n" : "");
}

static void put_zsh(struct sc_buf *out)
{
    SC_AUTO_BUF values = { 0 };
    SC_AUTO_BUF groups = { 0 };
    add_value_flags(&values, '|', -1);
    add_groups(&groups, '|');
    sc_buf_printf(out,
                  "#compdef scripta\n"
                  "# made by: scripta help --completion zsh\n"
                  "_scripta() {\n"
                  "    local at='' skip='' files='' word state\n"
                  "    local -a names flags\n"
                  "    for word in \"${(@)words[2,CURRENT-1]}\"; do\n"
                  "        if [[ -n $skip ]]; then\n"
                  "            skip=''\n"
                  "            continue\n"
                  "        fi\n"
                  "        case $word in\n"
                  "        (%s) skip=yes ;;\n"
                  "        (-*) ;;\n"
                  "        (*)\n"
                  "            if [[ -z $at ]]; then\n"
                  "                at=$word\n"
                  "            elif [[ $at == (%s) ]]; then\n"
                  "                at=\"$at $word\"\n"
                  "            fi\n"
                  "            ;;\n"
                  "        esac\n"
                  "    done\n"
                  "    flags=(\n",
                  sc_buf_text(&values), sc_buf_text(&groups));
    each_flag(NULL, put_zsh_flag, out);
    sc_buf_puts(out, "    )\n    case $at in\n");
    each_place(out, put_zsh_place);
    sc_buf_puts(out, "    esac\n"
                     "    _arguments -s $flags '*: :->words' && return\n"
                     "    if [[ -n $files ]]; then\n"
                     "        _files\n"
                     "    elif (( $#names )); then\n"
                     "        _describe word names\n"
                     "    fi\n"
                     "}\n"
                     "if [[ $funcstack[1] == _scripta ]]; then\n"
                     "    _scripta \"$@\"\n"
                     "else\n"
                     "    compdef _scripta scripta\n"
                     "fi\n");
}

/* ---- fish ---- */

static void put_fish_text(struct sc_buf *out, const char *text)
{
    for (; *text != '\0'; text++)
        sc_buf_printf(out, "%s%c", *text == '\'' || *text == '\\' ? "\\" : "", *text);
}

static void begin_fish(struct sc_buf *out, struct sc_str at)
{
    sc_buf_printf(out, "complete -c scripta -n \"__scripta_at '%.*s'\"", (int)at.len, at.ptr);
}

static void put_fish_word(struct sc_buf *out, struct sc_str at, struct sc_str word,
                          const char *summary)
{
    begin_fish(out, at);
    sc_buf_printf(out, " -a %.*s -d '", (int)word.len, word.ptr);
    put_fish_text(out, summary_of(summary));
    sc_buf_puts(out, "'\n");
}

struct fish_place {
    struct sc_buf *out;
    const struct sc_command *c; /* NULL: every command */
};

static void put_fish_flag(void *ctx, const struct sc_flag *flag)
{
    struct fish_place *place = ctx;
    struct sc_buf *out = place->out;
    if (place->c == NULL)
        sc_buf_puts(out, "complete -c scripta");
    else
        begin_fish(out, sc_str_from(place->c->name));
    if (flag->letter != 0)
        sc_buf_printf(out, " -s %c", flag->letter);
    sc_buf_printf(out, " -l %s", flag->name);
    if (flag->kind == SC_FLAG_VALUE && kind_of(flag->value) == KIND_FILE) {
        sc_buf_puts(out, " -r -F");
    } else if (flag->kind == SC_FLAG_VALUE) {
        sc_buf_puts(out, " -x");
        if (kind_of(flag->value) == KIND_CHOICES) {
            sc_buf_puts(out, " -a '");
            put_choices(out, flag->value);
            sc_buf_putc(out, '\'');
        }
    }
    sc_buf_puts(out, " -d '");
    put_fish_text(out, flag->help);
    sc_buf_puts(out, "'\n");
}

static void put_fish_place(struct sc_buf *out, struct sc_str at, const struct sc_command *c)
{
    struct fish_place place = { out, c };
    each_word(out, at, put_fish_word);
    if (c == NULL)
        return;
    each_flag(c, put_fish_flag, &place);
    if (kind_of(c->usage) == KIND_FILE) {
        begin_fish(out, at);
        sc_buf_puts(out, " -F\n");
    } else if (kind_of(c->usage) == KIND_CHOICES) {
        begin_fish(out, at);
        sc_buf_puts(out, " -a '");
        put_choices(out, c->usage);
        sc_buf_puts(out, "'\n");
    }
}

static void put_fish(struct sc_buf *out)
{
    SC_AUTO_BUF values = { 0 };
    SC_AUTO_BUF groups = { 0 };
    struct fish_place all = { out, NULL };
    add_value_flags(&values, ' ', -1);
    add_groups(&groups, ' ');
    sc_buf_printf(out,
                  "# fish completion of scripta; made by: scripta help --completion fish\n"
                  "function __scripta_at\n"
                  "    set -l at ''\n"
                  "    set -l skip ''\n"
                  "    for word in (commandline -opc)[2..-1]\n"
                  "        if test -n \"$skip\"\n"
                  "            set skip ''\n"
                  "            continue\n"
                  "        end\n"
                  "        switch $word\n"
                  "            case %s\n"
                  "                set skip yes\n"
                  "            case '-*'\n"
                  "            case '*'\n"
                  "                if test -z \"$at\"\n"
                  "                    set at $word\n"
                  "                else if contains -- \"$at\" %s\n"
                  "                    set at \"$at $word\"\n"
                  "                end\n"
                  "        end\n"
                  "    end\n"
                  "    test \"$at\" = \"$argv[1]\"\n"
                  "end\n"
                  "complete -c scripta -f\n",
                  sc_buf_text(&values), sc_buf_text(&groups));
    each_flag(NULL, put_fish_flag, &all);
    each_place(out, put_fish_place);
}

bool sc_completion(struct sc_buf *out, const char *shell)
{
    static const struct {
        const char *shell;
        void (*put)(struct sc_buf *out);
    } shells[] = { { "bash", put_bash }, { "zsh", put_zsh }, { "fish", put_fish } };
    for (size_t i = 0; i < SC_ARRAY_LEN(shells); i++) {
        if (strcmp(shells[i].shell, shell) == 0) {
            shells[i].put(out);
            return true;
        }
    }
    return false;
}
