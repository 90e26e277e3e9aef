/* Bytes arrive: checked, kept durably, recorded, all before they are acknowledged. A kill in
 * between leaves at most bytes without a row, which the same upload later finds in place. */

#include "pipeline/plan.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/metric.h"
#include "library/intakes.h"
#include "sys/file.h"

#include <limits.h>
#include <sys/stat.h>

#include "base/banned.h"

#define QUOTA_WAIT_MS 10000
#define HOLD_WAIT_MS 60000

struct arrival {
    struct sc_pipelines *p;
    const struct sc_config *config; /* of its beginning */
    const struct sc_arrival *in;
    struct sc_job_options *options; /* NULL: no job */
    struct sc_plan plan;
    struct sc_file file; /* what is to be recorded; tags owned */
    struct sc_arrived out;
    int64_t now_ms;
    bool new_bytes;                  /* nobody's row has them */
    bool proved;                     /* a row has them, and what lies there was held against it */
    struct sc_arriving arriving;     /* in p->arriving, from when it has its place on */
    int64_t used_before, used_after; /* of the quota */
    bool trial;                      /* nothing is to be kept */
    bool held;                       /* the bytes, from before their row is looked for */
    bool marked;                     /* the bytes may lie there without a row */
};

static void release_quota(struct arrival *a)
{
    SC_LOCK(&a->p->lock);
    struct sc_arriving **at = &a->p->arriving;
    while (*at != NULL && *at != &a->arriving)
        at = &(*at)->next;
    if (*at != NULL)
        *at = a->arriving.next;
}

/* Whoever removes or moves these bytes waits until their row is written, or we wait for them: what
 * look_up has seen of row and bytes stays true. */
static enum sc_code hold_bytes(struct arrival *a, struct sc_error *err)
{
    a->held = sc_blobs_hold(a->p->o.blobs, a->in->sha256, SC_HOLD_SHARED, HOLD_WAIT_MS);
    if (!a->held)
        return sc_error_set(err, SC_E_TIMEOUT, "the same recording is being moved: send it again");
    return SC_OK;
}

static void release_bytes(struct arrival *a)
{
    if (a->held)
        sc_blobs_release(a->p->o.blobs, a->in->sha256, SC_HOLD_SHARED);
    a->held = false;
}

static void arrival_done(struct arrival *a)
{
    release_bytes(a);
    release_quota(a);
    sc_plan_done(&a->plan);
    sc_file_done(&a->file);
    sc_arrived_done(&a->out);
}

enum sc_code sc_disk_check(struct sc_pipelines *p, int64_t size, struct sc_error *err)
{
    int64_t reserve = sc_config_now(p->o.config)->upload_reserve;
    int64_t left = sc_disk_free(p->root);
    if (left < 0 || left - SC_MIN(left, size) >= reserve)
        return SC_OK;
    if (size == 0 || left < reserve) {
        return sc_error_set(err, SC_E_NO_SPACE,
                            "%lld bytes are free on the disk and %lld bytes are kept in reserve: "
                            "make room, then upload again",
                            (long long)left, (long long)reserve);
    }
    return sc_error_set(err, SC_E_NO_SPACE,
                        "%lld bytes are to come, %lld bytes are free on the disk and %lld bytes "
                        "are kept in reserve: make room, then upload again",
                        (long long)size, (long long)left, (long long)reserve);
}

static enum sc_code check_size(const struct arrival *a, struct sc_error *err)
{
    const struct sc_config *config = a->config;
    if (a->in->size <= 0) {
        return sc_error_field(err, SC_E_FILE_FORMAT, "file",
                              "the file is empty: send a recording with sound in it");
    }
    if (a->in->size > config->upload_max_size) {
        return sc_error_field(err, SC_E_FILE_TOO_LARGE, "file",
                              "the file has %lld bytes, the limit upload.max_size is %lld bytes",
                              (long long)a->in->size, (long long)config->upload_max_size);
    }
    return sc_disk_check(a->p, 0, err); /* they are on it already */
}

