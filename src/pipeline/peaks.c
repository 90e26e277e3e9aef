/* Waveform peaks: written beside a pass that decodes the recording anyway, or by a pass of their
 * own when somebody asks before. No promise rests on them: what cannot be written is left out, what
 * is damaged is made again. */

#include "pipeline/pipeline-internal.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "blob/peaks-file.h"
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/banned.h"

#define ROWS_MAX 100000 /* in one answer */
#define WAIT_MS 60000   /* for peaks that somebody else has computed */
#define WAITING_MAX 4   /* requests: the others are for those who want no peaks */

/* ---- writing ---- */

static enum sc_code write_rows(void *ctx, const void *bytes, size_t len, struct sc_error *err)
{
    const struct sc_peaks_draft *d = ctx;
    return sc_file_write_all(d->fd, bytes, len, err);
}

void sc_peaks_draft_done(struct sc_peaks_draft *d)
{
    sc_peaks_free(d->maker);
    sc_closep(&d->fd);
    if (d->temp != NULL)
        (void)unlink(d->temp);
    free(d->temp);
    *d = (struct sc_peaks_draft){ .fd = -1 };
}

static void give_up(struct sc_peaks_draft *d, const struct sc_error *why)
{
    SC_LOG(WARNING, "pipeline", "cannot write the peaks of a recording", SC_S("why", why->msg));
    sc_peaks_draft_done(d);
}

void sc_peaks_draft_begin(struct sc_pipelines *p, int channels, struct sc_peaks_draft *d)
{
    static const unsigned char header[SC_PEAKS_HEADER];
    struct sc_error err = { 0 };
    SC_AUTO_FREE char *dir = sc_path_join(p->root, "audio/peaks");
    SC_AUTO_FREE char *temp = sc_path_join(p->root, "temp"); /* emptied at each start */
    enum sc_code code = sc_dir_create(dir, &err);
    if (code == SC_OK)
        code = sc_dir_create(temp, &err);
    if (code == SC_OK)
        code = sc_file_temp(temp, ".peaks", &d->fd, &d->temp, &err);
    if (code == SC_OK)
        code = sc_file_write_all(d->fd, header, sizeof(header), &err);
    if (code == SC_OK)
        d->maker = sc_peaks_new(channels, write_rows, d);
    if (code == SC_OK && d->maker == NULL)
        code = sc_error_set(&err, SC_E_INTERNAL, "no memory for peaks");
    if (code != SC_OK)
        give_up(d, &err);
}

void sc_peaks_draft_feed(struct sc_peaks_draft *d, const int16_t *const *streams, size_t samples)
{
    struct sc_error err = { 0 };
    if (d->maker != NULL && sc_peaks_feed(d->maker, streams, samples, &err) != SC_OK)
        give_up(d, &err);
}

void sc_peaks_draft_keep(struct sc_pipelines *p, const char *hash, struct sc_peaks_draft *d)
{
    unsigned char header[SC_PEAKS_HEADER];
    struct sc_peaks_layout layout;
    struct sc_error err = { 0 };
    SC_AUTO_FREE char *path = sc_peaks_path(p->root, hash);
    if (d->maker == NULL)
        return;
    enum sc_code code = sc_peaks_finish(d->maker, &layout, &err);
    if (code == SC_OK) {
        sc_peaks_header_write(&layout, header);
        if (pwrite(d->fd, header, sizeof(header), 0) != (ssize_t)sizeof(header))
            code = sc_error_errno(&err, errno, "cannot write '%s'", path);
    }
    /* A name that a power cut loses is drawn again; one that stays must have all its bytes. */
    if (code == SC_OK)
        code = sc_file_sync(d->fd, &err);
    if (code == SC_OK && rename(d->temp, path) != 0)
        code = sc_error_errno(&err, errno, "cannot write '%s'", path);
    if (code != SC_OK) {
        give_up(d, &err);
        return;
    }
    free(d->temp);
    d->temp = NULL; /* it has its name now */
    sc_peaks_draft_done(d);
}

/* ---- reading ---- */

/* NOT_FOUND also for a file that is not what its header says. */
static enum sc_code open_peaks(struct sc_pipelines *p, const char *hash, int *fd,
                               struct sc_peaks_layout *layout)
{
    unsigned char header[SC_PEAKS_HEADER];
    struct stat st;
    SC_AUTO_FREE char *path = sc_peaks_path(p->root, hash);
    SC_AUTO_CLOSE int opened = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (opened < 0 || fstat(opened, &st) != 0 ||
        pread(opened, header, sizeof(header), 0) != (ssize_t)sizeof(header) ||
        !sc_peaks_header_read(header, layout) || st.st_size != layout->size)
        return SC_E_NOT_FOUND;
    *fd = SC_TAKE_FD(opened);
    return SC_OK;
}

int sc_peaks_stored_channels(struct sc_pipelines *p, const char *hash)
{
    SC_AUTO_CLOSE int fd = -1;
    struct sc_peaks_layout layout;
    return open_peaks(p, hash, &fd, &layout) == SC_OK ? layout.channels : 0;
}

void sc_peaks_view_done(struct sc_peaks_view *view)
{
    free(view->rows);
    view->rows = NULL;
}

