#include "library/marks.h"

#include "library/names.h"

#include "library/changes.h"
#include "library/files.h"
#include "library/transcripts.h"

#include "base/alloc.h"

#include "json/writer.h"

#include <stdlib.h>

#include "base/banned.h"

/* The statements of each kind. What jobs have none of is theirs in the queue. */
static const struct {
    enum sc_sql get, list, count, set_notes, drop, add;
} statements[SC_MARKED_COUNT_] = {
    [SC_MARKED_FILE] = { SC_SQL_MARKS_FILE, SC_SQL_FILE_TAG_LIST, SC_SQL_TAG_FILES,
                         SC_SQL_FILE_SET_NOTES, SC_SQL_FILE_DROP_TAGS, SC_SQL_FILE_ADD_TAG },
    [SC_MARKED_JOB] = { .get = SC_SQL_MARKS_JOB,
                        .list = SC_SQL_JOB_TAG_LIST,
                        .count = SC_SQL_TAG_JOBS },
    [SC_MARKED_TRANSCRIPT] = { SC_SQL_MARKS_TRANSCRIPT, SC_SQL_TRANSCRIPT_TAG_LIST,
                               SC_SQL_TAG_TRANSCRIPTS, SC_SQL_TRANSCRIPT_SET_NOTES,
                               SC_SQL_TRANSCRIPT_DROP_TAGS, SC_SQL_TRANSCRIPT_ADD_TAG },
};

void sc_marks_done(struct sc_marks *marks)
{
    sc_freep(&marks->notes);
    sc_freep(&marks->tags);
}

enum sc_code sc_marks_get(struct sc_conn *conn, enum sc_marked kind, int64_t id,
                          struct sc_marks *out, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, statements[kind].get);
    sc_stmt_bind_int(&st, ":id", id);
    enum sc_code code = sc_stmt_one(&st, err);
    if (code != SC_OK)
        return code;
    sc_marks_done(out);
    out->notes = sc_strdup(sc_stmt_text(&st, "notes"));
    out->tags = sc_strdup(sc_stmt_text(&st, "tags"));
    return SC_OK;
}

/* ---- sets of tags ---- */

bool sc_tags_hold(const struct sc_tags *tags, struct sc_str tag)
{
    for (size_t i = 0; i < tags->count; i++) {
        if (sc_str_equal(sc_str_from(tags->tag[i]), tag))
            return true;
    }
    return false;
}

bool sc_tags_add(struct sc_tags *tags, struct sc_str tag)
{
    if (sc_tags_hold(tags, tag))
        return true;
    if (tags->count == SC_TAGS_MAX || tag.len > SC_TAG_MAX)
        return false;
    (void)snprintf(tags->tag[tags->count++], SC_TAG_MAX + 1, "%.*s", (int)tag.len, tag.ptr);
    return true;
}

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

static bool are_same(const struct sc_tags *a, const struct sc_tags *b)
{
    for (size_t i = 0; a->count == b->count && i < a->count; i++) {
        if (strcmp(a->tag[i], b->tag[i]) != 0)
            return false;
    }
    return a->count == b->count;
}

static enum sc_code read_tags(struct sc_conn *conn, enum sc_marked kind, int64_t id,
                              struct sc_tags *out, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, statements[kind].list);
    sc_stmt_bind_int(&st, ":id", id);
    for (;;) {
        bool row = false;
        enum sc_code code = sc_stmt_step(&st, &row, err);
        if (code != SC_OK || !row)
            return code;
        if (!sc_tags_add(out, sc_stmt_str(&st, "tag")))
            return sc_error_set(err, SC_E_STORE_DAMAGED, "more tags, or longer ones, than allowed");
    }
}

enum sc_code sc_tags_after(struct sc_conn *conn, enum sc_marked kind, int64_t id,
                           const struct sc_marks_edit *edit, struct sc_tags *out, bool *changed,
                           struct sc_error *err)
{
    struct sc_tags now = { .count = 0 }, then = { .count = 0 };
    enum sc_code code = read_tags(conn, kind, id, &now, err);
    if (code != SC_OK)
        return code;
    if (edit->whole)
        then = edit->tags;
    for (size_t i = 0; !edit->whole && i < now.count; i++) {
        if (!sc_tags_hold(&edit->remove, sc_str_from(now.tag[i])))
            (void)sc_tags_add(&then, sc_str_from(now.tag[i]));
    }
    for (size_t i = 0; !edit->whole && i < edit->add.count; i++) {
        if (!sc_tags_add(&then, sc_str_from(edit->add.tag[i])))
            return sc_error_field(err, SC_E_INVALID_VALUE, "add_tags",
                                  "add_tags would make more than %d tags: remove some",
                                  SC_TAGS_MAX);
    }
    qsort(then.tag, then.count, sizeof(then.tag[0]), compare);
    *out = then;
    *changed = !are_same(&now, &then);
    return SC_OK;
}

