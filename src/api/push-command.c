#include "api/push.h"

#include "base/banned.h"

#define CLIENT_ID_MAX 64

SC_DEFINE_ENUM_STRINGS(sc_push_verb, SC_PUSH_VERB_COUNT_,
                       {
                           [SC_PUSH_SUBSCRIBE] = "subscribe",
                           [SC_PUSH_UNSUBSCRIBE] = "unsubscribe",
                           [SC_PUSH_PING] = "ping",
                       });

struct body {
    struct sc_str type, job_id, since;
    bool all;
};

static const struct sc_json_field fields[] = {
    SC_BODY(struct body, type, TEXT, .required = true, .help = "What is wanted"),
    SC_BODY(struct body, job_id, TEXT, .help = "Of one job"),
    SC_BODY(struct body, all, BOOL, .help = "Of all jobs"),
    SC_BODY(struct body, since, TEXT, .help = "Everything after this event"),
};

static enum sc_code check(const struct body *body, struct sc_push_command *out,
                          struct sc_error *err)
{
    char quoted[SC_QUOTED_TEXT], name[SC_QUOTED_TEXT];
    (void)snprintf(name, sizeof(name), "%.*s", (int)SC_MIN(body->type.len, sizeof(name) - 1),
                   body->type.ptr);
    if (!sc_push_verb_from_string(name, &out->verb))
        return sc_error_field(err, SC_E_INVALID_VALUE, "type",
                              "'%s' is no type of message; there are subscribe, unsubscribe and "
                              "ping",
                              sc_quote(body->type, quoted));
    if (out->verb != SC_PUSH_PING && body->all == (body->job_id.ptr != NULL))
        return sc_error_field(err, SC_E_INVALID_VALUE, "job_id",
                              "either job_id or \"all\": true says what is meant");
    if (body->since.ptr != NULL && !sc_cursor_parse(SC_CURSOR_EVENT, body->since, &out->since))
        return sc_error_field(err, SC_E_INVALID_VALUE, "since", "since is no cursor of an event");
    return SC_OK;
}

enum sc_code sc_push_command_parse(struct sc_str text, struct sc_push_command *out,
                                   struct sc_json_doc **doc, struct sc_error *err)
{
    struct body body = { 0 };
    *out = (struct sc_push_command){ .since = -1 };
    enum sc_code code = sc_json_parse(text, doc, err);
    if (code == SC_OK)
        code = sc_json_read(sc_json_root(*doc), fields, SC_ARRAY_LEN(fields), &body, err);
    if (code == SC_OK)
        code = check(&body, out, err);
    out->all = body.all;
    out->job_id = body.job_id;
    return code;
}

bool sc_push_client_is_good(struct sc_str client_id)
{
    static const char signs[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~-";
    for (size_t i = 0; i < client_id.len; i++) {
        if (client_id.ptr[i] == '\0' || strchr(signs, client_id.ptr[i]) == NULL)
            return false;
    }
    return client_id.len > 0 && client_id.len <= CLIENT_ID_MAX;
}
