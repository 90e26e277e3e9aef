/* What a running server says of itself, its queue and its files; and the engines, which are asked
 * for directly when no server runs. */
#include "base/alloc.h"
#include "cli/doctor.h"
#include "cli/format.h"
#include "config/config.h"
#include "models/models.h"
#include "sys/file.h"
#include "sys/process.h"

#include <inttypes.h>

#include "base/banned.h"

#define ENGINES_MS 30000
#define STUCK_S 300 /* a job that waits for so long though nobody works */
#define FILES_MAX 10000

static enum sc_code fetch(struct sc_doctor *d, const char *path, struct sc_json_doc **doc,
                          struct sc_error *err)
{
    SC_AUTO_BUF reply = { 0 };
    return sc_cli_fetch(d->cli, "GET", path, &reply, doc, err);
}

static const char *text_of(const struct sc_json_value *object, const char *name)
{
    return sc_json_get_text(sc_json_member(object, name), "");
}

static int64_t int_of(const struct sc_json_value *object, const char *name)
{
    return sc_json_get_int(sc_json_member(object, name), 0);
}

static void check_version(struct sc_doctor *d, const struct sc_json_value *health)
{
    const char *version = text_of(health, "version");
    const char *store = text_of(health, "store");
    d->asked = true;
    if (strcmp(version, SC_VERSION) != 0)
        sc_doctor_say(d, SC_MARK_WARNING, "server", "restart the server, or take its program",
                      "the server is %s, this program " SC_VERSION, version);
    else
        sc_doctor_say(d, SC_MARK_OK, "server", NULL, "%s, up for %.0f s", version,
                      sc_json_get_real(sc_json_member(health, "uptime_seconds"), 0));
    if (strcmp(store, "ok") != 0)
        sc_doctor_say(
            d, SC_MARK_PROBLEM, "store",
            "it goes on by itself once the disk can be written; logs/scripta.log tells why",
            "it takes no writes: %s", store);
    else
        sc_doctor_say(d, SC_MARK_OK, "store", NULL,
                      "open and writable; `scripta db check` looks for damage");
}

void sc_doctor_server(struct sc_doctor *d)
{
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    struct sc_error err = { 0 };
    d->server = !sc_cli_server_is_local(d->cli) || sc_cli_server_runs(d->cli);
    if (!d->server) {
        sc_doctor_say(d, SC_MARK_OK, "server", NULL,
                      "none runs; commands start one for themselves");
        return;
    }
    if (fetch(d, "/api/health", &doc, &err) != SC_OK)
        sc_doctor_say(d, SC_MARK_PROBLEM, "server", "is the address right, and the token?", "%s",
                      err.msg);
    else
        check_version(d, sc_json_root(doc));
}

/* ---- engines ---- */

static enum sc_code ask_media(struct sc_doctor *d, struct sc_json_doc **doc, struct sc_error *err)
{
    static const char *const argv[] = { "scripta-media", "engines", "--json",
                                        "--settings",    "3",       NULL };
    SC_AUTO_BUF pairs = { 0 };
    SC_AUTO_BUF out = { 0 };
    SC_AUTO_CLOSE int settings = -1;
    int status = 0;
    sc_config_hand_over(d->cli->config, &pairs);
    enum sc_code code = sc_process_bytes(pairs.ptr, pairs.len, &settings, err);
    if (code == SC_OK)
        code = sc_process_ask(argv, settings, ENGINES_MS, &out, &status, err);
    if (code == SC_OK && status != 0)
        code = sc_error_set(err, SC_E_ENGINE_UNAVAILABLE, "scripta-media cannot list its engines");
    return code == SC_OK ? sc_json_parse(sc_buf_str(&out), doc, err) : code;
}

static bool check_engine(struct sc_doctor *d, const struct sc_json_value *engine,
                         const char *default_engine)
{
    const char *name = text_of(engine, "name");
    bool usable = sc_json_get_bool(sc_json_member(engine, "usable"), false);
    bool wanted = strcmp(name, default_engine) == 0;
    const char *model = text_of(engine, "default_model");
    bool files = sc_json_get_bool(sc_json_member(engine, "model_files"), false);
    if (usable && files && model[0] == '\0') {
        if (d->model_problems == 0) /* else they have told of it */
            sc_doctor_say(d, SC_MARK_NOTE, "engine", NULL, "%s %s", name,
                          text_of(engine, "reason"));
    } else if (usable)
        sc_doctor_say(d, SC_MARK_OK, "engine", NULL, "%s %s%s%s%s", name,
                      text_of(engine, "version"), model[0] == '\0' ? "" : ", model ", model,
                      wanted ? " (the default)" : "");
    else
        sc_doctor_say(d, wanted ? SC_MARK_PROBLEM : SC_MARK_NOTE, "engine",
                      wanted ? "mend that, or choose another one with engine.default" : NULL,
                      "%s cannot run here: %s", name, text_of(engine, "reason"));
    return wanted;
}

/* As the server tells it, else found in the list, which stands best first; "": none can run here.
 */