/* ---- the quota: what arrives at the same time counts too ---- */

struct noted {
    char sha256[SC_SHA256_TEXT];
    int64_t size;
};

static bool is_noted(const struct noted *rows, size_t count, const char *sha256)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows[i].sha256, sha256) == 0)
            return true;
    }
    return false;
}

/* The recordings under way, each once, but for that of `sha256`. */
static struct noted *note_arriving(struct sc_pipelines *p, const char *sha256, size_t *count)
{
    size_t all = 0;
    *count = 0;
    SC_LOCK(&p->lock);
    for (const struct sc_arriving *x = p->arriving; x != NULL; x = x->next)
        all++;
    struct noted *rows = sc_alloc_array(all + 1, sizeof(*rows));
    for (const struct sc_arriving *x = p->arriving; x != NULL; x = x->next) {
        struct noted *row = &rows[*count];
        if ((sha256 != NULL && strcmp(sha256, x->sha256) == 0) || is_noted(rows, *count, x->sha256))
            continue;
        (void)snprintf(row->sha256, sizeof(row->sha256), "%s", x->sha256);
        row->size = x->size;
        (*count)++;
    }
    return rows;
}

/* Does somebody's row have the bytes of that sum (NULL: not known)? */
static enum sc_code are_stored(struct sc_conn *conn, const char *sha256, bool *stored,
                               struct sc_error *err)
{
    SC_AUTO_FILE found = { 0 };
    struct sc_error why = { 0 };
    enum sc_code code =
        sha256 == NULL ? SC_E_FILE_NOT_FOUND : sc_file_find_hash(conn, 0, sha256, &found, &why);
    if (code != SC_OK && code != SC_E_FILE_NOT_FOUND)
        return sc_error_copy(err, &why);
    *stored = code == SC_OK && found.purged_ms == 0;
    return SC_OK;
}

/* Their bytes, where the reader does not see their row already. */
static enum sc_code sum_unseen(struct sc_conn *conn, const struct noted *rows, size_t count,
                               int64_t *bytes, struct sc_error *err)
{
    enum sc_code code = SC_OK;
    for (size_t i = 0; code == SC_OK && i < count; i++) {
        bool stored = false;
        code = are_stored(conn, rows[i].sha256, &stored, err);
        *bytes += stored ? 0 : rows[i].size;
    }
    return code;
}

/* Those under way are noted before the reader's view is taken, and no other comes meanwhile: each
 * is among them, or in the view, and counted once where it is both. Of equal ones that come at the
 * same time the first has its room, and when its row is there by now the others need none. */
enum sc_code sc_quota_check(struct sc_pipelines *p, int64_t size, int64_t but, const char *sha256,
                            struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    int64_t quota = sc_config_now(p->o.config)->upload_quota;
    int64_t stored = 0, awaited = 0, under_way = 0;
    size_t count = 0;
    bool known = false;
    if (quota == 0)
        return SC_OK;
    SC_AUTO_FREE struct noted *rows = note_arriving(p, sha256, &count);
    enum sc_code code = sc_store_read(p->o.store, &conn, err);
    if (code == SC_OK)
        code = are_stored(conn, sha256, &known, err);
    if (code != SC_OK || known)
        return code;
    code = sc_storage_used(conn, &stored, err);
    if (code == SC_OK)
        code = sc_intake_reserved(conn, but, &awaited, err);
    if (code == SC_OK)
        code = sum_unseen(conn, rows, count, &under_way, err);
    if (code != SC_OK)
        return code;
    int64_t left = SC_MAX(0, quota - stored - under_way - awaited);
    if (size <= left)
        return SC_OK;
    return sc_error_set(err, SC_E_STORAGE_QUOTA,
                        "the file has %lld bytes and upload.quota lets in %lld bytes more: delete "
                        "recordings or raise it",
                        (long long)size, (long long)left);
}

enum sc_code sc_quota_take_turn(struct sc_pipelines *p, struct sc_error *err)
{
    return sc_turn_take(p, &p->quota_turn, QUOTA_WAIT_MS, INT_MAX, err);
}

