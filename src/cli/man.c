/* The manual page, from the command table. */
#include "base/alloc.h"
#include "base/utf8.h"
#include "cli/command.h"

#include "base/banned.h"

/* Text for roff: a hyphen that is typed is \-, a backslash is \e, and no line begins with a sign
 * that would make it a request. Signs beyond ASCII are named by their number. */
static void put_text(struct sc_buf *out, struct sc_str text)
{
    for (size_t at = 0; at < text.len;) {
        uint32_t cp;
        struct sc_str rest = { text.ptr + at, text.len - at };
        size_t len = sc_utf8_decode(rest, &cp);
        sc_assert(len > 0); /* the tables are valid UTF-8 */
        at += len;
        bool line_start = out->len == 0 || out->ptr[out->len - 1] == '\n';
        if (line_start && (cp == '.' || cp == '\''))
            sc_buf_puts(out, "\\&");
        if (cp == '-')
            sc_buf_puts(out, "\\-");
        else if (cp == '\\')
            sc_buf_puts(out, "\\e");
        else if (cp < 0x80)
            sc_buf_putc(out, (char)cp);
        else
            sc_buf_printf(out, "\\[u%04X]", (unsigned)cp);
    }
}

static void put(struct sc_buf *out, const char *text)
{
    put_text(out, sc_str_from(text));
}

static void put_paragraph(struct sc_buf *out, const char *text)
{
    sc_buf_puts(out, ".PP\n");
    put(out, text);
    sc_buf_putc(out, '\n');
}

static void put_flags(struct sc_buf *out, const struct sc_flag *flags)
{
    for (; flags->name != NULL; flags++) {
        sc_buf_puts(out, ".TP\n");
        if (flags->letter != 0)
            sc_buf_printf(out, "\\fB\\-%c\\fR, ", flags->letter);
        sc_buf_puts(out, "\\fB\\-\\-");
        put(out, flags->name);
        sc_buf_puts(out, "\\fR");
        if (flags->kind == SC_FLAG_VALUE) {
            sc_buf_puts(out, " \\fI");
            put(out, flags->value);
            sc_buf_puts(out, "\\fR");
        }
        sc_buf_putc(out, '\n');
        put(out, flags->help);
        sc_buf_puts(out, ".\n");
    }
}

static void put_examples(struct sc_buf *out, const char *examples)
{
    sc_buf_puts(out, ".PP\n.EX\n");
    put(out, examples);
    sc_buf_puts(out, ".EE\n");
}

static void put_command(struct sc_buf *out, const struct sc_command *c)
{
    SC_AUTO_BUF usage = { 0 };
    sc_help_usage(&usage, c);
    sc_buf_puts(out, ".SS \"");
    put_text(out, sc_buf_str(&usage));
    sc_buf_puts(out, "\"\n");
    put(out, c->summary);
    sc_buf_puts(out, ".\n");
    if (c->about != NULL)
        put_paragraph(out, c->about);
    if (c->flags != NULL)
        put_flags(out, c->flags);
    put_examples(out, c->examples);
}

static void put_exits(struct sc_buf *out)
{
    size_t count;
    const struct sc_help_exit *exits = sc_help_exits(&count);
    sc_buf_puts(out, ".SH EXIT STATUS\n");
    for (size_t i = 0; i < count; i++) {
        sc_buf_printf(out, ".TP\n.B %d\n", exits[i].status);
        put(out, exits[i].text);
        sc_buf_puts(out, ".\n");
    }
}

static void put_end(struct sc_buf *out)
{
    sc_buf_puts(out, ".SH ENVIRONMENT\n");
    put(out, "Every setting is also a variable: SCRIPTA_ and its name in capitals, with _ for each "
             "dot.\n");
    sc_buf_puts(out, ".TP\n.B SCRIPTA_SERVER\n");
    put(out, "Server that commands talk to.\n");
    sc_buf_puts(out, ".TP\n.B SCRIPTA_TOKEN\n");
    put(out, "Token that they send.\n");
    sc_buf_puts(out, ".TP\n.B NO_COLOR\n");
    put(out, "Turns colours off.\n");
    sc_buf_puts(out, ".SH FILES\n.TP\n.I ~/.local/share/scripta\n");
    put(out, "The default data folder: the store, recordings, transcripts, logs.\n");
    sc_buf_puts(out, ".TP\n.I scripta.yaml\n");
    put(out, "Settings, in the data folder; `scripta config example` prints one.\n");
    sc_buf_puts(out, ".SH SEE ALSO\n.BR ffmpeg (1)\n");
}

void sc_man_page(struct sc_buf *out)
{
    SC_AUTO_FREE struct sc_flag *job_flags = sc_job_flags_new();
    SC_AUTO_FREE struct sc_flag *export_flags = sc_export_flags_new();

    sc_buf_puts(out, ".\\\" Made from the command table: scripta help --man\n"
                     ".TH SCRIPTA 1 \"\" \"Scripta " SC_VERSION "\" \"User Commands\"\n"
                     ".SH NAME\n"
                     "scripta \\- turn recordings into durable text\n"
                     ".SH SYNOPSIS\n"
                     ".B scripta\n"
                     ".RI [ OPTION \"...] \" COMMAND \" [\" WORD ...]\n"
                     ".SH DESCRIPTION\n");
    put(out, "Recordings go in, durable text comes out: a queue of jobs, a store and a server in "
             "one folder.\n");
    put_paragraph(out, "A command talks to a server. When none runs on the data folder, the "
                       "command starts one, which ends by itself soon after the last command and "
                       "the last task.");
    put_paragraph(out, "Results go to standard output, everything else to standard error.");
    sc_buf_puts(out, ".SH OPTIONS\nEvery command takes these.\n");
    put_flags(out, sc_global_flags);
    sc_buf_puts(out, ".SH OPTIONS OF A JOB\n");
    put(out, "The commands that make jobs take all of them.\n");
    put_flags(out, job_flags);
    sc_buf_puts(out, ".SH OPTIONS OF AN EXPORT\n");
    put(out, "transcribe and transcripts export take them, each with the formats that it names.\n");
    put_flags(out, export_flags);
    sc_buf_puts(out, ".SH COMMANDS\n");
    for (SC_EACH_COMMAND(c))
        put_command(out, c);
    put_exits(out);
    put_end(out);
}
