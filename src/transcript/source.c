#include "transcript/source.h"

#include "base/banned.h"

static enum sc_code next(struct sc_source *source, const struct sc_segment **out,
                         struct sc_error *err)
{
    struct sc_list_source *s = (struct sc_list_source *)source;
    (void)err;
    *out = s->at < s->list->count ? &s->list->items[s->at++] : NULL;
    return SC_OK;
}

static void rewind_list(struct sc_source *source)
{
    ((struct sc_list_source *)source)->at = 0;
}

struct sc_list_source sc_list_source_of(const struct sc_segments *list)
{
    return (struct sc_list_source){ .source = { next, rewind_list }, .list = list };
}