/* An open intake has its place by its row. */
static enum sc_code reserve_quota(struct arrival *a, struct sc_error *err)
{
    if (a->config->upload_quota == 0)
        return SC_OK;
    enum sc_code code = sc_quota_take_turn(a->p, err);
    if (code != SC_OK)
        return code;
    code = sc_quota_check(a->p, a->in->size, a->in->intake, a->in->sha256, err);
    if (code == SC_OK && a->in->intake == 0) {
        SC_LOCK(&a->p->lock);
        a->arriving = (struct sc_arriving){ a->in->sha256, a->in->size, a->p->arriving };
        a->p->arriving = &a->arriving;
    }
    sc_turn_leave(a->p, &a->p->quota_turn);
    return code;
}

static int64_t changed_ms(const struct stat *st)
{
    return (int64_t)st->st_ctim.tv_sec * 1000 + st->st_ctim.tv_nsec / 1000000;
}

/* Do the bytes that somebody's row has lie there? No program can set back when a file was changed:
 * one that has not been since its row was written is trusted. Any other is read, once: then its row
 * says when it was. Moving it to the archive, a backup that was put back and the end of an upload
 * in pieces are such changes too. */
static enum sc_code check_stored(struct arrival *a, bool *sound, struct sc_error *err)
{
    SC_AUTO_CLOSE int fd = -1;
    SC_AUTO(sc_hash_freep) struct sc_hash *sum = NULL;
    const struct sc_file *f = &a->file;
    struct stat st;
    char sha256[SC_SHA256_TEXT];
    int64_t at = 0;
    *sound = false;
    a->proved = true;
    if (f->damage != SC_FILE_SOUND || sc_blobs_get(a->p->o.blobs, f->file_path, &fd, NULL) != SC_OK)
        return SC_OK;
    if (fstat(fd, &st) != 0 || (int64_t)st.st_size != a->in->size)
        return SC_OK;
    int64_t trusted = SC_MAX(f->uploaded_ms, SC_MAX(f->archived_ms, f->verified_ms));
    *sound = changed_ms(&st) <= trusted;
    a->proved = !*sound;
    if (*sound)
        return SC_OK;
    sum = sc_hash_new();
    enum sc_code code = sc_bytes_hash(a->p, fd, &at, a->in->size, sum, err);
    if (code == SC_E_SHUTTING_DOWN)
        return code;
    sc_hash_hex(sum, sha256);
    *sound = code == SC_OK && strcmp(sha256, a->in->sha256) == 0;
    return SC_OK;
}

static enum sc_code find_stored(struct arrival *a, struct sc_file *found, struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    enum sc_code code = sc_store_read(a->p->o.store, &conn, err);
    if (code == SC_OK)
        code = sc_plan_check_key(&a->plan, conn, err);
    if (code == SC_OK)
        code = sc_file_find_hash(conn, a->in->owner_id, a->in->sha256, found, err);
    if (code == SC_E_FILE_NOT_FOUND)
        code = sc_file_find_hash(conn, 0, a->in->sha256, found, err);
    return code;
}

/* Known bytes need no probe and no second copy. *known: somebody's row has them. No connection is
 * held: reading what is stored may take long. */
static enum sc_code look_up(struct arrival *a, bool *known, struct sc_error *err)
{
    SC_AUTO_FILE found = { 0 };
    enum sc_code code = find_stored(a, &found, err);
    *known = false;
    if (code == SC_E_FILE_NOT_FOUND)
        return SC_OK;
    if (code != SC_OK)
        return code;
    a->file = sc_file_take(&found);
    if (a->file.owner_id != a->in->owner_id)
        a->file.archived_ms = 0; /* another owner's archive is none of theirs */
    a->new_bytes = a->file.purged_ms != 0;
    if (a->new_bytes)
        a->file.file_path[0] = '\0'; /* they get a place as new ones do */
    /* Bytes that have gone or changed are brought back by whoever uploads them again. */
    return check_stored(a, known, err);
}