static enum sc_code choose_rows(const struct sc_peaks_query *q, struct sc_peaks_view *view,
                                struct sc_error *err)
{
    int64_t start = q->start_ms * 16;
    int64_t end = q->end_ms < 0 ? view->layout.samples : q->end_ms * 16;
    if (start > 0 && start >= view->layout.samples)
        return sc_error_field(err, SC_E_INVALID_VALUE, "start",
                              "start lies behind the end of the recording, which is %.3f s long",
                              (double)view->layout.samples / 16000);
    if (q->zoom < 0) {
        sc_peaks_window_points(&view->layout, q->points, start, end, &view->window);
        return SC_OK;
    }
    sc_peaks_window_zoom(&view->layout, q->zoom, start, end, &view->window);
    if (view->window.rows <= ROWS_MAX)
        return SC_OK;
    return sc_error_field(err, SC_E_INVALID_VALUE, "zoom",
                          "zoom %d has %lld points there and one answer at most %d: ask for a "
                          "higher zoom, or for less of the recording",
                          q->zoom, (long long)view->window.rows, ROWS_MAX);
}

static enum sc_code read_rows(int fd, const struct sc_peaks_query *q, struct sc_peaks_view *view,
                              struct sc_error *err)
{
    enum sc_code code = choose_rows(q, view, err);
    if (code != SC_OK)
        return code;
    const struct sc_peaks_window *w = &view->window;
    size_t row = (size_t)view->layout.channels * sizeof(*view->rows);
    size_t len = (size_t)w->rows * row;
    struct sc_peak *rows = sc_try_alloc(len + 1);
    if (rows == NULL)
        return sc_error_set(err, SC_E_INTERNAL, "no memory for peaks");
    int64_t at = view->layout.offset[w->zoom] + w->first * (int64_t)row;
    if (pread(fd, rows, len, at) != (ssize_t)len) {
        free(rows);
        return sc_error_set(err, SC_E_IO_ERROR, "the stored peaks cannot be read");
    }
    view->rows = rows;
    return SC_OK;
}

/* ---- a pass of their own ---- */

struct making {
    struct sc_pipelines *p;
    struct sc_peaks_draft draft;
};

static enum sc_code begin(void *ctx, int streams, struct sc_error *err)
{
    struct making *m = ctx;
    (void)err;
    sc_peaks_draft_begin(m->p, streams, &m->draft);
    return SC_OK;
}

static enum sc_code block(void *ctx, const int16_t *const *streams, size_t samples,
                          struct sc_error *err)
{
    struct making *m = ctx;
    sc_peaks_draft_feed(&m->draft, streams, samples);
    return m->draft.maker != NULL ? SC_OK
                                  : sc_error_set(err, SC_E_IO_ERROR, "peaks cannot be written");
}

static enum sc_code make(struct sc_pipelines *p, const struct sc_file *file, struct sc_error *err)
{
    struct making m = { .p = p, .draft = { .fd = -1 } };
    SC_AUTO_CLOSE int input = -1;
    struct sc_pass_end end;
    enum sc_code code = sc_pipelines_open_file(p, file, &input, err);
    if (code != SC_OK)
        return code;
    const struct sc_pass pass = {
        .input = input,
        .channels = "mix",
        .limit_ms = sc_config_now(p->o.config)->upload_max_duration,
        .stop = sc_pipelines_is_stopping,
        .stop_ctx = p,
        .begin = begin,
        .block = block,
        .ctx = &m,
    };
    code = sc_pass_run(&pass, &end, err);
    if (code == SC_OK)
        sc_peaks_draft_keep(p, file->file_hash, &m.draft);
    sc_peaks_draft_done(&m.draft);
    return code;
}

/* The bytes are held meanwhile, so that a deletion takes the peaks away after they have been
 * opened, or finds none. */
static enum sc_code make_and_open(struct sc_pipelines *p, const struct sc_file *file, int *fd,
                                  struct sc_peaks_layout *layout, struct sc_error *err)
{
    if (open_peaks(p, file->file_hash, fd, layout) == SC_OK)
        return SC_OK; /* whoever had the turn before has made them */
    if (!sc_blobs_hold(p->o.blobs, file->file_hash, SC_HOLD_SHARED, WAIT_MS))
        return sc_error_set(err, SC_E_TIMEOUT, "the recording is being moved; try again");
    enum sc_code code = make(p, file, err);
    if (code == SC_OK && open_peaks(p, file->file_hash, fd, layout) != SC_OK)
        code = sc_error_set(err, SC_E_IO_ERROR, "peaks cannot be written");
    sc_blobs_release(p->o.blobs, file->file_hash, SC_HOLD_SHARED);
    return code;
}

enum sc_code sc_pipelines_peaks(struct sc_pipelines *p, const struct sc_file *file,
                                const struct sc_peaks_query *query, struct sc_peaks_view *out,
                                struct sc_error *err)
{
    SC_AUTO_CLOSE int fd = -1;
    enum sc_code code = open_peaks(p, file->file_hash, &fd, &out->layout);
    if (code != SC_OK) {
        code = sc_turn_take(p, &p->peaks_turn, WAIT_MS, WAITING_MAX, err);
        if (code != SC_OK)
            return code;
        code = make_and_open(p, file, &fd, &out->layout, err);
        sc_turn_leave(p, &p->peaks_turn);
    }
    return code == SC_OK ? read_rows(fd, query, out, err) : code;
}
