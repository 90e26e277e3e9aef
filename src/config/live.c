#include "config/live.h"

#include "base/alloc.h"
#include "config/table.h"

#include <stdatomic.h>

#include "base/banned.h"

struct sc_live_config {
    const struct sc_config *_Atomic now;
    struct sc_config **kept; /* by the thread that reloads; owned, each */
    size_t count, cap;
};

struct sc_live_config *sc_live_config_new(const struct sc_config *first)
{
    struct sc_live_config *live = sc_alloc(sizeof(*live));
    atomic_init(&live->now, first);
    return live;
}

void sc_live_config_free(struct sc_live_config *live)
{
    if (live == NULL)
        return;
    for (size_t i = 0; i < live->count; i++)
        sc_config_free(live->kept[i]);
    free(live->kept);
    free(live);
}

const struct sc_config *sc_config_now(const struct sc_live_config *live)
{
    return atomic_load_explicit(&live->now, memory_order_acquire);
}

void sc_config_changes_done(struct sc_config_changes *changes)
{
    sc_buf_done(&changes->applied);
    sc_buf_done(&changes->waiting);
}

static void add_name(struct sc_buf *list, const char *name)
{
    sc_buf_printf(list, "%s%s", list->len > 0 ? ", " : "", name);
}

/* One option: what is to be done about its value in `fresh`. */
static enum sc_code settle(const struct sc_config *now, struct loaded *fresh, size_t index,
                           struct sc_config_changes *out, struct sc_error *err)
{
    const struct sc_option_info *info = sc_option_at(index);
    SC_AUTO_BUF before = { 0 };
    SC_AUTO_BUF after = { 0 };
    sc_option_put_plain(now, index, &before);
    sc_option_put_plain(&fresh->values, index, &after);
    if (sc_str_equal(sc_buf_str(&before), sc_buf_str(&after)))
        return SC_OK;
    add_name(info->restart ? &out->waiting : &out->applied, info->name);
    if (!info->restart)
        return SC_OK;
    return sc_option_assign(fresh, index, FORM_VALUE, sc_buf_str(&before),
                            ((const struct loaded *)now)->source[index], err);
}

enum sc_code sc_live_config_apply(struct sc_live_config *live, struct sc_config *fresh,
                                  struct sc_config_changes *out, struct sc_error *err)
{
    SC_AUTO(sc_config_freep) struct sc_config *taken = fresh;
    const struct sc_config *now = sc_config_now(live);
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        enum sc_code code = settle(now, (struct loaded *)fresh, i, out, err);
        if (code != SC_OK)
            return code;
    }
    if (out->applied.len == 0)
        return SC_OK;
    if (!sc_try_grow((void **)&live->kept, &live->cap, live->count + 1, sizeof(*live->kept)))
        return sc_error_set(err, SC_E_INTERNAL, "no memory for the settings");
    live->kept[live->count++] = SC_TAKE(taken);
    atomic_store_explicit(&live->now, fresh, memory_order_release);
    return SC_OK;
}
