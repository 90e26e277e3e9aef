/* G10: a store whose pages were overwritten, or in which one bit was turned, never says a wrong
 * word: it refuses to, the check finds why, and what is repaired is what it was.
 *
 * ROUNDS=N damages N copies of a store each way (default 3), from round FIRST on; SEED=N repeats a
 * run. */
#include "library-fixture.h"

#include "base/alloc.h"
#include "library/fsck.h"

#include "base/banned.h"

#define PAGE ((size_t)4096)

/* ---- a store to damage ---- */

struct original {
    struct rig r;
    struct sc_buf image;   /* of the database, all of it */
    struct sc_buf truth;   /* everything that its transcripts say */
    struct sc_buf numbers; /* and the numbers of their segments */
};

static void original_done(struct original *o)
{
    rig_done(&o->r);
    sc_buf_done(&o->image);
    sc_buf_done(&o->truth);
    sc_buf_done(&o->numbers);
}

static void put_chunk_text(struct rig *r, int job, int chunk, const char *text)
{
    char hash[SC_SHA256_TEXT];
    SC_AUTO_BUF sql = { 0 };
    sc_hash_bytes(text, strlen(text), hash);
    sc_buf_printf(&sql,
                  "INSERT INTO chunks (job, chunk, start_samples, end_samples, pcm_hash, text,"
                  " result_hash, processed_ms) VALUES (%d, %d, 0, 16000, 'x', '%s', '%s', 1)",
                  job, chunk, text, hash);
    assert_int_equal(write_sql(r->f.store, sc_buf_text(&sql)), SC_OK);
}

/* What engines of Whisper's kind say besides. */
static void hear(struct sc_segment *s, int i)
{
    struct sc_heard *h = sc_segment_make_heard(s);
    assert_non_null(h);
    h->temperature = 0.2;
    h->avg_logprob = -0.01 * i;
    h->compression_ratio = 1.25;
    h->no_speech_prob = 0.001 * i;
    h->seek = 3000 * (i / 30);
    for (int k = 0; k < 20; k++)
        assert_true(sc_heard_add_token(h, 50364 - i * 7 - k * 1000));
}

/* Short and long rows (these reach over several pages), with words, speakers and confidences. */
static void fill(struct rig *r)
{
    SC_AUTO_BUF text = { 0 };
    SC_AUTO_BUF whole_text = { 0 };
    SC_AUTO_SEGMENTS list = { 0 };
    for (int i = 0; i < 40; i++) {
        sc_buf_reset(&text);
        for (int k = 0; k < (i % 10 == 9 ? 250 : 12); k++)
            sc_buf_printf(&text, "%sword%d", k > 0 ? " " : "", i * 1000 + k);
        struct sc_segment *s = add_segment(&list, i * 1000, 1, sc_buf_text(&text));
        s->end_ms = SC_MAX(s->end_ms, s->start_ms + 900);
        s->confidence = 0.625F;
        s->speaker = i % 3 == 0 ? sc_strdup("ann") : NULL;
        if (i % 4 == 1)
            hear(s, i);
    }
    int64_t whole = begin(r, 1), partial = begin(r, 2);
    assert_int_equal(put_chunk(r, whole, 0, &list), SC_OK);
    assert_int_equal(finish(r, whole, "en"), SC_OK);
    sc_segments_text(&list, &whole_text);
    list.items[0].text[0] = 'W';
    assert_int_equal(put_chunk(r, partial, 0, &list), SC_OK);
    PUT(*r, partial, 1, 60000, "one two", "three");
    put_chunk_text(r, 2, 1, "one two\nthree");
    put_chunk_text(r, 1, 0, sc_buf_text(&whole_text));
}

static void put_heard(struct sc_buf *out, const struct sc_heard *h)
{
    SC_AUTO_BUF packed = { 0 };
    sc_heard_pack(h, &packed);
    for (size_t i = 0; i < packed.len; i++)
        sc_buf_printf(out, "%02x", (unsigned)(unsigned char)packed.ptr[i]);
}

