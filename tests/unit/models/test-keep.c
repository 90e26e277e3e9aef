#include "models/shelf.h"

#include "base/fault.h"
#include "sys/lockfile.h"

#include <fcntl.h>

#include "base/banned.h"

static enum sc_code add(struct shelf *s, const char *from, const char *name, bool replace,
                        struct sc_model *out, struct sc_error *err)
{
    SC_AUTO_FREE char *path = shelf_path(s, from);
    const struct sc_model_wish wish = { .what = path, .name = name, .replace = replace };
    return sc_models_add(&s->config, &wish, NULL, out, err);
}

/* Another byte in the middle, with the same size and time. */
static void damage(struct shelf *s, const char *name)
{
    char path[PATH_MAX];
    struct stat st = { 0 };
    char byte = 0;
    SC_AUTO_CLOSE int fd = open(test_path(&s->dir, name, path), O_RDWR | O_CLOEXEC);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(pread(fd, &byte, 1, st.st_size - 100), 1);
    byte = (char)(byte ^ 1);
    assert_int_equal(pwrite(fd, &byte, 1, st.st_size - 100), 1);
    const struct timespec times[] = { st.st_atim, st.st_mtim };
    assert_int_equal(futimens(fd, times), 0);
}

static void check_refused(struct shelf *s, const char *from, const char *name, enum sc_code code,
                          const char *said)
{
    SC_AUTO_MODEL m = { 0 };
    struct sc_error err = { 0 };
    assert_int_equal(add(s, from, name, false, &m, &err), code);
    if (strstr(err.msg, said) == NULL)
        fail_msg("%s", err.msg);
}

static void what_is_added_is_described_and_can_be_used(void **state)
{
    (void)state;
    AUTO_SHELF(s);
    SC_AUTO_MODEL m = { 0 }, again = { 0 };
    struct sc_error err = { 0 };
    shelf_put(&s, "ggml-base.en.bin", 0, TEST_MODEL_ENGLISH);
    if (add(&s, "ggml-base.en.bin", NULL, false, &m, &err) != SC_OK)
        fail_msg("%s", err.msg);
    assert_string_equal(m.name, "base.en");
    assert_true(m.is_known);
    assert_string_equal(m.facts.type, "f16");
    assert_int_equal(m.facts.languages, 1);
    assert_int_equal(m.facts.trust, SC_MODEL_TRUST_NOBODY);
    assert_true(m.facts.dims.n_mels == 80 && m.facts.dims.n_audio_ctx == 1500);
    assert_true(sc_model_memory(&m, NULL) > m.size_bytes);
    assert_int_equal(shelf_count(&s), 2); /* it, and its description */

    /* Read again, the same; and its bytes are those that were given. */
    char sum[SC_SHA256_TEXT];
    SC_AUTO_BUF bytes = shelf_model(0, TEST_MODEL_ENGLISH);
    sc_hash_bytes(bytes.ptr, bytes.len, sum);
    assert_int_equal(sc_models_find(&s.config, "base.en", &again, NULL), SC_OK);
    assert_true(again.is_known);
    assert_string_equal(again.facts.sha256, sum);
    assert_memory_equal(&again.facts.dims, &m.facts.dims, sizeof(m.facts.dims));
    assert_string_equal(again.facts.source, m.facts.source);
    assert_int_equal(again.facts.added_ms, m.facts.added_ms);
    const struct sc_model_identity id = sc_model_identify(&again);
    assert_int_equal(id.kind, SC_MODEL_BY_SUM);
    assert_non_null(strstr(id.text, sum));
}

static void what_is_no_model_is_refused_before_anything_is_kept(void **state)
{
    (void)state;
    AUTO_SHELF(s);
    char path[PATH_MAX];
    SC_AUTO_BUF bytes = shelf_model(0, 0);
    test_write(&s.dir, "ggml-text.bin", "a letter to a friend");
    test_write_bytes(&s.dir, "ggml-half.bin", bytes.ptr, bytes.len / 2);
    assert_int_equal(mkfifo(test_path(&s.dir, "pipe.bin", path), 0600), 0);
    assert_int_equal(mkdir(test_path(&s.dir, "folder", path), 0700), 0);
    check_refused(&s, "ggml-text.bin", NULL, SC_E_MODEL_ERROR, "");
    check_refused(&s, "ggml-half.bin", NULL, SC_E_MODEL_ERROR, "");
    check_refused(&s, "nonsuch.bin", NULL, SC_E_NOT_FOUND, "there is no file");
    check_refused(&s, "pipe.bin", NULL, SC_E_INVALID_VALUE, "is no file");
    SC_AUTO_MODEL m = { 0 };
    assert_int_not_equal(add(&s, "folder", NULL, false, &m, NULL), SC_OK);
    assert_int_equal(shelf_count(&s), 0);
}