static const char *default_of(const struct sc_doctor *d, const struct sc_json_value *root)
{
    const struct sc_json_value *list = sc_json_member(root, "engines");
    const char *setting = d->cli->config->engine_default;
    const char *told = text_of(root, "default_engine");
    if (told[0] != '\0' || strcmp(setting, "auto") != 0)
        return told[0] != '\0' ? told : setting;
    for (size_t i = 0; i < sc_json_count(list); i++) {
        const struct sc_json_value *e = sc_json_at(list, i);
        bool has_model = sc_json_get_bool(sc_json_member(e, "model_files"), false) &&
                         text_of(e, "default_model")[0] != '\0';
        bool built_in = has_model || strcmp(text_of(e, "name"), "pocketsphinx") == 0;
        if (built_in && sc_json_get_bool(sc_json_member(e, "usable"), false))
            return text_of(e, "name");
    }
    return "";
}

void sc_doctor_engines(struct sc_doctor *d)
{
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    struct sc_error err = { 0 };
    bool found = false;
    if (d->server ? !d->asked : !d->media)
        return;
    enum sc_code code = d->server ? fetch(d, "/api/engines", &doc, &err) : ask_media(d, &doc, &err);
    if (code != SC_OK) {
        sc_doctor_say(d, SC_MARK_PROBLEM, "engine", "run `scripta-media engines` by hand", "%s",
                      err.msg);
        return;
    }
    const struct sc_json_value *list = sc_json_member(sc_json_root(doc), "engines");
    const char *chosen = default_of(d, sc_json_root(doc));
    for (size_t i = 0; i < sc_json_count(list); i++)
        found = check_engine(d, sc_json_at(list, i), chosen) || found;
    if (!found)
        sc_doctor_say(d, SC_MARK_PROBLEM, "engine", "`scripta engines` lists those there are",
                      "engine.default is '%s', and none of those can run here",
                      d->cli->config->engine_default);
}

/* ---- queue ---- */

static void check_class(struct sc_doctor *d, const struct sc_json_value *queue, int64_t workers,
                        bool *good)
{
    const char *name = text_of(queue, "name");
    int64_t pending = int_of(queue, "pending");
    double oldest = sc_json_get_real(sc_json_member(queue, "oldest_age_seconds"), 0);
    if (pending > 0 && sc_json_get_bool(sc_json_member(queue, "paused"), false)) {
        SC_AUTO_FREE char *fix = sc_asprintf("scripta queue resume %s", name);
        sc_doctor_say(d, SC_MARK_WARNING, "queue", fix,
                      "%s is paused, and %" PRId64 " job%s wait%s", name, pending,
                      pending == 1 ? "" : "s", pending == 1 ? "s" : "");
        *good = false;
    } else if (pending > 0 && workers == 0 && oldest > STUCK_S) {
        sc_doctor_say(d, SC_MARK_WARNING, "queue",
                      "set workers to more than -1, or start scripta-media worker elsewhere",
                      "%" PRId64 " jobs of %s wait, the oldest for %.0f s, and there is no worker",
                      pending, name, oldest);
        *good = false;
    }
}

/* Without the server itself, which is the worker of its own stages. */
static int64_t count_workers(const struct sc_json_value *workers)
{
    int64_t n = 0;
    for (size_t i = 0; workers != NULL && i < sc_json_count(workers); i++)
        n += strcmp(text_of(sc_json_at(workers, i), "name"), "serve") != 0;
    return n;
}

void sc_doctor_queue(struct sc_doctor *d)
{
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    struct sc_error err = { 0 };
    bool good = true;
    if (!d->asked)
        return;
    if (fetch(d, "/api/queue", &doc, &err) != SC_OK) {
        sc_doctor_say(d, SC_MARK_NOTE, "queue", NULL, "%s", err.msg);
        return;
    }
    const struct sc_json_value *root = sc_json_root(doc);
    const struct sc_json_value *queues = sc_json_member(root, "queues");
    int64_t workers = count_workers(sc_json_member(root, "workers"));
    for (size_t i = 0; i < sc_json_count(queues); i++)
        check_class(d, sc_json_at(queues, i), workers, &good);
    const struct sc_json_value *totals = sc_json_member(root, "totals");
    if (good)
        sc_doctor_say(d, SC_MARK_OK, "queue", NULL,
                      "%" PRId64 " queued, %" PRId64 " active, %" PRId64 " worker%s",
                      int_of(totals, "queued"), int_of(totals, "active"), workers,
                      workers == 1 ? "" : "s");
}

/* ---- files ---- */

struct files {
    int64_t seen, missing;
    char first[200]; /* that is missing */
};

static void check_page(const struct sc_cli *cli, const struct sc_json_value *list, struct files *f)
{
    for (size_t i = 0; list != NULL && i < sc_json_count(list); i++) {
        const struct sc_json_value *row = sc_json_at(list, i);
        const char *below = text_of(row, "file_path");
        SC_AUTO_FREE char *path = sc_path_join(cli->config->data_dir, below);
        f->seen++;
        if (sc_file_size(path) == int_of(row, "size_bytes"))
            continue;
        if (f->missing++ == 0)
            (void)snprintf(f->first, sizeof(f->first), "%s", below);
    }
}

