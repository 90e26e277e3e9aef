#pragma once
/* Templates: text with fields in braces, written once for each segment. docs/formats.md describes
 * them. A template can only place what the transcript holds; it cannot loop, read or call. */

#include "transcript/writer-internal.h"

/* Bytes of a template; it must fit into an address. */
#define SC_TEMPLATE_LIMIT 2000

struct sc_template;

/* INVALID_VALUE (field "template") names the line and the column, and what is known there. */
SC_MUST_USE enum sc_code sc_template_parse(struct sc_str text, struct sc_template **out,
                                           struct sc_error *err);
void sc_template_free(struct sc_template *t);
SC_DEFINE_FREEP(struct sc_template, sc_template_free);

/* Writes the segments as options->layout says. */
SC_WRITER(sc_template_write);
