#pragma once
/* .env files: NAME=VALUE lines. `export ` in front, comments, and values in single or double quotes
 * (nothing is expanded) are understood. */

#include "base/error.h"
#include "base/str.h"

/* Called for each line that sets something; anything but SC_OK ends the reading. */
typedef enum sc_code (*sc_dotenv_fn)(void *ctx, int line, struct sc_str name, struct sc_str value,
                                     struct sc_error *err);
/* `name` of the file stands before the line in messages. CONFIG_ERROR for a line of another shape.
 */
SC_MUST_USE enum sc_code sc_dotenv_read(struct sc_str text, const char *name, sc_dotenv_fn fn,
                                        void *ctx, struct sc_error *err);
