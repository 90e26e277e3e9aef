/* The machine that the server runs on. */
#include "base/clock.h"
#include "cli/command.h"
#include "cli/format.h"
#include "cli/list.h"

#include <inttypes.h>

#include "base/utf8.h"
#include "json/writer.h"

#include "base/banned.h"

static const struct sc_json_value *member(const struct sc_json_value *object, const char *name)
{
    return sc_json_member(object, name);
}

static int64_t number(const struct sc_json_value *object, const char *name)
{
    return sc_json_get_int(member(object, name), 0);
}

static void put_text(struct sc_buf *out, const char *label, const struct sc_json_value *value)
{
    sc_buf_printf(out, SC_VIEW_LABEL, label);
    sc_utf8_append_printable(out, sc_json_get_str(value, SC_STR("-")));
    sc_buf_putc(out, '\n');
}

static void put_time(struct sc_buf *out, const char *label, const struct sc_json_value *value)
{
    sc_buf_printf(out, SC_VIEW_LABEL, label);
    sc_format_clock(out, sc_json_get_real(value, -1));
    sc_buf_putc(out, '\n');
}

static void put_cpu(struct sc_buf *out, const struct sc_json_value *cpu)
{
    const struct sc_json_value *load = member(cpu, "load");
    put_text(out, "processor", member(cpu, "model"));
    sc_buf_printf(out, SC_VIEW_LABEL "%" PRId64 ", %" PRId64 " usable\n", "cores",
                  number(cpu, "cores"), number(cpu, "usable"));
    sc_buf_printf(out, SC_VIEW_LABEL, "load");
    for (size_t i = 0; load != NULL && i < sc_json_count(load); i++)
        sc_buf_printf(out, "%s%.2f", i == 0 ? "" : " ", sc_json_get_real(sc_json_at(load, i), 0));
    sc_buf_putc(out, '\n');
    put_time(out, "  the server took", member(cpu, "server_seconds"));
    put_time(out, "  its workers took", member(cpu, "workers_seconds"));
}

static void put_share(struct sc_buf *out, const char *label, const struct sc_json_value *of)
{
    int64_t left = sc_json_get_int(member(of, "free_bytes"), -1);
    int64_t total = sc_json_get_int(member(of, "total_bytes"), -1);
    sc_buf_printf(out, SC_VIEW_LABEL, label);
    if (left >= 0 && total >= 0) {
        sc_format_size(out, left);
        sc_buf_puts(out, " free of ");
        sc_format_size(out, total);
        sc_buf_putc(out, '\n');
    } else {
        sc_buf_puts(out, "-\n");
    }
}

static void put_machine(struct sc_buf *out, const struct sc_json_value *root)
{
    const struct sc_json_value *host = member(root, "host");
    const struct sc_json_value *memory = member(root, "memory");
    const struct sc_json_value *disks = member(root, "disks");
    const struct sc_json_value *workers = member(root, "workers");
    put_text(out, "version", member(root, "version"));
    put_time(out, "running for", member(root, "uptime_seconds"));
    put_text(out, "kernel", member(host, "kernel"));
    put_text(out, "architecture", member(host, "architecture"));
    put_cpu(out, member(root, "cpu"));
    put_share(out, "memory", memory);
    sc_view_size(out, "  of it the server", member(memory, "server_bytes"));
    sc_view_size(out, "  of it its workers", member(memory, "workers_bytes"));
    for (size_t i = 0; disks != NULL && i < sc_json_count(disks); i++) {
        const struct sc_json_value *disk = sc_json_at(disks, i);
        char label[40];
        (void)snprintf(label, sizeof(label), "disk of %.28s",
                       sc_json_get_text(member(disk, "name"), ""));
        put_share(out, label, disk);
    }
    sc_buf_printf(out,
                  SC_VIEW_LABEL "%" PRId64 " alive (%" PRId64 " local, up to %" PRId64 "), %" PRId64
                                " busy\n",
                  "workers", number(workers, "alive"), number(workers, "local"),
                  number(workers, "places"), number(workers, "busy"));
}

static void put_gpus(const struct sc_cli *cli, const struct sc_json_value *root, struct sc_buf *out)
{
    static const struct sc_view_column columns[] = {
        { .title = "GPU", .member = "index", .kind = SC_VIEW_NUMBER },
        { .title = "NAME", .member = "name", .flexible = true },
        { .title = "MEMORY", .member = "memory_total_bytes", .kind = SC_VIEW_SIZE },
        { .title = "FREE", .member = "memory_free_bytes", .kind = SC_VIEW_SIZE },
        { .title = "USED %", .member = "utilisation_percent", .kind = SC_VIEW_NUMBER },
        { .title = "°C", .member = "temperature_celsius", .kind = SC_VIEW_NUMBER },
        { 0 },
    };
    const struct sc_json_value *gpus = member(root, "gpus");
    if (gpus == NULL || sc_json_count(gpus) == 0) {
        sc_utf8_append_printable(out, sc_json_get_str(member(root, "gpu_note"), SC_STR("no GPU")));
        sc_buf_putc(out, '\n');
        return;
    }
    put_text(out, "GPU driver", member(root, "gpu_driver"));
    sc_view_table(gpus, columns, sc_list_now(cli), sc_list_width(cli), out);
}

/* The members of the answer that are about GPUs. */
static void keep_gpus(const struct sc_json_value *root, struct sc_buf *out)
{
    static const char *const names[] = { "gpus", "gpu_driver", "gpu_note" };
    struct sc_json w;
    sc_json_begin(&w, out);
    sc_json_object(&w, NULL);
    for (size_t i = 0; i < SC_ARRAY_LEN(names); i++) {
        SC_AUTO_BUF text = { 0 };
        const struct sc_json_value *value = member(root, names[i]);
        if (value == NULL)
            continue;
        sc_json_dump(value, &text);
        sc_json_raw(&w, names[i], sc_buf_str(&text));
    }
    sc_json_end(&w);
}

/* All of the answer, or what is about GPUs alone. */
static int show(struct sc_cli *cli, bool gpus_only)
{
    SC_AUTO_BUF reply = { 0 };
    SC_AUTO_BUF out = { 0 };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    struct sc_error err = { 0 };
    if (sc_cli_fetch(cli, "GET", "/api/system", &reply, &doc, &err) != SC_OK)
        return sc_cli_fail(cli, &err);
    const struct sc_json_value *root = sc_json_root(doc);
    if (cli->json && !gpus_only)
        return sc_cli_done_json(cli, &reply);
    if (cli->json) {
        keep_gpus(root, &out);
        return sc_cli_done_json(cli, &out);
    }
    if (!gpus_only)
        put_machine(&out, root);
    put_gpus(cli, root, &out);
    return sc_cli_done(cli, &out);
}

int sc_cmd_system(struct sc_cli *cli, const struct sc_args *args)
{
    (void)args;
    return show(cli, false);
}

int sc_cmd_gpu(struct sc_cli *cli, const struct sc_args *args)
{
    (void)args;
    return show(cli, true);
}