static enum sc_code probe(struct arrival *a, struct sc_error *err)
{
    struct sc_probe found = { .duration_ms = -1, .bit_rate = -1 };
    struct sc_error why = { 0 };
    enum sc_code code = sc_probe_file(a->in->fd, a->config->upload_max_duration, &found, &why);
    sc_ready_note(a->p, code, &why);
    if (code != SC_OK) {
        free(found.metadata);
        (void)sc_error_copy(err, &why);
        if (err != NULL && code == SC_E_FILE_FORMAT)
            (void)snprintf(err->field, sizeof(err->field), "file");
        return code;
    }
    struct sc_file *f = &a->file;
    (void)snprintf(f->format, sizeof(f->format), "%s", found.format);
    (void)snprintf(f->codec, sizeof(f->codec), "%s", found.codec);
    f->duration_ms = found.duration_ms;
    f->bit_rate = found.bit_rate;
    f->sample_rate = found.sample_rate;
    f->channels = found.channels;
    free(f->metadata);
    f->metadata = found.metadata;
    if (f->file_path[0] == '\0') {
        SC_AUTO_FREE char *place = sc_blobs_place(a->in->sha256, f->format, a->now_ms);
        (void)snprintf(f->file_path, sizeof(f->file_path), "%s", place);
    }
    return SC_OK;
}

/* A length that the header does not tell is found out by the job. */
static enum sc_code check_duration(const struct arrival *a, struct sc_error *err)
{
    if (a->file.duration_ms < 0 || a->file.duration_ms >= a->in->min_duration_ms)
        return SC_OK;
    return sc_error_field(err, SC_E_AUDIO_TOO_SHORT, "file",
                          "the recording is %lld ms long; at least %lld ms are needed",
                          (long long)a->file.duration_ms, (long long)a->in->min_duration_ms);
}

/* Removes the spooled copy of bytes that are in their place already. */
static void drop_temp(const struct arrival *a)
{
    (void)unlink(a->in->temp_path); /* run/temp is emptied at the next start in any case */
}

static enum sc_code keep_bytes(struct arrival *a, struct sc_error *err)
{
    bool known = false;
    enum sc_code code = hold_bytes(a, err);
    if (code == SC_OK)
        code = look_up(a, &known, err);
    (void)SC_FAULT("arrive.looked");
    if (code == SC_OK && a->new_bytes)
        code = reserve_quota(a, err);
    if (code == SC_OK && !known)
        code = probe(a, err);
    if (code == SC_OK)
        code = check_duration(a, err);
    if (code == SC_OK && a->options != NULL)
        code = sc_plan_check_sound(a->options, a->file.channels, err);
    if (a->trial)
        return code;
    if (code == SC_OK && !known)
        code = sc_blobs_mark(a->p->o.blobs, a->in->sha256, a->file.file_path, err);
    a->marked = code == SC_OK && !known;
    (void)SC_FAULT("arrive.marked");
    if (code == SC_OK && !known && a->in->intake != 0)
        code = sc_blobs_put_again(a->p->o.blobs, a->in->temp_place, a->file.file_path, err);
    else if (code == SC_OK && !known)
        code = sc_blobs_put(a->p->o.blobs, a->in->temp_path, a->in->fd, a->file.file_path, err);
    else if (code == SC_OK && a->in->intake == 0)
        drop_temp(a);
    if (code == SC_OK && !known && a->proved)
        SC_LOG(WARNING, "pipeline", "a recording was gone or altered: the same bytes came again",
               SC_I("file", a->file.id));
    return code;
}

/* What lies there is what came: it was read, or has just been put in its place. */
static enum sc_code note_sound(struct arrival *a, struct sc_conn *tx, struct sc_error *err)
{
    if (!a->proved)
        return SC_OK;
    a->out.file.damage = SC_FILE_SOUND;
    a->out.file.verified_ms = a->now_ms;
    return sc_file_set_verified(tx, a->in->sha256, SC_FILE_SOUND, a->now_ms, err);
}

