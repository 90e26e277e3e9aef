/* Holding and writing intakes. What has been acknowledged is on the disk: a piece's bytes are
 * synced before the row is told of them. After a kill only what the row says counts: the file is
 * cut to it, since a loss of power may have left anything behind that. */

#include "pipeline/intake-internal.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "pipeline/plan.h"
#include "sys/file.h"
#include "json/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/banned.h"

#define REMEMBERED 256 /* sums of uploads that nobody holds */
#define OPEN_MAX 1000  /* of one owner */
#define CHECKPOINT ((int64_t)64 << 20)

char *sc_intake_path(const struct sc_pipelines *p, const char *upload_id)
{
    return sc_asprintf("%s/" SC_INTAKE_FOLDER "/%s.part", p->root, upload_id);
}

static int64_t expiry(const struct sc_pipelines *p)
{
    return sc_clock_wall_ms() + sc_config_now(p->o.config)->uploads_expiry;
}

/* ---- holding ---- */

static void intake_free(struct sc_intake *in)
{
    sc_intake_row_done(&in->row);
    sc_hash_free(in->hash);
    sc_hash_free(in->before);
    sc_hash_free(in->piece);
    sc_closep(&in->fd);
    free(in);
}

void sc_intakes_init(struct sc_intakes *i)
{
    sc_assert(pthread_mutex_init(&i->lock, NULL) == 0);
    sc_cond_init(&i->work);
}

/* What came since the last sync is worth one more: a server that stops is no power cut. */
static void sync_rest(struct sc_intake *in)
{
    SC_AUTO_FREE char *path = sc_intake_path(in->p, in->upload_id);
    SC_AUTO_CLOSE int fd = in->offset > in->row.offset ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd >= 0)
        sc_intake_sync_now(in->p, in->row.id, fd, in->offset);
}

void sc_intakes_done(struct sc_intakes *i)
{
    while (i->first != NULL) {
        struct sc_intake *in = i->first;
        i->first = in->next;
        sc_assert(!in->held);
        sync_rest(in);
        intake_free(in);
    }
    while (i->syncs != NULL) { /* of a server that never got so far as to start */
        struct sc_intake_sync *sync = i->syncs;
        i->syncs = sync->next;
        (void)close(sync->fd);
        free(sync);
    }
    (void)pthread_cond_destroy(&i->work);
    (void)pthread_mutex_destroy(&i->lock);
}

static struct sc_intake **find_locked(struct sc_intakes *i, const char *upload_id)
{
    struct sc_intake **at = &i->first;
    while (*at != NULL && strcmp((*at)->upload_id, upload_id) != 0)
        at = &(*at)->next;
    return at;
}

static void unlink_locked(struct sc_intakes *i, struct sc_intake **at)
{
    struct sc_intake *in = *at;
    *at = in->next;
    i->count--;
    intake_free(in);
}

struct sc_intake *sc_intake_take(struct sc_pipelines *p, const char *upload_id)
{
    struct sc_intakes *i = &p->intakes;
    SC_LOCK(&i->lock);
    struct sc_intake **at = find_locked(i, upload_id);
    struct sc_intake *in = *at;
    if (in != NULL && in->held)
        return NULL;
    if (in == NULL) {
        in = sc_alloc(sizeof(*in));
        in->p = p;
        in->fd = -1;
        in->fresh = true;
        (void)snprintf(in->upload_id, sizeof(in->upload_id), "%s", upload_id);
        i->count++;
    } else {
        *at = in->next;
    }
    in->next = i->first;
    i->first = in;
    in->held = true;
    return in;
}

/* The one that nobody has used for the longest time and that loses nothing by it. */
static void forget_one_locked(struct sc_intakes *i)
{
    struct sc_intake **oldest = NULL;
    for (struct sc_intake **at = &i->first; *at != NULL; at = &(*at)->next) {
        if (!(*at)->held && (*at)->offset == (*at)->row.offset)
            oldest = at;
    }
    if (oldest != NULL)
        unlink_locked(i, oldest);
}

void sc_intake_release(struct sc_intake *in)
{
    if (in == NULL)
        return;
    struct sc_intakes *i = &in->p->intakes;
    SC_LOCK(&i->lock);
    in->held = false;
    in->seen_offset = in->offset;
    if (in->gone || in->fresh)
        unlink_locked(i, find_locked(i, in->upload_id));
    else if (i->count > REMEMBERED)
        forget_one_locked(i);
}

