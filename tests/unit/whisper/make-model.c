/* make-model OUT [NAME=VALUE…]: writes a tiny Whisper model; where OUT is a folder, its safetensors
 * form. Names are those of struct test_model:
 *
 *     make-model hello.bin script='<|0.00|> Hello world.<|2.00|>' type=q5_1 languages=2 */
#include "model.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/banned.h"

static bool set_number(struct test_model *m, const char *name, const char *value)
{
    const struct {
        const char *name;
        int *to;
    } rows[] = {
        { "state", &m->state },         { "heads", &m->heads },
        { "layers", &m->layers },       { "text_layers", &m->text_layers },
        { "mels", &m->mels },           { "text_ctx", &m->text_ctx },
        { "languages", &m->languages }, { "text_tokens", &m->text_tokens },
    };
    int64_t number;

    if (!sc_str_to_int64(sc_str_from(value), &number))
        return false;
    if (strcmp(name, "seed") == 0)
        m->seed = (uint64_t)number;
    else if (strcmp(name, "silent") == 0)
        m->silent = number != 0;
    else {
        for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
            if (strcmp(rows[i].name, name) == 0) {
                *rows[i].to = (int)number;
                return true;
            }
        }
        return false;
    }
    return true;
}

static bool set_type(struct test_model *m, const char *value)
{
    for (int type = 0; type < SC_WTYPE_COUNT_; type++) {
        if (strcmp(sc_wtype_name((enum sc_wtype)type), value) == 0) {
            m->type = (enum sc_wtype)type;
            return true;
        }
    }
    return false;
}

int main(int argc, char **argv)
{
    struct test_model m = { 0 };
    struct stat st;
    char name[32];

    for (int i = 2; i < argc; i++) {
        const char *value = strchr(argv[i], '=');
        const size_t len = value == NULL ? 0 : (size_t)(value++ - argv[i]);
        (void)snprintf(name, sizeof(name), "%.*s", (int)len, argv[i]);
        if (value != NULL && strcmp(name, "script") == 0) {
            m.script = value;
        } else if (value == NULL || !(strcmp(name, "type") == 0 ? set_type(&m, value)
                                                                : set_number(&m, name, value))) {
            fprintf(stderr, "make-model: cannot take '%s'\n", argv[i]);
            return 2;
        }
    }
    if (argc < 2 || argv[1][0] == '-') {
        (void)fputs("usage: make-model FILE|FOLDER [NAME=VALUE]...\n", stderr);
        return 2;
    }
    const bool folder = stat(argv[1], &st) == 0 && S_ISDIR(st.st_mode);
    if (!(folder ? test_model_write_folder(&m, argv[1]) : test_model_write(&m, argv[1]))) {
        fprintf(stderr, "make-model: cannot write '%s': %s\n", argv[1], strerror(errno));
        return 1;
    }
    return 0;
}
