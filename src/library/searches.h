#pragma once
/* Searches that their owner wants to have again, by name. */

#include "store/store.h"

#define SC_SEARCHES_MAX 100 /* of one owner */
#define SC_SEARCH_NAME_MAX 100

struct sc_saved_search {
    int64_t id, owner_id;
    char *name;  /* owned */
    char *query; /* a JSON object: the parameters of the search as texts; owned */
    int64_t created_ms, updated_ms;
};
void sc_saved_search_done(struct sc_saved_search *s);
#define SC_AUTO_SAVED_SEARCH SC_AUTO(sc_saved_search_done) struct sc_saved_search

/* Each of these records what it does in the history (library/changes.h), as `by`. */

/* Sets id and times. CONFLICT of the field "name": there is one of that name, or there are
 * SC_SEARCHES_MAX. */
SC_MUST_USE enum sc_code sc_saved_search_add(struct sc_conn *tx, int64_t by, int64_t now_ms,
                                             struct sc_saved_search *s, struct sc_error *err);
/* name, query NULL: as it was. *out is how it is then, owned. NOT_FOUND; CONFLICT as above. */
SC_MUST_USE enum sc_code sc_saved_search_edit(struct sc_conn *tx, int64_t by, int64_t now_ms,
                                              const struct sc_saved_search *changes,
                                              struct sc_saved_search *out, struct sc_error *err);
/* *out is how it was, owned. NOT_FOUND. */
SC_MUST_USE enum sc_code sc_saved_search_remove(struct sc_conn *tx, int64_t by, int64_t now_ms,
                                                int64_t owner_id, int64_t id,
                                                struct sc_saved_search *out, struct sc_error *err);
/* *out is empty or is replaced. NOT_FOUND also for another owner's. */
SC_MUST_USE enum sc_code sc_saved_search_get(struct sc_conn *conn, int64_t owner_id, int64_t id,
                                             struct sc_saved_search *out, struct sc_error *err);
typedef void (*sc_saved_search_fn)(void *ctx, const struct sc_saved_search *s);
/* The newest `limit` below `before` (0: from the newest), newest first. */
SC_MUST_USE enum sc_code sc_saved_search_list(struct sc_conn *conn, int64_t owner_id,
                                              int64_t before, int limit, sc_saved_search_fn fn,
                                              void *ctx, struct sc_error *err);