static void names_are_plain_and_taken_once(void **state)
{
    (void)state;
    AUTO_SHELF(s);
    SC_AUTO_MODEL m = { 0 }, other = { 0 };
    struct sc_error err = { 0 };
    shelf_put(&s, "my model", 0, 0);
    check_refused(&s, "my model", NULL, SC_E_INVALID_VALUE, "give one of letters");
    check_refused(&s, "my model", "../x", SC_E_INVALID_VALUE, "'../x' cannot be the name");
    check_refused(&s, "my model", ".x", SC_E_INVALID_VALUE, "'.x' cannot be the name");
    assert_int_equal(add(&s, "my model", "mine", false, &m, NULL), SC_OK);
    assert_string_equal(m.name, "mine");
    assert_true(shelf_has(&s, "models/ggml-mine.bin"));
    check_refused(&s, "my model", "mine", SC_E_CONFLICT, "or give --replace");

    shelf_put(&s, "my model", 2, 0);
    if (add(&s, "my model", "mine", true, &other, &err) != SC_OK)
        fail_msg("%s", err.msg);
    assert_int_equal(other.facts.dims.n_audio_layer, 2);
    assert_int_equal(shelf_count(&s), 2);
}

/* The copy can be read by everybody. */
static void of_a_folder_only_what_is_read_is_copied(void **state)
{
    (void)state;
    AUTO_SHELF(s);
    SC_AUTO_MODEL m = { 0 };
    struct sc_error err = { 0 };
    char path[PATH_MAX];
    const struct test_model made = { .type = SC_WTYPE_F16 };
    assert_int_equal(mkdir(test_path(&s.dir, "safe", path), 0700), 0);
    assert_true(test_model_write_folder(&made, path));
    test_write(&s.dir, "secret", "password");
    assert_int_equal(symlink("../secret", test_path(&s.dir, "safe/secret.json", path)), 0);
    if (add(&s, "safe", NULL, false, &m, &err) != SC_OK)
        fail_msg("%s", err.msg);
    assert_true(shelf_has(&s, "models/safe/model.safetensors"));
    assert_true(shelf_has(&s, "models/safe/config.json"));
    assert_true(shelf_has(&s, "models/safe/vocab.json"));
    assert_false(shelf_has(&s, "models/safe/secret.json"));

    /* By its weights it is the same model. */
    SC_AUTO_MODEL again = { 0 };
    if (add(&s, "safe/model.safetensors", NULL, true, &again, &err) != SC_OK)
        fail_msg("%s", err.msg);
    assert_string_equal(again.name, "safe");
    assert_true(again.is_folder);
    assert_true(shelf_has(&s, "models/safe/vocab.json"));
}

static void a_wrong_sum_is_refused(void **state)
{
    (void)state;
    AUTO_SHELF(s);
    SC_AUTO_MODEL m = { 0 };
    struct sc_error err = { 0 };
    char sum[SC_SHA256_TEXT], wrong[SC_SHA256_TEXT];
    SC_AUTO_BUF bytes = shelf_model(0, 0);
    shelf_put(&s, "a.bin", 0, 0);
    sc_hash_bytes(bytes.ptr, bytes.len, sum);
    sc_hash_bytes("", 0, wrong);
    SC_AUTO_FREE char *path = shelf_path(&s, "a.bin");
    struct sc_model_wish wish = { .what = path, .sha256 = wrong };
    assert_int_equal(sc_models_add(&s.config, &wish, NULL, &m, &err), SC_E_CHECKSUM_MISMATCH);
    assert_non_null(strstr(err.msg, sum));
    assert_int_equal(shelf_count(&s), 0);
    wish.sha256 = sum;
    assert_int_equal(sc_models_add(&s.config, &wish, NULL, &m, &err), SC_OK);
    assert_int_equal(m.facts.trust, SC_MODEL_TRUST_ASKED);

    assert_false(sc_models_sum_parse(SC_STR("abc"), sum));
    wrong[0] = 'g';
    assert_false(sc_models_sum_parse(sc_str_from(wrong), sum));
    wrong[0] = 'E';
    assert_true(sc_models_sum_parse(sc_str_from(wrong), sum));
    assert_int_equal(sum[0], 'e');
}