/* Are the bytes of each file where the store says, and as many? Only where we share the disk. */
void sc_doctor_files(struct sc_doctor *d)
{
    struct files f = { .seen = 0 };
    struct sc_error err = { 0 };
    SC_AUTO_BUF path = { 0 };
    bool more = true;
    if (!d->asked || !sc_cli_server_is_local(d->cli))
        return;
    sc_buf_puts(&path, "/api/files?limit=500");
    while (more && f.seen < FILES_MAX) {
        SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
        if (fetch(d, sc_buf_text(&path), &doc, &err) != SC_OK) {
            sc_doctor_say(d, SC_MARK_NOTE, "files", NULL, "%s", err.msg);
            return;
        }
        check_page(d->cli, sc_json_member(sc_json_root(doc), "files"), &f);
        const char *next = text_of(sc_json_root(doc), "next_cursor");
        more = next[0] != '\0';
        sc_buf_reset(&path);
        sc_buf_puts(&path, "/api/files?limit=500&cursor=");
        sc_url_encode(&path, sc_str_from(next));
    }
    if (f.missing > 0)
        sc_doctor_say(d, SC_MARK_PROBLEM, "files",
                      "put them back from a backup: their jobs fail, transcripts stay",
                      "%" PRId64 " of %" PRId64 " recordings are missing or cut short, such as %s",
                      f.missing, f.seen, f.first);
    else
        sc_doctor_say(d, SC_MARK_OK, "files", NULL, "%s%" PRId64 " recordings are in place",
                      more ? "the newest " : "", f.seen);
}

/* ---- what the start mended ---- */

/* "2 temporary files removed, 1 half-moved recording settled"; nothing when there was nothing. */
static void put_mended(const struct sc_json_value *pass, struct sc_buf *out)
{
    static const struct {
        const char *member, *one, *many;
    } rows[] = {
        { "arrivals_removed", "upload that was cut off removed",
          "uploads that were cut off removed" },
        { "half_moved", "recording on its way settled", "recordings on their way settled" },
        { "temp_removed", "temporary file removed", "temporary files removed" },
        { "folders_removed", "leftover of deleted work removed",
          "leftovers of deleted work removed" },
        { "exports_moved", "folder of exports moved", "folders of exports moved" },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        int64_t n = int_of(pass, rows[i].member);
        if (n > 0)
            sc_buf_printf(out, "%s%" PRId64 " %s", out->len > 0 ? ", " : "", n,
                          n == 1 ? rows[i].one : rows[i].many);
    }
}

/* The pass over the data folder that the server made when it started. */
void sc_doctor_recovery(struct sc_doctor *d)
{
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    SC_AUTO_BUF mended = { 0 };
    SC_AUTO_BUF size = { 0 };
    struct sc_error err = { 0 };
    if (!d->asked)
        return;
    if (fetch(d, "/api/files/recovery", &doc, &err) != SC_OK) {
        sc_doctor_say(d, SC_MARK_NOTE, "recovery", NULL, "%s", err.msg);
        return;
    }
    const struct sc_json_value *pass = sc_json_root(doc);
    int64_t missing = int_of(pass, "missing"), orphans = int_of(pass, "orphans");
    int64_t checksums = int_of(pass, "checksums");
    if (text_of(pass, "finished_at")[0] == '\0') {
        sc_doctor_say(d, SC_MARK_NOTE, "recovery", "look again in a while",
                      "the server still goes over the data folder, as it does at each start");
        return;
    }
    put_mended(pass, &mended);
    sc_doctor_say(d, SC_MARK_OK, "recovery", NULL, "%s%s",
                  mended.len > 0 ? "at the start: " : "nothing had to be mended at the start",
                  sc_buf_text(&mended));
    if (missing > 0)
        sc_doctor_say(d, SC_MARK_WARNING, "recovery",
                      "put them back from a backup, or upload them again; `scripta files verify` "
                      "names them",
                      "at the start the bytes of %" PRId64 " recording%s were missing", missing,
                      missing == 1 ? "" : "s");
    if (checksums > 0)
        sc_doctor_say(d, SC_MARK_PROBLEM, "recovery",
                      "`scripta fsck --repair` restores them from the names of the bytes",
                      "the store is damaged: the checksum%s of %" PRId64
                      " recording%s cannot be right",
                      checksums == 1 ? "" : "s", checksums, checksums == 1 ? "" : "s");
    sc_format_size(&size, int_of(pass, "orphan_bytes"));
    if (orphans > 0)
        sc_doctor_say(d, SC_MARK_NOTE, "recovery",
                      "`scripta files clean --kind orphans` says how much would go; with --yes it "
                      "goes",
                      "%" PRId64 " file%s of %s %s to no recording", orphans,
                      orphans == 1 ? "" : "s", sc_buf_text(&size),
                      orphans == 1 ? "belongs" : "belong");
}
