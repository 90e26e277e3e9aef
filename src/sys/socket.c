#include "sys/socket.h"

#include "base/alloc.h"
#include "base/id.h"
#include "base/str.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/banned.h"

#define BACKLOG 512

static struct sockaddr_un unix_address(const char *path)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    sc_assert(strlen(path) < sizeof(a.sun_path));
    memcpy(a.sun_path, path, strlen(path));
    return a;
}

/* Connects to the socket at path of any length: a long one is opened first and reached through its
 * descriptor. Returns the descriptor, or minus an errno. */
static int connect_path(const char *path)
{
    SC_AUTO_CLOSE int inode = -1;
    struct sockaddr_un a;
    if (strlen(path) < sizeof(a.sun_path)) {
        a = unix_address(path);
    } else {
        inode = open(path, O_PATH | O_CLOEXEC);
        if (inode < 0)
            return -errno;
        char link[64];
        (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", inode);
        a = unix_address(link);
    }
    SC_AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    while (connect(fd, (const struct sockaddr *)&a, sizeof(a)) != 0) {
        if (errno != EINTR)
            return -errno;
    }
    return SC_TAKE_FD(fd);
}

enum sc_code sc_socket_connect_unix(const char *path, int *fd, struct sc_error *err)
{
    int made = connect_path(path);
    if (made >= 0) {
        *fd = made;
        return SC_OK;
    }
    switch (-made) {
    case ENOENT:
    case ENOTDIR:
    case ENOTSOCK:
    case ECONNREFUSED:
        return sc_error_set(err, SC_E_SERVER_UNREACHABLE, "nobody listens on '%s'", path);
    case EACCES:
    case EPERM:
        return sc_error_set(err, SC_E_FORBIDDEN, "the socket '%s' belongs to another user", path);
    default:
        return sc_error_errno(err, -made, "cannot connect to '%s'", path);
    }
}

/* CONFLICT when somebody listens there, or when it is no socket: only a dead socket is replaced. */
static enum sc_code check_free(const char *path, struct sc_error *err)
{
    struct stat st;
    if (lstat(path, &st) != 0)
        return errno == ENOENT ? SC_OK : sc_error_errno(err, errno, "cannot look at '%s'", path);
    if (!S_ISSOCK(st.st_mode))
        return sc_error_set(err, SC_E_CONFLICT, "'%s' exists and is no socket", path);
    SC_AUTO_CLOSE int fd = connect_path(path);
    if (fd >= 0)
        return sc_error_set(err, SC_E_CONFLICT, "somebody listens on '%s' already", path);
    if (fd != -ECONNREFUSED && fd != -ENOENT)
        return sc_error_errno(err, -fd, "cannot tell whether anybody listens on '%s'", path);
    return SC_OK;
}

static enum sc_code bind_and_listen(int fd, const char *at, const char *path, struct sc_error *err)
{
    struct sockaddr_un a = unix_address(at);
    /* Before bind, Linux gives the mode of the descriptor to the inode that bind makes; umask,
     * which belongs to all threads, stays alone. */
    if (fchmod(fd, 0600) != 0 || bind(fd, (const struct sockaddr *)&a, sizeof(a)) != 0 ||
        listen(fd, BACKLOG) != 0)
        return sc_error_errno(err, errno, "cannot listen on '%s'", path);
    return SC_OK;
}

enum sc_code sc_socket_listen_unix(const char *path, int *fd, struct sc_error *err)
{
    enum sc_code code = check_free(path, err);
    if (code != SC_OK)
        return code;

    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    SC_AUTO_FREE char *parent =
        slash == NULL ? sc_strdup(".") : sc_strndup(path, (size_t)(name - path));
    SC_AUTO_CLOSE int dir = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return sc_error_errno(err, errno, "cannot open the folder '%s'", parent);
    SC_AUTO_CLOSE int made = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (made < 0)
        return sc_error_errno(err, errno, "cannot make a socket");

    /* Bound under a name of its own and renamed once it listens: at no instant does path name a
     * socket that refuses. The name is reached through the folder's descriptor, so its length does
     * not matter. */
    uint32_t random;
    sc_random_bytes(&random, sizeof(random));
    char temp[32], at[64];
    (void)snprintf(temp, sizeof(temp), ".sock-%08x", random);
    (void)snprintf(at, sizeof(at), "/proc/self/fd/%d/%s", dir, temp);
    code = bind_and_listen(made, at, path, err);
    if (code == SC_OK && renameat(dir, temp, dir, name) != 0)
        code = sc_error_errno(err, errno, "cannot put the socket at '%s'", path);
    if (code != SC_OK) {
        (void)unlinkat(dir, temp, 0);
        return code;
    }
    *fd = SC_TAKE_FD(made);
    return SC_OK;
}

/* Splits "127.0.0.1:8000" or "[::1]:0"; false when it is neither. */
static bool split_address(const char *address, char host[64], char port[8])
{
    const char *begin = address, *end, *colon = strrchr(address, ':');
    if (colon == NULL)
        return false;
    end = colon;
    if (address[0] == '[') {
        if (colon == address || colon[-1] != ']')
            return false;
        begin++;
        end--;
    } else if (memchr(address, ':', (size_t)(colon - address)) != NULL) {
        return false; /* version 6 without brackets */
    }
    int64_t number;
    if (end <= begin || (size_t)(end - begin) >= 64 ||
        !sc_str_to_int64(sc_str_from(colon + 1), &number) || number < 0 || number > 65535)
        return false;
    (void)snprintf(host, 64, "%.*s", (int)(end - begin), begin);
    (void)snprintf(port, 8, "%d", (int)number);
    return true;
}

static bool is_loopback(const struct sockaddr *a)
{
    if (a->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, a, sizeof(v4));
        return ntohl(v4.sin_addr.s_addr) >> 24 == 127;
    }
    struct sockaddr_in6 v6;
    memcpy(&v6, a, sizeof(v6));
    return IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr) ||
           (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr) && v6.sin6_addr.s6_addr[12] == 127);
}