static enum sc_code settle_intake(const struct arrival *a, struct sc_conn *tx, struct sc_error *err)
{
    struct sc_intake_row row = {
        .id = a->in->intake,
        .file_id = a->out.file.id,
        .duplicate = a->out.duplicate,
        .existing_job = a->out.existing_job,
        .expires_ms = a->now_ms + a->config->uploads_expiry,
    };
    if (a->out.job.id > 0)
        (void)snprintf(row.job_id, sizeof(row.job_id), "%s", a->out.job.job_id);
    return sc_intake_settle(tx, &row, err);
}

static enum sc_code write_arrival(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct arrival *a = ctx;
    sc_arrived_done(&a->out); /* the write may run twice */
    enum sc_code code = sc_storage_used(tx, &a->used_before, err);
    if (code == SC_OK)
        code = sc_file_add(tx, &a->file, a->in->source, a->now_ms, &a->out.file, &a->out.duplicate,
                           err);
    if (code == SC_OK)
        code = note_sound(a, tx, err);
    if (code == SC_OK)
        code = sc_storage_used(tx, &a->used_after, err);
    if (code != SC_OK)
        return code;
    if (a->options == NULL) {
        code = sc_plan_write_file(tx, &a->plan, &a->out, err);
    } else {
        sc_plan_set_file(&a->plan, a->options, a->out.file.id, a->in->sha256, a->in->name,
                         a->out.file.duration_ms);
        code = sc_plan_write(a->p, tx, &a->plan, &a->out, err);
    }
    return code == SC_OK && a->in->intake != 0 ? settle_intake(a, tx, err) : code;
}

enum sc_code sc_plan_make_for_file(struct sc_pipelines *p, int64_t owner_id,
                                   struct sc_job_options *options, const char *key,
                                   struct sc_plan *plan, struct sc_error *err)
{
    enum sc_code code = sc_plan_make(p, owner_id, options, key, plan, err);
    if (code == SC_OK && !sc_pipeline_find(plan->spec.pipeline)->needs_file)
        return sc_error_field(err, SC_E_INVALID_VALUE, "pipeline", "pipeline '%s' takes no file",
                              plan->spec.pipeline);
    return code;
}

static enum sc_code plan(struct arrival *a, struct sc_error *err)
{
    const struct sc_arrival *in = a->in;
    if (a->options == NULL) {
        sc_plan_set_bytes(&a->plan, in->owner_id, in->idempotency_key, in->sha256);
        return SC_OK;
    }
    enum sc_code code =
        sc_plan_make_for_file(a->p, in->owner_id, a->options, in->idempotency_key, &a->plan, err);
    if (code != SC_OK)
        return code;
    a->plan.spec.waiting = in->waiting;
    a->plan.spec.asked_by = in->asked_by;
    sc_plan_set_file(&a->plan, a->options, 0, in->sha256, in->name, -1);
    return SC_OK;
}

/* ---- what takes much room is told; the journal puts it into the log ---- */

static void tell(const struct arrival *a, enum sc_code why, const char *message)
{
    struct sc_event event = {
        .kind = SC_EVENT_STORAGE,
        .owner_id = a->in->owner_id,
        .at_ms = a->now_ms,
        .stage = -1,
        .chunk = -1,
        .duration_ms = -1,
        .code = why,
    };
    (void)snprintf(event.message, sizeof(event.message), "%s", message);
    sc_hub_publish(a->p->o.hub, &event);
}

/* Each mark of the quota once, when it is passed. */
static void warn_of_room(const struct arrival *a)
{
    static const int marks[] = { 95, 80 };
    const struct sc_config *config = a->config;
    char message[160];
    if (config->upload_warn_size > 0 && a->in->size > config->upload_warn_size &&
        !a->out.duplicate) {
        (void)snprintf(
            message, sizeof(message), "file %lld has %lld bytes, more than upload.warn_size (%lld)",
            (long long)a->out.file.id, (long long)a->in->size, (long long)config->upload_warn_size);
        tell(a, SC_E_FILE_TOO_LARGE, message);
    }
    for (size_t i = 0; config->upload_quota > 0 && i < SC_ARRAY_LEN(marks); i++) {
        int64_t mark = config->upload_quota / 100 * marks[i];
        if (a->used_before >= mark || a->used_after < mark)
            continue;
        (void)snprintf(message, sizeof(message),
                       "%lld of %lld bytes of upload.quota are used, %d %% of it or more: delete "
                       "recordings, or raise it",
                       (long long)a->used_after, (long long)config->upload_quota, marks[i]);
        tell(a, SC_E_STORAGE_QUOTA, message);
        return;
    }
}

