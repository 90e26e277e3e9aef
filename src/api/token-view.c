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

/* ---- what the views write ---- */

static const struct sc_json_field token_fields[] = {
    SC_SHOW(INT, "id", "Names the token", "3"),
    SC_SHOW(TEXT, "name", "What it is for", "phone"),
    SC_SHOW(TEXT, "owner", "Whose things it opens", "ann"),
    { .name = "scopes",
      SC_SHOW_TEXTS,
      .words = sc_words_scope,
      .help = "What it allows",
      .example = "[\"read\", \"write\"]" },
    { .name = "status",
      SC_SHOW_TEXT,
      .choices = "active|expired|revoked",
      .help = "Whether it still opens anything",
      .example = "active" },
    SC_SHOW(TIME, "created_at", "When it was made", "2026-11-20T14:30:45.123Z"),
    SC_SHOW(TIME_OR_NULL, "expires_at", "When it ends; null: never", NULL),
    SC_SHOW(TIME_OR_NULL, "revoked_at", "When it was ended", NULL),
    SC_SHOW(TIME_OR_NULL, "last_used_at", "To a minute", "2026-11-20T14:30:45.123Z"),
};
const struct sc_json_shape sc_shape_token = {
    .name = "Token",
    .help = "A token without its text",
    SC_SHAPE_FIELDS(token_fields),
};
SC_PAGE_SHAPE(sc_shape_tokens, "TokenPage", "tokens", &sc_shape_token);

static const struct sc_json_field created_fields[] = {
    SC_SHOW(TEXT, "token", "Its text, told here and never again",
            "scripta_abcdefghijklmnopqrstuvwxyz234567"),
};
const struct sc_json_shape sc_shape_token_created = {
    .name = "CreatedToken",
    .help = "A new token with its text",
    .base = &sc_shape_token,
    SC_SHAPE_FIELDS(created_fields),
};
