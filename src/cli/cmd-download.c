/* files download: into OUT.part, by Range where a part is there, then held against the hash. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "cli/command.h"
#include "cli/local-hash.h"
#include "cli/progress.h"
#include "sys/file.h"
#include "json/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "base/banned.h"

#define ATTEMPTS 5

struct download {
    struct sc_cli *cli;
    char *path; /* of the API */
    char *out;  /* where it goes; "-": standard output */
    char *part;
    char name[512];
    char hash[SC_SHA256_TEXT];
    int64_t size;
    struct sc_progress_line line;
};

static void download_done(struct download *d)
{
    free(d->path);
    free(d->out);
    free(d->part);
}

static enum sc_code ask(struct download *d, const char *id, struct sc_error *err)
{
    SC_AUTO_FREE char *path = sc_cli_path("/api/files/", id, "");
    SC_AUTO_BUF reply = { 0 };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    enum sc_code code = sc_cli_fetch(d->cli, "GET", path, &reply, &doc, err);
    if (code != SC_OK)
        return code;
    const struct sc_json_value *file = sc_json_root(doc);
    d->path = sc_cli_path("/api/files/", id, "/download");
    d->size = sc_json_get_int(sc_json_member(file, "size_bytes"), -1);
    (void)snprintf(d->name, sizeof(d->name), "%s",
                   sc_json_get_text(sc_json_member(file, "original_name"), ""));
    (void)snprintf(d->hash, sizeof(d->hash), "%s",
                   sc_json_get_text(sc_json_member(file, "file_hash"), ""));
    return SC_OK;
}

/* The name is data that somebody sent once: what is left of it is a plain name in this folder. */
static char *local_name(const struct download *d)
{
    SC_AUTO_BUF name = { 0 };
    struct sc_str rest = sc_str_from(d->name);
    uint32_t cp;
    for (size_t n; rest.len > 0; rest.ptr += n, rest.len -= n) {
        n = sc_utf8_decode(rest, &cp);
        bool bad = n == 0 || cp < 0x20 || (cp >= 0x7f && cp <= 0x9f) || cp == '/' || cp == '\\' ||
                   (cp >= 0x200e && cp <= 0x200f) || (cp >= 0x202a && cp <= 0x202e) ||
                   (cp >= 0x2066 && cp <= 0x2069) ||
                   (name.len == 0 && (cp == '.' || cp == '-' || cp == ' '));
        n = SC_MAX(n, (size_t)1);
        if (name.len + n > 200)
            break;
        if (bad)
            sc_buf_putc(&name, '_');
        else
            sc_buf_append(&name, rest.ptr, n);
    }
    if (name.len == 0)
        sc_buf_puts(&name, "download");
    return sc_buf_take(&name);
}

static enum sc_code choose_place(struct download *d, const struct sc_args *args,
                                 struct sc_error *err)
{
    const char *out = sc_args_get(args, "output", ".");
    struct stat st;
    if (strcmp(out, "-") == 0) {
        d->out = sc_strdup(out);
        if (d->cli->out_is_terminal)
            return sc_error_set(err, SC_E_INVALID_VALUE,
                                "standard output is a terminal; send the bytes through a pipe");
        return SC_OK;
    }
    bool there = stat(out, &st) == 0;
    if (there && S_ISDIR(st.st_mode)) {
        SC_AUTO_FREE char *name = local_name(d);
        d->out = strcmp(out, ".") == 0 ? sc_strdup(name) : sc_path_join(out, name);
    } else {
        d->out = sc_strdup(out);
    }
    d->part = sc_asprintf("%s.part", d->out);
    if (lstat(d->out, &st) == 0 && !sc_args_has(args, "overwrite"))
        return sc_error_set(err, SC_E_CONFLICT,
                            "'%s' is there already; choose another name with -o, or give "
                            "--overwrite",
                            d->out);
    return SC_OK;
}

static void show(void *ctx, int64_t got, int64_t total)
{
    struct download *d = ctx;
    struct sc_progress p = {
        .label = d->name,
        .stage = "download",
        .percent = total > 0 ? 100.0 * (double)got / (double)total : -1,
        .eta_s = -1,
    };
    sc_progress_show(&d->line, &p);
}

static bool stopped(void *ctx)
{
    (void)ctx;
    return sc_cli_interrupted();
}

/* One transfer into fd, behind the bytes that are there. */
static enum sc_code fetch(struct download *d, int fd, int64_t offset, struct sc_error *err)
{
    SC_AUTO_FREE char *etag = sc_asprintf("\"%s\"", d->hash);
    const struct sc_download what = { d->path, fd, offset, etag, show, d };
    enum sc_code code = SC_OK;
    if (d->cli->client == NULL)
        code = sc_cli_connect(d->cli, err);
    if (code != SC_OK)
        return code;
    sc_client_set_stop(d->cli->client, stopped, NULL);
    code = sc_client_download(d->cli->client, &what, NULL, err);
    if (d->cli->client != NULL)
        sc_client_set_stop(d->cli->client, NULL, NULL);
    return code;
}

