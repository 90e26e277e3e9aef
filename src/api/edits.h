#pragma once
/* What the handlers of edits share. */

#include "api/api-internal.h"
#include "http/range.h"
#include "http/replay.h"
#include "library/operations.h"

#define SC_CHANGE_NOTE_MAX 1000 /* bytes */
/* A row of a shape whose view writes sc_edit_etag. */
#define SC_SHOW_EDIT_ETAG                                                                       \
    {                                                                                           \
        .name = "etag", SC_SHOW_TEXT, .optional = true,                                         \
        .help = "Of what `GET` answers now, for the next `If-Match`; where this call had one, " \
                "and nobody made another version since",                                        \
        .example = "\"9f86d081884c7d65.1-2a4c7e91b6d03f58.2\""                                  \
    }

/* Members of every body that edits. */
struct sc_edit_asked {
    int64_t base_version;
    struct sc_str change_note;
};
/* Their rows, in a struct that has them as `asked`. */
#define SC_EDIT_ASKED_ROWS(struct_)                                                               \
    { .name = "base_version",                                                                     \
      .type = SC_JSON_INT,                                                                        \
      .offset = offsetof(struct_, asked.base_version),                                            \
      .min = 1,                                                                                   \
      .max = INT32_MAX,                                                                           \
      .help = "The version that this was made of: 409 when another is current by now. The "       \
              "current one unless given",                                                         \
      .example = "1" },                                                                           \
    {                                                                                             \
        .name = "change_note", .type = SC_JSON_TEXT,                                              \
        .offset = offsetof(struct_, asked.change_note), .max = SC_CHANGE_NOTE_MAX, .help = "Why", \
        .example = "a name was misheard"                                                          \
    }

/* An edit on its way. */
struct sc_edit_ask {
    struct sc_edit_asked asked;
    struct sc_json_doc *doc; /* owned: the body */
    char *note;              /* owned */
    struct sc_save save;
    struct sc_saved saved;
    struct sc_draft draft;
    struct sc_segments wanted;
    struct sc_buf mine; /* the text that the client wants; empty: not known */
    bool stale;         /* If-Match is of another version: there is nothing to be saved */
    struct sc_etag_version stale_base; /* that one */
    bool matched;                      /* the base is that of If-Match, which was current */
    struct sc_edit *edit;
    bool exported; /* auto_export is written again */
};
void sc_edit_ask_done(struct sc_edit_ask *a);
#define SC_AUTO_EDIT_ASK SC_AUTO(sc_edit_ask_done) struct sc_edit_ask
/* Fills a->save from the path and a->asked. */
SC_MUST_USE enum sc_code sc_edit_ask_begin(struct sc_request *req, struct sc_edit_ask *a,
                                           enum sc_change_kind kind, struct sc_error *err);
/* Plans an edit of what is current: fills a->draft, a->wanted, a->mine, a->saved and a->edit, all
 * of them empty. */
typedef enum sc_code (*sc_edit_plan_fn)(struct sc_api *api, struct sc_edit_ask *a, void *ctx,
                                        struct sc_error *err);
/* Plans and writes; where others were quicker, or what was read was repaired meanwhile, again on
 * top of what is there then: a version that the client named is the plan's to insist on. */
SC_MUST_USE enum sc_code sc_edit_ask_run(struct sc_api *api, struct sc_edit_ask *a,
                                         sc_edit_plan_fn plan, void *ctx, struct sc_error *err);
/* The ETag of a transcript that is at this version, for who has sent If-Match; NULL: it was not
 * asked for, or another version is current by now. */
const char *sc_edit_etag(struct sc_request *req, int64_t transcript, int version,
                         char out[SC_ETAG_TEXT]);
/* Answers with what was saved; who was too late is told both texts. */
struct sc_done *sc_edit_answer(struct sc_request *req, struct sc_api *api,
                               const struct sc_edit_ask *a, enum sc_code code,
                               struct sc_error *err);
/* Seconds in ms; less than 0 for what is no time. */
int64_t sc_edit_ms(double seconds);

/* ---- edit-view.c ---- */

/* etag NULL: not told. */
void sc_saved_view(struct sc_buf *out, int64_t transcript, const struct sc_saved *saved,
                   const char *etag);
void sc_pruned_view(struct sc_buf *out, int64_t transcript, int64_t removed);
void sc_replaced_view(struct sc_json *w, const char *key, const struct sc_replaced *place);
struct sc_replacement_answer {
    int64_t transcript_id;
    int version;
    bool changed, dry_run;
    int64_t count, segments;
    struct sc_str places; /* a JSON array */
    const char *etag;     /* NULL: not told */
};
void sc_replacement_view(struct sc_buf *out, const struct sc_replacement_answer *a);
void sc_change_view(struct sc_json *w, const char *key, const struct sc_change *c);
/* The index-th kind of changes; NULL: there are no more. */
const char *sc_change_word(int index);
/* Writes the rows of the filter that the page takes. */
SC_MUST_USE enum sc_code sc_change_rows(struct sc_conn *conn, const struct sc_change_filter *filter,
                                        struct sc_page *page, struct sc_error *err);