/* ---- changes ---- */

static enum sc_code write_tags(struct sc_conn *tx, const struct sc_marks_target *target,
                               const struct sc_tags *tags, struct sc_error *err)
{
    SC_AUTO_STMT drop = sc_stmt_get(tx, statements[target->kind].drop);
    sc_stmt_bind_int(&drop, ":id", target->id);
    enum sc_code code = sc_stmt_run(&drop, err);
    SC_AUTO_STMT add = sc_stmt_get(tx, statements[target->kind].add);
    for (size_t i = 0; code == SC_OK && i < tags->count; i++) {
        sc_stmt_bind_int(&add, ":id", target->id);
        sc_stmt_bind_text(&add, ":tag", tags->tag[i]);
        code = sc_stmt_run(&add, err);
        sc_stmt_reset(&add);
    }
    return code;
}

static enum sc_code write_notes(struct sc_conn *tx, const struct sc_marks_target *target,
                                const char *notes, bool *changed, struct sc_error *err)
{
    SC_AUTO_MARKS now = { 0 };
    enum sc_code code = sc_marks_get(tx, target->kind, target->id, &now, err);
    *changed = code == SC_OK && strcmp(now.notes, notes) != 0;
    if (!*changed)
        return code;
    SC_AUTO_STMT st = sc_stmt_get(tx, statements[target->kind].set_notes);
    sc_stmt_bind_int(&st, ":id", target->id);
    sc_stmt_bind_text(&st, ":notes", notes);
    return sc_stmt_run(&st, err);
}

/* That it is there, and the owner's. */
static enum sc_code look_for(struct sc_conn *tx, const struct sc_marks_target *target,
                             struct sc_error *err)
{
    SC_AUTO_FILE file = { 0 };
    struct sc_transcript transcript;
    sc_assert(target->kind != SC_MARKED_JOB);
    return target->kind == SC_MARKED_FILE
               ? sc_file_find(tx, target->owner_id, target->id, &file, err)
               : sc_transcript_find(tx, target->owner_id, target->id, &transcript, err);
}

static enum sc_code touch(struct sc_conn *tx, int64_t transcript, int64_t now_ms,
                          struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_TRANSCRIPT_TOUCH);
    sc_stmt_bind_int(&st, ":id", transcript);
    sc_stmt_bind_int(&st, ":now", now_ms);
    return sc_stmt_run(&st, err);
}

enum sc_code sc_marks_record(struct sc_conn *tx, const struct sc_marks_target *target,
                             const struct sc_tags *tags, const char *notes, int64_t now_ms,
                             struct sc_error *err)
{
    static const enum sc_change_kind kinds[SC_MARKED_COUNT_] = {
        [SC_MARKED_FILE] = SC_CHANGE_FILE_MARKED,
        [SC_MARKED_JOB] = SC_CHANGE_JOB_MARKED,
        [SC_MARKED_TRANSCRIPT] = SC_CHANGE_MARKED,
    };
    SC_AUTO_BUF detail = { 0 };
    struct sc_json w;
    sc_json_begin(&w, &detail);
    sc_json_object(&w, NULL);
    if (tags != NULL)
        sc_json_int(&w, "tags", (int64_t)tags->count);
    if (notes != NULL)
        sc_json_int(&w, "notes_bytes", (int64_t)strlen(notes));
    sc_json_end(&w);
    const struct sc_change change = {
        .kind = kinds[target->kind],
        .owner_id = target->owner_id,
        .by = target->by,
        .at_ms = now_ms,
        .file_id = target->kind == SC_MARKED_FILE ? target->id : 0,
        .job = target->kind == SC_MARKED_JOB ? target->id : 0,
        .transcript_id = target->kind == SC_MARKED_TRANSCRIPT ? target->id : 0,
        .detail = sc_buf_text(&detail),
    };
    static const enum sc_name_kind names[SC_MARKED_COUNT_] = {
        [SC_MARKED_FILE] = SC_NAME_FILE_NOTES,
        [SC_MARKED_JOB] = SC_NAME_JOB_NOTES,
        [SC_MARKED_TRANSCRIPT] = SC_NAME_TRANSCRIPT_NOTES,
    };
    enum sc_code code = sc_change_record(tx, &change, err);
    return code == SC_OK && notes != NULL ? sc_name_index(tx, names[target->kind], target->id, err)
                                          : code;
}