/* Without the segments' numbers: a hash of what was said does not cover them, fsck does. */
static void put_segments(struct sc_buf *out, int64_t id, const struct sc_segments *list)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct sc_segment *s = &list->items[i];
        sc_buf_printf(out, "%" PRId64 " %" PRId64 " %" PRId64 " [%s] [%s] %.9g\n", id, s->start_ms,
                      s->end_ms, s->text, s->speaker == NULL ? "" : s->speaker,
                      (double)s->confidence);
        for (size_t k = 0; k < s->word_count; k++)
            sc_buf_printf(out, " %s %" PRId64 " %" PRId64 " %.9g", s->words[k].text,
                          s->words[k].start_ms, s->words[k].end_ms, (double)s->words[k].confidence);
        put_heard(out, s->heard);
        sc_buf_putc(out, '\n');
    }
}

/* What the two transcripts say, and their segments' numbers; false when one of them is refused. */
static bool read_all(struct sc_store *store, struct sc_buf *out, struct sc_buf *numbers)
{
    bool whole = true;
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    if (sc_store_read(store, &conn, NULL) != SC_OK)
        return false;
    for (int64_t id = 1; id <= 2; id++) {
        struct sc_transcript t;
        struct sc_error err = { 0 };
        SC_AUTO_SEGMENTS list = { 0 };
        enum sc_code code = sc_transcript_find(conn, 0, id, &t, &err);
        if (code == SC_OK)
            code = sc_transcript_segments(conn, &t, t.version, &list, &err);
        whole = whole && code == SC_OK;
        if (code == SC_OK)
            put_segments(out, id, &list);
        for (size_t i = 0; i < list.count; i++)
            sc_buf_printf(numbers, "%" PRId64 "\n", list.items[i].id);
        if (code != SC_OK)
            assert_true(err.msg[0] != '\0' && list.count == 0);
    }
    return whole;
}

static void take_image(struct original *o)
{
    sc_store_close(o->r.f.store); /* empties the log */
    o->r.f.store = NULL;
    FILE *f = fopen(o->r.f.path, "rb");
    assert_non_null(f);
    struct stat st;
    assert_int_equal(fstat(fileno(f), &st), 0);
    assert_int_equal(fread(sc_buf_reserve(&o->image, (size_t)st.st_size), 1, (size_t)st.st_size, f),
                     st.st_size);
    o->image.len = (size_t)st.st_size;
    (void)fclose(f);
}

static struct original original_new(void)
{
    struct original o = { .r = rig_new() };
    fill(&o.r);
    assert_true(read_all(o.r.f.store, &o.truth, &o.numbers));
    take_image(&o);
    return o;
}

#define AUTO_ORIGINAL(o) SC_AUTO(original_done) struct original o = original_new()

/* ---- looking at a damaged copy ---- */

struct tally {
    int64_t problems, repaired, repairable, unnamed;
    char first[400];
};

static void count(void *ctx, const struct sc_fsck_problem *p)
{
    struct tally *t = ctx;
    assert_true(p->message[0] != '\0' && p->remedy[0] != '\0');
    /* Which follows from a text that is not what it was. */
    if (t->problems > 0 && strstr(p->message, "text index") != NULL)
        return;
    if (t->problems == 0)
        (void)snprintf(t->first, sizeof(t->first), "%s: %s", sc_fsck_kind_to_string(p->kind),
                       p->message);
    t->problems++;
    t->repaired += p->repaired ? 1 : 0;
    t->repairable += p->repairable ? 1 : 0;
    t->unnamed += p->kind != SC_FSCK_DATABASE && p->job_id[0] == '\0' ? 1 : 0;
}

