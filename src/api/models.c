#include "api/api-internal.h"

#include "models/tell.h"

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
    SC_SHOW(TEXT, "state",
            "`ready`; `unchecked`: whether it is a whole model shows when it is opened; `damaged`: "
            "`scripta models verify` has found so, and no job uses it",
            "ready"),
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
static const struct sc_json_field rest_fields[] = {
    SC_SHOW(TEXT, "name", "That it is to have", "base.en"),
    SC_SHOW(TEXT, "state", "`running`: a command is at work on it; `unfinished`: it was broken off",
            "unfinished"),
    SC_SHOW(TEXT, "kind", "`pull` or `add`, the command that brings it", "pull"),
    SC_SHOW(INT, "size_bytes", "That are here", "80000000"),
    SC_SHOW(INT_OR_NULL, "total_bytes", "Of all of it, where that was said", "147964211"),
    SC_SHOW(TIME, "changed", "When the last of them came", "2026-11-20T14:30:05.123Z"),
    SC_SHOW(TEXT_OR_NULL, "source", "Address that it comes from",
            "https://models.example/ggml-base.en.bin"),
    SC_SHOW(BOOL, "resumable", "The same command goes on behind them; else it begins anew", "true"),
};
static const struct sc_json_shape rest_shape = { .name = "UnfinishedModel",
                                                 SC_SHAPE_FIELDS(rest_fields) };
static const struct sc_json_field problem_fields[] = {
    SC_SHOW(TEXT, "field", "The setting", "engine.whisper.model"),
    SC_SHOW(TEXT, "message", "What is wrong with it, and what to do",
            "whisper has no model: the setting engine.whisper.model names 'base', which is not "
            "there"),
};
static const struct sc_json_shape problem_shape = { .name = "ModelProblem",
                                                    SC_SHAPE_FIELDS(problem_fields) };
static const struct sc_json_field models_fields[] = {
    SC_SHOW_OF(LIST, "models", &model_shape, "All of them, by name"),
    SC_SHOW_OF(LIST, "unfinished", &rest_shape,
               "What pulls and additions that were broken off have left, or that run"),
    SC_SHOW_OF(LIST, "problems", &problem_shape, "Settings that name what is not there"),
    SC_SHOW(TEXTS, "warnings", "What looks like a model in the folders and can be none",
            "[\"passed over in the models folder: 'my model.bin': a model is a file NAME.bin, or a "
            "folder with model.safetensors, and its name has letters, digits, '.', '_' and '-' "
            "alone\"]"),
    SC_SHOW(INT, "memory_limit_bytes", "That one worker may spend on loaded models", "4294967296"),
};
const struct sc_json_shape sc_shape_models = { .name = "Models", SC_SHAPE_FIELDS(models_fields) };

SC_API_DOC(model_list) = { .replies = { { 200, &sc_shape_models } } };