static enum sc_code read_row(struct sc_pipelines *p, int64_t owner_id, const char *upload_id,
                             struct sc_intake_row *out, struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    enum sc_code code = sc_store_read(p->o.store, &conn, err);
    if (code == SC_OK)
        code = sc_intake_find(conn, owner_id, upload_id, sc_clock_wall_ms(), out, err);
    return code;
}

/* Nothing is known of its sum: the file is as long as it is said to be, or as it is. */
static void look_at_file(struct sc_intake *in)
{
    SC_AUTO_FREE char *path = sc_intake_path(in->p, in->upload_id);
    int64_t size = sc_file_size(path);
    in->offset = SC_MAX(0, SC_MIN(size, in->row.offset));
    sc_hash_free(in->hash);
    in->hash = sc_hash_new();
    in->hashed = 0;
    in->checkpoint = in->offset;
    in->fresh = false;
}

enum sc_code sc_intake_hold(struct sc_pipelines *p, int64_t owner_id, const char *upload_id,
                            struct sc_intake **out, struct sc_error *err)
{
    SC_AUTO_INTAKE_ROW row = { 0 };
    if (!sc_uuid_is_valid(sc_str_from(upload_id)))
        return sc_error_set(err, SC_E_UPLOAD_NOT_FOUND, "no such upload");
    SC_AUTO(sc_intake_releasep) struct sc_intake *in = sc_intake_take(p, upload_id);
    enum sc_code code = read_row(p, owner_id, upload_id, &row, err);
    if (code != SC_OK)
        return code; /* of another owner's nobody hears that it is there, or in hand */
    if (in == NULL)
        return sc_error_set(err, SC_E_UPLOAD_LOCKED,
                            "another request has this upload in hand: try again when it has ended");
    sc_intake_row_done(&in->row);
    in->row = row;
    row = (struct sc_intake_row){ 0 };
    if (in->row.state != SC_INTAKE_OPEN) {
        in->gone = true;
        in->fresh = false;
        in->offset = in->row.offset;
    } else if (in->fresh) {
        look_at_file(in);
    }
    *out = SC_TAKE(in);
    return SC_OK;
}

const struct sc_intake_row *sc_intake_row(const struct sc_intake *in)
{
    return &in->row;
}

int64_t sc_intake_offset(const struct sc_intake *in)
{
    return in->offset;
}

enum sc_code sc_intake_look(struct sc_pipelines *p, int64_t owner_id, const char *upload_id,
                            struct sc_intake_row *out, int64_t *come, struct sc_error *err)
{
    struct sc_intakes *i = &p->intakes;
    if (!sc_uuid_is_valid(sc_str_from(upload_id)))
        return sc_error_set(err, SC_E_UPLOAD_NOT_FOUND, "no such upload");
    enum sc_code code = read_row(p, owner_id, upload_id, out, err);
    if (code != SC_OK)
        return code;
    *come = out->offset;
    if (out->state != SC_INTAKE_OPEN)
        return SC_OK;
    SC_LOCK(&i->lock);
    const struct sc_intake *in = *find_locked(i, upload_id);
    if (in != NULL)
        *come = SC_MAX(out->offset, in->seen_offset);
    return SC_OK;
}

/* ---- making one ---- */

enum sc_code sc_intake_options(const char *json, struct sc_job_options *out, bool *waiting,
                               struct sc_error *err)
{
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    struct sc_error all = { 0 }, one = { 0 };
    enum sc_code code = sc_json_parse(sc_str_from(json), &doc, err);
    if (code != SC_OK)
        return code;
    const char *name;
    const struct sc_json_value *value;
    for (void *at = sc_json_next_member(sc_json_root(doc), NULL, &name, &value); at != NULL;
         at = sc_json_next_member(sc_json_root(doc), at, &name, &value)) {
        struct sc_str text = sc_json_get_str(value, SC_STR(""));
        enum sc_code bad = SC_OK;
        if (strcmp(name, "waiting") != 0)
            bad = sc_job_options_set(out, sc_str_from(name), text, &one);
        else if (!sc_str_to_bool(text, waiting))
            bad = sc_error_field(&one, SC_E_INVALID_VALUE, "waiting",
                                 "waiting must be 'true' or 'false'");
        if (bad != SC_OK)
            (void)sc_error_also(&all, &one);
    }
    return all.code == SC_OK ? sc_job_options_check(out, err) : sc_error_copy(err, &all);
}

