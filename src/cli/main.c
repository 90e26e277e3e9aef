#include "cli/cli.h"
#include "daemon/daemon.h"

#include "base/banned.h"

int main(int argc, char **argv)
{
    return sc_cli_main(argc, argv, sc_daemon_serve);
}
