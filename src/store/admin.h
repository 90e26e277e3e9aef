#pragma once
/* Questions about the store for tests and for `db` commands, beside those of store.h. */

#include "base/buf.h"
#include "store/store.h"

/* Appends the query plan of a statement to *out, a line for each step, indented by depth. */
SC_MUST_USE enum sc_code sc_store_explain(struct sc_conn *conn, enum sc_sql id, struct sc_buf *out,
                                          struct sc_error *err);
/* Prepares every statement; a bad one aborts with its name, as at run time. */
SC_MUST_USE enum sc_code sc_store_prepare_all(struct sc_conn *conn, struct sc_error *err);

struct sc_store_peek {
    int schema_version; /* 0: it holds none yet */
};
/* Looks at a store that nobody has opened, under the folder's lock; migrates nothing. check: reads
 * every page (about a second for some 500 MB). STORE_DAMAGED says what was found. */
SC_MUST_USE enum sc_code sc_store_peek(const char *path, bool check, struct sc_store_peek *out,
                                       struct sc_error *err);
