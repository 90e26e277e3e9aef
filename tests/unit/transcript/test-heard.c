/* What a recogniser says of a segment besides its words. */

#include "transcript/heard.h"

#include "make.h"
#include "transcript/compare.h"
#include "transcript/reader.h"
#include "transcript/revise.h"
#include "transcript/seam.h"
#include "transcript/writer.h"
#include "json/writer.h"

#include <math.h>

#include "base/banned.h"

static double random_number(struct dice *d)
{
    return dice_between(d, 0, 3) == 0 ? NAN : (double)dice_between(d, -2000000, 2000000) / 10000;
}

static void random_heard(struct dice *d, struct sc_segment *s)
{
    struct sc_heard *h = sc_segment_make_heard(s);
    assert_non_null(h);
    h->temperature = random_number(d);
    h->avg_logprob = random_number(d);
    h->compression_ratio = random_number(d);
    h->no_speech_prob = random_number(d);
    h->seek = dice_between(d, 0, 2) == 0 ? -1 : dice_between(d, 0, 1000000);
    if (dice_between(d, 0, 2) == 0)
        (void)snprintf(h->language, sizeof(h->language), "%s",
                       dice_between(d, 0, 1) == 0 ? "de" : "haw");
    for (int64_t n = dice_between(d, 0, 30); n > 0; n--)
        assert_true(sc_heard_add_token(h, (int32_t)dice_between(d, 0, n == 7 ? INT32_MAX : 51865)));
}

static struct sc_heard *tell(struct sc_segment *s)
{
    struct sc_heard *h = sc_segment_make_heard(s);
    assert_non_null(h);
    h->temperature = 0.2;
    h->avg_logprob = -0.25;
    h->seek = 300;
    assert_true(sc_heard_add_token(h, 50364) && sc_heard_add_token(h, 7));
    return h;
}

static void it_survives_the_round_trip(void **state)
{
    (void)state;
    struct dice d = { 3 };
    for (int run = 0; run < 3000; run++) {
        SC_AUTO(sc_segment_done) struct sc_segment a = { 0 };
        SC_AUTO(sc_segment_done) struct sc_segment b = { 0 };
        SC_AUTO_BUF packed = { 0 };
        SC_AUTO_BUF again = { 0 };
        random_heard(&d, &a);
        sc_heard_pack(a.heard, &packed);
        assert_int_equal(sc_heard_unpack(sc_buf_str(&packed), &b, NULL), SC_OK);
        assert_int_equal(sc_heard_is_empty(a.heard), b.heard == NULL);
        assert_true(sc_heard_is_equal(a.heard, b.heard));
        sc_heard_pack(b.heard, &again);
        assert_true(sc_str_equal(sc_buf_str(&packed), sc_buf_str(&again)));
        for (size_t i = 0; b.heard != NULL && i < b.heard->token_count; i++)
            assert_int_equal(a.heard->tokens[i], b.heard->tokens[i]);
        if (b.heard != NULL)
            assert_string_equal(a.heard->language, b.heard->language);
        if (b.heard != NULL && !isnan(a.heard->avg_logprob))
            assert_true(fabs(a.heard->avg_logprob - b.heard->avg_logprob) < 1e-9);
    }
}

static void the_form_is_the_one_that_stores_hold(void **state)
{
    (void)state;
    static const char form[] = "\x01\x13\xa0\x1f\x87\x27\xac\x02\xbc\x89\x03\x07";
    SC_AUTO(sc_segment_done) struct sc_segment s = { 0 };
    SC_AUTO_BUF packed = { 0 };
    sc_heard_pack(tell(&s), &packed);
    assert_true(sc_str_equal(sc_buf_str(&packed), (struct sc_str){ form, sizeof(form) - 1 }));
}

