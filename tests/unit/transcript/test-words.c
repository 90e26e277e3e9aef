#include "transcript/words.h"

#include "base/alloc.h"
#include "make.h"

#include "base/banned.h"

static const char *const texts[] = { "", "a", "word", "Grüße", "会議", "a b", "-->", "😀" };

static void random_words(struct dice *d, struct sc_segment *s)
{
    int64_t at = dice_between(d, 0, 1000000), count = dice_between(d, 0, 40);
    for (int64_t i = 0; i < count; i++) {
        int64_t start = at + dice_between(d, -20, 2000);
        start = SC_MAX(0, start);
        int64_t end = start + dice_between(d, 0, i % 7 == 0 ? 1000000 : 600);
        float c = (float)dice_between(d, -1, 1000) / 1000.0F;
        const char *text = texts[dice_between(d, 0, (int64_t)SC_ARRAY_LEN(texts) - 1)];
        assert_true(sc_segment_add_word(s, sc_str_from(text), start, end, c < 0 ? -1 : c));
        at = start;
    }
    /* Of several things, now and then. */
    for (size_t i = 0, mixed = count > 1 && count % 3 == 0 ? s->word_count : 0; i < mixed; i++)
        s->words[i].origin = i == 0 ? 7 : i == 1 ? 300 : 1 + dice_between(d, 0, 2) / 2;
}

static void assert_words_equal(const struct sc_segment *a, const struct sc_segment *b)
{
    assert_int_equal(a->word_count, b->word_count);
    for (size_t i = 0; i < a->word_count; i++) {
        assert_int_equal(a->words[i].start_ms, b->words[i].start_ms);
        assert_int_equal(a->words[i].end_ms, b->words[i].end_ms);
        assert_string_equal(a->words[i].text, b->words[i].text);
        assert_true(a->words[i].confidence == b->words[i].confidence);
        assert_int_equal(a->words[i].origin, b->words[i].origin);
    }
}

static void words_survive_the_round_trip(void **state)
{
    (void)state;
    struct dice d = { 7 };
    for (int run = 0; run < 3000; run++) {
        SC_AUTO_SEGMENTS list = { 0 };
        SC_AUTO_BUF packed = { 0 };
        SC_AUTO_BUF again = { 0 };
        assert_non_null(sc_segments_add(&list));
        assert_non_null(sc_segments_add(&list));
        random_words(&d, &list.items[0]);
        sc_words_pack(&list.items[0], &packed);
        assert_int_equal(sc_words_unpack(sc_buf_str(&packed), &list.items[1], NULL), SC_OK);
        assert_words_equal(&list.items[0], &list.items[1]);
        sc_words_pack(&list.items[1], &again);
        assert_true(sc_str_equal(sc_buf_str(&packed), sc_buf_str(&again)));
    }
}

static void the_form_is_the_one_that_stores_hold(void **state)
{
    (void)state;
    SC_AUTO_SEGMENTS list = { 0 };
    SC_AUTO_BUF packed = { 0 };
    struct sc_segment *s = sc_segments_add(&list);
    assert_true(sc_segment_add_word(s, SC_STR("hi"), 300, 500, 0.25F));
    assert_true(sc_segment_add_word(s, SC_STR("x"), 290, 290, -1));
    sc_words_pack(s, &packed);
    /* 300 -> 600 = d8 04; 200 = c8 01; 251 = fb 01; -10 -> 19 */
    assert_true(sc_str_equal(sc_buf_str(&packed), SC_STR("\x01\xd8\x04\xc8\x01\xfb\x01\x02"
                                                         "hi\x13\x00\x00\x01"
                                                         "x")));
}

