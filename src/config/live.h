#pragma once
/* The settings of a server, which a reload replaces while every thread reads them.
 *
 * What is read is a snapshot that never changes; a reload puts another in its place with one atomic
 * store. Old ones are kept until the end, so whatever was taken from one (a text, too) stays valid
 * and no reader holds a lock or a count. That costs a few KiB for each reload that changed
 * something, which somebody typed. */

#include "config/config.h"

struct sc_live_config;
/* Borrows `first` until sc_live_config_free. */
struct sc_live_config *sc_live_config_new(const struct sc_config *first);
/* No reader may be left. NULL allowed. */
void sc_live_config_free(struct sc_live_config *live);
SC_DEFINE_FREEP(struct sc_live_config, sc_live_config_free);

/* The settings of this moment, valid until the end. What belongs together is read from one of them:
 * the next call may answer with others. From any thread. */
const struct sc_config *sc_config_now(const struct sc_live_config *live);

/* Names separated by ", ". */
struct sc_config_changes {
    struct sc_buf applied; /* in effect now */
    struct sc_buf waiting; /* in effect after a restart: they keep the values of the start */
};
void sc_config_changes_done(struct sc_config_changes *changes);
/* Makes `fresh` (made by sc_config_load; taken, also on failure) the settings of this moment, but
 * for the options that need a restart. For one thread at a time. */
SC_MUST_USE enum sc_code sc_live_config_apply(struct sc_live_config *live, struct sc_config *fresh,
                                              struct sc_config_changes *out, struct sc_error *err);
