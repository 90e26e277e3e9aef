/* Where the check looks for what was lost besides the rows: exports that are kept. Nothing in them
 * is believed; what has the right checksum is right. */
#include "library/fsck-internal.h"

#include "base/alloc.h"
#include "sys/file.h"
#include "transcript/reader.h"

#include <inttypes.h>

#include "base/banned.h"

#define EXPORTS_LISTED 200
#define EXPORTS_READ 8 /* the newest of each file */

void sc_fsck_sources_done(struct sc_fsck_sources *s)
{
    for (size_t i = 0; i < s->count; i++)
        sc_segments_done(&s->items[i].list);
    s->count = 0;
}

struct sc_fsck_source *sc_fsck_sources_add(struct sc_fsck_sources *s)
{
    if (s->count == SC_FSCK_SOURCES)
        return NULL;
    struct sc_fsck_source *source = &s->items[s->count++];
    *source = (struct sc_fsck_source){ .has = SC_FSCK_TEXT };
    return source;
}

struct kept {
    char *paths[EXPORTS_READ]; /* owned */
    const struct sc_format *formats[EXPORTS_READ];
    int64_t ids[EXPORTS_READ];
    int versions[EXPORTS_READ];
    size_t count;
};

static void kept_done(struct kept *kept)
{
    for (size_t i = 0; i < kept->count; i++)
        free(kept->paths[i]);
}

static enum sc_code keep_export(void *ctx, const struct sc_export_row *row, struct sc_error *err)
{
    struct kept *kept = ctx;
    (void)err;
    if (row->path == NULL || kept->count == EXPORTS_READ || !sc_format_is_read(row->format))
        return SC_OK;
    for (size_t i = 0; i < kept->count; i++) {
        if (strcmp(kept->paths[i], row->path) == 0)
            return SC_OK; /* that file holds a newer one */
    }
    kept->paths[kept->count] = sc_strdup(row->path);
    kept->formats[kept->count] = sc_format_find(row->format);
    kept->ids[kept->count] = row->id;
    kept->versions[kept->count++] = row->version;
    return SC_OK;
}

/* What a format keeps of a segment. */
static unsigned has_of(const char *format, bool timed)
{
    if (strcmp(format, "json") == 0)
        return SC_FSCK_ALL;
    return timed ? SC_FSCK_TEXT | SC_FSCK_TIMES | SC_FSCK_SPEAKER : SC_FSCK_TEXT;
}

/* What cannot be read has nothing to give. */
static void read_export(const char *root, const struct kept *kept, size_t i,
                        struct sc_fsck_sources *out)
{
    SC_AUTO_BUF text = { 0 };
    SC_AUTO_READING reading = { 0 };
    const char *format = kept->formats[i]->name;
    SC_AUTO_FREE char *full = sc_path_join(root, kept->paths[i]);
    if (sc_file_read(full, SC_READ_LIMIT, &text, NULL) != SC_OK ||
        sc_format_read(format, sc_buf_str(&text), &reading, NULL) != SC_OK)
        return;
    struct sc_fsck_source *source = sc_fsck_sources_add(out);
    if (source == NULL)
        return;
    source->list = reading.segments;
    reading.segments = (struct sc_segments){ 0 };
    source->has = has_of(format, reading.timed);
    source->version = kept->versions[i];
    source->format = format;
    (void)snprintf(source->name, sizeof(source->name), "export %" PRId64 " (%s of version %d)",
                   kept->ids[i], format, kept->versions[i]);
}

void sc_fsck_read_exports(struct sc_conn *conn, const char *root, int64_t transcript,
                          struct sc_fsck_sources *out)
{
    SC_AUTO(kept_done) struct kept kept = { .count = 0 };
    if (sc_export_list(conn, transcript, 0, EXPORTS_LISTED, keep_export, &kept, NULL) != SC_OK)
        return;
    for (size_t i = 0; i < kept.count; i++)
        read_export(root, &kept, i, out);
}