static void words_of_several_things_name_them_first(void **state)
{
    (void)state;
    SC_AUTO_SEGMENTS list = { 0 };
    SC_AUTO_BUF packed = { 0 };
    SC_AUTO_BUF bare = { 0 };
    struct sc_segment *s = sc_segments_add(&list);
    static const int64_t origins[] = { 5, 5, 200 };
    for (size_t i = 0; i < 3; i++) {
        assert_true(sc_segment_add_word(s, SC_STR("x"), 0, 0, -1));
        s->words[i].origin = origins[i];
    }
    sc_words_pack(s, &packed);
    assert_true(sc_str_equal(sc_buf_str(&packed), SC_STR("\x02\x02\x05\x02\xc8\x01\x01"
                                                         "\0\0\0\x01x"
                                                         "\0\0\0\x01x"
                                                         "\0\0\0\x01x")));
    /* Its sum holds them; one thing's are those of its segment and stand nowhere. */
    char mixed[65], same[65], none[65];
    sc_segment_hash(s, mixed);
    s->words[2].origin = 5;
    sc_segment_hash(s, same);
    sc_words_pack(s, &bare);
    assert_int_equal(bare.ptr[0], 1);
    for (size_t i = 0; i < 3; i++)
        s->words[i].origin = 0;
    sc_segment_hash(s, none);
    assert_string_equal(same, none);
    assert_string_not_equal(same, mixed);

    static const struct sc_str bad[] = {
        SC_STR("\x02\x01\x05\x01\0\0\0\x01x"),                    /* one run */
        SC_STR("\x02\x02\x05\x01\x05\x01\0\0\0\x01x\0\0\0\x01x"), /* twice the same */
        SC_STR("\x02\x02\x05\x01\x06\x02\0\0\0\x01x\0\0\0\x01x"), /* too few words */
        SC_STR("\x02\x02\x05\x01\x06\x01\0\0\0\x01x"),
        SC_STR("\x02\x02\x00\x01\x06\x01\0\0\0\x01x\0\0\0\x01x"),
        SC_STR("\x02\x02\x05\x00\x06\x02\0\0\0\x01x\0\0\0\x01x"),
        SC_STR("\x02\x02\x05\x01\x06\x01\0\0\0\x01x\0\0\0\x01x\0\0\0\x01x"),
        SC_STR("\x02\x02\x05"),
        SC_STR("\x04\0\0\0\x01x"),
        SC_STR("\x03\x01\x05\x04"
               "cc10d3f7"), /* of a text: one run */
        SC_STR("\x03\x02\x05\x04\x05\x04"
               "532eaebb"), /* twice the same */
        SC_STR("\x03\x02\x05\x04\x06\x04"
               "be097839"
               "x"), /* more than that */
        SC_STR("\x03\x02\x05\x04\x06\x00"
               "9d14c696"), /* nothing */
        SC_STR("\x03\x02\x05\x04\x06\xff\xff\xff\xff\x7f"
               "d45bf731"),
        SC_STR("\x03\x02\x05\x04\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x04"
               "2c08eeb6"),
        SC_STR("\x03\x02\x05\x04\x06\x04"
               "00000000"), /* another sum */
        SC_STR("\x03\x02\x05\x04\x06\x04"),
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(bad); i++)
        assert_int_equal(sc_words_unpack(bad[i], s, NULL), SC_E_STORE_DAMAGED);
    assert_int_equal(s->word_count, 3);
}

/* Of a text without words; what is summed is the text. */
static void parts_of_a_text_keep_who_made_them(void **state)
{
    (void)state;
    SC_AUTO_SEGMENTS list = { 0 };
    SC_AUTO_BUF packed = { 0 }, again = { 0 };
    char one[65], mixed[65];
    struct sc_segment *s = sc_segments_add(&list);
    s->text = sc_strdup("one two three");
    s->origin = 9;
    sc_segment_hash(s, one);
    assert_true(sc_segment_add_made(s, 5, 3));
    assert_int_equal(sc_text_origin(s, 2), 5);
    assert_int_equal(sc_text_origin(s, 3), 9);
    assert_true(sc_segment_add_made(s, 6, 7));
    assert_true(sc_segment_add_made(s, 6, 8)); /* joins it */
    assert_true(sc_segment_add_made(s, 5, 13));
    sc_words_pack(s, &packed);
    assert_true(sc_str_equal(sc_buf_str(&packed), SC_STR("\x03\x03\x05\x03\x06\x05\x05\x05"
                                                         "803fd52b")));
    sc_segment_hash(s, mixed);
    assert_string_equal(one, mixed);
    sc_segment_forget_origins(s);
    assert_int_equal(s->origin + (int64_t)s->made_count, 0);
    assert_int_equal(sc_words_unpack(sc_buf_str(&packed), s, NULL), SC_OK);
    assert_int_equal(s->made_count, 3);
    assert_int_equal(sc_text_origin(s, 7), 6);
    assert_int_equal(sc_text_origin(s, 8), 5);
    SC_AUTO(sc_segment_done) struct sc_segment copy = { 0 };
    assert_true(sc_segment_copy(s, &copy));
    sc_words_pack(&copy, &again);
    assert_true(sc_str_equal(sc_buf_str(&packed), sc_buf_str(&again)));
    assert_int_equal(sc_words_unpack(SC_STR(""), s, NULL), SC_OK);
    assert_int_equal(s->made_count, 0);
}