static struct tally check(struct sc_store *store, const char *folder, bool repair)
{
    struct tally t = { 0 };
    struct sc_error err = { 0 };
    struct sc_fsck_slice slice = { .done = false };
    SC_AUTO(sc_blobs_closep) struct sc_blobs *blobs = NULL;
    assert_int_equal(sc_blobs_open(folder, &blobs, NULL), SC_OK);
    struct sc_fsck_options o = { .store = store,
                                 .blobs = blobs,
                                 .root = folder,
                                 .repair = repair,
                                 .alone = true,
                                 .slice_ms = 1000 };
    /* The rows of files have no bytes here. */
    while (slice.next.phase < SC_FSCK_FILES) {
        struct sc_fsck_place from = slice.next;
        if (sc_fsck_step(&o, &from, &slice, count, &t, &err) != SC_OK) {
            /* A store that cannot be read at all says so. */
            assert_true(err.msg[0] != '\0');
            t.problems++;
            break;
        }
    }
    return t;
}

static void write_image(const struct original *o, const struct sc_buf *image)
{
    char side[PATH_MAX];
    (void)unlink(test_path(&o->r.f.dir, "scripta.db-wal", side));
    (void)unlink(test_path(&o->r.f.dir, "scripta.db-shm", side));
    FILE *f = fopen(o->r.f.path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(image->ptr, 1, image->len, f), image->len);
    assert_int_equal(fclose(f), 0);
}

struct outcome {
    bool opened, served, found, restored;
    struct tally t;
};

/* Every line of what is said stands in the truth. */
static void assert_true_words(const struct original *o, const struct sc_buf *said)
{
    struct sc_str rest = sc_buf_str(said);
    while (rest.len > 0) {
        struct sc_str line = sc_str_take_until(&rest, '\n');
        if (line.len > 0 && memmem(o->truth.ptr, o->truth.len, line.ptr, line.len) == NULL)
            fail_msg("a word was served that nobody said: %.*s", (int)SC_MIN(line.len, 300),
                     line.ptr);
    }
}

static struct outcome look(const struct original *o, const struct sc_buf *image)
{
    struct outcome out = { .opened = false };
    SC_AUTO(sc_store_closep) struct sc_store *store = NULL;
    SC_AUTO_BUF said = { 0 };
    SC_AUTO_BUF after = { 0 };
    SC_AUTO_BUF numbers = { 0 };
    write_image(o, image);
    struct sc_store_options options = options_for(o->r.f.path, false);
    if (sc_store_open(&options, &store, NULL) != SC_OK)
        return (struct outcome){ .found = true };
    out.opened = true;
    out.served = read_all(store, &said, &numbers);
    assert_true_words(o, &said);
    assert_true(!out.served || said.len == o->truth.len);
    out.t = check(store, o->r.f.dir.path, false);
    out.found = out.t.problems > 0;
    assert_int_equal(out.t.repaired, 0);
    if (!out.served && !out.found)
        fail_msg("a transcript is refused and the check finds nothing");

    /* A repair restores or leaves; what it leaves is still refused. */
    struct tally mended = check(store, o->r.f.dir.path, true);
    sc_buf_reset(&numbers);
    bool serves = read_all(store, &after, &numbers);
    assert_true_words(o, &after);
    if (mended.problems == mended.repaired) {
        out.restored = true;
        if (!serves || after.len != o->truth.len || numbers.len != o->numbers.len ||
            memcmp(numbers.ptr, o->numbers.ptr, numbers.len) != 0)
            fail_msg("all is said to be repaired, and is not: %s", mended.first);
        struct tally again = check(store, o->r.f.dir.path, false);
        if (again.problems > 0)
            fail_msg("after the repair: %s", again.first);
    }
    return out;
}

/* ---- damage ---- */

static int64_t from_environment(const char *name, int64_t fallback)
{
    int64_t out = fallback;
    const char *text = getenv(name);
    return text != NULL && sc_str_to_int64(sc_str_from(text), &out) ? out : fallback;
}

struct sweep {
    struct original *o;
    struct dice dice;
    int64_t seed, first, rounds, found, restored, harmless;
};

static struct sweep sweep_of(struct original *o)
{
    return (struct sweep){ .o = o,
                           .seed = from_environment("SEED", 7),
                           .first = from_environment("FIRST", 0),
                           .rounds = from_environment("ROUNDS", 3) };
}