struct looks {
    int shown, left;
    int64_t done, total;
};

static void show(void *ctx, const char *stage, int64_t done, int64_t total)
{
    struct looks *l = ctx;
    (void)stage;
    l->shown++;
    l->done = done;
    l->total = total;
}

static bool soon(void *ctx)
{
    struct looks *l = ctx;
    return l->left-- == 0;
}

static void progress_is_shown_and_an_interruption_leaves_nothing(void **state)
{
    (void)state;
    AUTO_SHELF(s);
    shelf_put(&s, "a.bin", 0, 0);
    SC_AUTO_FREE char *path = shelf_path(&s, "a.bin");
    const struct sc_model_wish wish = { .what = path };
    for (int after = 0; after < 3; after++) {
        SC_AUTO_MODEL m = { 0 };
        struct looks looks = { .left = after };
        const struct sc_models_watch watch = { .show = show, .stop = soon, .ctx = &looks };
        assert_int_equal(sc_models_add(&s.config, &wish, &watch, &m, NULL), SC_E_CANCELLED);
        assert_int_equal(shelf_count(&s), 0);
    }
    SC_AUTO_MODEL m = { 0 };
    struct looks looks = { .left = -1 };
    const struct sc_models_watch watch = { .show = show, .ctx = &looks };
    assert_int_equal(sc_models_add(&s.config, &wish, &watch, &m, NULL), SC_OK);
    assert_true(looks.shown >= 2 && looks.done == looks.total && looks.total == m.size_bytes);
}

static void only_one_changes_the_folder_at_a_time(void **state)
{
    (void)state;
    AUTO_SHELF(s);
    SC_AUTO(sc_lockfile_dropp) struct sc_lockfile *lock = NULL;
    char path[PATH_MAX];
    int64_t freed = 0;
    struct sc_error err = { 0 };
    shelf_put(&s, "a.bin", 0, 0);
    shelf_put(&s, "models/b.bin", 0, 0);
    assert_int_equal(
        sc_lockfile_take(test_path(&s.dir, "models/.lock", path), "pid=7", &lock, NULL), SC_OK);
    check_refused(&s, "a.bin", NULL, SC_E_CONFLICT, "(pid=7)");
    assert_int_equal(sc_models_remove(&s.config, "b", &freed, &err), SC_E_CONFLICT);
    assert_true(shelf_has(&s, "models/b.bin"));
}

static void a_model_is_removed_by_its_own_name_with_what_belongs_to_it(void **state)
{
    (void)state;
    AUTO_SHELF(s);
    SC_AUTO_MODEL m = { 0 };
    struct sc_error err = { 0 };
    int64_t freed = 0;
    shelf_put(&s, "ggml-a-q8_0.bin", 0, 0);
    shelf_put(&s, "system/ggml-b.bin", 0, 0);
    assert_int_equal(add(&s, "ggml-a-q8_0.bin", NULL, false, &m, NULL), SC_OK);
    assert_int_equal(sc_models_remove(&s.config, "a", &freed, &err), SC_E_NOT_FOUND);
    assert_non_null(strstr(err.msg, "say 'a-q8_0'"));
    assert_int_equal(sc_models_remove(&s.config, "b", &freed, &err), SC_E_CONFLICT);
    assert_non_null(strstr(err.msg, "is the system's"));
    assert_int_equal(sc_models_remove(&s.config, "/etc/x.bin", &freed, &err), SC_E_INVALID_VALUE);
    assert_int_equal(sc_models_remove(&s.config, "c", &freed, &err), SC_E_NOT_FOUND);
    assert_non_null(strstr(err.msg, "there is no model 'c'"));
    assert_null(strstr(err.msg, "pull"));
    assert_int_equal(sc_models_remove(&s.config, "a-q8_0", &freed, &err), SC_OK);
    assert_int_equal(freed, m.size_bytes);
    assert_int_equal(shelf_count(&s), 0);
    /* What an unfinished pull has left. */
    test_write(&s.dir, "models/.c.part", "1234");
    test_write(&s.dir, "models/.c.part.json", "{}");
    assert_int_equal(sc_models_remove(&s.config, "c", &freed, &err), SC_OK);
    assert_int_equal(freed, 6);
    test_write(&s.dir, "models/.c.part", ""); /* also before the first byte */
    assert_int_equal(sc_models_remove(&s.config, "c", &freed, &err), SC_OK);
    test_write(&s.dir, "models/.b.part", "1"); /* of a name that the system has, too */
    assert_int_equal(sc_models_remove(&s.config, "b", &freed, &err), SC_OK);
    assert_int_equal(freed, 1);
    assert_true(shelf_has(&s, "system/ggml-b.bin"));
    assert_int_equal(shelf_count(&s), 0);
}

