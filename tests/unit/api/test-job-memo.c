#include "api/job-memo.h"

#include "base/alloc.h"
#include "testing.h"

#include "base/banned.h"

static const char first[] = "01a1fbbf-3969-7651-a5b0-99179d2a57f7";
static const char second[] = "01a1fbbf-3969-7651-a5b0-99179d2a57f8";

static bool finds(struct sc_job_memo *memo, const char *id, int64_t owner, uint64_t version,
                  const char *want)
{
    SC_AUTO_BUF out = { 0 };
    bool found = sc_job_memo_find(memo, &(struct sc_job_memo_key){ id, owner, version }, &out);
    assert_string_equal(sc_buf_text(&out), found ? want : "");
    return found;
}

static void keep(struct sc_job_memo *memo, const char *id, int64_t owner, uint64_t version,
                 const char *body)
{
    sc_job_memo_keep(memo, &(struct sc_job_memo_key){ id, owner, version }, sc_str_from(body));
}

static void a_body_is_found_by_its_job_owner_and_version_alone(void **state)
{
    (void)state;
    SC_AUTO(sc_job_memo_freep) struct sc_job_memo *memo = sc_job_memo_new();
    assert_false(finds(memo, first, 1, 0, ""));
    keep(memo, first, 1, 4, "one");
    assert_true(finds(memo, first, 1, 4, "one"));
    assert_true(finds(memo, first, 1, 4, "one"));
    assert_false(finds(memo, first, 2, 4, ""));
    assert_false(finds(memo, first, 1, 6, ""));
    assert_false(finds(memo, second, 1, 4, ""));
    keep(memo, second, 1, 4, "two");
    keep(memo, first, 1, 6, "three");
    assert_true(finds(memo, second, 1, 4, "two"));
    assert_true(finds(memo, first, 1, 6, "three"));
    assert_false(finds(memo, first, 1, 4, ""));
}

static void nothing_is_kept_or_found_while_a_commit_is_under_way(void **state)
{
    (void)state;
    SC_AUTO(sc_job_memo_freep) struct sc_job_memo *memo = sc_job_memo_new();
    keep(memo, first, 1, 5, "one");
    assert_false(finds(memo, first, 1, 5, ""));
    assert_false(finds(memo, first, 1, 4, ""));
}

static void more_jobs_than_places_are_each_told_right_or_not(void **state)
{
    (void)state;
    SC_AUTO(sc_job_memo_freep) struct sc_job_memo *memo = sc_job_memo_new();
    int found = 0;
    for (int i = 0; i < 1000; i++) {
        char id[SC_UUID_TEXT];
        (void)snprintf(id, sizeof(id), "01a1fbbf-3969-7651-a5b0-9917%08x", (unsigned)i * 7919u);
        keep(memo, id, 1, 2, id);
    }
    for (int i = 0; i < 1000; i++) {
        char id[SC_UUID_TEXT];
        (void)snprintf(id, sizeof(id), "01a1fbbf-3969-7651-a5b0-9917%08x", (unsigned)i * 7919u);
        found += finds(memo, id, 1, 2, id);
    }
    assert_true(found > 32 && found < 1000);
}

static void a_long_body_is_not_kept(void **state)
{
    (void)state;
    SC_AUTO(sc_job_memo_freep) struct sc_job_memo *memo = sc_job_memo_new();
    SC_AUTO_BUF body = { 0 };
    keep(memo, first, 1, 2, "short");
    memset(sc_buf_extend(&body, 100000), 'x', 100000);
    keep(memo, first, 1, 4, sc_buf_text(&body));
    assert_false(finds(memo, first, 1, 4, ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_body_is_found_by_its_job_owner_and_version_alone),
        TEST(nothing_is_kept_or_found_while_a_commit_is_under_way),
        TEST(more_jobs_than_places_are_each_told_right_or_not),
        TEST(a_long_body_is_not_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