static enum sc_code check_options(struct sc_pipelines *p, const struct sc_intake_spec *spec,
                                  struct sc_error *err)
{
    SC_AUTO(sc_job_options_freep) struct sc_job_options *options = sc_job_options_new();
    if (spec->options == NULL)
        return SC_OK;
    bool waiting = false;
    enum sc_code code = sc_intake_options(spec->options, options, &waiting, err);
    return code == SC_OK ? sc_pipelines_check(p, spec->owner_id, options, err) : code;
}

static enum sc_code check_total(struct sc_pipelines *p, int64_t total, struct sc_error *err)
{
    int64_t limit = sc_config_now(p->o.config)->upload_max_size;
    if (total > limit)
        return sc_error_field(err, SC_E_FILE_TOO_LARGE, "Upload-Length",
                              "the upload has %lld bytes, the limit upload.max_size is %lld bytes",
                              (long long)total, (long long)limit);
    return SC_OK;
}

struct creation {
    struct sc_pipelines *p;
    const struct sc_intake_spec *spec;
    struct sc_intake_row row; /* borrows all texts but for an existing one */
    bool existing;
};

static enum sc_code find_existing(struct creation *c, struct sc_conn *conn, struct sc_error *err)
{
    SC_AUTO_INTAKE_ROW found = { 0 };
    const struct sc_intake_spec *spec = c->spec;
    if (spec->key == NULL)
        return SC_OK;
    enum sc_code code =
        sc_intake_find_key(conn, spec->owner_id, spec->key, sc_clock_wall_ms(), &found, err);
    if (code != SC_OK)
        return code == SC_E_NOT_FOUND ? SC_OK : code;
    if (found.total != spec->total || strcmp(found.metadata, spec->metadata) != 0)
        return sc_error_set(err, SC_E_IDEMPOTENCY_CONFLICT,
                            "this Idempotency-Key names an unfinished upload of another length or "
                            "with other metadata");
    c->row = found;
    found = (struct sc_intake_row){ 0 };
    c->existing = true;
    return SC_OK;
}

static enum sc_code look_for_existing(struct creation *c, struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    int64_t open = 0;
    enum sc_code code = sc_store_read(c->p->o.store, &conn, err);
    if (code == SC_OK)
        code = find_existing(c, conn, err);
    if (code == SC_OK && !c->existing)
        code = sc_intake_count(conn, c->spec->owner_id, &open, err);
    if (code == SC_OK && open >= OPEN_MAX)
        return sc_error_set(err, SC_E_RATE_LIMITED,
                            "%d uploads are unfinished: finish or delete some", OPEN_MAX);
    return code;
}

/* The file before the row: one without a row is removed at the next start. */
static enum sc_code make_file(const struct creation *c, struct sc_error *err)
{
    SC_AUTO_FREE char *path = sc_intake_path(c->p, c->row.upload_id);
    if (c->spec->temp_path != NULL) {
        enum sc_code code = sc_file_sync(c->spec->fd, err);
        return code == SC_OK ? sc_file_rename_durable(c->spec->temp_path, path, err) : code;
    }
    SC_AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return sc_error_errno(err, errno, "cannot make the file of an upload");
    SC_AUTO_FREE char *folder = sc_path_join(c->p->root, SC_INTAKE_FOLDER);
    return sc_dir_sync(folder, err);
}

static enum sc_code write_creation(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct creation *c = ctx;
    return sc_intake_insert(tx, &c->row, c->spec->key, &c->row.id, err);
}

/* In the turn of the quota, which the row is in from then on. */
static enum sc_code make_row(struct creation *c, struct sc_error *err)
{
    int64_t size = SC_MAX(c->spec->total, c->spec->size);
    enum sc_code code = sc_quota_take_turn(c->p, err);
    if (code != SC_OK)
        return code;
    code = sc_quota_check(c->p, size, 0, NULL, err);
    if (code == SC_OK)
        code = sc_store_write(c->p->o.store, SC_DURABLE, write_creation, c, err);
    sc_turn_leave(c->p, &c->p->quota_turn);
    return code;
}