/* That rests went does not say that all is well. */
static void what_goes_wrong_behind_the_rests_is_told(void **state)
{
    (void)state;
    AUTO_SHELF(s);
    struct sc_error err = { 0 };
    int64_t freed = 0;
    char path[PATH_MAX];
    test_write(&s.dir, "file", "");
    free(s.config.models_system_dir);
    s.config.models_system_dir = strdup(test_path(&s.dir, "file", path));
    test_write(&s.dir, "models/.c.part", "1234");
    assert_int_equal(sc_models_remove(&s.config, "c", &freed, &err), SC_E_CONFIG_ERROR);
    assert_string_equal(err.field, "models.system_dir");
}

static void a_folder_is_replaced_and_removed_whole(void **state)
{
    (void)state;
    AUTO_SHELF(s);
    SC_AUTO_MODEL m = { 0 }, other = { 0 };
    struct sc_error err = { 0 };
    char path[PATH_MAX];
    int64_t freed = 0;
    struct test_model made = { .type = SC_WTYPE_F16 };
    assert_int_equal(mkdir(test_path(&s.dir, "safe", path), 0700), 0);
    assert_true(test_model_write_folder(&made, path));
    assert_int_equal(add(&s, "safe", NULL, false, &m, NULL), SC_OK);
    made.layers = 2;
    assert_true(test_model_write_folder(&made, path));
    if (add(&s, "safe", NULL, true, &other, &err) != SC_OK)
        fail_msg("%s", err.msg);
    assert_int_equal(other.facts.dims.n_audio_layer, 2);
    assert_string_not_equal(m.facts.sha256, other.facts.sha256);
    assert_int_equal(shelf_count(&s), 2);
    sc_model_done(&m);
    assert_int_equal(sc_models_verify(&s.config, "safe", NULL, &m, NULL), SC_OK);
    assert_int_equal(sc_models_remove(&s.config, "safe", &freed, NULL), SC_OK);
    assert_int_equal(freed, other.size_bytes);
    assert_int_equal(shelf_count(&s), 0);
}

/* ---- between the model and its facts ---- */

#ifdef SC_WITH_FAULTS
/* Whoever adds a model is gone as soon as it has its place. */
static void add_half(struct shelf *s, const char *from, bool replace, struct sc_model *out)
{
    struct sc_error err = { 0 };
    sc_fault_arm("models.settle", 1);
    if (add(s, from, NULL, replace, out, &err) != SC_OK)
        fail_msg("%s", err.msg);
    assert_true(sc_fault_disarm("models.settle"));
}

static void check_known(struct shelf *s, const char *name, const struct sc_model *as)
{
    SC_AUTO_MODEL m = { 0 }, verified = { 0 };
    struct sc_error err = { 0 };
    assert_int_equal(sc_models_find(&s->config, name, &m, NULL), SC_OK);
    assert_true(m.is_known);
    assert_string_equal(m.facts.sha256, as->facts.sha256);
    assert_string_equal(m.facts.source, as->facts.source);
    if (sc_models_verify(&s->config, name, NULL, &verified, &err) != SC_OK)
        fail_msg("%s", err.msg);
}

static void a_model_has_its_facts_from_the_moment_it_is_there(void **state)
{
    (void)state;
    AUTO_SHELF(s);
    SC_AUTO_MODEL first = { 0 }, second = { 0 }, third = { 0 };
    shelf_put(&s, "ggml-a.bin", 0, 0);
    add_half(&s, "ggml-a.bin", false, &first);
    assert_false(shelf_has(&s, "models/ggml-a.bin.json"));
    check_known(&s, "a", &first);

    /* Twice in a row, and what stood there is described by what lies beside it. */
    shelf_put(&s, "ggml-a.bin", 2, 0);
    add_half(&s, "ggml-a.bin", true, &second);
    assert_true(shelf_has(&s, "models/ggml-a.bin.json"));
    check_known(&s, "a", &second);

    /* Prepared, and then it was not to be: the model that stays keeps its own. */
    test_write(&s.dir, "models/.a.facts", "{\"size_bytes\":7,\"changed_ns\":7}");
    shelf_put(&s, "ggml-a.bin", 1, 0);
    assert_int_equal(add(&s, "ggml-a.bin", NULL, true, &third, NULL), SC_OK);
    test_write(&s.dir, "models/.a.facts", "{\"size_bytes\":7,\"changed_ns\":7}");
    check_known(&s, "a", &third);
    int64_t freed = 0;
    assert_int_equal(sc_models_remove(&s.config, "a", &freed, NULL), SC_OK);
    assert_int_equal(shelf_count(&s), 0);
}

