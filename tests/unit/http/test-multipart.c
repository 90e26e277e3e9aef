#include "http/multipart.h"

#include "base/alloc.h"
#include "testing.h"

#include "base/banned.h"

/* What the form said, as text: "name[filename]=bytes;" */
static enum sc_code begin(void *ctx, const struct sc_part *part, struct sc_error *err)
{
    struct sc_buf *out = ctx;
    (void)err;
    sc_buf_printf(out, "%s%s", out->len > 0 ? ";" : "", part->name);
    if (part->filename != NULL)
        sc_buf_printf(out, "[%s]", part->filename);
    sc_buf_putc(out, '=');
    return strcmp(part->name, "refused") == 0 ? sc_error_set(err, SC_E_FORBIDDEN, "refused")
                                              : SC_OK;
}

static enum sc_code bytes(void *ctx, const char *part, size_t len, struct sc_error *err)
{
    (void)err;
    assert_true(len > 0);
    sc_buf_append(ctx, part, len);
    return SC_OK;
}

/* In slices of so many bytes. */
static enum sc_code read_form(const char *boundary, const char *form, size_t slice, bool *whole,
                              struct sc_buf *out)
{
    static const struct sc_multipart_ops ops = { begin, bytes };
    SC_AUTO(sc_multipart_freep) struct sc_multipart *m = sc_multipart_new(boundary, &ops, out);
    struct sc_error err = { 0 };
    enum sc_code code = SC_OK;
    for (size_t at = 0; code == SC_OK && at < strlen(form); at += slice) {
        /* Of its own memory: nothing behind it may be looked at. */
        size_t len = SC_MIN(slice, strlen(form) - at);
        SC_AUTO_FREE char *copy = sc_alloc(len);
        memcpy(copy, form + at, len);
        code = sc_multipart_feed(m, copy, len, &err);
    }
    assert_int_equal(code, err.code);
    *whole = sc_multipart_is_whole(m);
    return code;
}

#define HEAD(name) "Content-Disposition: form-data; name=\"" name "\"\r\n\r\n"
#define LONGEST "0123456789012345678901234567890123456789012345678901234567890123456789"

static void forms_are_read_in_slices_of_any_size(void **state)
{
    static const struct {
        const char *boundary, *form, *want; /* NULL: malformed */
        bool cut;
    } rows[] = {
        { "x", "--x\r\n" HEAD("a") "1\r\n--x--", "a=1", false },
        { "x", "--x\r\n" HEAD("a") "\r\n--x--\r\n", "a=", false },
        { "x", "--x\r\n" HEAD("a") "\r\n--x\r\n" HEAD("b") "\r\n--x--\r\n", "a=;b=", false },
        { "x", "--x\r\n" HEAD("a") "\r\n\r\n--x--\r\n", "a=\r\n", false },
        { "x", "--x\r\n" HEAD("a") "\r\r\n\r\n--\r\n-x\r\n--x--", "a=\r\r\n\r\n--\r\n-x", false },
        { "x", "--x\r\n" HEAD("a") "--x\r\n--x--", "a=", true },
        { "x", "before\r\n--x\r\n" HEAD("a") "1\r\n--x--\r\nbehind --x", "a=1", false },
        { "x", "--x \t\r\n" HEAD("a") "1\r\n--x--", "a=1", false },
        { "x", "--x--", "", false },
        { "x", "--x\r\n" HEAD("a") "1\r\n--x-", "a=1", true },
        { "x", "--x\r\n" HEAD("a") "1\r\n--", "a=1", true },
        { "x", "nothing", "", true },
        { "x", "", "", true },
        { "x", "--x\r\n" HEAD("a") "1\r\n--xy\r\n--x--", NULL, false },
        { "x", "--x\r\n" HEAD("a") "1\r\n--x-y\r\n--x--", NULL, false },
        { LONGEST, "--" LONGEST "\r\n" HEAD("a") "1\r\n--" LONGEST "--", "a=1", false },
        { "-", "---\r\n" HEAD("a") "-\r\n-----", "a=-", false },
        { "x", "--x\ncontent-disposition: form-data; name=a\n\n1\r\n--x--", "a=1", false },
        { "x", "--x\r\n\r\n1\r\n--x--", "=1", false },
        { "x", "--x\r\nContent-Type: text/plain\r\n" HEAD("a") "1\r\n--x--", "a=1", false },
        { "x",
          "--x\r\nContent-Disposition: form-data; filename=\"a \\\"b\\\";c=\\d\\\"; name=file\r\n"
          "\r\n1\r\n--x--",
          NULL, false },
        { "x",
          "--x\r\nContent-Disposition: form-data; filename=\"a \\\"b\\\";c=\\d\"; name=file\r\n"
          "\r\n1\r\n--x--",
          "file[a \"b\";c=\\d]=1", false },
        { "x",
          "--x\r\nContent-Disposition: form-data; name=\"f\"; filename=\"C:\\x\\\"\r\n\r\n1\r\n"
          "--x--",
          "f[C:\\x\\]=1", false },
        { "x", "--x\r\nContent-Disposition: form-data; name=\"f\r\n\r\n1\r\n--x--", NULL, false },
        { "x", "--x\r\nContent-Disposition: form-data; name\r\n\r\n1\r\n--x--", NULL, false },
        { "x", "--x\r\n" HEAD("a\x1b") "1\r\n--x--", "a\x1b=1", false },
        { "x", "--x\r\n" HEAD("a\rb") "1\r\n--x--", NULL, false },
    };
    (void)state;
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        for (size_t slice = 1; slice < 90; slice++) {
            SC_AUTO_BUF out = { 0 };
            bool whole = false;
            enum sc_code code = read_form(rows[i].boundary, rows[i].form, slice, &whole, &out);
            assert_int_equal(code, rows[i].want == NULL ? SC_E_INVALID_REQUEST : SC_OK);
            if (rows[i].want == NULL)
                continue;
            if (strcmp(sc_buf_text(&out), rows[i].want) != 0 || whole == rows[i].cut)
                fail_msg("form %zu in slices of %zu: '%s', %s", i, slice, sc_buf_text(&out),
                         whole ? "whole" : "cut");
        }
    }
}