enum sc_code sc_marks_write(struct sc_conn *tx, const struct sc_marks_target *target,
                            const struct sc_marks_edit *edit, int64_t now_ms, struct sc_error *err)
{
    struct sc_tags tags;
    bool new_tags = false, new_notes = false;
    enum sc_code code = look_for(tx, target, err);
    if (code == SC_OK)
        code = sc_tags_after(tx, target->kind, target->id, edit, &tags, &new_tags, err);
    if (code == SC_OK && new_tags)
        code = write_tags(tx, target, &tags, err);
    if (code == SC_OK && edit->notes != NULL)
        code = write_notes(tx, target, edit->notes, &new_notes, err);
    if (code != SC_OK || !(new_tags || new_notes))
        return code;
    if (target->kind == SC_MARKED_TRANSCRIPT)
        code = touch(tx, target->id, now_ms, err);
    return code == SC_OK ? sc_marks_record(tx, target, new_tags ? &tags : NULL,
                                           new_notes ? edit->notes : NULL, now_ms, err)
                         : code;
}

/* ---- the words in use ---- */

struct walk {
    struct sc_conn *conn;
    const struct sc_tag_filter *filter;
    struct sc_tag_page_end end;
    bool moved; /* a word has been looked at to its end */
    int shown;
    struct sc_tag_row row; /* being counted */
};

static enum sc_code next_word(struct walk *w, bool *found, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(w->conn, SC_SQL_TAG_NEXT);
    sc_stmt_bind_text(&st, ":after", w->end.passed);
    enum sc_code code = sc_stmt_one(&st, err);
    *found = code == SC_OK && !sc_stmt_is_null(&st, "tag");
    w->row = (struct sc_tag_row){ .tag = "" };
    if (*found)
        SC_STMT_COPY(&st, "tag", w->row.tag);
    return code;
}

/* Once true, always true. */
static bool is_spent(struct walk *w)
{
    if (w->moved && w->filter->spent != NULL && w->filter->spent(w->filter->spent_ctx))
        w->end.partial = true;
    return w->end.partial;
}

static enum sc_code count_kind(struct walk *w, enum sc_marked kind, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(w->conn, statements[kind].count);
    sc_stmt_bind_text(&st, ":tag", w->row.tag);
    for (int64_t seen = 1;; seen++) {
        bool row = false;
        enum sc_code code = sc_stmt_step(&st, &row, err);
        if (code != SC_OK || !row)
            return code;
        w->row.count[kind] += sc_stmt_int(&st, "owner_id") == w->filter->owner_id;
        if (seen % 100 == 0 && is_spent(w))
            return SC_OK;
    }
}

/* One word; *go says whether there may be another. */
static enum sc_code visit(struct walk *w, sc_tag_fn fn, void *ctx, bool *go, struct sc_error *err)
{
    bool owned = false;
    enum sc_code code = next_word(w, go, err);
    for (int kind = 0; code == SC_OK && *go && kind < SC_MARKED_COUNT_; kind++) {
        code = count_kind(w, (enum sc_marked)kind, err);
        owned = owned || w->row.count[kind] > 0;
    }
    if (code != SC_OK || !*go)
        return code;
    if (w->end.partial || (owned && w->shown == w->filter->limit)) {
        w->end.more = true;
        *go = false;
        return SC_OK;
    }
    if (owned) {
        fn(ctx, &w->row);
        w->shown++;
    }
    w->moved = true;
    (void)snprintf(w->end.passed, sizeof(w->end.passed), "%s", w->row.tag);
    return SC_OK;
}

enum sc_code sc_tag_list(struct sc_conn *conn, const struct sc_tag_filter *filter, sc_tag_fn fn,
                         void *ctx, struct sc_tag_page_end *end, struct sc_error *err)
{
    struct walk w = { .conn = conn, .filter = filter };
    enum sc_code code = SC_OK;
    (void)snprintf(w.end.passed, sizeof(w.end.passed), "%s", filter->after);
    for (bool go = true; code == SC_OK && go;) {
        code = visit(&w, fn, ctx, &go, err);
        if (code == SC_OK && go && is_spent(&w)) {
            w.end.more = true;
            go = false;
        }
    }
    if (code == SC_OK)
        *end = w.end;
    return code;
}