static enum sc_code make(struct creation *c, struct sc_error *err)
{
    const struct sc_intake_spec *spec = c->spec;
    c->row = (struct sc_intake_row){
        .owner_id = spec->owner_id,
        .total = spec->total,
        .offset = spec->size,
        .name = sc_strdup(spec->name),
        .options = spec->options == NULL ? NULL : sc_strdup(spec->options),
        .metadata = sc_strdup(spec->metadata),
        .created_ms = sc_clock_wall_ms(),
        .expires_ms = expiry(c->p),
    };
    sc_uuid7(c->row.upload_id);
    enum sc_code code = make_file(c, err);
    if (code == SC_OK)
        code = make_row(c, err);
    if (code != SC_OK) {
        SC_AUTO_FREE char *path = sc_intake_path(c->p, c->row.upload_id);
        (void)unlink(path);
    }
    return code;
}

static void copy_row(const struct sc_intake_row *row, struct sc_intake_row *out)
{
    *out = *row;
    out->name = sc_strdup(row->name);
    out->options = row->options == NULL ? NULL : sc_strdup(row->options);
    out->metadata = sc_strdup(row->metadata);
}

enum sc_code sc_intake_create(struct sc_pipelines *p, const struct sc_intake_spec *spec,
                              struct sc_intake **out, struct sc_intake_row *row,
                              struct sc_error *err)
{
    SC_AUTO(sc_hash_freep) struct sc_hash *hash = spec->hash;
    struct creation c = { .p = p, .spec = spec };
    enum sc_code code = check_total(p, SC_MAX(spec->total, spec->size), err);
    if (code == SC_OK && spec->total >= 0 && spec->size > spec->total)
        code = sc_error_field(err, SC_E_FILE_TOO_LARGE, "Upload-Length",
                              "%lld bytes came of an upload of %lld bytes", (long long)spec->size,
                              (long long)spec->total);
    if (code == SC_OK)
        code = check_options(p, spec, err);
    if (code == SC_OK)
        code = look_for_existing(&c, err);
    if (code == SC_OK && !c.existing)
        code = sc_disk_check(p, SC_MAX(spec->total, 0) - spec->size, err);
    if (code == SC_OK && !c.existing)
        code = make(&c, err);
    if (code == SC_OK && !c.existing) {
        struct sc_intake *in = sc_intake_take(p, c.row.upload_id);
        sc_assert(in != NULL); /* nobody has heard of it */
        in->fresh = false;
        in->offset = in->hashed = in->checkpoint = spec->size;
        in->hash = hash == NULL ? sc_hash_new() : SC_TAKE(hash);
        copy_row(&c.row, &in->row);
        *out = in;
    }
    if (code == SC_OK)
        *row = c.row;
    else
        sc_intake_row_done(&c.row);
    return code;
}

/* ---- keeping what came ---- */

static enum sc_code write_keep(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    return sc_intake_keep(tx, ctx, err);
}

/* The bytes first, then the row that tells of them. */
static enum sc_code keep(struct sc_intake *in, struct sc_error *err)
{
    SC_AUTO_FREE char *path = sc_intake_path(in->p, in->upload_id);
    SC_AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return sc_error_errno(err, errno, "cannot open the bytes of an upload");
    enum sc_code code = sc_file_sync(fd, err);
    struct sc_intake_row row = in->row;
    row.offset = in->offset;
    row.expires_ms = expiry(in->p);
    if (code == SC_OK)
        code = sc_store_write(in->p->o.store, SC_DURABLE, write_keep, &row, err);
    if (code == SC_OK) {
        in->row.offset = row.offset;
        in->row.expires_ms = row.expires_ms;
    }
    return code;
}

enum sc_code sc_intake_set_total(struct sc_intake *in, int64_t total, struct sc_error *err)
{
    if (in->row.total >= 0 && in->row.total != total)
        return sc_error_field(err, SC_E_INVALID_VALUE, "Upload-Length",
                              "the upload has %lld bytes, which cannot change",
                              (long long)in->row.total);
    if (in->row.total >= 0)
        return SC_OK;
    if (total < in->offset)
        return sc_error_field(err, SC_E_INVALID_VALUE, "Upload-Length",
                              "%lld bytes are there already", (long long)in->offset);
    enum sc_code code = check_total(in->p, total, err);
    if (code == SC_OK)
        code = sc_quota_check(in->p, total, in->row.id, NULL, err);
    if (code == SC_OK)
        in->row.total = total; /* kept with the piece */
    return code;
}

/* ---- a piece ---- */

