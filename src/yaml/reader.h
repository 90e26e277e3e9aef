#pragma once
/* Reading YAML settings: one document, mappings of mappings and scalars, flattened to dotted paths
 * with the line of each. No lists, aliases, anchors or tags; duplicate keys are refused. */

#include "base/error.h"
#include "base/str.h"

#define SC_YAML_DEPTH 64
#define SC_YAML_SIZE ((size_t)1 << 20)

struct sc_yaml_entry {
    char *path;  /* "queue.lease" for lease inside queue, and for the key "queue.lease" itself */
    char *value; /* NULL: a mapping, or a key without value (null, ~) */
    int line;    /* of the key, from 1 */
    bool mapping;
    bool says_null; /* no value, by that word: which may be meant as text */
};

struct sc_yaml {
    struct sc_yaml_entry *entries; /* in order of the document */
    size_t count, cap;
};

/* Text of at most SC_YAML_SIZE bytes; `name` stands before the line in messages. An empty text has
 * no entries. INVALID_VALUE says "name:line: what is wrong". *out is the caller's: sc_yaml_done. */
SC_MUST_USE enum sc_code sc_yaml_parse(struct sc_str text, const char *name, struct sc_yaml *out,
                                       struct sc_error *err);
void sc_yaml_done(struct sc_yaml *yaml);