/* A connection that breaks is taken up again where it broke, as long as that brings bytes. */
static enum sc_code fetch_all(struct download *d, int fd, struct sc_error *err)
{
    int64_t before = -1;
    for (int attempt = 0;; attempt++) {
        int64_t offset = (int64_t)lseek(fd, 0, SEEK_END);
        if (offset < 0)
            return sc_error_errno(err, errno, "cannot read '%s'", d->part);
        if (offset >= d->size)
            return SC_OK;
        attempt = offset > before ? 0 : attempt;
        before = offset;
        enum sc_code code = fetch(d, fd, offset, err);
        bool broke =
            code == SC_E_SERVER_UNREACHABLE || code == SC_E_SHUTTING_DOWN || code == SC_E_TIMEOUT;
        if (!broke || attempt >= ATTEMPTS)
            return code;
        sc_cli_disconnect(d->cli);
        sc_clock_sleep_ms(INT64_C(50) << attempt);
    }
}

static enum sc_code check(struct download *d, int fd, bool *good, struct sc_error *err)
{
    char hash[SC_SHA256_TEXT];
    if (lseek(fd, 0, SEEK_SET) != 0)
        return sc_error_errno(err, errno, "cannot read '%s'", d->part);
    enum sc_code code = sc_local_hash_fd(d->cli, fd, d->name, hash, NULL, err);
    *good = code == SC_OK && strcmp(hash, d->hash) == 0;
    return code;
}

/* A part of an earlier download that turns out to be something else is thrown away, once. */
static enum sc_code bring(struct download *d, struct sc_error *err)
{
    SC_AUTO_CLOSE int fd =
        open(d->part, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0)
        return sc_error_errno(err, errno, "cannot write '%s'", d->part);
    if (!S_ISREG(st.st_mode))
        return sc_error_set(err, SC_E_INVALID_VALUE, "'%s' is no file", d->part);
    bool resumed = st.st_size > 0, good = false;
    for (int round = 0; round < (resumed ? 2 : 1) && !good; round++) {
        if ((round > 0 || st.st_size > d->size) && ftruncate(fd, 0) != 0)
            return sc_error_errno(err, errno, "cannot write '%s'", d->part);
        enum sc_code code = fetch_all(d, fd, err);
        sc_progress_clear(&d->line);
        if (code == SC_OK)
            code = check(d, fd, &good, err);
        if (code != SC_OK)
            return code;
    }
    if (!good) {
        (void)unlink(d->part);
        return sc_error_set(err, SC_E_IO_ERROR,
                            "the bytes that came are not those of the file: `scripta files verify` "
                            "tells whether it is damaged");
    }
    enum sc_code code = sc_file_sync(fd, err);
    if (code == SC_OK && rename(d->part, d->out) != 0)
        return sc_error_errno(err, errno, "cannot write '%s'", d->out);
    return code;
}

static int report(const struct download *d)
{
    SC_AUTO_BUF out = { 0 };
    if (strcmp(d->out, "-") == 0)
        return SC_EXIT_OK;
    if (d->cli->json) {
        struct sc_json w;
        sc_json_begin(&w, &out);
        sc_json_object(&w, NULL);
        sc_json_text(&w, "output", d->out);
        sc_json_int(&w, "size_bytes", d->size);
        sc_json_text(&w, "file_hash", d->hash);
        sc_json_end(&w);
    } else if (!d->cli->quiet) {
        sc_utf8_append_printable(&out, sc_str_from(d->out));
    }
    if (out.len > 0)
        sc_buf_putc(&out, '\n');
    return sc_cli_done(d->cli, &out);
}

int sc_cmd_files_download(struct sc_cli *cli, const struct sc_args *args)
{
    SC_AUTO(download_done)
    struct download d = {
        .cli = cli,
        .line = { .enabled = cli->err_is_terminal && !cli->quiet, .colour = cli->colour },
    };
    struct sc_error err = { 0 };
    sc_cli_catch_signals();
    enum sc_code code = ask(&d, args->words[0], &err);
    if (code == SC_OK)
        code = choose_place(&d, args, &err);
    if (code == SC_OK && strcmp(d.out, "-") == 0)
        code = fetch(&d, STDOUT_FILENO, 0, &err);
    else if (code == SC_OK)
        code = bring(&d, &err);
    sc_progress_clear(&d.line);
    return code == SC_OK ? report(&d) : sc_cli_fail(cli, &err);
}