static enum sc_code check_room(const struct sc_intake *in, int64_t expected, int64_t *limit,
                               struct sc_error *err)
{
    const struct sc_config *config = sc_config_now(in->p->o.config);
    bool known = in->row.total >= 0;
    *limit = (known ? in->row.total : config->upload_max_size) - in->offset;
    if (expected > *limit)
        return sc_error_set(err, SC_E_FILE_TOO_LARGE,
                            "%lld bytes are to come, and the upload takes %lld bytes more",
                            (long long)expected, (long long)SC_MAX(0, *limit));
    enum sc_code code = sc_disk_check(in->p, SC_MAX(0, expected), err);
    /* What is not reserved yet. */
    if (code == SC_OK && !known)
        code = sc_quota_check(in->p, in->offset + SC_MAX(0, expected), in->row.id, NULL, err);
    return code;
}

static enum sc_code open_behind(struct sc_intake *in, struct sc_error *err)
{
    SC_AUTO_FREE char *path = sc_intake_path(in->p, in->upload_id);
    SC_AUTO_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return sc_error_errno(err, errno, "cannot open the bytes of an upload");
    if (ftruncate(fd, in->offset) != 0 || lseek(fd, in->offset, SEEK_SET) != in->offset)
        return sc_error_errno(err, errno, "cannot go on with the bytes of an upload");
    in->fd = SC_TAKE_FD(fd);
    return SC_OK;
}

enum sc_code sc_intake_begin(struct sc_intake *in, const struct sc_checksum *sum, int64_t expected,
                             struct sc_intake_piece *out, struct sc_error *err)
{
    int64_t limit = 0;
    sc_assert(in->fd < 0 && in->row.state == SC_INTAKE_OPEN);
    enum sc_code code = check_room(in, expected, &limit, err);
    if (code == SC_OK)
        code = open_behind(in, err);
    if (code != SC_OK)
        return code;
    in->sum = *sum;
    in->feeds = in->hashed == in->offset; /* else the file is read once more at the end */
    if (sum->len > 0) {
        in->piece = sc_hash_new_kind(sum->kind);
        in->before = in->feeds ? sc_hash_copy(in->hash) : NULL;
    }
    *out = (struct sc_intake_piece){
        .fd = in->fd,
        .offset = in->offset,
        .limit = limit,
        .whole = in->feeds ? in->hash : NULL,
        .piece = in->piece,
    };
    return SC_OK;
}

void sc_intake_progress(struct sc_intake *in, int64_t bytes)
{
    int64_t offset = in->offset + bytes;
    {
        SC_LOCK(&in->p->intakes.lock);
        in->seen_offset = in->sum.len == 0 ? offset : in->offset;
    }
    if (in->sum.len > 0 || offset - in->checkpoint < CHECKPOINT)
        return;
    in->checkpoint = offset;
    sc_intake_sync_later(in->p, in->row.id, fcntl(in->fd, F_DUPFD_CLOEXEC, 3), offset);
}

/* The bytes of a piece count, or they are taken back. */
static void settle_piece(struct sc_intake *in, int64_t bytes, bool good)
{
    if (good) {
        in->offset += bytes;
        in->hashed += in->feeds ? bytes : 0;
    } else if (in->feeds) {
        sc_hash_free(in->hash);
        in->hash = SC_TAKE(in->before);
    }
    sc_hash_free(in->before);
    sc_hash_free(in->piece);
    in->before = in->piece = NULL;
    in->sum.len = 0;
    sc_closep(&in->fd);
}

static bool sum_fits(struct sc_intake *in)
{
    unsigned char bytes[SC_HASH_BYTES_MAX];
    if (in->sum.len == 0)
        return true;
    size_t len = sc_hash_take(in->piece, bytes);
    return len == in->sum.len && memcmp(bytes, in->sum.bytes, len) == 0;
}

enum sc_code sc_intake_end(struct sc_intake *in, int64_t bytes, struct sc_error *err)
{
    bool good = sum_fits(in);
    const char *name = sc_hash_names[in->sum.kind];
    settle_piece(in, bytes, good);
    if (!good)
        return sc_error_set(err, SC_E_CHECKSUM_MISMATCH,
                            "the %s of the piece is another one: it was not kept, send it again",
                            name);
    return keep(in, err);
}

void sc_intake_cut(struct sc_intake *in, int64_t bytes)
{
    bool good = in->sum.len == 0;
    int fd = good && bytes > 0 ? fcntl(in->fd, F_DUPFD_CLOEXEC, 3) : -1;
    settle_piece(in, bytes, good);
    in->checkpoint = in->offset;
    if (fd >= 0)
        sc_intake_sync_later(in->p, in->row.id, fd, in->offset);
}

