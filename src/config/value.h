#pragma once
/* Text forms of settings: durations and sizes with their units, words of a choice. */

#include "base/buf.h"

/* "250ms" and what sc_duration_parse takes ("90", "90s", "15m", "2h", "7d"), in milliseconds. */
bool sc_value_duration(struct sc_str text, int64_t *ms);
/* The shortest exact form: "30s", "250ms", "0". */
void sc_value_put_duration(struct sc_buf *out, int64_t ms);
/* The shortest exact form: "20G", "1000". */
void sc_value_put_size(struct sc_buf *out, int64_t bytes);
/* "0.25" of 250, "-1" of -1000: no zeros that say nothing. */
void sc_value_put_thousandths(struct sc_buf *out, int64_t n);
/* http:// or https:// and a host, no password, no query? */
bool sc_value_is_url(const char *text);
/* http:// or https:// and a host, or unix: and a path? */
bool sc_value_is_server(const char *text);
/* Origins ("https://app.example", lower case) between commas? */
bool sc_value_is_origins(const char *text);
/* Names of hosts between commas? */
bool sc_value_is_hosts(const char *text);
/* Is word one of "a|b|c"? */
bool sc_value_in_choices(struct sc_str word, const char *choices);
/* "a, b or c" of "a|b|c". */
void sc_value_put_choices(struct sc_buf *out, const char *choices);
/* Valid UTF-8 without control signs (the text may be shown and written to logs)? */
bool sc_value_is_plain(struct sc_str text);