static int port_of(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } a = { 0 };
    socklen_t len = sizeof(a);
    if (getsockname(fd, &a.any, &len) != 0)
        return -1;
    return ntohs(a.any.sa_family == AF_INET ? a.v4.sin_port : a.v6.sin6_port);
}

static enum sc_code listen_on(const struct addrinfo *info, const char *address, int *fd,
                              struct sc_error *err)
{
    SC_AUTO_CLOSE int made = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const int on = 1, off = 0;
    if (made < 0 || setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        (info->ai_family == AF_INET6 &&
         setsockopt(made, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) != 0))
        return sc_error_errno(err, errno, "cannot make a socket for '%s'", address);
    if (bind(made, info->ai_addr, info->ai_addrlen) != 0 || listen(made, BACKLOG) != 0) {
        if (errno == EADDRINUSE)
            return sc_error_set(err, SC_E_CONFLICT,
                                "the address '%s' is in use: stop the other "
                                "program or choose another port",
                                address);
        return sc_error_errno(err, errno, "cannot listen on '%s'", address);
    }
    *fd = SC_TAKE_FD(made);
    return SC_OK;
}

/* NULL: it is none. Else the caller's: freeaddrinfo. */
static struct addrinfo *understand_address(const char *address)
{
    char host[64], service[8];
    const struct addrinfo hints = { .ai_family = AF_UNSPEC,
                                    .ai_socktype = SOCK_STREAM,
                                    .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV };
    struct addrinfo *info = NULL;
    if (!split_address(address, host, service))
        return NULL;
    if (strcmp(host, "localhost") == 0)
        (void)snprintf(host, sizeof(host), "127.0.0.1");
    return getaddrinfo(host, service, &hints, &info) == 0 ? info : NULL;
}

bool sc_socket_is_address(const char *text)
{
    struct addrinfo *info = understand_address(text);
    bool good = info != NULL;
    if (good)
        freeaddrinfo(info);
    return good;
}

enum sc_code sc_socket_listen_tcp(const char *address, int *fd, int *port, bool *loopback,
                                  struct sc_error *err)
{
    struct addrinfo *info = understand_address(address);
    if (info == NULL)
        return sc_error_set(err, SC_E_INVALID_VALUE,
                            "'%s' is no address to listen on: give one as 127.0.0.1:8000 or "
                            "[::1]:8000",
                            address);
    int made = -1;
    bool local = is_loopback(info->ai_addr);
    enum sc_code code = listen_on(info, address, &made, err);
    freeaddrinfo(info);
    if (code != SC_OK)
        return code;
    *fd = made;
    *port = port_of(made);
    *loopback = local;
    return SC_OK;
}

bool sc_socket_peer_uid(int fd, uint32_t *uid)
{
    int family = 0;
    socklen_t len = sizeof(family);
    /* A TCP socket answers SO_PEERCRED as well, with nonsense: ask for the family first. */
    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &len) != 0 || family != AF_UNIX)
        return false;
    struct ucred peer;
    len = sizeof(peer);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0 || len != sizeof(peer))
        return false;
    *uid = peer.uid;
    return true;
}
