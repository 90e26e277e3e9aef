#include "cli/command.h"
#include "json/writer.h"

#include "base/banned.h"

int sc_cmd_version(struct sc_cli *cli, const struct sc_args *args)
{
    SC_AUTO_BUF out = { 0 };
    struct sc_json w;

    (void)args;
    if (cli->json) {
        sc_json_begin(&w, &out);
        sc_json_object(&w, NULL);
        sc_json_text(&w, "version", SC_VERSION);
        sc_json_end(&w);
        sc_buf_putc(&out, '\n');
    } else {
        sc_buf_puts(&out, "scripta " SC_VERSION "\n");
    }
    return sc_cli_done(cli, &out);
}
