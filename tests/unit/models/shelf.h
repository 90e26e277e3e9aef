#pragma once
/* A data folder and a folder of the system with models in them. */

#include "models/tell.h"
#include "whisper/model.h"

#include "testing.h"

struct shelf {
    struct test_dir dir;
    struct sc_config config; /* of what the module reads */
};
struct shelf shelf_new(void);
void shelf_done(struct shelf *s);
#define AUTO_SHELF(name) SC_AUTO(shelf_done) struct shelf name = shelf_new()

/* A model of random weights at `name` of the scratch folder: "models/ggml-a.bin"; layers 0: one. */
void shelf_put(struct shelf *s, const char *name, int layers, int languages);
/* The same bytes, owned by the caller. */
struct sc_buf shelf_model(int layers, int languages);
/* `name` of the scratch folder, owned by the caller. */
char *shelf_path(const struct shelf *s, const char *name);
bool shelf_has(const struct shelf *s, const char *name);
/* How many entries the models folder has, hidden ones but the lock too. */
int shelf_count(const struct shelf *s);