/* Whatever cannot be synced: the model that is told to stay is there whole, or else the new one is.
 */
static void a_folder_that_cannot_be_replaced_stays(void **state)
{
    (void)state;
    AUTO_SHELF(s);
    SC_AUTO_MODEL m = { 0 };
    char path[PATH_MAX];
    struct test_model made = { .type = SC_WTYPE_F16 };
    int refused = 0;
    assert_int_equal(mkdir(test_path(&s.dir, "safe", path), 0700), 0);
    assert_true(test_model_write_folder(&made, path));
    assert_int_equal(add(&s, "safe", NULL, false, &m, NULL), SC_OK);
    for (int nth = 1;; nth++) {
        SC_AUTO_MODEL other = { 0 }, found = { 0 };
        made.layers = 2 + nth % 2;
        assert_true(test_model_write_folder(&made, path));
        sc_fault_arm("dir.sync", nth);
        bool replaced = add(&s, "safe", NULL, true, &other, NULL) == SC_OK;
        bool failed = sc_fault_disarm("dir.sync");
        assert_int_equal(sc_models_verify(&s.config, "safe", NULL, &found, NULL), SC_OK);
        assert_string_equal(found.facts.sha256, replaced ? other.facts.sha256 : m.facts.sha256);
        assert_false(shelf_has(&s, "models/.safe.copy"));
        refused += !replaced;
        if (replaced) {
            sc_model_done(&m);
            m = other;
            other = (struct sc_model){ 0 };
        }
        if (!failed)
            break;
    }
    assert_true(refused >= 2); /* of the copy, and of its place */
}

#endif

/* ---- while it is read ---- */

struct rival {
    struct shelf *shelf;
    const char *from; /* what takes the model's place; NULL: nothing, it goes */
    bool done;
};

static void interfere(void *ctx, const char *stage, int64_t done, int64_t total)
{
    struct rival *r = ctx;
    SC_AUTO_MODEL m = { 0 };
    struct sc_error err = { 0 };
    int64_t freed = 0;
    (void)stage, (void)done, (void)total;
    if (r->done)
        return;
    r->done = true;
    enum sc_code code = r->from == NULL ? sc_models_remove(&r->shelf->config, "a", &freed, &err)
                                        : add(r->shelf, r->from, "a", true, &m, &err);
    if (code != SC_OK)
        fail_msg("%s", err.msg);
}

static void what_was_found_is_not_said_of_another_model(void **state)
{
    (void)state;
    static const struct {
        bool is_added, is_damaged;
        const char *rival;
    } rows[] = {
        { false, false, "ggml-b.bin" }, /* would get facts */
        { true, true, "ggml-b.bin" },   /* would be marked */
        { true, false, "ggml-b.bin" },  /* would be told of */
        { true, false, NULL },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        AUTO_SHELF(s);
        SC_AUTO_MODEL m = { 0 }, now = { 0 };
        struct sc_error err = { 0 };
        shelf_put(&s, rows[i].is_added ? "ggml-a.bin" : "models/ggml-a.bin", 0, 0);
        shelf_put(&s, "ggml-b.bin", 2, 0);
        if (rows[i].is_added)
            assert_int_equal(add(&s, "ggml-a.bin", NULL, false, &now, NULL), SC_OK);
        sc_model_done(&now);
        if (rows[i].is_damaged)
            damage(&s, "models/ggml-a.bin");
        struct rival rival = { &s, rows[i].rival, false };
        const struct sc_models_watch watch = { .show = interfere, .ctx = &rival };
        assert_int_equal(sc_models_verify(&s.config, "a", &watch, &m, &err), SC_E_CONFLICT);
        assert_non_null(strstr(err.msg, "was replaced or removed while it was read"));
        if (rows[i].rival == NULL)
            continue;
        assert_int_equal(sc_models_find(&s.config, "a", &now, NULL), SC_OK);
        assert_true(now.is_known && now.facts.dims.n_audio_layer == 2);
    }
}

