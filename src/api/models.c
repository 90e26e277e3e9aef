#include "api/api-internal.h"

#include "models/models.h"

#include "base/banned.h"

struct sc_done *sc_api_model_list(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    enum sc_code code = sc_query_none(req, &err);
    if (code == SC_OK)
        code = sc_models_json(sc_config_now(api->options.config), &body, &err);
    return sc_api_answer(req, code, &err, 200, &body);
}

/* ---- described ---- */

static const struct sc_json_field dims_fields[] = {
    SC_SHOW(INT, "n_vocab", "Tokens", "51864"),
    SC_SHOW(INT, "n_audio_ctx", "Positions of a window", "1500"),
    SC_SHOW(INT, "n_audio_state", "Width of the encoder", "512"),
    SC_SHOW(INT, "n_audio_head", "Its heads", "8"),
    SC_SHOW(INT, "n_audio_layer", "Its layers", "6"),
    SC_SHOW(INT, "n_text_ctx", "Tokens that a window may have", "448"),
    SC_SHOW(INT, "n_text_state", "Width of the decoder", "512"),
    SC_SHOW(INT, "n_text_head", "Its heads", "8"),
    SC_SHOW(INT, "n_text_layer", "Its layers", "6"),
    SC_SHOW(INT, "n_mels", "Bands of the spectrum", "80"),
};
static const struct sc_json_shape dims_shape = { .name = "ModelDims",
                                                 SC_SHAPE_FIELDS(dims_fields) };
static const struct sc_json_field model_fields[] = {
    SC_SHOW(TEXT, "name", "To send as `model`", "base.en"),
    SC_SHOW(TEXT, "engine", "Whose it is", "whisper"),
    SC_SHOW(BOOL, "default", "Jobs that name none use it", "true"),
    SC_SHOW(TEXT, "file", "File or folder that it lies in", "ggml-base.en.bin"),
    SC_SHOW(TEXT, "format", "`ggml` or `safetensors`", "ggml"),
    SC_SHOW(BOOL, "system", "It came with the system", "false"),
    SC_SHOW(INT, "size_bytes", "Of the file with its weights", "147964211"),
    SC_SHOW(BOOL, "verified",
            "It has been read as a whole, and has not changed since; else nothing more is known",
            "true"),
    SC_SHOW(TEXT_OR_NULL, "sha256", "Of that file",
            "a03779c86df3323075f5e796cb2ce5029f00ec8869eee3fdfb897afe36c6d002"),
    SC_SHOW(TEXT_OR_NULL, "sum_from",
            "Who said so: `author` of the file, `server` where it was pulled from, `asked` whoever "
            "brought it, `nobody`",
            "server"),
    SC_SHOW(TEXT_OR_NULL, "source", "Path or address that it came from",
            "https://models.example/ggml-base.en.bin"),
    SC_SHOW(TIME_OR_NULL, "added", "When it was brought", "2026-11-20T14:30:05.123Z"),
    SC_SHOW(TEXT_OR_NULL, "type", "Of most of its weights", "f16"),
    SC_SHOW(INT_OR_NULL, "languages", "How many it knows; 1: English alone", "1"),
    { .name = "dims",
      .type = SC_JSON_OBJECT,
      .of = &dims_shape,
      .nullable = true,
      .help = "Of its network" },
    SC_SHOW(INT_OR_NULL, "memory_bytes", "That a worker needs for it", "389000000"),
};
static const struct sc_json_shape model_shape = { .name = "Model", SC_SHAPE_FIELDS(model_fields) };
static const struct sc_json_field models_fields[] = {
    SC_SHOW_OF(LIST, "models", &model_shape, "All of them, by name"),
    SC_SHOW(INT, "memory_limit_bytes", "That one worker may spend on loaded models", "4294967296"),
};
const struct sc_json_shape sc_shape_models = { .name = "Models", SC_SHAPE_FIELDS(models_fields) };

SC_API_DOC(model_list) = { .replies = { { 200, &sc_shape_models } } };