static void measure(enum sc_code code, bool duplicate)
{
    enum sc_upload_outcome outcome = duplicate ? SC_UPLOAD_DUPLICATE : SC_UPLOAD_STORED;
    if (code != SC_OK)
        outcome = sc_code_http_status(code) < 500 ? SC_UPLOAD_REFUSED : SC_UPLOAD_FAILED;
    SC_COUNT(uploads, outcome, 1);
}

static enum sc_code arrive(struct sc_pipelines *p, const struct sc_arrival *arrival,
                           struct sc_job_options *options, struct sc_arrived *out,
                           struct sc_error *err)
{
    SC_AUTO(arrival_done)
    struct arrival a = { .p = p,
                         .config = sc_config_now(p->o.config),
                         .in = arrival,
                         .options = options,
                         .now_ms = sc_clock_wall_ms(),
                         .new_bytes = true };
    enum sc_code code = check_size(&a, err);
    if (code == SC_OK)
        code = plan(&a, err);
    if (code == SC_OK)
        code = keep_bytes(&a, err);
    if (code != SC_OK)
        return code;
    a.now_ms = sc_clock_wall_ms(); /* not before the file's last change: see check_stored */
    a.file.owner_id = arrival->owner_id;
    a.file.size_bytes = arrival->size;
    (void)snprintf(a.file.file_hash, sizeof(a.file.file_hash), "%s", arrival->sha256);
    (void)snprintf(a.file.original_name, sizeof(a.file.original_name), "%s", arrival->name);
    (void)SC_FAULT("arrive.put");
    code = sc_store_write(p->o.store, SC_DURABLE, write_arrival, &a, err);
    if (code == SC_OK && arrival->intake != 0)
        drop_temp(&a);
    if (code == SC_OK && a.marked)
        sc_blobs_unmark(p->o.blobs, arrival->sha256);
    if (code == SC_OK) {
        warn_of_room(&a);
        *out = a.out;
        a.out = (struct sc_arrived){ 0 };
    }
    return code;
}

enum sc_code sc_pipelines_arrive(struct sc_pipelines *p, const struct sc_arrival *arrival,
                                 struct sc_job_options *options, struct sc_arrived *out,
                                 struct sc_error *err)
{
    enum sc_code code = arrive(p, arrival, options, out, err);
    measure(code, code == SC_OK && out->duplicate);
    return code;
}

enum sc_code sc_pipelines_arrive_cost(struct sc_pipelines *p, const struct sc_arrival *arrival,
                                      struct sc_job_options *options, struct sc_cost *out,
                                      struct sc_error *err)
{
    SC_AUTO(arrival_done)
    struct arrival a = { .p = p,
                         .config = sc_config_now(p->o.config),
                         .in = arrival,
                         .options = options,
                         .now_ms = sc_clock_wall_ms(),
                         .new_bytes = true,
                         .trial = true };
    enum sc_code code = check_size(&a, err);
    if (code == SC_OK)
        code = plan(&a, err);
    if (code == SC_OK)
        code = keep_bytes(&a, err);
    if (code != SC_OK)
        return code;
    if (a.file.owner_id != arrival->owner_id) /* another owner's row is none of theirs */
        a.file.id = 0;
    a.file.size_bytes = arrival->size;
    code = sc_plan_cost(p, &a.plan, &a.file, out, err);
    out->storage_bytes = a.file.id == 0 ? arrival->size : 0; /* that others have them is no news */
    return code;
}
