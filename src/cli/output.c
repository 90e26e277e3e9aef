#include "cli/session.h"

#include "base/utf8.h"
#include "cli/args.h"
#include "cli/format.h"
#include "sys/file.h"
#include "json/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/stat.h>

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
    case SC_E_TOKEN_NOT_FOUND:
        return "`scripta token list` shows the tokens by their numbers";
    case SC_E_STORE_DAMAGED:
        return "take the program that wrote it, or put a backup of scripta.db in its place";
    case SC_E_ENGINE_UNAVAILABLE:
        return "`scripta engines` shows what can run here";
    default: /* most messages say it themselves */
        return NULL;
    }
}

/* A line on standard error, made printable; on a terminal broken between words. */
static void put_line(const struct sc_cli *cli, struct sc_str text, size_t at, struct sc_buf *out)
{
    size_t indent = 2;
    while (indent - 2 < text.len && text.ptr[indent - 2] == ' ')
        indent++;
    int width = cli->err_is_terminal ? sc_format_terminal_width(STDERR_FILENO, 0) : 0;
    sc_format_wrap(out, text, &(struct sc_margins){ at, indent, (size_t)width });
    sc_buf_putc(out, '\n');
}

/* "group_by 'x' is none of …", as the server says it, is about an option that was typed. */
static void speak_of_options(const struct sc_cli *cli, struct sc_error *err)
{
    size_t len = strlen(err->field);
    bool about = len > 0 && strncmp(err->msg, err->field, len) == 0 && err->msg[len] == ' ';
    if (about && err->code == SC_E_INVALID_VALUE && sc_args_knows(cli->args, err->field))
        sc_args_as_typed(err);
}

/* "21474836480 bytes" as "21 GB"; returns how much of the text that took, 0: it is none, or so
 * small that it is read at once. */
static size_t put_bytes(struct sc_buf *out, const char *text)
{
    int64_t bytes;
    size_t digits = strspn(text, "0123456789");
    if (strncmp(text + digits, " bytes", 6) != 0 ||
        !sc_str_to_int64((struct sc_str){ text, digits }, &bytes) || bytes < 10000)
        return 0;
    sc_format_size(out, bytes);
    return digits + 6;
}

/* The length of "operation 1: ", which counts steps that nobody typed: the flags of one command, or
 * what was changed in an editor. */
static size_t typed_step(const char *message)
{
    static const struct sc_str head = SC_STR("operation ");
    if (!sc_str_starts(sc_str_from(message), head))
        return 0;
    size_t digits = strspn(message + head.len, "0123456789");
    return strncmp(message + head.len + digits, ": ", 2) == 0 ? head.len + digits + 2 : 0;
}

void sc_cli_put_message(struct sc_buf *out, const char *message)
{
    static const char *const phrases[][2] = {
        { "music=keep", "--music keep" },
        { "channels=left", "--channels left" },
        { "no_speech_threshold=1", "--no-speech-threshold 1" },
        { "and language says it", "and --language says it" },
        { "--vad or sequential out", "--vad or --sequential out" },
        { "add sequential", "add --sequential" },
        { "while vad is off", "while --vad is off" },
        { "when temperature_increment_on_fallback is",
          "when --temperature-increment-on-fallback is" },
        { "another with model", "another with --model" },
        { "leave chunk_length out", "leave --chunk-length out" },
        { "leave language out", "leave --language out" },
        { "leave multilingual out", "leave --multilingual out" },
        { " and GET tell ", " tells " },
        { "with force", "with --force" },
        { "mode=substring", "--substring" },
        { "speakers=off", "--speakers off" },
        { "rolling=keep", "--rolling keep" },
        { "rolling=collapse", "--rolling collapse" },
        { "remove_tags", "--remove" },
        { "add_tags", "--add" },
        { "q, column ", "column " },
        { "; curl sends it as it is by --data-binary @FILE", "" },
    };
    message += typed_step(message);
    for (bool begins = true; *message != '\0';) {
        size_t i = 0, sized = begins ? put_bytes(out, message) : 0;
        begins = *message == ' ' || *message == '(';
        message += sized;
        if (sized > 0)
            continue;
        while (i < SC_ARRAY_LEN(phrases) &&
               strncmp(message, phrases[i][0], strlen(phrases[i][0])) != 0)
            i++;
        if (i == SC_ARRAY_LEN(phrases)) {
            sc_buf_putc(out, *message++);
            continue;
        }
        sc_buf_puts(out, phrases[i][1]);
        message += strlen(phrases[i][0]);
    }
}

