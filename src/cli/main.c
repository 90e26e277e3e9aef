#include "api/describe.h"
#include "cli/cli.h"
#include "daemon/daemon.h"
#include "http/tls.h"

#include "base/banned.h"

int main(int argc, char **argv)
{
    static const struct sc_cli_server server = { sc_daemon_serve, sc_openapi_write, sc_tls_check };
    return sc_cli_main(argc, argv, &server);
}
