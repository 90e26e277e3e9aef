#pragma once
/* What clients say over a WebSocket. Pure. */

#include "api/request.h"

enum sc_push_verb { SC_PUSH_SUBSCRIBE, SC_PUSH_UNSUBSCRIBE, SC_PUSH_PING, SC_PUSH_VERB_COUNT_ };
SC_DECLARE_ENUM_STRINGS(sc_push_verb);

struct sc_push_command {
    enum sc_push_verb verb;
    bool all;             /* of subscribe and unsubscribe: every job of the owner … */
    struct sc_str job_id; /* … or this one; borrowed from the document */
    int64_t since;        /* -1: not given */
};
/* INVALID_REQUEST or INVALID_VALUE, which names the field. *doc owns what is borrowed. */
SC_MUST_USE enum sc_code sc_push_command_parse(struct sc_str text, struct sc_push_command *out,
                                               struct sc_json_doc **doc, struct sc_error *err);
/* 1 to 64 of A-Z a-z 0-9 . _ ~ - */
bool sc_push_client_is_good(struct sc_str client_id);