static void nothing_told_is_no_bytes(void **state)
{
    (void)state;
    SC_AUTO(sc_segment_done) struct sc_segment s = { 0 };
    SC_AUTO_BUF packed = { 0 };
    assert_non_null(sc_segment_make_heard(&s));
    sc_heard_pack(s.heard, &packed);
    sc_heard_pack(NULL, &packed);
    assert_int_equal(packed.len, 0);
    tell(&s);
    assert_int_equal(sc_heard_unpack((struct sc_str){ 0 }, &s, NULL), SC_OK);
    assert_null(s.heard);
}

static void hostile_bytes_are_refused_and_leave_the_segment_alone(void **state)
{
    (void)state;
#define BYTES(text)              \
    {                            \
        (text), sizeof(text) - 1 \
    }
    static const struct sc_str bad[] = {
        BYTES("\x01"),         /* cut */
        BYTES("\x02\x00\x07"), /* another version */
        BYTES("\x01\x00"),     /* tells nothing */
        BYTES("\x01\x40\x07"), /* an unknown number */
        BYTES("\x01\x20"),     /* no language */
        BYTES("\x01\x20\x00"), /* an empty one */
        BYTES("\x01\x20\x03"
              "de"), /* half of one */
        BYTES("\x01\x20\x02"
              "DE"), /* not as all write it */
        BYTES("\x01\x20\x04"
              "auto"), /* none */
        BYTES("\x01\x20\x06"
              "german"),                                       /* its name */
        BYTES("\x01\x01"),                                     /* a number is missing */
        BYTES("\x01\x01\x87\x00"),                             /* longer than needed */
        BYTES("\x01\x10"),                                     /* no seek */
        BYTES("\x01\x00\x87"),                                 /* half a token */
        BYTES("\x01\x00\x80\x80\x80\x80\x08"),                 /* 2^31 */
        BYTES("\x01\x01\xff\xff\xff\xff\xff\xff\xff\xff\x7f"), /* no number */
        BYTES("\x01\x10\xff\xff\xff\xff\xff\xff\xff\xff\x7f"), /* no time */
    };
    SC_AUTO(sc_segment_done) struct sc_segment s = { 0 };
    tell(&s);
    for (size_t i = 0; i < SC_ARRAY_LEN(bad); i++) {
        struct sc_error err = { 0 };
        if (sc_heard_unpack(bad[i], &s, &err) != SC_E_STORE_DAMAGED)
            fail_msg("row %zu was taken", i);
        assert_true(strstr(err.msg, "packed tokens are damaged") == err.msg);
        assert_int_equal(s.heard->token_count, 2);
    }
}

static void damaged_bytes_never_give_what_a_check_refuses(void **state)
{
    (void)state;
    struct dice d = { 12 };
    for (int run = 0; run < 20000; run++) {
        SC_AUTO(sc_segment_done) struct sc_segment s = { 0 };
        SC_AUTO_BUF packed = { 0 };
        SC_AUTO_BUF again = { 0 };
        random_heard(&d, &s);
        sc_heard_pack(s.heard, &packed);
        for (int64_t n = dice_between(&d, 1, 4); n > 0 && packed.len > 0; n--)
            packed.ptr[dice_between(&d, 0, (int64_t)packed.len - 1)] = (char)dice_next(&d);
        struct sc_str cut = { packed.ptr, (size_t)dice_between(&d, 0, (int64_t)packed.len) };
        if (sc_heard_unpack(cut, &s, NULL) != SC_OK)
            continue;
        sc_heard_pack(s.heard, &again);
        assert_true(sc_str_equal(cut, sc_buf_str(&again)));
        assert_true(s.heard == NULL || sc_heard_fault(s.heard) == NULL);
    }
}