static void what_a_part_is_refused_for_ends_the_form(void **state)
{
    SC_AUTO_BUF out = { 0 };
    bool whole = true;
    (void)state;
    assert_int_equal(read_form("x", "--x\r\n" HEAD("refused") "1\r\n--x--", 3, &whole, &out),
                     SC_E_FORBIDDEN);
    assert_string_equal(sc_buf_text(&out), "refused=");
    assert_false(whole);
}

static void what_is_kept_has_a_limit(void **state)
{
    SC_AUTO_BUF head = { 0 };
    SC_AUTO_BUF out = { 0 };
    bool whole = false;
    (void)state;
    sc_buf_puts(&head, "--x\r\nX-Long: ");
    for (int i = 0; i < 16 << 10; i++)
        sc_buf_putc(&head, 'y');
    assert_int_equal(read_form("x", sc_buf_text(&head), 1000, &whole, &out), SC_E_INVALID_REQUEST);
    sc_buf_reset(&head);
    for (int i = 0; i < 70 << 10; i++)
        sc_buf_putc(&head, 'y');
    assert_int_equal(read_form("x", sc_buf_text(&head), 1000, &whole, &out), SC_E_INVALID_REQUEST);
    assert_int_equal(out.len, 0);
}

/* What arrives in slices of a byte may be as long as what arrives at once. */
static void a_head_has_one_limit_for_slices_of_any_size(void **state)
{
    static const size_t slices[] = { 1, 7, 1 << 20 };
    SC_AUTO_BUF form = { 0 };
    (void)state;
    sc_buf_puts(&form, "--x\r\nX-Long: ");
    for (int i = 0; i < 15 << 10; i++)
        sc_buf_putc(&form, 'y');
    sc_buf_puts(&form, "\r\n" HEAD("a") "1\r\n--x--");
    for (size_t i = 0; i < SC_ARRAY_LEN(slices); i++) {
        SC_AUTO_BUF out = { 0 };
        bool whole = false;
        assert_int_equal(read_form("x", sc_buf_text(&form), slices[i], &whole, &out), SC_OK);
        assert_string_equal(sc_buf_text(&out), "a=1");
        assert_true(whole);
    }
}

static void the_boundary_of_a_type(void **state)
{
    static const struct {
        const char *type, *want; /* NULL: refused */
    } rows[] = {
        { "multipart/form-data; boundary=x", "x" },
        { "Multipart/Form-Data;BOUNDARY=\"a b\"; charset=utf-8", "a b" },
        { "multipart/form-data; charset=utf-8; boundary=a=b", "a=b" },
        { "multipart/form-data; boundary=" LONGEST, LONGEST },
        { "multipart/form-data; boundary=" LONGEST "0", NULL },
        { "multipart/form-data; boundary=\"a \"", NULL },
        { "multipart/form-data; boundary=\"\"", NULL },
        { "multipart/form-data; boundary=", NULL },
        { "multipart/form-data; boundary=\"x", NULL },
        { "multipart/form-data; boundary=\xc3\xa4", NULL },
        { "multipart/form-data; boundary", NULL },
        { "multipart/form-data", NULL },
        { "multipart/mixed; boundary=x", NULL },
        { "", NULL },
    };
    (void)state;
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        char out[SC_BOUNDARY_MAX + 1] = "untouched";
        enum sc_code code = sc_multipart_boundary(sc_str_from(rows[i].type), out, NULL);
        assert_int_equal(code, rows[i].want == NULL ? SC_E_UNSUPPORTED_TYPE : SC_OK);
        assert_string_equal(out, rows[i].want == NULL ? "untouched" : rows[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(forms_are_read_in_slices_of_any_size),
        TEST(what_a_part_is_refused_for_ends_the_form),
        TEST(what_is_kept_has_a_limit),
        TEST(a_head_has_one_limit_for_slices_of_any_size),
        TEST(the_boundary_of_a_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
