#pragma once
/* Makes each step of each statement of a verb fail, one after the other, as a disk could: the verb
 * must say so. For builds with fault points. */

#include "base/fault.h"
#include "store/fixture.h"

/* A write or a read of its own; ctx is the test's. */
struct failing {
    sc_write_fn fn;
    void *ctx;
    int64_t nth; /* step that fails */
    bool failed; /* it came to that */
};

static inline enum sc_code run_failing(struct sc_conn *conn, void *ctx, struct sc_error *err)
{
    struct failing *f = ctx;
    sc_fault_arm("store.step", f->nth);
    enum sc_code code = f->fn(conn, f->ctx, err);
    f->failed = sc_fault_disarm("store.step");
    return code;
}

/* Runs fn with its 1st, 2nd, … step failing, until none is left to fail; that run stays. `undo`
 * (NULL: nothing to be done) is called with ctx after each failure. How many steps there were. */
static inline int64_t fail_each_write(struct sc_store *store, sc_write_fn fn, void *ctx,
                                      void (*undo)(void *ctx))
{
    for (int64_t nth = 1;; nth++) {
        struct failing f = { .fn = fn, .ctx = ctx, .nth = nth };
        struct sc_error err = { 0 };
        enum sc_code code = sc_store_write(store, SC_RELAXED, run_failing, &f, &err);
        if (!f.failed) {
            if (code != SC_OK)
                fail_msg("%s: %s", sc_code_name(code), err.msg);
            return nth - 1;
        }
        if (code != SC_E_STORE_ERROR || strstr(err.msg, "store.step") == NULL)
            fail_msg("step %d failed, the answer is %s: %s", (int)nth, sc_code_name(code), err.msg);
        if (undo != NULL)
            undo(ctx);
    }
}

/* The same for what only reads. */
static inline int64_t fail_each_read(struct sc_store *store, sc_write_fn fn, void *ctx)
{
    for (int64_t nth = 1;; nth++) {
        SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
        assert_int_equal(sc_store_read(store, &conn, NULL), SC_OK);
        struct failing f = { .fn = fn, .ctx = ctx, .nth = nth };
        struct sc_error err = { 0 };
        enum sc_code code = run_failing(conn, &f, &err);
        if (!f.failed) {
            if (code != SC_OK)
                fail_msg("%s: %s", sc_code_name(code), err.msg);
            return nth - 1;
        }
        if (code != SC_E_STORE_ERROR)
            fail_msg("step %d failed, the answer is %s: %s", (int)nth, sc_code_name(code), err.msg);
    }
}
