#pragma once
/* A call that hands in a recording and waits for its text: OpenAI's, and those of other servers
 * whose clients we take. Each dialect reads its own fields into the same form. */

#include "api/api-internal.h"
#include "api/openai.h"

struct sc_call;
struct sc_call_dialect {
    /* Fills call->form and, where the call says so, call->translate. */
    enum sc_code (*read)(struct sc_call *call, struct sc_error *err);
    const char *file; /* the part with the recording */
    bool translate;
};

struct sc_call {
    struct sc_api *api;
    const struct sc_call_dialect *dialect;
    struct sc_openai_form form;
    const struct sc_format *writer; /* of srt and vtt; NULL: another format */
    bool translate;
    int64_t deadline_ms;
    int64_t job;
    struct sc_request *req; /* until it has been answered */
    /* Its wake resumes the request, and is not called any more once it has been closed. NULL until
     * it has been opened, though a wake may come then already. */
    struct sc_subscriber *_Atomic subscriber;
};
void sc_call_free(struct sc_call *call);
SC_DEFINE_FREEP(struct sc_call, sc_call_free);

/* Takes the recording, makes its job and answers with its text or why there is none. */
struct sc_done *sc_call_run(struct sc_request *req, struct sc_api *api,
                            const struct sc_call_dialect *dialect);
/* A form whose address has no query: hands its fields to take until one is refused. */
typedef enum sc_code (*sc_call_field_fn)(struct sc_call *call, struct sc_str name,
                                         struct sc_str value, struct sc_error *err);
SC_MUST_USE enum sc_code sc_call_each_field(struct sc_call *call, sc_call_field_fn take,
                                            struct sc_error *err);
/* Answers with a stream of events; takes call. */
struct sc_done *sc_openai_stream(struct sc_call *call);

/* Borrows all of it. */
struct sc_openai_result sc_call_result(const struct sc_call *call, const struct sc_job *job,
                                       const struct sc_transcript *t);
/* Why a job that ended without a text did. */
enum sc_code sc_call_failure(const struct sc_job *job, struct sc_error *err);
bool sc_call_ends(const struct sc_event *event);
void sc_call_refusal(const struct sc_api *api, struct sc_request *req, const struct sc_error *err,
                     struct sc_openai_refusal *out);

/* ---- compat.c ---- */

/* The member under which a server of that path tells its errors; NULL: none of them. Static. */
const char *sc_compat_error_key(const char *path);
/* {key: message}; returns the status. */
int sc_compat_error_view(const char *key, const struct sc_openai_refusal *refusal,
                         struct sc_buf *out);
