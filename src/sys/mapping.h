#pragma once
/* Files read as memory. A file that is cut short while it is mapped loses pages, and to touch one
 * of those is a SIGBUS: here they read as zeros instead, and the mapping tells of it. */

#include "base/error.h"
#include "base/str.h"

struct sc_mapping;

/* Maps the whole of an open file of `len` bytes, at least 1, to be read. Takes over SIGBUS for
 * this process; what is sent to it otherwise still ends it. Thread-safe. */
SC_MUST_USE enum sc_code sc_mapping_open(int fd, size_t len, struct sc_mapping **out,
                                         struct sc_error *err);
struct sc_str sc_mapping_bytes(const struct sc_mapping *m);
/* Some of what was read was not there any more: nothing that came of it may be believed. */
bool sc_mapping_lost(const struct sc_mapping *m);
/* NULL: nothing to do. Nobody reads it meanwhile. */
void sc_mapping_close(struct sc_mapping *m);
SC_DEFINE_FREEP(struct sc_mapping, sc_mapping_close);
