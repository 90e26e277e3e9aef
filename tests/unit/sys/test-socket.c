#include "sys/socket.h"

#include "testing.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/banned.h"

#define SCRATCH SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new()

/* A round trip through a listener and a connection to it. */
static void assert_talks(int listener, int client)
{
    char c = 0;
    SC_AUTO_CLOSE int peer = accept(listener, NULL, NULL);
    assert_true(peer >= 0);
    assert_int_equal(write(client, "x", 1), 1);
    assert_int_equal(read(peer, &c, 1), 1);
    assert_int_equal(c, 'x');
}

static void assert_listens_and_connects(const char *path)
{
    SC_AUTO_CLOSE int listener = -1;
    SC_AUTO_CLOSE int client = -1;
    struct sc_error err = { 0 };
    struct stat st;
    assert_int_equal(sc_socket_listen_unix(path, &listener, &err), SC_OK);
    assert_int_equal(lstat(path, &st), 0);
    assert_true(S_ISSOCK(st.st_mode));
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(sc_socket_connect_unix(path, &client, &err), SC_OK);
    assert_true((fcntl(client, F_GETFD) & FD_CLOEXEC) != 0);
    assert_talks(listener, client);

    int second = -7;
    assert_int_equal(sc_socket_listen_unix(path, &second, &err), SC_E_CONFLICT);
    assert_int_equal(second, -7);
}

static void a_unix_socket_listens_for_us_alone_and_once(void **state)
{
    (void)state;
    SCRATCH;
    char path[PATH_MAX];
    assert_listens_and_connects(test_path(&dir, "s", path));
}

static void paths_longer_than_an_address_work(void **state)
{
    (void)state;
    SCRATCH;
    char folder[PATH_MAX], path[PATH_MAX + 256];
    char name[201];
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    assert_int_equal(mkdir(test_path(&dir, name, folder), 0700), 0);
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    assert_listens_and_connects(path);
}

static void a_dead_socket_is_replaced_and_nothing_else(void **state)
{
    (void)state;
    SCRATCH;
    char path[PATH_MAX];
    int fd = -1;
    SC_AUTO_CLOSE int again = -1;
    struct sc_error err = { 0 };
    (void)test_path(&dir, "s", path);
    assert_int_equal(sc_socket_listen_unix(path, &fd, &err), SC_OK);
    assert_int_equal(close(fd), 0);
    assert_int_equal(sc_socket_connect_unix(path, &fd, &err), SC_E_SERVER_UNREACHABLE);
    assert_int_equal(sc_socket_listen_unix(path, &again, &err), SC_OK);

    test_write(&dir, "file", "data");
    assert_int_equal(sc_socket_listen_unix(test_path(&dir, "file", path), &fd, &err),
                     SC_E_CONFLICT);
    SC_AUTO_FREE char *text = test_read(&dir, "file");
    assert_string_equal(text, "data");
}

static void connecting_where_nobody_listens_says_so(void **state)
{
    (void)state;
    SCRATCH;
    char path[PATH_MAX];
    int fd = -7;
    assert_int_equal(sc_socket_connect_unix(test_path(&dir, "none", path), &fd, NULL),
                     SC_E_SERVER_UNREACHABLE);
    test_write(&dir, "file", "data");
    assert_int_equal(sc_socket_connect_unix(test_path(&dir, "file", path), &fd, NULL),
                     SC_E_SERVER_UNREACHABLE);
    assert_int_equal(fd, -7);
}

static void a_tcp_listener_says_its_port_and_whether_others_reach_it(void **state)
{
    (void)state;
    static const struct {
        const char *address;
        bool loopback;
    } rows[] = {
        { "127.0.0.1:0", true },
        { "127.9.9.9:0", true },
        { "localhost:0", true },
        { "0.0.0.0:0", false },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO_CLOSE int listener = -1;
        SC_AUTO_CLOSE int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        int port = 0;
        bool loopback = !rows[i].loopback;
        struct sc_error err = { 0 };
        assert_int_equal(sc_socket_listen_tcp(rows[i].address, &listener, &port, &loopback, &err),
                         SC_OK);
        assert_true(loopback == rows[i].loopback);
        assert_true(port > 0);
        struct sockaddr_in a = { .sin_family = AF_INET,
                                 .sin_port = htons((uint16_t)port),
                                 .sin_addr = { htonl(INADDR_LOOPBACK) } };
        if (i == 1)
            a.sin_addr.s_addr = inet_addr("127.9.9.9");
        assert_int_equal(connect(client, (const struct sockaddr *)&a, sizeof(a)), 0);
        assert_talks(listener, client);

        uint32_t uid;
        assert_false(sc_socket_peer_uid(client, &uid));
    }
}

static void a_taken_port_is_a_conflict(void **state)
{
    (void)state;
    SC_AUTO_CLOSE int first = -1;
    int second = -7, port = 0, other = -7;
    bool loopback = false;
    char address[32];
    struct sc_error err = { 0 };
    assert_int_equal(sc_socket_listen_tcp("127.0.0.1:0", &first, &port, &loopback, &err), SC_OK);
    (void)snprintf(address, sizeof(address), "127.0.0.1:%d", port);
    assert_int_equal(sc_socket_listen_tcp(address, &second, &other, &loopback, &err),
                     SC_E_CONFLICT);
    assert_int_equal(second, -7);
    assert_int_equal(other, -7);
}

static void version_6_works_where_the_kernel_has_it(void **state)
{
    (void)state;
    SC_AUTO_CLOSE int fd = -1;
    int port = 0;
    bool loopback = false;
    struct sc_error err = { 0 };
    enum sc_code code = sc_socket_listen_tcp("[::1]:0", &fd, &port, &loopback, &err);
    if (code == SC_E_IO_ERROR)
        skip(); /* no version 6 here */
    assert_int_equal(code, SC_OK);
    assert_true(loopback);
    assert_true(port > 0);
}

static void text_that_is_no_address_is_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "8000",
        ":8000",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:65536",
        "127.0.0.1:-1",
        "127.0.0.1:8x",
        "::1:8000",
        "[::1]",
        "[::1:80",
        "[]:80",
        "example.org:80",
        "]:80",
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        int fd = -7, port;
        bool loopback;
        struct sc_error err = { 0 };
        assert_int_equal(sc_socket_listen_tcp(rows[i], &fd, &port, &loopback, &err),
                         SC_E_INVALID_VALUE);
        assert_int_equal(fd, -7);
    }
}

static void the_peer_of_a_unix_socket_is_known(void **state)
{
    (void)state;
    int pair[2];
    uint32_t uid = 4711;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    assert_true(sc_socket_peer_uid(pair[0], &uid));
    assert_int_equal(uid, getuid());
    assert_int_equal(close(pair[0]), 0);
    assert_int_equal(close(pair[1]), 0);
    assert_false(sc_socket_peer_uid(-1, &uid));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_unix_socket_listens_for_us_alone_and_once),
        TEST(paths_longer_than_an_address_work),
        TEST(a_dead_socket_is_replaced_and_nothing_else),
        TEST(connecting_where_nobody_listens_says_so),
        TEST(a_tcp_listener_says_its_port_and_whether_others_reach_it),
        TEST(a_taken_port_is_a_conflict),
        TEST(version_6_works_where_the_kernel_has_it),
        TEST(text_that_is_no_address_is_refused),
        TEST(the_peer_of_a_unix_socket_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