/* Each round throws its own dice, so that one alone can be repeated. */
static void begin_round(struct sweep *s, int64_t i, struct sc_buf *image)
{
    s->dice.state = ((uint64_t)s->seed << 32) + (uint64_t)(s->first + i) * 2654435761U + 1;
    for (int k = 0; k < 8; k++)
        (void)dice_next(&s->dice);
    sc_buf_reset(image);
    sc_buf_append(image, s->o->image.ptr, s->o->image.len);
}

/* A place in the text of a segment or of its words: "word" and digits. */
static size_t payload_place(struct sweep *s)
{
    const struct sc_buf *image = &s->o->image;
    for (;;) {
        size_t at = (size_t)dice_between(&s->dice, 0, (int64_t)image->len - 10);
        const char *p = memmem(image->ptr + at, SC_MIN(image->len - at, (size_t)200), "word", 4);
        /* The schema speaks of words too; terms of the text index begin with '0'. */
        if (p != NULL && p + 7 <= image->ptr + image->len && p[4] >= '0' && p[4] <= '9' &&
            p[-1] != '0')
            return (size_t)(p - image->ptr) + (size_t)dice_between(&s->dice, 0, 6);
    }
}

static void tell(const struct sweep *s, const char *what)
{
    print_message("G10: %s %" PRId64 " times: %" PRId64 " found, %" PRId64 " restored, %" PRId64
                  " harmless, 0 wrong words served\n",
                  what, s->rounds, s->found, s->restored, s->harmless);
}

static void every_bit_turned_in_a_text_is_found(void **state)
{
    (void)state;
    AUTO_ORIGINAL(o);
    struct sweep s = sweep_of(&o);
    SC_AUTO_BUF image = { 0 };
    for (int64_t i = 0; i < s.rounds; i++) {
        begin_round(&s, i, &image);
        size_t at = payload_place(&s);
        image.ptr[at] ^= (char)(1 << dice_between(&s.dice, 0, 7));
        struct outcome out = look(&o, &image);
        if (!out.found)
            fail_msg("a bit turned at byte %zu of the store is not found", at);
        s.found++;
        s.restored += out.restored ? 1 : 0;
    }
    tell(&s, "one bit of a text turned");
    assert_int_equal(s.found, s.rounds);
    assert_int_equal(s.restored, s.rounds);
}

static void any_bit_turned_makes_nobody_say_a_wrong_word(void **state)
{
    (void)state;
    AUTO_ORIGINAL(o);
    struct sweep s = sweep_of(&o);
    SC_AUTO_BUF image = { 0 };
    for (int64_t i = 0; i < s.rounds; i++) {
        begin_round(&s, i, &image);
        size_t at = (size_t)dice_between(&s.dice, 100, (int64_t)image.len - 1);
        image.ptr[at] ^= (char)(1 << dice_between(&s.dice, 0, 7));
        struct outcome out = look(&o, &image);
        s.found += out.found ? 1 : 0;
        s.restored += out.found && out.restored ? 1 : 0;
        s.harmless += out.found ? 0 : 1;
    }
    tell(&s, "one bit of the store turned");
}

static bool holds_text(const struct original *o, size_t page)
{
    return memmem(o->image.ptr + page * PAGE, PAGE, "word", 4) != NULL;
}

static void every_page_of_text_that_is_overwritten_is_found(void **state)
{
    (void)state;
    AUTO_ORIGINAL(o);
    struct sweep s = sweep_of(&o);
    SC_AUTO_BUF image = { 0 };
    size_t pages = o.image.len / PAGE;
    for (int64_t i = 0; i < s.rounds; i++) {
        begin_round(&s, i, &image);
        size_t page = (size_t)dice_between(&s.dice, 1, (int64_t)pages - 1);
        size_t other = (size_t)dice_between(&s.dice, 1, (int64_t)pages - 1);
        int64_t how = dice_between(&s.dice, 0, 2);
        char *at = image.ptr + page * PAGE;
        if (how == 0)
            memset(at, 0, PAGE);
        else if (how == 1) /* a write that went astray */
            memcpy(at, o.image.ptr + other * PAGE, PAGE);
        for (size_t k = 0; how == 2 && k < PAGE; k++)
            at[k] = (char)dice_next(&s.dice);
        struct outcome out = look(&o, &image);
        bool same = memcmp(at, o.image.ptr + page * PAGE, PAGE) == 0;
        if (!out.found && !same && holds_text(&o, page))
            fail_msg("page %zu was overwritten (%d, %zu) and is not found", page, (int)how, other);
        s.found += out.found ? 1 : 0;
        s.restored += out.found && out.restored ? 1 : 0;
        s.harmless += out.found ? 0 : 1;
    }
    tell(&s, "a page overwritten");
}

