#include "daemon/daemon-internal.h"

#include "base/alloc.h"
#include "sys/file.h"
#include "sys/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/banned.h"

void sc_listening_done(struct sc_listening *l)
{
    for (size_t i = 0; i < l->count; i++)
        sc_closep(&l->fds[i]);
    l->count = 0;
    sc_freep(&l->address);
}

static enum sc_code open_tcp(const char *address, struct sc_listening *l, struct sc_error *err)
{
    int port;
    enum sc_code code = sc_socket_listen_tcp(address, &l->fds[l->count], &port, &l->loopback, err);
    if (code != SC_OK)
        return code;
    l->count++;
    /* It was accepted, so it ends in ":PORT". */
    l->address = sc_asprintf("%.*s:%d", (int)(strrchr(address, ':') - address), address, port);
    return SC_OK;
}

enum sc_code sc_listening_open(const struct sc_folder *folder, const char *address,
                               struct sc_listening *out, struct sc_error *err)
{
    SC_AUTO(sc_listening_done) struct sc_listening l = { 0 };
    enum sc_code code = sc_socket_listen_unix(folder->socket, &l.fds[0], err);
    if (code != SC_OK)
        return code;
    l.count = 1;
    if (address[0] != '\0')
        code = open_tcp(address, &l, err);
    if (code != SC_OK) {
        (void)unlink(folder->socket);
        return code;
    }
    *out = l;
    l = (struct sc_listening){ 0 };
    return SC_OK;
}

enum sc_code sc_listening_publish(const struct sc_folder *folder, const struct sc_listening *l,
                                  struct sc_error *err)
{
    if (l->address == NULL)
        return SC_OK;
    /* No fsync: after a power cut nobody listens there. The rename keeps readers from half a line.
     */
    SC_AUTO_FREE char *fresh = sc_asprintf("%s.new", folder->listen);
    SC_AUTO_FREE char *line = sc_asprintf("%s\n", l->address);
    SC_AUTO_CLOSE int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return sc_error_errno(err, errno, "cannot write '%s'", fresh);
    enum sc_code code = sc_file_write_all(fd, line, strlen(line), err);
    if (code == SC_OK && rename(fresh, folder->listen) != 0)
        code = sc_error_errno(err, errno, "cannot write '%s'", folder->listen);
    return code;
}