static void no_words_are_no_bytes_and_replace_the_old_ones(void **state)
{
    (void)state;
    SC_AUTO_SEGMENTS list = { 0 };
    SC_AUTO_BUF packed = { 0 };
    struct sc_segment *s = sc_segments_add(&list);
    sc_words_pack(s, &packed);
    assert_int_equal(packed.len, 0);
    add_word(s, "old", 0, 1);
    assert_int_equal(sc_words_unpack(sc_buf_str(&packed), s, NULL), SC_OK);
    assert_int_equal(s->word_count, 0);
}

static void hostile_bytes_are_refused_and_leave_the_segment_alone(void **state)
{
    (void)state;
    static const struct sc_str rows[] = {
        { "\x00", 1 },                                                       /* version */
        { "\x02\x00\x00\x00\x00", 5 },                                       /* version */
        { "\x01", 1 },                                                       /* no word */
        { "\x01\x00\x00\x00", 4 },                                           /* no length */
        { "\x01\x00\x00\x00\x02x", 6 },                                      /* text cut short */
        { "\x01\x00\x00\x00\x01\xff", 6 },                                   /* no UTF-8 */
        { "\x01\x00\x00\x00\x01\x00", 6 },                                   /* NUL */
        { "\x01\x01\x00\x00\x01x", 6 },                                      /* start -1 */
        { "\x01\x80\x00\x00\x00\x01x", 7 },                                  /* overlong number */
        { "\x01\x00\x00\xea\x07\x01x", 7 },                                  /* confidence 1002 */
        { "\x01\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\x7fx", 14 },     /* huge length */
        { "\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00\x00\x01x", 15 }, /* 64 bits */
        { "\x01\x80\x80\x80\x80\x80\x80\x80\x80\x40\x00\x00\x01x", 14 },     /* start too large */
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO_SEGMENTS list = { 0 };
        struct sc_segment *s = sc_segments_add(&list);
        struct sc_error err = { 0 };
        add_word(s, "kept", 1, 2);
        assert_int_equal(sc_words_unpack(rows[i], s, &err), SC_E_STORE_DAMAGED);
        assert_int_equal(s->word_count, 1);
        assert_string_equal(s->words[0].text, "kept");
    }
}

static void damaged_bytes_never_give_words_that_a_check_refuses(void **state)
{
    (void)state;
    struct dice d = { 11 };
    for (int run = 0; run < 20000; run++) {
        SC_AUTO_SEGMENTS list = { 0 };
        SC_AUTO_BUF packed = { 0 };
        struct sc_segment *s = sc_segments_add(&list);
        random_words(&d, s);
        sc_words_pack(s, &packed);
        for (int64_t n = dice_between(&d, 1, 4); n > 0 && packed.len > 0; n--)
            packed.ptr[dice_between(&d, 0, (int64_t)packed.len - 1)] = (char)dice_next(&d);
        struct sc_str cut = { packed.ptr, (size_t)dice_between(&d, 0, (int64_t)packed.len) };
        if (sc_words_unpack(cut, s, NULL) != SC_OK)
            continue;
        SC_AUTO_BUF again = { 0 };
        sc_words_pack(s, &again);
        assert_true(sc_str_equal(cut, sc_buf_str(&again)));
        for (size_t i = 0; i < s->word_count; i++) {
            assert_true(s->words[i].start_ms >= 0);
            assert_true(s->words[i].end_ms >= s->words[i].start_ms);
            assert_true(s->words[i].end_ms <= SC_SEGMENT_TIME_MAX);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(words_survive_the_round_trip),
        TEST(the_form_is_the_one_that_stores_hold),
        TEST(words_of_several_things_name_them_first),
        TEST(parts_of_a_text_keep_who_made_them),
        TEST(no_words_are_no_bytes_and_replace_the_old_ones),
        TEST(hostile_bytes_are_refused_and_leave_the_segment_alone),
        TEST(damaged_bytes_never_give_words_that_a_check_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