/* ---- each kind of problem ---- */

static void assert_found(const struct original *o, const char *sql, const char *kind,
                         bool repairable)
{
    SC_AUTO(sc_store_closep) struct sc_store *store = NULL;
    write_image(o, &o->image);
    assert_int_equal(outside(o->r.f.path, sql), SQLITE_OK);
    struct sc_store_options options = options_for(o->r.f.path, false);
    assert_int_equal(sc_store_open(&options, &store, NULL), SC_OK);
    struct tally t = check(store, o->r.f.dir.path, false);
    if (t.problems != 1 || strncmp(t.first, kind, strlen(kind)) != 0)
        fail_msg("%s: %d problems, the first: %s", sql, (int)t.problems, t.first);
    if (t.repairable != repairable)
        fail_msg("%s: can%s be restored", sql, t.repairable > 0 ? "" : "not");
    assert_int_equal(t.unnamed, 0); /* each names its job */
    SC_AUTO_BUF said = { 0 };
    SC_AUTO_BUF numbers = { 0 };
    t = check(store, o->r.f.dir.path, true);
    if (t.repaired != repairable)
        fail_msg("%s: %d restored", sql, (int)t.repaired);
    if (repairable) {
        t = check(store, o->r.f.dir.path, false);
        if (t.problems > 0)
            fail_msg("%s: after the repair: %s", sql, t.first);
        assert_true(read_all(store, &said, &numbers));
        assert_string_equal(sc_buf_text(&said), sc_buf_text(&o->truth));
        assert_string_equal(sc_buf_text(&numbers), sc_buf_text(&o->numbers));
    }
}