static void what_cannot_be_kept_is_refused(void **state)
{
    (void)state;
    SC_AUTO_SEGMENTS list = { 0 };
    struct sc_error err = { 0 };
    struct sc_heard *h = tell(add_segment(&list, 0, 100, "one two"));
    assert_int_equal(sc_segments_check(&list, &err), SC_OK);
    h->avg_logprob = -INFINITY;
    assert_int_equal(sc_segments_check(&list, &err), SC_E_INVALID_VALUE);
    assert_non_null(strstr(err.msg, "segment 1 has a temperature, avg_logprob"));
    h->avg_logprob = NAN;
    h->tokens[1] = -1;
    assert_int_equal(sc_segments_check(&list, &err), SC_E_INVALID_VALUE);
    assert_non_null(strstr(err.msg, "a token below 0"));
    h->tokens[1] = 0;
    h->seek = SC_SEGMENT_TIME_MAX;
    assert_int_equal(sc_segments_check(&list, &err), SC_E_INVALID_VALUE);
    assert_non_null(strstr(err.msg, "a seek"));
    h->seek = 0;
    (void)snprintf(h->language, sizeof(h->language), "%s", "deu"); /* as earlier versions kept it */
    assert_int_equal(sc_segments_check(&list, NULL), SC_OK);
    (void)snprintf(h->language, sizeof(h->language), "%s", "German");
    assert_int_equal(sc_segments_check(&list, &err), SC_E_INVALID_VALUE);
    assert_non_null(strstr(err.msg, "a language that is no code"));
}

/* ---- what becomes of it ---- */

static void it_goes_with_the_words_and_stays_with_the_rest(void **state)
{
    (void)state;
    SC_AUTO_SEGMENTS list = { 0 };
    tell(add_segment(&list, 1000, 100, "one two three four"));
    struct sc_segment *s = &list.items[0];
    assert_true(sc_segment_name(s, SC_STR("ann")));
    sc_segment_retime(s, 2000, 2900);
    assert_true(sc_segment_reword(s, SC_STR("one two three four"))); /* the same */
    assert_int_equal(s->heard->token_count, 2);
    SC_AUTO(sc_segment_done) struct sc_segment copy = { 0 };
    assert_true(sc_segment_copy(s, &copy));
    assert_true(copy.heard != s->heard && sc_heard_is_equal(copy.heard, s->heard));
    assert_true(sc_segment_reword(&copy, SC_STR("one two three five")));
    assert_null(copy.heard);

    SC_AUTO(sc_segment_done) struct sc_segment second = { 0 };
    assert_true(sc_segment_split(s, 2, &second));
    const struct sc_segment *halves[] = { s, &second };
    for (size_t i = 0; i < 2; i++) { /* neither is all of the tokens; both are of that window */
        assert_int_equal(halves[i]->heard->token_count, 0);
        assert_int_equal(halves[i]->heard->seek, 300);
        assert_true(halves[i]->heard->temperature == 0.2);
    }
    assert_true(sc_segment_join(s, &second));
    assert_null(s->heard);
}

static void a_seam_takes_the_tokens_of_what_it_cuts(void **state)
{
    (void)state;
    SC_AUTO_SEGMENTS left = { 0 };
    SC_AUTO_SEGMENTS right = { 0 };
    struct sc_seam_changes changes = { 0 };
    tell(add_segment(&left, 0, 200, "a b c d e"));
    tell(add_segment(&right, 800, 200, "e f g h"));
    assert_int_equal(sc_seam_settle(&left, &right, 700, 1100, &changes, NULL), SC_OK);
    assert_true(changes.left != changes.right); /* "e" is kept on one side */
    const struct sc_segment *cut = changes.left ? &left.items[0] : &right.items[0];
    const struct sc_segment *whole = changes.left ? &right.items[0] : &left.items[0];
    assert_int_equal(cut->heard->token_count, 0);
    assert_int_equal(cut->heard->seek, 300);
    assert_int_equal(whole->heard->token_count, 2);
}

static void a_window_moves_with_its_segment(void **state)
{
    (void)state;
    SC_AUTO_SEGMENTS list = { 0 };
    tell(add_segment(&list, 5000, 100, "one"));
    sc_segments_shift(&list, 30005);
    assert_int_equal(list.items[0].heard->seek, 3300);
    sc_segments_shift(&list, -34000);
    assert_int_equal(list.items[0].heard->seek, 0);
}

