#pragma once
/* Recordings in pieces: what the adapter calls beside the handlers. */

#include "http/body.h"

/* Of the routes that append; app is the struct sc_api. */
extern const struct sc_append_ops sc_resumable_ops;