static void verifying_finds_another_byte_and_describes_what_was_copied_in(void **state)
{
    (void)state;
    AUTO_SHELF(s);
    SC_AUTO_MODEL m = { 0 }, again = { 0 }, same = { 0 };
    struct sc_error err = { 0 };
    shelf_put(&s, "models/ggml-a.bin", 0, 0);
    assert_int_equal(sc_models_find(&s.config, "a", &m, NULL), SC_OK);
    assert_false(m.is_known);
    assert_int_equal(sc_models_verify(&s.config, "a", NULL, &again, NULL), SC_OK);
    assert_true(again.is_known && again.facts.languages == 4);
    sc_model_done(&m);
    assert_int_equal(sc_models_find(&s.config, "a", &m, NULL), SC_OK);
    assert_true(m.is_known);
    damage(&s, "models/ggml-a.bin");
    assert_int_equal(sc_models_verify(&s.config, "a", NULL, &same, &err), SC_E_MODEL_ERROR);
    assert_non_null(strstr(err.msg, "is not what was added"));
    SC_AUTO_MODEL doubted = { 0 };
    assert_int_equal(sc_models_get(&s.config, "a", &doubted, NULL), SC_OK);
    /* Nor do results go by its old sum. */
    assert_true(doubted.has_facts && doubted.is_damaged && !doubted.is_known);
    assert_int_equal(sc_models_verify(&s.config, "a", NULL, &same, &err), SC_E_MODEL_ERROR);
    assert_int_equal(sc_models_verify(&s.config, "b", NULL, &same, &err), SC_E_NOT_FOUND);
    assert_non_null(strstr(err.msg, "there is no model 'b', and those that are there were found"));

    /* Written anew: its facts do not hold any more, and its name stands for other results. */
    const struct sc_model_identity before = sc_model_identify(&m);
    shelf_put(&s, "models/ggml-a.bin", 2, 0);
    sc_model_done(&m);
    assert_int_equal(sc_models_find(&s.config, "a", &m, NULL), SC_OK);
    assert_true(m.has_facts && !m.is_known);
    const struct sc_model_identity after = sc_model_identify(&m);
    assert_int_equal(before.kind, SC_MODEL_BY_SUM);
    assert_int_equal(after.kind, SC_MODEL_BY_TIME);
    assert_string_not_equal(before.text, after.text);
}

static void check_unusable(struct shelf *s, const char *name, const char *said)
{
    SC_AUTO_MODEL m = { 0 };
    struct sc_error err = { 0 };
    assert_int_equal(sc_models_find(&s->config, name, &m, &err), SC_E_MODEL_ERROR);
    assert_string_equal(err.field, "model");
    if (strstr(err.msg, said) == NULL)
        fail_msg("%s", err.msg);
}