static void a_version_with_other_times_keeps_it(void **state)
{
    (void)state;
    SC_AUTO_SEGMENTS old = { 0 };
    SC_AUTO_READING read = { 0 };
    tell(add_segment(&old, 0, 500, "one two"));
    tell(add_segment(&old, 2000, 500, "three four"));
    old.items[0].id = 1;
    old.items[1].id = 2;
    static const char srt[] = "1\n00:00:00,100 --> 00:00:01,100\none two\n\n"
                              "2\n00:00:02,000 --> 00:00:03,000\nthree five\n";
    assert_int_equal(sc_format_read("srt", SC_STR(srt), &read, NULL), SC_OK);
    assert_true(sc_segments_adopt(&old, NULL, &read.segments));
    assert_int_equal(read.segments.items[0].id, 1);
    assert_true(sc_heard_is_equal(read.segments.items[0].heard, old.items[0].heard));
    assert_null(read.segments.items[1].heard);
}

/* The sums of rows that older releases wrote hold. */
static void a_sum_covers_it_where_there_is_some(void **state)
{
    (void)state;
    SC_AUTO_SEGMENTS list = { 0 };
    char without[65], with[65];
    struct sc_segment *s = add_segment(&list, 0, 100, "one two");
    sc_segment_hash(s, without);
    assert_non_null(sc_segment_make_heard(s));
    sc_segment_hash(s, with);
    assert_string_equal(with, without);
    tell(s);
    sc_segment_hash(s, with);
    assert_string_not_equal(with, without);
}

/* ---- JSON ---- */

static void read_one(const char *json, struct sc_reading *out)
{
    struct sc_error err = { 0 };
    if (sc_format_read("json", sc_str_from(json), out, &err) != SC_OK)
        fail_msg("%s", err.msg);
    assert_int_equal(out->segments.count, 1);
}

static void assert_put(const struct sc_heard *h, const char *wanted)
{
    SC_AUTO_BUF out = { 0 };
    struct sc_json w;
    sc_json_begin(&w, &out);
    sc_json_object(&w, NULL);
    sc_heard_put(&w, h);
    sc_json_end(&w);
    assert_string_equal(sc_buf_text(&out), wanted);
}

static void answers_of_recognisers_tell_it(void **state)
{
    (void)state;
    static const struct {
        const char *members, *wanted;
    } rows[] = {
        { "\"id\":0,\"seek\":3000,\"tokens\":[50364,1002,51864],\"temperature\":0.2,"
          "\"avg_logprob\":-0.28619,\"compression_ratio\":1.5,\"no_speech_prob\":0.00004",
          "{\"seek\":3000,\"tokens\":[50364,1002,51864],\"temperature\":0.2000,"
          "\"avg_logprob\":-0.2862,\"compression_ratio\":1.5000,\"no_speech_prob\":0.0000}" },
        /* of a server that tells nothing of it, as ours does not of some engines */
        { "\"id\":0,\"seek\":100,\"tokens\":[],\"temperature\":0.0,\"avg_logprob\":0.0,"
          "\"compression_ratio\":0.0,\"no_speech_prob\":0.0",
          "{}" },
        { "\"seek\":7", "{}" },
        /* of whisper.cpp */
        { "\"tokens\":[{\"text\":\"[_BEG_]\",\"id\":50364,\"offsets\":{\"from\":0,\"to\":0}},"
          "{\"text\":\" a\",\"id\":257,\"offsets\":{\"from\":0,\"to\":1}}]",
          "{\"tokens\":[50364,257]}" },
        /* what cannot be kept is passed over */
        { "\"tokens\":[1,-1],\"temperature\":\"0\",\"avg_logprob\":-1e7,\"seek\":-5,"
          "\"no_speech_prob\":0.5",
          "{\"no_speech_prob\":0.5000}" },
        { "\"tokens\":[1,2147483648],\"temperature\":1", "{\"temperature\":1.0000}" },
        { "\"tokens\":\"1\",\"avg_logprob\":null", "{}" },
        { "\"language\":\"de\",\"temperature\":0", "{\"language\":\"de\",\"temperature\":0.0000}" },
        { "\"language\":\"German\"", "{\"language\":\"de\"}" },
        { "\"language\":\"auto\"", "{}" },
        { "\"language\":\"none that there is\"", "{}" },
        { "\"language\":7", "{}" },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO_READING read = { 0 };
        SC_AUTO_BUF text = { 0 };
        sc_buf_printf(&text, "{\"segments\":[{\"start\":0,\"end\":1,\"text\":\" a\",%s}]}",
                      rows[i].members);
        read_one(sc_buf_text(&text), &read);
        assert_put(read.segments.items[0].heard, rows[i].wanted);
    }
}

