#pragma once
/* The engines that registry.c lists. */

#include "engine/engine.h"

extern const struct sc_engine_ops sc_engine_command;
extern const struct sc_engine_ops sc_engine_http;
extern const struct sc_engine_ops sc_engine_null;
extern const struct sc_engine_ops sc_engine_pocketsphinx;
