#include "cli/command.h"
#include "daemon/daemon.h"

#include <fcntl.h>

#include "base/banned.h"

int sc_cmd_serve(struct sc_cli *cli, const struct sc_args *args)
{
    struct sc_serve_options options = { .ephemeral = sc_args_has(args, "ephemeral"),
                                        .ready_fd = -1 };
    struct sc_error err = { 0 };
    int64_t fd = -1;

    if (sc_args_int(args, "ready-fd", 3, 1023, &fd, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    if (fd >= 0 && fcntl((int)fd, F_SETFD, FD_CLOEXEC) != 0) {
        (void)sc_error_field(&err, SC_E_INVALID_VALUE, "ready-fd",
                             "--ready-fd names no open descriptor");
        return sc_cli_fail(cli, &err);
    }
    options.ready_fd = (int)fd;
    return cli->serve(cli->config, &options);
}
