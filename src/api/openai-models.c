#include "api/openai.h"

#include "json/writer.h"

#include "base/banned.h"

/* When these names came to be: clients want a number, and sort by it. */
#define CREATED 1795132800 /* 2026-11-20 */

/* Names that clients have built in. What they mean here is the setting engine.default. */
static const char *const aliases[] = {
    "whisper-1",      "gpt-4o-transcribe",         "gpt-4o-mini-transcribe",
    "gpt-transcribe", "gpt-4o-transcribe-diarize",
};

static bool is_alias(struct sc_str name)
{
    for (size_t i = 0; i < SC_ARRAY_LEN(aliases); i++) {
        if (sc_str_equal(name, sc_str_from(aliases[i])))
            return true;
    }
    return false;
}

struct sc_openai_model sc_openai_model_parse(const char *name)
{
    struct sc_str rest = sc_str_from(name);
    if (is_alias(rest))
        return (struct sc_openai_model){ SC_STR(""), SC_STR("") };
    struct sc_str engine = sc_str_take_until(&rest, '/');
    return (struct sc_openai_model){ engine, rest.len == 0 ? SC_STR("") : rest };
}

/* The list being written, or the search for one of its members. */
struct models {
    struct sc_json w;
    struct sc_str id; /* ptr NULL: all */
    bool found;
};

static void offer(struct models *m, struct sc_str id)
{
    if (m->id.ptr != NULL && (m->found || !sc_str_equal(m->id, id)))
        return;
    m->found = true;
    sc_json_object(&m->w, NULL);
    sc_json_str(&m->w, "id", id);
    sc_json_text(&m->w, "object", "model");
    sc_json_int(&m->w, "created", CREATED);
    sc_json_text(&m->w, "owned_by", "scripta");
    sc_json_end(&m->w);
}

static bool is_usable(const struct sc_json_value *row)
{
    return sc_json_get_bool(sc_json_member(row, "usable"), false);
}

static void offer_aliases(struct models *m, const struct sc_json_value *row,
                          const char *default_engine)
{
    const char *name = sc_json_get_text(sc_json_member(row, "name"), "");
    if (!is_usable(row) || strcmp(name, default_engine) != 0)
        return;
    for (size_t i = 0; i < SC_ARRAY_LEN(aliases); i++)
        offer(m, sc_str_from(aliases[i]));
}

static void offer_pair(struct models *m, const char *engine, const char *model)
{
    SC_AUTO_BUF id = { 0 };
    sc_buf_printf(&id, "%s/%s", engine, model);
    offer(m, sc_buf_str(&id));
}

static void offer_engine(struct models *m, const struct sc_json_value *row)
{
    const char *name = sc_json_get_text(sc_json_member(row, "name"), "");
    const char *model = sc_json_get_text(sc_json_member(row, "default_model"), "");
    const struct sc_json_value *models = sc_json_member(row, "models");
    bool files = sc_json_get_bool(sc_json_member(row, "model_files"), false);
    if (!is_usable(row) || (files && model[0] == '\0'))
        return;
    offer(m, sc_str_from(name));
    if (model[0] != '\0')
        offer_pair(m, name, model);
    if (!files)
        return;
    for (size_t i = 0; i < sc_json_count(models); i++) {
        const char *file = sc_json_get_text(sc_json_at(models, i), "");
        if (strcmp(file, model) != 0 && strcmp(file, "/") != 0)
            offer_pair(m, name, file);
    }
}

bool sc_openai_models_view(const struct sc_json_value *engines, const char *default_engine,
                           struct sc_str id, struct sc_buf *out)
{
    struct models m = { .id = id };
    sc_json_begin(&m.w, out);
    if (id.ptr == NULL) {
        sc_json_object(&m.w, NULL);
        sc_json_text(&m.w, "object", "list");
        sc_json_array(&m.w, "data");
    }
    const struct sc_json_value *list = sc_json_member(engines, "engines");
    size_t count = list == NULL ? 0 : sc_json_count(list);
    /* Clients that take the first name take one that OpenAI has too. */
    for (size_t i = 0; i < count; i++)
        offer_aliases(&m, sc_json_at(list, i), default_engine);
    for (size_t i = 0; i < count; i++)
        offer_engine(&m, sc_json_at(list, i));
    if (id.ptr == NULL) {
        sc_json_end(&m.w);
        sc_json_end(&m.w);
    }
    return id.ptr == NULL || m.found;
}

/* ---- what is written ---- */

static const struct sc_json_field model_fields[] = {
    SC_SHOW(TEXT, "id", "To send as `model`", "whisper-1"),
    SC_SHOW(TEXT, "object", "Always `model`", "model"),
    SC_SHOW(INT, "created", "Seconds since 1970", "1795132800"),
    SC_SHOW(TEXT, "owned_by", "Always `scripta`", "scripta"),
};
const struct sc_json_shape sc_shape_openai_model = {
    .name = "OpenAIModel",
    SC_SHAPE_FIELDS(model_fields),
};
static const struct sc_json_field models_fields[] = {
    SC_SHOW(TEXT, "object", "Always `list`", "list"),
    SC_SHOW_OF(LIST, "data", &sc_shape_openai_model, "All of them"),
};
const struct sc_json_shape sc_shape_openai_models = {
    .name = "OpenAIModels",
    SC_SHAPE_FIELDS(models_fields),
};
