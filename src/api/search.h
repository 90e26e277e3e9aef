#pragma once
/* What a search may ask, for whoever keeps it, and what is shown of one. */

#include "json/reader.h"
#include "json/writer.h"

/* An object of texts, as the parameters of GET /api/search: INVALID_VALUE names the one that is
 * missing, unknown or bad. */
SC_MUST_USE enum sc_code sc_search_check(const struct sc_json_value *object, struct sc_error *err);

/* ---- search-view.c ---- */

struct sc_search_group; /* library/search.h */
struct sc_search_end;
struct sc_saved_search; /* library/searches.h */
struct sc_name_hit;     /* library/names.h */
void sc_search_name_view(struct sc_json *w, const char *key, const struct sc_name_hit *hit);
void sc_search_group_view(struct sc_json *w, const char *key, const struct sc_search_group *g);
/* cursor NULL: there is no other page. */
void sc_search_end_fields(struct sc_json *w, const struct sc_search_end *end, const char *cursor);
void sc_saved_search_view(struct sc_json *w, const char *key, const struct sc_saved_search *s);