static void each_kind_of_damage_is_named_and_what_can_be_is_restored(void **state)
{
    (void)state;
    AUTO_ORIGINAL(o);
    /* The text stands in the words too, and in the chunk. */
    assert_found(&o, "UPDATE segments SET text = 'quite another' WHERE id = 3", "segment", true);
    assert_found(&o, "UPDATE segments SET text = 'x', words = NULL WHERE id = 3", "segment", false);
    assert_found(&o, "UPDATE segments SET start_ms = start_ms + 32 WHERE id = 3", "segment", true);
    assert_found(&o, "UPDATE segments SET confidence = 0.75 WHERE id = 3", "segment", false);
    assert_found(&o, "UPDATE segments SET speaker = 'anm' WHERE id = 4", "segment", false);
    assert_found(&o, "UPDATE segments SET speaker = 'anf' WHERE id = 4", "segment", true);
    assert_found(&o,
                 "UPDATE segments SET content_hash = 'f' || substr(content_hash, 2)"
                 " WHERE id = 3 AND content_hash NOT LIKE 'f%' OR id = 4 AND"
                 " (SELECT content_hash LIKE 'f%' FROM segments WHERE id = 3)",
                 "segment", true);
    assert_found(&o, "UPDATE segments SET segment_id = 4 WHERE id = 3", "segment", true);
    assert_found(&o, "UPDATE segments SET died = 1 WHERE id = 3", "version", true);
    assert_found(&o, "DELETE FROM segments WHERE id = 3", "version", false);
    assert_found(&o, "UPDATE versions SET segment_count = 3", "version", true);
    assert_found(&o,
                 "UPDATE versions SET content_hash = '0' || substr(content_hash, 2)"
                 " WHERE content_hash NOT LIKE '0%'",
                 "version", true);
    assert_found(&o, "UPDATE transcripts SET current_version = 2 WHERE id = 1", "transcript", true);
    assert_found(&o, "UPDATE transcripts SET state = 0 WHERE id = 1", "transcript", true);
    assert_found(&o, "UPDATE transcripts SET segment_count = 7 WHERE id = 2", "transcript", false);
    /* Made of its segments again, */
    assert_found(&o, "UPDATE chunks SET text = 'one twp' || char(10) || 'three' WHERE job = 2",
                 "chunk", true);
    assert_found(&o, "UPDATE chunks SET text = zeroblob(4000) WHERE job = 1", "chunk", true);
    /* unless a seam took some of its words; then one bit can be turned back at most. */
    char hash[SC_SHA256_TEXT];
    SC_AUTO_BUF seam = { 0 };
    sc_hash_bytes("one two\nthree four", strlen("one two\nthree four"), hash);
    sc_buf_printf(&seam, "UPDATE chunks SET text = 'gone', result_hash = '%s' WHERE job = 2", hash);
    assert_found(&o, sc_buf_text(&seam), "chunk", false);
    sc_buf_reset(&seam);
    sc_buf_printf(&seam,
                  "UPDATE chunks SET text = 'one two' || char(10) || 'three fous',"
                  " result_hash = '%s' WHERE job = 2",
                  hash);
    assert_found(&o, sc_buf_text(&seam), "chunk", true);
    assert_found(&o, "UPDATE chunks SET text = 'one twn' || char(10) || 'three' WHERE job = 2",
                 "chunk", true);
    assert_found(&o, "UPDATE chunks SET text = NULL WHERE job = 2", "chunk", true);
    assert_found(&o,
                 "INSERT INTO segments_fts (segments_fts, rowid, text) VALUES ('delete', 3, 'x')",
                 "database", true);
    assert_found(&o,
                 "INSERT INTO segments_parts (segments_parts, rowid, text)"
                 " SELECT 'delete', id, text FROM segments_now",
                 "database", true);
}

static void a_sound_store_has_no_problem(void **state)
{
    (void)state;
    AUTO_ORIGINAL(o);
    struct outcome out = look(&o, &o.image);
    assert_true(out.opened && out.served && !out.found && out.restored);
}

static void places_are_text_and_back(void **state)
{
    (void)state;
    struct sc_fsck_place place = { SC_FSCK_CHUNKS, 123, 0 }, back;
    char text[SC_FSCK_PLACE_TEXT];
    sc_fsck_place_format(&place, text);
    assert_string_equal(text, "chunks:123");
    assert_true(sc_fsck_place_parse(sc_str_from(text), &back));
    assert_true(back.phase == SC_FSCK_CHUNKS && back.after == 123 && back.within == 0);
    place = (struct sc_fsck_place){ SC_FSCK_TRANSCRIPTS, INT64_MAX, INT64_MAX };
    sc_fsck_place_format(&place, text);
    assert_true(sc_fsck_place_parse(sc_str_from(text), &back));
    assert_true(back.phase == SC_FSCK_TRANSCRIPTS && back.after == INT64_MAX &&
                back.within == INT64_MAX);
    static const char *const wrong[] = { "",
                                         "chunks",
                                         "chunks:",
                                         "chunks:-1",
                                         "chunks:1x",
                                         "x:1",
                                         "chunks:1:",
                                         "chunks:1:2",
                                         "transcripts:1:",
                                         "transcripts:1:0",
                                         "transcripts:1:2:3",
                                         "transcripts::2" };
    for (size_t i = 0; i < SC_ARRAY_LEN(wrong); i++)
        assert_false(sc_fsck_place_parse(sc_str_from(wrong[i]), &back));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_sound_store_has_no_problem),
        TEST(places_are_text_and_back),
        TEST(each_kind_of_damage_is_named_and_what_can_be_is_restored),
        TEST(every_bit_turned_in_a_text_is_found),
        TEST(any_bit_turned_makes_nobody_say_a_wrong_word),
        TEST(every_page_of_text_that_is_overwritten_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