static void nobody_uses_what_was_found_damaged_until_it_is_other_bytes(void **state)
{
    (void)state;
    AUTO_SHELF(s);
    SC_AUTO_MODEL m = { 0 }, again = { 0 }, mended = { 0 };
    struct sc_error err = { 0 };
    shelf_put(&s, "ggml-a-q8_0.bin", 2, 0);
    assert_int_equal(add(&s, "ggml-a-q8_0.bin", NULL, false, &m, NULL), SC_OK);
    damage(&s, "models/ggml-a-q8_0.bin");
    assert_int_equal(sc_models_verify(&s.config, "a-q8_0", NULL, &again, &err), SC_E_MODEL_ERROR);
    assert_non_null(strstr(err.msg, "scripta models pull --replace"));
    check_unusable(&s, "a-q8_0", "'a-q8_0' was found damaged, and is not used: bring it again");
    check_unusable(&s, "a", "'a-q8_0' was found damaged");
    check_unusable(&s, m.path, "'a-q8_0' was found damaged");
    check_unusable(&s, "", "whisper has no model: 'a-q8_0' was found damaged");
    check_unusable(&s, "b", "there is no model 'b', and those that are there were found damaged");
    shelf_put(&s, "models/ggml-c.bin", 0, 0);
    check_unusable(&s, "b", "there is no model 'b': say c, or bring it");
    SC_AUTO_FREE char *c = shelf_path(&s, "models/ggml-c.bin");
    assert_int_equal(unlink(c), 0);
    static char named[] = "a", nothing[] = "";
    s.config.engine_whisper_model = named;
    check_unusable(&s, "", "engine.whisper.model names 'a', which was found damaged");
    s.config.engine_whisper_model = nothing;

    /* Another one goes before it, by name and by itself. */
    shelf_put(&s, "models/ggml-a-q5_0.bin", 1, 0);
    SC_AUTO_MODEL other = { 0 }, best = { 0 };
    assert_int_equal(sc_models_find(&s.config, "a", &other, NULL), SC_OK);
    assert_string_equal(other.name, "a-q5_0");
    assert_int_equal(sc_models_find(&s.config, "", &best, NULL), SC_OK);
    assert_string_equal(best.name, "a-q5_0");

    /* Whole again, and looked at: by time it is other bytes. */
    shelf_put(&s, "models/ggml-a-q8_0.bin", 2, 0);
    assert_int_equal(sc_models_find(&s.config, "a-q8_0", &mended, NULL), SC_OK);
    assert_false(mended.is_known || mended.is_damaged);
    sc_model_done(&mended);
    assert_int_equal(sc_models_verify(&s.config, "a-q8_0", NULL, &mended, NULL), SC_OK);
    assert_true(mended.is_known);
    damage(&s, "models/ggml-a-q8_0.bin");
    assert_int_equal(sc_models_verify(&s.config, "a-q8_0", NULL, &again, NULL), SC_E_MODEL_ERROR);
    SC_AUTO_MODEL brought = { 0 };
    assert_int_equal(add(&s, "ggml-a-q8_0.bin", NULL, true, &brought, NULL), SC_OK);
    check_unusable(&s, "gone", "there is no model 'gone'");
    sc_model_done(&mended);
    assert_int_equal(sc_models_find(&s.config, "a-q8_0", &mended, NULL), SC_OK);
    assert_true(mended.is_known);
}

/* Copied in by hand, and not whole: it has no facts that it could break. */
static void what_is_no_model_is_damaged_once_it_was_looked_at(void **state)
{
    (void)state;
    AUTO_SHELF(s);
    SC_AUTO_MODEL m = { 0 }, outside = { 0 };
    SC_AUTO_BUF bytes = shelf_model(0, 0);
    test_write_bytes(&s.dir, "models/ggml-half.bin", bytes.ptr, bytes.len / 2);
    test_write_bytes(&s.dir, "half.bin", bytes.ptr, bytes.len / 2);
    assert_int_equal(sc_models_find(&s.config, "half", &m, NULL), SC_OK);
    sc_model_done(&m);
    assert_int_equal(sc_models_verify(&s.config, "half", NULL, &m, NULL), SC_E_MODEL_ERROR);
    check_unusable(&s, "half", "'half' was found damaged");
    /* Of what is none of ours nothing is written down. */
    SC_AUTO_FREE char *path = shelf_path(&s, "half.bin");
    assert_int_equal(sc_models_verify(&s.config, path, NULL, &m, NULL), SC_E_MODEL_ERROR);
    assert_false(shelf_has(&s, "half.bin.json"));
    assert_int_equal(sc_models_find(&s.config, path, &outside, NULL), SC_OK);
}

