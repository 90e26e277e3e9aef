#include "models/shelf.h"

#include "sys/file.h"

#include "base/banned.h"

static char empty[] = "";

struct shelf shelf_new(void)
{
    struct shelf s = { .dir = test_dir_new() };
    char path[PATH_MAX];
    s.config = (struct sc_config){ .data_dir = strdup(s.dir.path),
                                   .models_dir = empty,
                                   .models_system_dir = strdup(test_path(&s.dir, "system", path)),
                                   .models_url = empty,
                                   .engine_whisper_model = empty,
                                   .engine_default = empty,
                                   .engine_memory = INT64_C(1) << 40,
                                   .ca_file = empty };
    assert_int_equal(mkdir(test_path(&s.dir, "models", path), 0700), 0);
    assert_int_equal(mkdir(test_path(&s.dir, "system", path), 0700), 0);
    return s;
}

void shelf_done(struct shelf *s)
{
    free(s->config.data_dir);
    free(s->config.models_system_dir);
    test_dir_done(&s->dir);
}

struct sc_buf shelf_model(int layers, int languages)
{
    struct sc_buf bytes = { 0 };
    const struct test_model m = { .layers = layers, .languages = languages, .type = SC_WTYPE_F16 };
    test_model_ggml(&m, &bytes);
    assert_false(bytes.failed);
    return bytes;
}

void shelf_put(struct shelf *s, const char *name, int layers, int languages)
{
    SC_AUTO_BUF bytes = shelf_model(layers, languages);
    test_write_bytes(&s->dir, name, bytes.ptr, bytes.len);
}

char *shelf_path(const struct shelf *s, const char *name)
{
    return sc_path_join(s->dir.path, name);
}

bool shelf_has(const struct shelf *s, const char *name)
{
    char path[PATH_MAX];
    struct stat st;
    return stat(test_path(&s->dir, name, path), &st) == 0;
}

int shelf_count(const struct shelf *s)
{
    char path[PATH_MAX];
    int count = 0;
    SC_AUTO_DIR *dir = opendir(test_path(&s->dir, "models", path));
    assert_non_null(dir);
    for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
            strcmp(e->d_name, ".lock") != 0)
            count++;
    }
    return count;
}
