#pragma once
/* What scripta-media can do on this machine. Part of pipeline/pipeline.h. */

#include "base/buf.h"
#include "base/error.h"

struct sc_pipelines;

enum sc_able { SC_ABLE_UNKNOWN, SC_ABLE_YES, SC_ABLE_NO };
/* Can recordings be decoded in the jail, as the last attempt has shown? NO: *why tells the reason.
 * Never waits: when that was long ago another attempt is begun, for who asks next. */
enum sc_able sc_pipelines_decoder(struct sc_pipelines *p, struct sc_error *why);
/* JSON {"gpus": […], "gpu_driver", "gpu_note"}, some seconds old at most; waits for it. For who
 * asks `often`, that there are none may be an hour old. */
SC_MUST_USE enum sc_code sc_pipelines_devices(struct sc_pipelines *p, bool often,
                                              struct sc_buf *out, struct sc_error *err);

/* ---- engines, as scripta-media tells them ---- */

/* JSON object {"engines": […]}; waits for the first answer. */
SC_MUST_USE enum sc_code sc_pipelines_engines(struct sc_pipelines *p, struct sc_buf *out,
                                              struct sc_error *err);

#define SC_ENGINE_NAME 24
/* The engine of jobs that name none; appends why it is not a better one, where that is to be told.
 * ENGINE_UNAVAILABLE when it cannot run here. */
SC_MUST_USE enum sc_code sc_pipelines_default_engine(struct sc_pipelines *p,
                                                     char name[SC_ENGINE_NAME], struct sc_buf *why,
                                                     struct sc_error *err);

/* Are the engines known, so that nobody waits for them? */
bool sc_pipelines_know_engines(struct sc_pipelines *p);
/* Does the engine ("": the default one) take this option of a job? False also when it is unknown or
 * the list cannot be had: submitting says so. */
bool sc_pipelines_engine_takes(struct sc_pipelines *p, const char *engine, const char *option);