int sc_cli_fail(const struct sc_cli *cli, const struct sc_error *why)
{
    return sc_cli_fail_hint(cli, why, hint_of(why->code));
}

int sc_cli_fail_hint(const struct sc_cli *cli, const struct sc_error *why, const char *hint)
{
    SC_AUTO_BUF out = { 0 };
    struct sc_error own = *why;
    struct sc_error *err = &own;

    speak_of_options(cli, err);
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
        sc_buf_puts(&out, cli->colour ? "\033[1;31mscripta:\033[0m " : "scripta: ");
        SC_AUTO_BUF text = { 0 };
        sc_cli_put_message(&text, err->msg);
        put_line(cli, sc_buf_str(&text), strlen("scripta: "), &out);
        if (hint != NULL) {
            sc_buf_puts(&out, "  ");
            put_line(cli, sc_str_from(hint), 2, &out);
        }
    }
    (void)fwrite(out.ptr, 1, out.len, stderr); /* nowhere left to say that this failed */
    return sc_code_exit_status(err->code);
}

void sc_cli_note(const struct sc_cli *cli, const char *fmt, ...)
{
    SC_AUTO_FREE char *text = NULL;
    SC_AUTO_BUF line = { 0 };
    va_list args;

    if (cli->quiet)
        return;
    va_start(args, fmt);
    int len = vasprintf(&text, fmt, args);
    va_end(args);
    sc_assert(len >= 0);
    put_line(cli, (struct sc_str){ text, (size_t)len }, 0, &line);
    (void)fflush(stdout);
    (void)fwrite(line.ptr, 1, line.len, stderr); /* nowhere left to say that this failed */
}

enum sc_code sc_cli_print(struct sc_str text, struct sc_error *err)
{
    SC_AUTO_BUF unturned = { 0 };
    if (isatty(STDOUT_FILENO) == 1) { /* files and pipes get every byte as it is */
        sc_utf8_append_unturned(&unturned, text);
        if (unturned.failed)
            return sc_error_set(err, SC_E_INTERNAL, "the output is too large");
        text = sc_buf_str(&unturned);
    }
    errno = 0;
    if (fwrite(text.ptr, 1, text.len, stdout) == text.len && fflush(stdout) == 0)
        return SC_OK;
    /* `scripta jobs list | head`: the reader has what it wanted. */
    if (errno == EPIPE)
        _exit(128 + SIGPIPE);
    return sc_error_errno(err, errno, "cannot write to standard output");
}

mode_t sc_cli_umask(void)
{
    mode_t mask = umask(0077);
    (void)umask(mask);
    return mask;
}

enum sc_code sc_cli_write_file(const char *path, const struct sc_buf *text, struct sc_error *err)
{
    SC_AUTO_CLOSE int fd = -1;
    struct stat info;
    bool there = stat(path, &info) == 0;

    if (path[0] == '\0')
        return sc_error_set(err, SC_E_INVALID_VALUE, "the name of the file to write is empty");
    if (there && S_ISDIR(info.st_mode))
        return sc_error_set(err, SC_E_INVALID_VALUE, "'%s' is a folder; name a file in it", path);
    if (!there || S_ISREG(info.st_mode)) {
        mode_t mode = there ? info.st_mode & 0777 : 0666 & ~sc_cli_umask();
        enum sc_code code = sc_file_write_atomic(path, text->ptr, text->len, err);
        if (code == SC_OK && chmod(path, mode) != 0)
            return sc_error_errno(err, errno, "cannot set the mode of '%s'", path);
        return code;
    }
    fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return sc_error_errno(err, errno, "cannot write '%s'", path);
    return sc_file_write_all(fd, text->ptr, text->len, err);
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