static void too_many_tokens_are_none(void **state)
{
    (void)state;
    SC_AUTO_READING read = { 0 };
    SC_AUTO_BUF text = { .limit = SIZE_MAX / 4 };
    sc_buf_puts(&text, "{\"segments\":[{\"start\":0,\"end\":1,\"text\":\"a\",\"temperature\":1,"
                       "\"tokens\":[1");
    for (size_t i = 0; i < SC_HEARD_TOKENS_MAX; i++)
        sc_buf_puts(&text, ",1");
    sc_buf_puts(&text, "]}]}");
    read_one(sc_buf_text(&text), &read);
    assert_put(read.segments.items[0].heard, "{\"temperature\":1.0000}");
}

static void our_own_export_brings_it_back(void **state)
{
    (void)state;
    SC_AUTO_SEGMENTS list = { 0 };
    SC_AUTO_BUF text = { 0 };
    SC_AUTO_READING read = { 0 };
    const struct sc_format *json = sc_format_find("json");
    const struct sc_writer_meta meta = { .job_id = "x", .version = 1, .status = "complete" };
    tell(add_segment(&list, 0, 500, "one two"));
    assert_int_equal(sc_format_to_buf(json, &list, &meta, NULL, &text, NULL), SC_OK);
    read_one(sc_buf_text(&text), &read);
    assert_true(sc_heard_is_equal(read.segments.items[0].heard, list.items[0].heard));

    struct sc_writer_options o;
    sc_writer_options_init(&o, json);
    o.offset_ms = -2000;
    sc_buf_reset(&text);
    assert_int_equal(sc_format_to_buf(json, &list, &meta, &o, &text, NULL), SC_OK);
    assert_null(strstr(sc_buf_text(&text), "seek")); /* the segment is left out with its window */
    o.offset_ms = -500;
    sc_buf_reset(&text);
    assert_int_equal(sc_format_to_buf(json, &list, &meta, &o, &text, NULL), SC_OK);
    assert_non_null(strstr(sc_buf_text(&text), "\"seek\":250,\"tokens\":[50364,7]"));
    sc_writer_options_done(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_survives_the_round_trip),
        TEST(the_form_is_the_one_that_stores_hold),
        TEST(nothing_told_is_no_bytes),
        TEST(hostile_bytes_are_refused_and_leave_the_segment_alone),
        TEST(damaged_bytes_never_give_what_a_check_refuses),
        TEST(what_cannot_be_kept_is_refused),
        TEST(it_goes_with_the_words_and_stays_with_the_rest),
        TEST(a_seam_takes_the_tokens_of_what_it_cuts),
        TEST(a_window_moves_with_its_segment),
        TEST(a_version_with_other_times_keeps_it),
        TEST(a_sum_covers_it_where_there_is_some),
        TEST(answers_of_recognisers_tell_it),
        TEST(too_many_tokens_are_none),
        TEST(our_own_export_brings_it_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