static void what_was_broken_off_is_listed(void **state)
{
    (void)state;
    AUTO_SHELF(s);
    SC_AUTO(sc_models_rests_done) struct sc_models_rests rests = { 0 };
    char path[PATH_MAX];
    test_write(&s.dir, "models/.a.part", "12345");
    test_write(&s.dir, "models/.a.part.json",
               "{\"url\":\"http://host/a.bin\",\"etag\":\"\\\"e\\\"\",\"size_bytes\":9}");
    test_write(&s.dir, "models/.b.part", "");
    test_write(&s.dir, "models/.c.adding", "123");
    assert_int_equal(mkdir(test_path(&s.dir, "models/.d.adding", path), 0700), 0);
    test_write(&s.dir, "models/.d.adding/model.safetensors", "1234567");
    test_write(&s.dir, "models/.bad name.part", "1");
    test_write(&s.dir, "models/..part", "1");
    test_write(&s.dir, "models/e.part", "1");
    assert_int_equal(sc_models_unfinished(&s.config, &rests, NULL), SC_OK);
    static const struct {
        const char *name;
        bool is_pull;
        int64_t size, whole;
        const char *etag;
    } expected[] = {
        { "a", true, 5, 9, "\"e\"" },
        { "b", true, 0, -1, "" },
        { "c", false, 3, -1, "" },
        { "d", false, 7, -1, "" },
    };
    assert_int_equal(rests.count, SC_ARRAY_LEN(expected));
    for (size_t i = 0; i < SC_ARRAY_LEN(expected); i++) {
        const struct sc_models_rest *r = &rests.rows[i];
        assert_string_equal(r->name, expected[i].name);
        assert_true(r->is_pull == expected[i].is_pull);
        assert_false(r->is_at_work);
        assert_int_equal(r->size_bytes, expected[i].size);
        assert_int_equal(r->note.whole, expected[i].whole);
        assert_string_equal(r->note.etag, expected[i].etag);
        assert_true(r->changed_ms > INT64_C(1600000000000));
    }
    /* Who is at work says on what. */
    SC_AUTO(sc_lockfile_dropp) struct sc_lockfile *lock = NULL;
    assert_int_equal(
        sc_lockfile_take(test_path(&s.dir, "models/.lock", path), "pid=7 model=b", &lock, NULL),
        SC_OK);
    sc_models_rests_done(&rests);
    assert_int_equal(sc_models_unfinished(&s.config, &rests, NULL), SC_OK);
    assert_true(rests.rows[1].is_at_work && !rests.rows[0].is_at_work);
    sc_lockfile_drop(SC_TAKE(lock));

    int64_t freed = 0;
    assert_int_equal(sc_models_remove(&s.config, "d", &freed, NULL), SC_OK);
    assert_int_equal(freed, 7);
    assert_int_equal(sc_models_remove(&s.config, "a", &freed, NULL), SC_OK);
    sc_models_rests_done(&rests);
    assert_int_equal(sc_models_unfinished(&s.config, &rests, NULL), SC_OK);
    assert_int_equal(rests.count, 2);
    static char nowhere[] = "nowhere";
    s.config.models_dir = nowhere;
    sc_models_rests_done(&rests);
    assert_int_equal(sc_models_unfinished(&s.config, &rests, NULL), SC_OK);
    assert_int_equal(rests.count, 0);
}

static void facts_that_lie_are_no_facts(void **state)
{
    (void)state;
    AUTO_SHELF(s);
    static const char *const texts[] = {
        "",
        "[]",
        "{\"sha256\":\"x\"}",
        "{\"sha256\":\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\","
        "\"languages\":1,\"dims\":{\"n_vocab\":-1}}",
        "{\"sha256\":\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\","
        "\"languages\":4000000000,\"dims\":{\"n_vocab\":1,\"n_audio_ctx\":1,\"n_audio_state\":1,"
        "\"n_audio_head\":1,\"n_audio_layer\":1,\"n_text_ctx\":1,\"n_text_state\":1,"
        "\"n_text_head\":1,\"n_text_layer\":1,\"n_mels\":1}}",
    };
    shelf_put(&s, "models/a.bin", 0, 0);
    for (size_t i = 0; i < SC_ARRAY_LEN(texts); i++) {
        SC_AUTO_MODEL m = { 0 };
        test_write(&s.dir, "models/a.bin.json", texts[i]);
        assert_int_equal(sc_models_find(&s.config, "a", &m, NULL), SC_OK);
        assert_false(m.has_facts || m.is_known);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_added_is_described_and_can_be_used),
        TEST(what_is_no_model_is_refused_before_anything_is_kept),
        TEST(names_are_plain_and_taken_once),
        TEST(of_a_folder_only_what_is_read_is_copied),
        TEST(a_wrong_sum_is_refused),
        TEST(progress_is_shown_and_an_interruption_leaves_nothing),
        TEST(only_one_changes_the_folder_at_a_time),
        TEST(a_model_is_removed_by_its_own_name_with_what_belongs_to_it),
        TEST(what_goes_wrong_behind_the_rests_is_told),
        TEST(a_folder_is_replaced_and_removed_whole),
#ifdef SC_WITH_FAULTS
        TEST(a_model_has_its_facts_from_the_moment_it_is_there),
        TEST(a_folder_that_cannot_be_replaced_stays),
#endif
        TEST(what_was_found_is_not_said_of_another_model),
        TEST(verifying_finds_another_byte_and_describes_what_was_copied_in),
        TEST(nobody_uses_what_was_found_damaged_until_it_is_other_bytes),
        TEST(what_is_no_model_is_damaged_once_it_was_looked_at),
        TEST(what_was_broken_off_is_listed),
        TEST(facts_that_lie_are_no_facts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
