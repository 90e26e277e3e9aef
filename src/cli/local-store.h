#pragma once
/* The store of a data folder that no server has: for the commands that work without one. */

#include "cli/session.h"
#include "store/store.h"

struct sc_lockfile;

struct sc_local_store {
    struct sc_lockfile *lock;
    struct sc_store *store;
};
/* Under the folder's lock, which a server that is just ending is given time to leave. create: makes
 * a missing one, else STORE_NOT_INITIALISED. */
SC_MUST_USE enum sc_code sc_local_store_open(const struct sc_cli *cli, bool create,
                                             struct sc_local_store *out, struct sc_error *err);
void sc_local_store_done(struct sc_local_store *o);
#define SC_AUTO_LOCAL_STORE SC_AUTO(sc_local_store_done) struct sc_local_store

/* Is a server to be asked instead? */
bool sc_cli_server_owns_store(const struct sc_cli *cli);
