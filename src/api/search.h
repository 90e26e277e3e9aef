#pragma once
/* What a search may ask, for whoever keeps it. */

#include "json/reader.h"

/* An object of texts, as the parameters of GET /api/search: INVALID_VALUE names the one that is
 * missing, unknown or bad. */
SC_MUST_USE enum sc_code sc_search_check(const struct sc_json_value *object, struct sc_error *err);
