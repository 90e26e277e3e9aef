#include "cli/session.h"

#include "base/utf8.h"
#include "json/writer.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>

#include "base/banned.h"

/* What a person can do about it, where the message itself cannot know. */
static const char *hint_of(enum sc_code code)
{
    switch ((int)code) {
    case SC_E_SERVER_UNREACHABLE:
        return "is the address right and the server running? `scripta serve` starts one";
    case SC_E_UNAUTHENTICATED:
        return "give a token in SCRIPTA_TOKEN or SCRIPTA_TOKEN_FILE";
    case SC_E_STORE_NOT_INITIALISED:
        return "`scripta db init` makes the store";
    case SC_E_JOB_NOT_FOUND:
        return "`scripta jobs list` shows the jobs";
    case SC_E_FILE_NOT_FOUND:
        return "`scripta files list` shows the files";
    case SC_E_TRANSCRIPT_NOT_FOUND:
        return "`scripta transcripts list` shows the transcripts";
    case SC_E_ENGINE_UNAVAILABLE:
        return "`scripta engines` shows what can run here";
    case SC_E_QUEUE_NOT_FOUND:
        return "the queues are high, normal and low";
    default: /* most messages say it themselves */
        return NULL;
    }
}

int sc_cli_fail(const struct sc_cli *cli, const struct sc_error *err)
{
    SC_AUTO_BUF out = { 0 };

    (void)fflush(stdout);
    if (cli->json) {
        struct sc_json w;
        sc_json_begin(&w, &out);
        sc_json_object(&w, NULL);
        sc_json_object(&w, "error");
        sc_json_text(&w, "code", sc_code_name(err->code));
        sc_json_text(&w, "message", err->msg);
        if (err->field[0] != '\0')
            sc_json_text(&w, "field", err->field);
        sc_json_end(&w);
        sc_json_end(&w);
        sc_buf_putc(&out, '\n');
    } else {
        const char *hint = hint_of(err->code);
        sc_buf_puts(&out, cli->colour ? "\033[1;31mscripta:\033[0m " : "scripta: ");
        sc_utf8_append_printable(&out, sc_str_from(err->msg));
        sc_buf_putc(&out, '\n');
        if (hint != NULL)
            sc_buf_printf(&out, "  %s\n", hint);
    }
    (void)fwrite(out.ptr, 1, out.len, stderr); /* nowhere left to say that this failed */
    return sc_code_exit_status(err->code);
}

void sc_cli_note(const struct sc_cli *cli, const char *fmt, ...)
{
    va_list args;

    if (cli->quiet)
        return;
    (void)fflush(stdout);
    va_start(args, fmt);
    (void)vfprintf(stderr, fmt, args);
    va_end(args);
    (void)fputc('\n', stderr);
}

enum sc_code sc_cli_print(struct sc_str text, struct sc_error *err)
{
    errno = 0;
    if (fwrite(text.ptr, 1, text.len, stdout) == text.len && fflush(stdout) == 0)
        return SC_OK;
    /* `scripta jobs list | head`: the reader has what it wanted. */
    if (errno == EPIPE)
        _exit(128 + SIGPIPE);
    return sc_error_errno(err, errno, "cannot write to standard output");
}

int sc_cli_done(const struct sc_cli *cli, const struct sc_buf *text)
{
    struct sc_error err = { 0 };

    if (text->failed) {
        (void)sc_error_set(&err, SC_E_INTERNAL, "the output is too large");
        return sc_cli_fail(cli, &err);
    }
    if (sc_cli_print(sc_buf_str(text), &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    return SC_EXIT_OK;
}

int sc_cli_done_json(const struct sc_cli *cli, const struct sc_buf *reply)
{
    SC_AUTO_BUF line = { 0 };
    sc_buf_put_str(&line, sc_str_trim(sc_buf_str(reply)));
    sc_buf_putc(&line, '\n');
    return sc_cli_done(cli, &line);
}