/* ---- the end ---- */

static enum sc_code arrive(struct sc_intake *in, int fd, const char *path, struct sc_error *err)
{
    SC_AUTO(sc_job_options_freep) struct sc_job_options *options = NULL;
    SC_AUTO(sc_arrived_done) struct sc_arrived arrived = { 0 };
    SC_AUTO(sc_hash_freep) struct sc_hash *sum = sc_hash_copy(in->hash);
    SC_AUTO_FREE char *place = sc_asprintf(SC_INTAKE_FOLDER "/%s.part", in->upload_id);
    char sha256[SC_SHA256_TEXT];
    bool waiting = false;
    sc_hash_hex(sum, sha256);
    if (in->row.options != NULL) {
        options = sc_job_options_new();
        enum sc_code code = sc_intake_options(in->row.options, options, &waiting, err);
        if (code != SC_OK)
            return code;
    }
    const struct sc_arrival arrival = {
        .owner_id = in->row.owner_id,
        .temp_path = path,
        .temp_place = place,
        .fd = fd,
        .size = in->offset,
        .sha256 = sha256,
        .name = in->row.name,
        .source = "api",
        .waiting = waiting,
        .asked_by = "/api/uploads",
        .intake = in->row.id,
    };
    return sc_pipelines_arrive(in->p, &arrival, options, &arrived, err);
}

static enum sc_code write_refusal(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    return sc_intake_refuse(tx, ctx, err);
}

/* The client would hear the same again. What a server lacks may come, what is used up be freed. */
static bool is_final(enum sc_code code)
{
    return sc_code_http_status(code) < 500;
}

static enum sc_code refuse(struct sc_intake *in, const struct sc_error *why, struct sc_error *err)
{
    struct sc_intake_row *row = &in->row;
    (void)snprintf(row->error_code, sizeof(row->error_code), "%s", sc_code_name(why->code));
    (void)snprintf(row->error, sizeof(row->error), "%s", why->msg);
    row->expires_ms = expiry(in->p);
    enum sc_code code = sc_store_write(in->p->o.store, SC_DURABLE, write_refusal, row, err);
    if (code != SC_OK)
        return code;
    SC_AUTO_FREE char *path = sc_intake_path(in->p, in->upload_id);
    (void)unlink(path);
    row->state = SC_INTAKE_REFUSED;
    in->gone = true;
    return sc_error_copy(err, why);
}

static enum sc_code complete(struct sc_intake *in, struct sc_error *err)
{
    struct sc_error why = { 0 };
    SC_AUTO_FREE char *path = sc_intake_path(in->p, in->upload_id);
    SC_AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return sc_error_errno(err, errno, "cannot open the bytes of an upload");
    /* After a restart the running sum has not seen all. */
    enum sc_code code = sc_bytes_hash(in->p, fd, &in->hashed, in->offset, in->hash, err);
    if (code != SC_OK)
        return code;
    code = arrive(in, fd, path, &why);
    if (code == SC_OK) {
        SC_AUTO_INTAKE_ROW row = { 0 };
        in->gone = true;
        code = read_row(in->p, in->row.owner_id, in->upload_id, &row, err);
        if (code != SC_OK)
            return code;
        sc_intake_row_done(&in->row);
        in->row = row;
        row = (struct sc_intake_row){ 0 };
        return SC_OK;
    }
    return is_final(code) ? refuse(in, &why, err) : sc_error_copy(err, &why);
}

enum sc_code sc_intake_finish(struct sc_intake *in, struct sc_error *err)
{
    if (in->row.state != SC_INTAKE_OPEN)
        return SC_OK;
    enum sc_code code = in->offset == in->row.offset ? SC_OK : keep(in, err);
    return code == SC_OK && in->offset == in->row.total ? complete(in, err) : code;
}

static enum sc_code write_removal(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    const struct sc_intake_row *row = ctx;
    return sc_intake_delete(tx, row->id, err);
}

enum sc_code sc_intake_remove(struct sc_intake *in, struct sc_error *err)
{
    enum sc_code code = sc_store_write(in->p->o.store, SC_DURABLE, write_removal, &in->row, err);
    if (code != SC_OK)
        return code;
    SC_AUTO_FREE char *path = sc_intake_path(in->p, in->upload_id);
    (void)unlink(path);
    in->gone = true;
    return SC_OK;
}
