#include "base/alloc.h"
#include "daemon/daemon-internal.h"
#include "sys/file.h"
#include "sys/socket.h"
#include "testing.h"

#include "base/banned.h"

struct rig {
    struct test_dir dir;
    struct sc_folder folder;
    struct sc_lockfile *lock;
};

static void rig_done(struct rig *r)
{
    sc_lockfile_drop(r->lock);
    sc_folder_done(&r->folder);
    test_dir_done(&r->dir);
}

static void rig_init(struct rig *r)
{
    struct sc_error err = { 0 };
    *r = (struct rig){ .dir = test_dir_new() };
    sc_folder_init(&r->folder, r->dir.path);
    assert_int_equal(sc_folder_lock(&r->folder, false, &r->lock, &err), SC_OK);
}

static void the_address_tells_the_port_that_was_bound(void **state)
{
    (void)state;
    SC_AUTO(rig_done) struct rig r;
    SC_AUTO(sc_listening_done) struct sc_listening l = { 0 };
    SC_AUTO_BUF text = { 0 };
    struct sc_error err = { 0 };
    int64_t port = 0;
    rig_init(&r);
    assert_int_equal(sc_listening_open(&r.folder, "127.0.0.1:0", &l, &err), SC_OK);
    assert_int_equal(l.count, 2);
    assert_true(l.loopback);
    struct sc_str rest = sc_str_from(l.address);
    assert_true(sc_str_equal(sc_str_take_until(&rest, ':'), SC_STR("127.0.0.1")));
    assert_true(sc_str_to_int64(rest, &port));
    assert_true(port > 0);

    assert_int_equal(sc_listening_publish(&r.folder, &l, &err), SC_OK);
    assert_int_equal(sc_file_read(r.folder.listen, 100, &text, &err), SC_OK);
    SC_AUTO_FREE char *line = sc_strdup(sc_buf_text(&text));
    line[strcspn(line, "\n")] = '\0';
    assert_string_equal(line, l.address);
}

static void without_an_address_there_is_the_socket_alone(void **state)
{
    (void)state;
    SC_AUTO(rig_done) struct rig r;
    SC_AUTO(sc_listening_done) struct sc_listening l = { 0 };
    SC_AUTO_CLOSE int fd = -1;
    struct sc_error err = { 0 };
    rig_init(&r);
    assert_int_equal(sc_listening_open(&r.folder, "", &l, &err), SC_OK);
    assert_int_equal(l.count, 1);
    assert_null(l.address);
    assert_int_equal(sc_socket_connect_unix(r.folder.socket, &fd, &err), SC_OK);
    assert_int_equal(sc_listening_publish(&r.folder, &l, &err), SC_OK);
    assert_int_equal(sc_file_size(r.folder.listen), -1);
}

static void a_bad_address_leaves_no_socket_behind(void **state)
{
    (void)state;
    SC_AUTO(rig_done) struct rig r;
    struct sc_listening l = { 0 };
    struct sc_error err = { 0 };
    struct stat st;
    rig_init(&r);
    assert_int_equal(sc_listening_open(&r.folder, "nonsense", &l, &err), SC_E_INVALID_VALUE);
    assert_int_equal(l.count, 0);
    assert_null(l.address);
    assert_int_not_equal(lstat(r.folder.socket, &st), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_address_tells_the_port_that_was_bound),
        TEST(without_an_address_there_is_the_socket_alone),
        TEST(a_bad_address_leaves_no_socket_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
