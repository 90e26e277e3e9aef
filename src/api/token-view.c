#include "api/views.h"

#include "base/banned.h"

static const char *status(const struct sc_token_row *token, int64_t now_ms)
{
    if (token->revoked_ms >= 0)
        return "revoked";
    return token->expires_ms >= 0 && token->expires_ms <= now_ms ? "expired" : "active";
}

static void put_fields(struct sc_json *w, const struct sc_token_row *token, int64_t now_ms)
{
    sc_json_int(w, "id", token->id);
    sc_json_text(w, "name", token->name);
    sc_json_text(w, "owner", token->owner);
    sc_json_array(w, "scopes");
    for (int i = 0; i < SC_SCOPE_COUNT_; i++) {
        if ((token->scopes & 1u << i) != 0)
            sc_json_text(w, NULL, sc_scope_names[i]);
    }
    sc_json_end(w);
    sc_json_text(w, "status", status(token, now_ms));
    sc_json_time(w, "created_at", token->created_ms);
    sc_json_time(w, "expires_at", token->expires_ms);
    sc_json_time(w, "revoked_at", token->revoked_ms);
    sc_json_time(w, "last_used_at", token->last_used_ms);
}

void sc_token_view(struct sc_json *w, const char *key, const struct sc_token_row *token,
                   int64_t now_ms)
{
    sc_json_object(w, key);
    put_fields(w, token, now_ms);
    sc_json_end(w);
}

void sc_token_created_view(struct sc_buf *out, const struct sc_token_row *token, int64_t now_ms,
                           const char *secret)
{
    struct sc_json w;
    sc_json_begin(&w, out);
    sc_json_object(&w, NULL);
    sc_json_text(&w, "token", secret);
    put_fields(&w, token, now_ms);
    sc_json_end(&w);
}
