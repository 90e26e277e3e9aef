/* docs/config.md and the example settings file, both from the table. */
#include "config/table.h"

#include "base/banned.h"

static const char intro[] =
    "# Settings\n"
    "\n"
    "This page is made from the option table: `scripta config docs` prints it.\n"
    "\n"
    "Later wins: defaults, one YAML file, a `.env` file, the environment, flags. The YAML file is\n"
    "`--config FILE`, else `scripta.yaml` in the data folder when it exists. The `.env` file is\n"
    "`--env-file FILE`, else `.env` beside the YAML file when it exists. Any setting can be given "
    "as a\n"
    "flag: `--set NAME=VALUE`. In YAML `queue.lease: 30s` and `queue:` with `lease: 30s` below it "
    "are\n"
    "the same; a key that no setting has is an error with its line.\n"
    "\n"
    "`scripta config show` prints every value in effect and where it came from; `scripta config "
    "check`\n"
    "checks all sources and changes nothing.\n"
    "\n"
    "- A duration is a number with a unit: `250ms`, `30s`, `15m`, `2h`, `7d`; without a unit it "
    "is\n"
    "  seconds. Every duration also takes its name with `_ms` behind it and a whole number of\n"
    "  milliseconds, such as `queue.lease_ms: 2000`.\n"
    "- A size is bytes, or a number with `K`, `M`, `G` or `T` (powers of 1024).\n"
    "- A boolean is `true` or `false`; `on`, `off`, `yes`, `no`, `1` and `0` are understood.\n"
    "- A secret also takes its name with `_file` behind it: the file that holds the value.\n"
    "- A setting marked *restart* takes effect when the server starts again. The others do on\n"
    "  SIGHUP (`systemctl reload scripta`), which reads all sources again and opens the log\n"
    "  anew: the log names what has changed and what waits for a restart. Where a value is wrong\n"
    "  nothing changes, and the log says which, with its line. The environment is that of the\n"
    "  server's start.\n"
    "\n"
    "Nothing listens on TCP unless `listen` says so: commands use the Unix socket of the data "
    "folder,\n"
    "and a command that finds no server starts one for itself; several could not share a port. The "
    "store\n"
    "is SQLite in the data folder, and holds the queue too "
    "([why](adr/0002-sqlite-is-the-queue.md)): no\n"
    "setting names another database or a Redis.\n"
    "\n"
    "| setting | variable | type | default | allowed | restart | meaning |\n"
    "|---|---|---|---|---|---|---|\n";

/* A table cell: | would end it. */
static void put_cell(struct sc_buf *out, const char *text, bool code)
{
    sc_buf_putc(out, ' ');
    if (code && text[0] != '\0')
        sc_buf_putc(out, '`');
    for (; *text != '\0'; text++) {
        if (*text == '|')
            sc_buf_putc(out, '\\');
        sc_buf_putc(out, *text);
    }
    if (code && out->ptr[out->len - 1] != ' ')
        sc_buf_putc(out, '`');
    sc_buf_puts(out, " |");
}

void sc_config_write_docs(struct sc_buf *out)
{
    const char *env;
    size_t index;

    sc_buf_puts(out, intro);
    for (size_t i = 0; i < sc_option_count(); i++) {
        const struct sc_option_info *info = sc_option_at(i);
        sc_buf_putc(out, '|');
        put_cell(out, info->name, true);
        put_cell(out, info->env, true);
        put_cell(out, info->secret ? "secret" : info->type, false);
        put_cell(out, info->fallback, true);
        put_cell(out, info->range, false);
        put_cell(out, info->restart ? "yes" : "", false);
        put_cell(out, info->help, false);
        sc_buf_putc(out, '\n');
    }
    sc_buf_puts(out, "\nShort variables, understood as well:\n\n");
    for (size_t n = 0; (env = sc_option_short_env(n, &index)) != NULL; n++)
        sc_buf_printf(out, "- `%s`: `%s`%s\n", env, sc_option_at(index)->name,
                      strstr(env, "_MS") == NULL ? "" : " in milliseconds");
    sc_buf_puts(out, "\n## Example file\n\n```yaml\n");
    sc_config_write_example(out);
    sc_buf_puts(out, "```\n");
}

/* Length of "queue" in "queue.lease"; 0: no group. */
static size_t group_len(const char *name)
{
    const char *dot = strchr(name, '.');
    return dot == NULL ? 0 : (size_t)(dot - name);
}

void sc_config_write_example(struct sc_buf *out)
{
    const char *group = "";

    sc_buf_puts(out,
                "# Every setting with its default; remove the # in front of those to change.\n");
    for (size_t i = 0; i < sc_option_count(); i++) {
        const struct sc_option_info *info = sc_option_at(i);
        size_t len = group_len(info->name);
        if (len > 0 && (strlen(group) <= len || strncmp(group, info->name, len + 1) != 0))
            sc_buf_printf(out, "\n# %.*s:\n", (int)len, info->name);
        if (len == 0 && group[0] != '\0' && group_len(group) > 0)
            sc_buf_putc(out, '\n');
        group = info->name;
        const char *indent = len > 0 ? "  " : "";
        sc_buf_printf(out, "# %s# %s", indent, info->help);
        if (info->range[0] != '\0')
            sc_buf_printf(out, " (%s)", info->range);
        sc_buf_printf(out, "\n# %s%s: %s\n", indent, info->name + (len > 0 ? len + 1 : 0),
                      info->fallback[0] == '\0' ? "\"\"" : info->fallback);
    }
}
